import os
import pickle
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ner_lightning.storage.cache import Cache
from ner_lightning.storage.flat_arrays import INDEX, Arrays, ArrayType, ArrayWriter
from ner_lightning.storage.in_use import deleting

SCHEMA = {"numbers": ArrayType("i8")}
KEYS = [f"{digit}" * 64 for digit in "abcd"]
ROOT = Path(__file__).parents[2]


class Build:
    """Writes `size` numbers and counts how often."""

    def __init__(self, size: int = 3) -> None:
        self.size, self.calls = size, 0

    def __call__(self, writer: ArrayWriter) -> Arrays:
        self.calls += 1
        writer.append(numbers=np.arange(self.size))
        return writer.finish({"size": self.size})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 10**9)


def get(cache: Cache, build: Build, key: str = KEYS[0]) -> list[int]:
    arrays = cache.entry("encoded", key, SCHEMA, build)
    assert arrays.about == {"size": build.size}
    return arrays["numbers"].tolist()


def names(cache: Cache) -> set[str]:
    return {path.name for path in cache.folder.iterdir() if path.suffix != ".lock"}


def test_an_entry_is_made_once(cache: Cache) -> None:
    build = Build()
    assert get(cache, build) == get(cache, build) == get(Cache(cache.folder, 10**9), build) == [0, 1, 2]
    assert build.calls == 1
    assert get(cache, other := Build(2), KEYS[1]) == [0, 1]
    assert other.calls == 1
    assert names(cache) == {f"encoded-{'a' * 32}", f"encoded-{'b' * 32}"}


def test_the_texts_of_corpora_are_for_their_owner_alone(cache: Cache) -> None:
    get(cache, Build())
    assert cache.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", [INDEX, "numbers.bin"])
def test_a_broken_entry_is_made_again_with_one_line(cache: Cache, name: str, caplog: pytest.LogCaptureFixture) -> None:
    get(cache, build := Build())
    file = cache.folder / f"encoded-{'a' * 32}" / name
    file.write_bytes(file.read_bytes()[:-2])
    assert get(cache, build) == [0, 1, 2]
    assert build.calls == 2
    (said,) = caplog.messages
    assert "is broken" in said
    assert "it is made again" in said
    caplog.clear()
    assert get(cache, build) == [0, 1, 2]
    assert build.calls == 2
    assert not caplog.messages


def test_what_a_killed_process_left_is_not_an_entry(cache: Cache) -> None:
    part = cache.folder / f".encoded-{'a' * 32}.abcdefgh.part" / "new" / f"encoded-{'a' * 32}"
    part.mkdir(parents=True)
    (cache.folder / f".encoded-{'b' * 32}.abcdefgh.part").mkdir()
    (part / "numbers.bin").write_bytes(b"half")
    assert get(cache, build := Build()) == [0, 1, 2]
    assert build.calls == 1
    assert names(cache) == {f"encoded-{'a' * 32}"}


def test_an_error_while_building_leaves_nothing_behind(cache: Cache) -> None:
    def fails(writer: ArrayWriter) -> Arrays:
        writer.append(numbers=np.arange(3))
        raise ValueError("line 7")

    with pytest.raises(ValueError, match="line 7"):
        cache.entry("encoded", KEYS[0], SCHEMA, fails)
    assert names(cache) == set()
    assert get(cache, Build()) == [0, 1, 2]


def test_a_folder_that_is_a_file_is_gone_on_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        caplog.clear()
        cache = Cache(folder, 10**9)
        assert [get(cache, Build(), key) for key in KEYS[:2]] == [[0, 1, 2]] * 2
        (said,) = caplog.messages  # once, not for every entry
        assert re.fullmatch(r"data\.cache=.* cannot be written \(.*\): going on without it", said)


