"""The metric against seqeval, over batches, and over two processes."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, IOBES
from torch.multiprocessing import spawn

from ner_lightning.analysis.calibration import entity_outcomes
from ner_lightning.analysis.error_kinds import error_table
from ner_lightning.metrics.entity_f1 import EntityF1
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import sentence_counts
from ner_lightning.tagging.schemes import tags_to_spans
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
from ner_lightning.tagging.tagset import TagSet

SCHEMES = {"IOB2": IOB2, "BIOES": IOBES}
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def sentences(tags: TagSet, count: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """Predicted and gold tag ids; three words of four agree, and any tag follows any other."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        gold = [rng.randrange(len(tags)) for _ in range(rng.randint(1, 9))]
        pairs.append(([word if rng.random() < 0.75 else rng.randrange(len(tags)) for word in gold], gold))
    return pairs


def batches(pairs: list[tuple[list[int], list[int]]], size: int) -> list[Batch]:
    """Right-padded batches: predictions padded with a tag, gold with the ignore index."""
    out = []
    for start in range(0, len(pairs), size):
        part = pairs[start : start + size]
        width = max(len(gold) for _, gold in part)
        predicted = torch.tensor([p + [1] * (width - len(p)) for p, _ in part])
        gold = torch.tensor([g + [-100] * (width - len(g)) for _, g in part])
        out.append((predicted, gold, gold != -100))
    return out


def scores(tags: TagSet, parts: list[Batch]) -> dict[str, float]:
    metric = EntityF1(tags)
    for part in parts:
        metric.update(*part)
    return metric.compute()


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
@pytest.mark.parametrize("types", [("LOC", "ORG", "PER"), ("LOC", "ORG", "PER", "never")])
def test_equals_seqeval(scheme: str, types: tuple[str, ...]) -> None:
    known = TagSet(types[:3], scheme)
    pairs = sentences(known, 200, seed=1)
    predicted, gold = ([[known.tags[i] for i in pair[side]] for pair in pairs] for side in (0, 1))
    ours = scores(TagSet(types, scheme), batches(pairs, 32))

    strict = {"mode": "strict", "scheme": SCHEMES[scheme]}
    assert ours["f1"] == pytest.approx(f1_score(gold, predicted, **strict))
    assert ours["precision"] == pytest.approx(precision_score(gold, predicted, **strict))
    assert ours["recall"] == pytest.approx(recall_score(gold, predicted, **strict))
    assert ours["macro_f1"] == pytest.approx(f1_score(gold, predicted, average="macro", **strict))
    assert ours["macro_precision"] == pytest.approx(precision_score(gold, predicted, average="macro", **strict))
    assert ours["lenient_f1"] == pytest.approx(f1_score(gold, predicted))
    assert ours["lenient_recall"] == pytest.approx(recall_score(gold, predicted))
    per_type = f1_score(gold, predicted, average=None, **strict)
    assert [ours[f"f1/{name}"] for name in known.types] == pytest.approx(list(per_type))
    assert ours["f1"] != pytest.approx(ours["lenient_f1"])  # else this data would prove nothing


def test_f1_of_all_is_not_the_mean_over_batches() -> None:
    tags = TagSet(("PER",), "IOB2")
    right = (torch.tensor([[1, 1, 1]]), torch.tensor([[1, 1, 1]]), torch.ones(1, 3).bool())
    wrong = (torch.tensor([[0]]), torch.tensor([[1]]), torch.ones(1, 1).bool())
    assert scores(tags, [right, wrong])["f1"] == pytest.approx(6 / 7)  # the mean would be 1/2


def test_batch_size_does_not_matter() -> None:
    tags = TagSet(("LOC", "PER"))
    pairs = sentences(tags, 50, seed=2)
    assert scores(tags, batches(pairs, 1)) == scores(tags, batches(pairs, 50))


def test_reset_and_inference_mode_mix() -> None:
    tags = TagSet(("LOC", "PER"))
    part = batches(sentences(tags, 8, seed=3), 8)[0]
    metric = EntityF1(tags)
    with torch.inference_mode():
        metric.update(*part)
        first = metric.compute()
        metric.reset()
    metric.update(*part)
    assert metric.compute() == first


