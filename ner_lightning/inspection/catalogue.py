"""What each finding is called, what it counts, and what it means."""

from __future__ import annotations

from typing import NamedTuple

from ner_lightning.inspection.settings import Reason


class Kind(NamedTuple):
    """A kind of finding.

    Attributes:
        title: its name for people.
        what: what is counted: so many of so many `what`.
        about: what it means and what to do.
    """

    title: str
    what: str
    about: str


CATALOGUE: dict[Reason, Kind] = {
    "leakage": Kind(
        "Leakage",
        "sentences",
        "Sentences of dev or test that also stand in train, word for word. A model can know their entities by heart, "
        "and scores are too good by that. Short ones (dates, headings) are often honest; the longest are listed first.",
    ),
    "duplicates": Kind(
        "Repeated sentences",
        "sentences",
        "Sentences that repeat an earlier one of the same split, word for word. In train they weigh more than others, "
        "in test they are scored again and again.",
    ),
    "documents": Kind(
        "Documents in two splits",
        "documents",
        "Documents that have sentences in train and in dev or test: the names that a document repeats are known from "
        "training then.",
    ),
    "conflicts": Kind(
        "Sentences annotated in two ways",
        "repeated texts",
        "Texts that stand more than once, in whatever split, and not everywhere with the same entities. One of the "
        "annotations is wrong, or the text alone does not decide.",
    ),
    "ambiguous": Kind(
        "Mentions of several types",
        "distinct mentions",
        "The same words annotated with different types. Some are honest (Washington), some are slips; those whose "
        "rarer types count most are listed first.",
    ),
    "unmarked": Kind(
        "Mentions that are not annotated elsewhere",
        "distinct mentions",
        "Words annotated at least twice as an entity that also stand outside of every entity: forgotten there, or "
        "words that mean something else (May, Mark).",
    ),
    "illegal": Kind(
        "Illegal tags",
        "steps between tags",
        "Steps from one tag to the next (also into the first and out of the last of a sentence) that the scheme of the "
        "file forbids. The reader has repaired them as data.reader.repair says.",
    ),
    "misaligned": Kind(
        "Spans that cut words",
        "spans",
        "Character spans with an edge inside a word, or around no word: widened to whole words or left out, as "
        "data.reader.misaligned says.",
    ),
    "overlapping": Kind(
        "Overlapping spans",
        "spans",
        "Spans left out because they overlap one that was kept: a flat tag sequence cannot hold both "
        "(data.reader.overlap).",
    ),
    "nested": Kind("Nested spans", "spans", "Spans left out because they stand inside one that was kept."),
    "discontinuous": Kind(
        "Spans of several pieces", "spans", "Spans that leave words out in their middle: made one, or left out."
    ),
    "rejected": Kind(
        "Records left out by their annotator",
        "sentences",
        "Records that their annotator refused, skipped or left open: they are not read.",
    ),
    "empty": Kind("Empty sentences", "sentences", "Lines or records without a word: left out."),
    "foreign": Kind(
        "Types that training lacks",
        "mentions",
        "Mentions in dev or test of types that train does not have: no model can find them, and they count as missed. "
        "A misspelt type looks like this too.",
    ),
    "alike": Kind(
        "Types spelt alike",
        "types",
        "Types that differ only by case, spaces, hyphens or underscores: most likely one type.",
    ),
    "rare": Kind(
        "Rare types",
        "types of train",
        "Types with fewer mentions in train than inspection.rare: too few to learn from, and their scores are noise.",
    ),
    "unseen": Kind(
        "Mentions unseen in training",
        "mentions",
        "Mentions of dev and test whose words are no mention in train. The share says how far a score measures finding "
        "new entities, and how far remembering old ones.",
    ),
    "invisible": Kind(
        "Invisible characters",
        "words",
        "Words with control and format characters, odd spaces, variation selectors, private characters, or U+FFFD, "
        "which stands where a decoding failed. Emoji and some scripts need a few of them; most are left from copying, "
        "and make two words of one.",
    ),
    "unknown": Kind(
        "Characters the encoder does not know",
        "words",
        "Words in which the tokenizer finds something it does not know: that part, or the whole word, is the same as "
        "any other unknown one to the model, and no training mends that. Above a few percent choose another encoder.",
    ),
    "pieceless": Kind(
        "Words without a subword",
        "words",
        "Words of which the tokenizer makes nothing at all, such as a lone space or variation selector. They keep "
        "their place and are read as unknown.",
    ),
    "long": Kind(
        "Sentences longer than the window",
        "sentences",
        "Sentences of more subwords than a row of the encoder has room for. They are read in windows that overlap; "
        "nothing is cut.",
    ),
}
