"""What varies in training sentences: the options."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ner_lightning.errors import DataError


@dataclass(frozen=True)
class Augmentation:
    """What varies anew in every epoch, in this order; 0 is never, 1 always.

    After Dai and Adel 2020, "An Analysis of Simple Data Augmentation for Named Entity Recognition" (arXiv:2010.11683),
    who added varied copies to the training data; here each epoch reads every sentence once, in another variant. Word
    dropout is that of Flair, but for its zero vectors: an encoder knows its mask from pretraining.

    Args:
        mention_replacement: probability of each mention: another one of its type, from the training data, stands there.
        word_replacement: probability of each word: another training word with the same tag stands there.
        lower_case: probability of each sentence: all its words are in lower case.
        word_dropout: probability of each word: all its subwords are masked.

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
        """Whether anything varies.

        >>> bool(Augmentation()), bool(Augmentation(word_dropout=0.1))
        (False, True)
        """
        return any(asdict(self).values())

    @property
    def lengthens(self) -> bool:
        """Whether sentences may grow; what is dropped leaves as many subwords."""
        return bool(self.mention_replacement or self.word_replacement or self.lower_case)