def test_a_disk_that_fills_up_is_gone_on_without(cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    class Full(Build):
        def __call__(self, writer: ArrayWriter) -> Arrays:
            if hasattr(writer, "_files"):
                writer._files["numbers"].close()
                writer._files["numbers"] = Path("/dev/full").open("wb")  # noqa: SIM115  (the writer closes it)
            return super().__call__(writer)

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    assert get(cache, build := Full()) == [0, 1, 2]
    assert "No space left" in caplog.text
    assert build.calls == 2
    assert names(cache) == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_is_read(cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    get(cache, build := Build())
    cache.folder.chmod(0o500)
    assert get(cache, build) == [0, 1, 2]
    assert build.calls == 1
    assert get(cache, build, KEYS[1]) == [0, 1, 2]
    assert "cannot be written" in caplog.text


def test_an_entry_is_read_without_the_right_to_lock(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The same for root: nothing is written where the entry is there."""
    get(cache, build := Build())
    (cache.folder / f"encoded-{'a' * 32}.lock").unlink()

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(os, "utime", refused)
    monkeypatch.setattr(Path, "mkdir", refused)
    assert get(cache, build) == [0, 1, 2]
    assert get(cache, build, KEYS[1]) == [0, 1, 2]
    assert "read-only" in caplog.text
    assert build.calls == 2


def test_beyond_the_limit_the_entry_longest_unused_goes(cache: Cache) -> None:
    size = 1000
    for age, key in zip((30, 20, 10), KEYS, strict=False):
        get(cache, Build(size), key)
        os.utime(cache.folder / f"encoded-{key[:32]}" / INDEX, (time.time() - age,) * 2)
    (cache.folder / "mine").mkdir()
    get(cache, Build(size), KEYS[0])  # used again
    small = Cache(cache.folder, 3 * 8 * size)  # room for two with their headers
    get(small, Build(size), KEYS[3])
    assert names(cache) == {f"encoded-{'a' * 32}", f"encoded-{'d' * 32}", "mine"}


def test_beyond_the_limit_what_is_in_use_stays(cache: Cache) -> None:
    small = Cache(cache.folder, 1)
    used = small.entry("encoded", KEYS[0], SCHEMA, Build(1000))
    get(small, Build(1000), KEYS[1])
    get(small, Build(1000), KEYS[2])
    assert names(cache) == {f"encoded-{'a' * 32}", f"encoded-{'c' * 32}"}
    assert pickle.loads(pickle.dumps(used))["numbers"].tolist() == list(range(1000))
    del used
    get(small, Build(1000), KEYS[3])
    assert names(cache) == {f"encoded-{'d' * 32}"}


def test_an_entry_deleted_as_it_is_opened_is_made_again_without_a_word(
    cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    get(cache, build := Build())
    with deleting(cache.folder / f"encoded-{'a' * 32}" / INDEX) as unused:
        assert unused
        assert get(cache, build) == [0, 1, 2]
    assert build.calls == 2
    assert not caplog.messages


SHARING = """
import pickle, sys
from pathlib import Path
import numpy as np
from ner_lightning.storage.cache import Cache
from ner_lightning.storage.flat_arrays import ArrayType

def build(writer):
    writer.append(numbers=np.arange(2000))
    return writer.finish({})

cache, random = Cache(Path(sys.argv[1]), 20_000), np.random.default_rng(int(sys.argv[2]))
for _ in range(60):
    key = format(int(random.integers(6)), "x") * 64
    arrays = cache.entry("encoded", key, {"numbers": ArrayType("i8")}, build)
    again = pickle.loads(pickle.dumps(arrays))  # as for a worker process
    assert again["numbers"].sum() == arrays["numbers"].sum() == 1999000
print("done")
"""


def test_processes_that_share_a_cache_beyond_its_limit_do_not_harm_each_other(tmp_path: Path) -> None:
    every = [
        subprocess.Popen(
            [sys.executable, "-c", SHARING, str(tmp_path), str(seed)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for seed in range(3)
    ]
    assert [process.communicate(timeout=120)[0].strip() for process in every] == ["done"] * 3
    assert len(list(tmp_path.glob("encoded-*[0-9a-f]"))) < 6


SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from ner_lightning.storage.cache import Cache
from ner_lightning.storage.flat_arrays import ArrayType

def build(writer):
    (Path(sys.argv[1]) / f"built-{sys.argv[2]}").touch()
    time.sleep(1.5)
    writer.append(numbers=np.arange(5))
    return writer.finish({})

(Path(sys.argv[1]) / f"ready-{sys.argv[2]}").touch()
while not (Path(sys.argv[1]) / "go").exists():
    time.sleep(0.01)
arrays = Cache(Path(sys.argv[1]) / "cache", 10**9).entry("encoded", "a" * 64, {"numbers": ArrayType("i8")}, build)
print(arrays["numbers"].sum(), arrays.folder is not None)
"""


def test_of_two_processes_at_once_one_builds_and_both_have_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    both = [
        subprocess.Popen([*command, str(i)], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
        for i in range(2)
    ]
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("ready-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    (tmp_path / "go").touch()
    assert [process.communicate(timeout=60)[0].split() for process in both] == [["10", "True"]] * 2
    assert len(list(tmp_path.glob("built-*"))) == 1
