"""The options of how training sentences vary."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ner_lightning.errors import DataError


@dataclass(frozen=True)
class Augmentation:
    """How sentences vary anew in every epoch, in this order of options; 0 is never, 1 always.

    After Dai and Adel 2020, "An Analysis of Simple Data Augmentation for Named Entity Recognition" (arXiv:2010.11683),
    who added varied copies to the training data; here each epoch reads every sentence once, in a new variant. Word
    dropout is that of Flair, with mask tokens instead of zero vectors: an encoder knows its mask from pretraining.

    Args:
        mention_replacement: probability that a mention is replaced by another of its type from the training data.
        word_replacement: probability that a word is replaced by another training word with the same tag.
        lower_case: probability that all words of a sentence are in lower case.
        word_dropout: probability that all subwords of a word are masked.

    Raises:
        DataError: a probability below 0 or above 1.
    """

    mention_replacement: float = 0.0
    word_replacement: float = 0.0
    lower_case: float = 0.0
    word_dropout: float = 0.0

    def __post_init__(self) -> None:
        for name, probability in asdict(self).items():
            if not 0 <= probability <= 1:
                raise DataError(f"data.augment.{name}={probability}: expected a probability, from 0 (off) to 1")

    def __bool__(self) -> bool:
        """Tell whether anything varies.

        >>> bool(Augmentation()), bool(Augmentation(word_dropout=0.1))
        (False, True)
        """
        return any(asdict(self).values())

    @property
    def lengthens(self) -> bool:
        """Whether sentences may grow; dropout keeps the number of subwords."""
        return bool(self.mention_replacement or self.word_replacement or self.lower_case)