def test_nothing_of_the_metric_reaches_a_state_dict() -> None:
    assert EntityF1(TagSet(("LOC",))).state_dict() == {}


def test_no_update_gives_zeros() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert set(EntityF1(TagSet(("LOC",))).compute().values()) == {0}


TAGS = TagSet(("LOC", "ORG", "PER"))


def _rank(rank: int, store: str, results: str) -> None:
    """Rank 0 sees more batches than rank 1, and both end with a short one."""
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    parts = batches(sentences(TAGS, 61, seed=4), 8)
    mine = parts[:5] if rank == 0 else parts[5:]
    torch.save(scores(TAGS, mine), f"{results}{rank}")
    dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path: Path) -> None:
    spawn(_rank, args=(str(tmp_path / "store"), str(tmp_path / "scores")), nprocs=2)
    alone = scores(TAGS, batches(sentences(TAGS, 61, seed=4), 8))
    assert torch.load(tmp_path / "scores0") == torch.load(tmp_path / "scores1") == alone
    assert 0 < alone["f1"] < 1


PARTIAL = [
    # gold, predicted (? is a word that nobody annotated), counts: correct, predicted, gold
    ("B ?", "B I", (0, 0, 0)),
    ("B ?", "B O", (0, 0, 0)),
    ("? B", "B I", (0, 0, 0)),
    ("? B", "O B", (0, 0, 0)),
    ("? O", "B I", (0, 0, 0)),
    ("O ?", "B I", (0, 0, 0)),
    ("B I ? O", "O O O O", (0, 0, 0)),
    ("O ? B I", "O O O O", (0, 0, 0)),
    ("B O ?", "B O B", (1, 1, 1)),
    ("? O B", "B O B", (1, 1, 1)),
    ("? O O", "B O B", (0, 1, 0)),
    ("O O ?", "B O B", (0, 1, 0)),
    ("B O ?", "O O B", (0, 0, 1)),
    ("B ? I", "B I I", (0, 0, 0)),
    ("B O ? O B I", "B O O O B I", (2, 2, 2)),
]


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("gold", "predicted", "counts"), PARTIAL)
def test_what_touches_a_word_nobody_annotated_counts_neither_way(gold, predicted, counts, mirrored, scheme) -> None:
    tags = TagSet(("PER",), scheme)
    sides = [gold.split(), predicted.split()]
    found = [list(tags_to_spans([f"{t}-PER" if t in "BI" else "O" for t in side], "IOB2").spans) for side in sides]
    words, unknown = len(sides[0]), [i for i, t in enumerate(sides[0]) if t == "?"]
    if mirrored:
        found = [[EntitySpan(words - s.end, words - s.start, s.label) for s in reversed(side)] for side in found]
        unknown = [words - 1 - i for i in unknown]
    metric = EntityF1(tags)
    ids = [torch.tensor([tags.encode(side, words)]) for side in found]
    free = torch.zeros(1, words, dtype=torch.bool)
    free[0, unknown] = True
    metric.update(ids[1], ids[0], torch.ones(1, words, dtype=torch.bool), free)
    assert metric.counts[:, 0].tolist() == [list(counts)] * 2
    stored = StoredSentence(
        "1", "", ("w",) * words, tuple(found[0]), tuple(ScoredSpan(s, 0.5) for s in found[1]), unknown=tuple(unknown)
    )
    assert sentence_counts([stored], scheme=scheme).tolist() == [list(counts)]
    assert len(entity_outcomes([stored])) == counts[1]
    errors = {row.kind: row for row in error_table([stored], scheme=scheme) if row.type == "all"}
    assert sum(row.misses for row in errors.values()) == counts[2] - counts[0]
    assert sum(row.false_alarms for row in errors.values()) == counts[1] - counts[0]
    told = [tags_to_spans(each, scheme).spans for each in (stored.gold_tags(scheme), stored.found_tags(scheme))]
    assert [len(told[1]), len(told[0])] == list(counts[1:])
