"""Make the corpora that a configuration names: one, or several as `data.sources`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ner_lightning.data.corpus.corpora import Corpora
from ner_lightning.data.corpus.corpus import Corpus, Labels
from ner_lightning.data.corpus.corpus_files import CorpusFiles
from ner_lightning.data.corpus.division import Division, check_shares
from ner_lightning.data.read_report import SentenceLimit
from ner_lightning.data.readers.reader import Reader, SplitReader
from ner_lightning.errors import DataError
from ner_lightning.run.metric_keys import can_name_source
from ner_lightning.storage.cache import Cache
from ner_lightning.storage.folders import corpora_folder

Sources = Mapping[str, Any] | Sequence[Any]

KEYS = ("dir", "reader", "train", "dev", "test", "weight", "label_map", "splits")


def corpora_from_config(
    dir: str,
    reader: Reader | None = None,
    *,
    train: str | None = None,
    dev: str | None = None,
    test: str | None = None,
    limit: int | None = None,
    longest_sentence: int | None = 1_000_000,
    cache: str | None = "auto",
    cache_gb: float = 20,
    streaming: bool = False,
    splits: Mapping[str, float] | None = None,
    split_seed: int = 0,
    fold: int | None = None,
    folds: int = 5,
    fraction: float = 1.0,
    sources: Sources | None = None,
    label_map: Labels | None = None,
) -> Corpora:
    """Make the corpora that a configuration names, in its order; nothing is read yet.

    These are the keys of `data` that say which sentences a run has, by the names and with the defaults of
    `CorpusDataModule`, which takes those that say what is done with them too.

    Args:
        dir: folder of the corpus, or the parent of the sources' folders.
        reader: of the corpus, or of sources without their own.
        train: file of the training split, also for sources without such a key.
        dev: file of the development split, likewise.
        test: file of the test split, likewise.
        limit: sentences to read of a file; None: all.
        longest_sentence: words of a sentence, at most; None: any number.
        cache: folder where files are kept; `auto`: in the user's cache folder; None: nowhere.
        cache_gb: its size, in gigabytes.
        streaming: whether the training split is streamed.
        splits: shares of the splits to be made.
        split_seed: of `splits`, `fold` and `fraction`.
        fold: which fold is tested; None: there are none.
        folds: how many.
        fraction: of the training data that is used.
        sources: folders, or nodes by name. A node may have a folder, a reader, files of the splits, a weight, a label
            map and shares of splits; otherwise the common ones apply.
        label_map: applied after a source's own.

    Raises:
        DataError: an unknown key, two sources with the same name, a weight that is not above 0, no reader, no share, or
            something that a stream cannot do.
    """
    for name, size in {"limit": limit, "longest_sentence": longest_sentence}.items():
        if size is not None and size < 1:
            raise DataError(f"data.{name}={size}: expected a whole number from 1 on")
    longest = SentenceLimit(longest_sentence)
    division = Division(split_seed, fold, folds, fraction)
    if streaming:
        _check_stream(sources=sources, splits=splits, label_map=label_map, division=division)
    common = check_labels(label_map, "data.label_map")
    names = {"train": train, "dev": dev, "test": test}
    kept = None if cache is None else Cache(_cache_folder(cache), int(cache_gb * 1e9))
    if sources is None:
        if reader is None:
            raise DataError("data.reader=null: expected the reader of the corpus, one of the group data/reader")
        own = _checked_splits(splits, "data.splits", division)
        corpora = [Corpus(dir, CorpusFiles(reader, kept, limit, longest), names, common_map=common, shares=own)]
    else:
        corpora = []
        for name, node in _named(sources):
            key = f"data.sources.{name}"
            own = _checked_splits(node.get("splits", splits), f"{key}.splits", division)
            its_reader = node.get("reader", reader)
            if its_reader is None:
                raise DataError(f"{key}.reader is not given, nor is data.reader; name one of the group data/reader")
            corpora.append(
                Corpus(
                    _folder(dir, str(node.get("dir") or name), its_reader),
                    CorpusFiles(its_reader, kept, limit, longest),
                    {split: node.get(split, file) for split, file in names.items()},
                    name,
                    float(node.get("weight", 1)),
                    check_labels(node.get("label_map"), f"{key}.label_map"),
                    common,
                    own,
                )
            )
    return Corpora(corpora, division, kept)


def _cache_folder(name: str) -> Path:
    return corpora_folder() if name == "auto" else Path(name).expanduser()


def _check_stream(
    *, sources: Sources | None, splits: Mapping[str, float] | None, label_map: Labels | None, division: Division
) -> None:
    asked = {
        "sources": sources is not None,
        "splits": bool(splits),
        "fold": division.fold is not None,
        "fraction": division.fraction < 1,
        "label_map": bool(label_map),
    }
    if given := [f"data.{key}" for key, is_given in asked.items() if is_given]:
        raise DataError(
            f"data.streaming=true with {', '.join(given)}: a stream is one corpus, trained on as it stands; leave "
            "data.streaming out, the cache maps large corpora from disk"
        )


def _checked_splits(shares: Mapping[str, float] | None, key: str, division: Division) -> dict[str, float] | None:
    if shares and division.fold is not None:
        raise DataError(f"{key} and data.fold={division.fold} both say how sentences are divided; give one of them")
    return check_shares(shares, key) if shares else None


def check_labels(labels: Labels | None, key: str) -> dict[str, str | None]:
    """Check a label map; empty for None.

    Raises:
        DataError: a type is not text.
    """
    for name, label in (labels or {}).items():
        if not isinstance(name, str) or not name or not (label is None or (isinstance(label, str) and label)):
            raise DataError(
                f"{key}: expected names of entity types, or null to drop one, found {name!r}: {label!r}; write "
                f"{key}={{GPE: LOC, MISC: null}}"
            )
    return dict(labels or {})


def _named(sources: Sources) -> list[tuple[str, Mapping[str, Any]]]:
    example = "data.sources=[FOLDER,FOLDER] or data.sources={NAME: {dir: FOLDER}}"
    if isinstance(sources, Mapping):
        pairs = [(str(name), {} if node is None else node) for name, node in sources.items()]
    else:
        pairs = [_of_list(item, example) for item in sources]
    if not pairs:
        raise DataError(f"data.sources: expected corpora, found none; write {example}, or null")
    for name, node in pairs:
        key = f"data.sources.{name}"
        if [one for one, _ in pairs].count(name) > 1:
            raise DataError(
                f"data.sources: two sources are called {name}; give them names, "
                f"data.sources={{{name}: {{dir: FOLDER}}, other: {{dir: FOLDER}}}}"
            )
        if not isinstance(node, Mapping):
            raise DataError(f"{key}={node}: expected keys such as dir and weight; write {example}")
        if not can_name_source(name):
            raise DataError(
                f"data.sources: {name!r} cannot be the name of a source: expected letters, digits, - and _, and "
                "no name of a score"
            )
        _check_keys(node, key)
    return pairs


def _of_list(item: Any, example: str) -> tuple[str, Mapping[str, Any]]:
    if isinstance(item, str) and item:
        name = item.removeprefix("sample:") if item.startswith("sample:") else Path(item).name
        return name, {"dir": item}
    raise DataError(f"data.sources: expected folders, found {item!r}; write {example}")


def _check_keys(node: Mapping[str, Any], key: str) -> None:
    for name in node:
        if name not in KEYS:
            match = get_close_matches(str(name), KEYS, 1)
            hint = f"did you mean {match[0]}" if match else f"the keys are {', '.join(KEYS)}"
            raise DataError(f"{key}.{name}: a source has no key of that name; {hint}")
    weight = node.get("weight", 1)
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 < weight < float("inf"):
        raise DataError(
            f"{key}.weight={weight}: expected a number above 0: 2 draws each sentence twice an epoch, 0.5 every other "
            "one; leave the source out to have nothing of it"
        )


def _folder(parent: str, name: str, reader: Reader) -> str:
    """Return the folder of a source, below the common one."""
    if name.startswith("sample:") or Path(name).expanduser().is_absolute():
        return name
    path = Path(parent).expanduser() / name
    return name if isinstance(reader, SplitReader) and not path.exists() else str(path)
