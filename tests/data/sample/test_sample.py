"""The committed sample corpora: what they promise, read here without the readers of the package."""

import json
from collections import Counter, defaultdict
from importlib.resources import files
from pathlib import Path

import pytest

from ner_lightning.data.sample import folder

SPLITS = {"train": 1000, "dev": 200, "test": 200}
TYPES = {"PER", "LOC", "ORG", "PRODUCT", "EVENT"}
Mention = tuple[str, str]
Sentence = tuple[str, list[Mention]]


def english(split: str) -> list[Sentence]:
    sentences = []
    for block in (folder("en") / f"{split}.conll").read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.strip().split("\n")]
        if rows[0][0] == "-DOCSTART-":
            continue
        mentions: list[Mention] = []
        for word, tag in rows:
            if tag.startswith("B-"):
                mentions.append((word, tag[2:]))
            elif tag.startswith("I-"):
                mentions[-1] = (f"{mentions[-1][0]} {word}", mentions[-1][1])
        sentences.append((" ".join(word for word, _ in rows), mentions))
    return sentences


def chinese(split: str) -> list[Sentence]:
    lines = (folder("zh") / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        (record["text"], [(record["text"][start:end], label) for start, end, label in record["label"]])
        for record in map(json.loads, lines)
    ]


@pytest.fixture(scope="module", params=["en", "zh"])
def corpus(request: pytest.FixtureRequest) -> dict[str, list[Sentence]]:
    read = {"en": english, "zh": chinese}[request.param]
    return {split: read(split) for split in SPLITS}


def mentions(sentences: list[Sentence]) -> list[Mention]:
    return [(surface.lower(), label) for _, found in sentences for surface, label in found]


def test_sizes(corpus: dict[str, list[Sentence]]) -> None:
    assert all(len(corpus[split]) >= least for split, least in SPLITS.items())


def test_every_type_in_every_split(corpus: dict[str, list[Sentence]]) -> None:
    for split, sentences in corpus.items():
        counts = Counter(label for _, label in mentions(sentences))
        assert set(counts) == TYPES, split
        assert min(counts.values()) >= 8, (split, counts)


def test_half_of_the_held_out_mentions_are_unseen(corpus: dict[str, list[Sentence]]) -> None:
    known = {surface for surface, _ in mentions(corpus["train"])}
    for split in ("dev", "test"):
        found = mentions(corpus[split])
        assert sum(surface not in known for surface, _ in found) / len(found) >= 0.5, split


def test_no_sentence_stands_in_two_splits(corpus: dict[str, list[Sentence]]) -> None:
    texts = {split: {text.lower() for text, _ in sentences} for split, sentences in corpus.items()}
    assert not texts["train"] & texts["test"]
    assert not texts["train"] & texts["dev"]
    assert not texts["dev"] & texts["test"]


def test_names_mean_several_things(corpus: dict[str, list[Sentence]]) -> None:
    types = defaultdict(set)
    for surface, label in mentions(corpus["train"]):
        types[surface].add(label)
    assert sum(len(labels) >= 2 for labels in types.values()) >= 40
    assert any({"PER", "LOC", "ORG"} <= labels for labels in types.values())


def test_some_sentences_name_nothing(corpus: dict[str, list[Sentence]]) -> None:
    for split, sentences in corpus.items():
        share = sum(not found for _, found in sentences) / len(sentences)
        assert 0.15 < share < 0.3, (split, share)


def test_no_mark_of_the_grammar_is_left(corpus: dict[str, list[Sentence]]) -> None:
    assert not [text for sentences in corpus.values() for text, _ in sentences if set("{}[]<>|*") & set(text)]


def test_common_words_open_sentences_that_name_nothing() -> None:
    names = {surface.lower() for surface, _ in mentions(english("train"))}
    assert [text for text, found in english("train") if not found and text.lower().split()[0] in names]


def test_english_files_are_two_columns_of_legal_iob2() -> None:
    neighbours = 0
    for split in SPLITS:
        last = ""
        for line in (folder("en") / f"{split}.conll").read_text(encoding="utf-8").splitlines():
            if not line:
                last = ""
                continue
            word, tag = line.split("\t")
            assert word
            assert not tag.startswith("I-") or last[2:] == tag[2:], (split, line)
            neighbours += tag.startswith("B-") and last[2:] == tag[2:]
            last = "" if word == "-DOCSTART-" else tag
    assert neighbours >= 30  # without B- these would be one entity


def test_chinese_spans_lie_inside_the_text_in_order() -> None:
    neighbours = 0
    for split in SPLITS:
        for line in (folder("zh") / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            assert set(record) == {"text", "label"}
            past, before = 0, ""
            for start, end, label in record["label"]:
                assert past <= start < end <= len(record["text"]), line
                neighbours += bool(before) and start == past and label == before
                past, before = end, label
    assert neighbours >= 30


def test_documents_have_a_few_sentences() -> None:
    for split in SPLITS:
        documents = (folder("en") / f"{split}.conll").read_text(encoding="utf-8").split("-DOCSTART-\tO\n")
        assert documents.pop(0) == ""
        assert all(1 <= len(document.strip().split("\n\n")) <= 6 for document in documents)
        assert len(documents) > 40


def test_files_are_packaged_and_small() -> None:
    package = files("ner_lightning.data.sample")
    found = [package / "en" / f"{split}.conll" for split in SPLITS] + [
        package / "zh" / f"{split}.jsonl" for split in SPLITS
    ]
    assert sum(len(file.read_bytes()) for file in found) < 1_500_000
    assert "synthetic" in (package / "README.md").read_text(encoding="utf-8")


def test_readme_counts_are_true(corpus: dict[str, list[Sentence]]) -> None:
    readme = (files("ner_lightning.data.sample") / "README.md").read_text(encoding="utf-8")
    is_english = " " in corpus["train"][0][0]
    for split, sentences in corpus.items():
        name = f"en/{split}.conll" if is_english else f"zh/{split}.jsonl"
        size = sum(len(text.split() if is_english else text) for text, _ in sentences)
        counts = Counter(label for _, label in mentions(sentences))
        types = [counts[label] for label in ("PER", "LOC", "ORG", "PRODUCT", "EVENT")]
        assert f"| `{name}` | " + " | ".join(map(str, [len(sentences), size, sum(types), *types])) + " |" in readme


def test_folder() -> None:
    assert isinstance(folder("zh"), Path)
    with pytest.raises(ValueError, match=r"expected a language of .*'fr'"):
        folder("fr")
