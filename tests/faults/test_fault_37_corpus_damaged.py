"""Fault 37: a corpus cut, with bits flipped, or replaced under a reader is found at open or by verify; no SIGBUS."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from forged import CONFIG, pack_ten, ten

from koekao.batches import Loader, StreamSpec
from koekao.corpus import Corpus, FrameColumn, pack_column, pack_takes, verify
from koekao.errors import CorpusError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pack_ten(tmp_path / "c")


def test_verify_finds_every_flipped_bit(folder: Path) -> None:
    corpus = Corpus.open(folder)
    assert corpus.verify() == []
    rng = np.random.default_rng(0)
    for path in (*sorted(folder.glob("*.arrow")),):
        data = path.read_bytes()
        for place in rng.integers(0, len(data), 4):
            flipped = bytearray(data)
            flipped[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(flipped)
            problems = corpus.verify()
            assert [type(problem) for problem in problems] == [CorpusError]
            assert f"{path}: its content has changed" in str(problems[0])
        path.write_bytes(data)
    assert corpus.verify() == []
    (folder / "shard-00000.arrow").unlink()
    (folder / "shard-00001.arrow").write_bytes(b"")
    texts = [str(problem) for problem in corpus.verify()]
    assert "shard-00000.arrow: cannot be read" in texts[0] and "shard-00001.arrow: holds 0 bytes" in texts[1]


def test_a_shard_that_is_missing_or_cut_is_found_at_opening(folder: Path) -> None:
    shard = folder / "shard-00001.arrow"
    data = shard.read_bytes()
    shard.write_bytes(data[:-1])
    with pytest.raises(CorpusError, match=rf"shard-00001.arrow: holds {len(data) - 1} bytes; expected {len(data)}\n"):
        Corpus.open(folder)
    shard.unlink()
    with pytest.raises(CorpusError, match=r"shard-00001.arrow: cannot be read"):
        Corpus.open(folder)
    shard.write_bytes(data)
    corpus = Corpus.open(folder)
    shard.write_bytes(data[:-1])
    with pytest.raises(CorpusError, match=r"shard-00001.arrow: holds"):
        [corpus.audio(i) for i in range(len(corpus))]


def test_a_corpus_replaced_while_it_is_open_is_noticed(folder: Path) -> None:
    corpus = Corpus.open(folder)
    before = corpus.audio(0)
    was = before.tobytes()
    pack_takes(ten(), folder, dataclasses.replace(CONFIG, seed=5, overwrite=True))
    assert before.tobytes() == was and corpus.audio(0).tobytes() == was
    with pytest.raises(CorpusError, match="was replaced while it was open"):
        corpus.audio(len(corpus) - 1)
    assert any("was replaced" in str(problem) for problem in corpus.verify())


def test_the_same_corpus_put_in_its_place_is_no_replacement(folder: Path, tmp_path: Path) -> None:
    corpus = Corpus.open(folder)
    corpus.audio(0)
    pack_takes(ten(), folder, dataclasses.replace(CONFIG, overwrite=True))
    for i in range(len(corpus)):
        assert corpus.audio(i).tobytes() == Corpus.open(folder).audio(i).tobytes()


def test_of_a_thousand_flipped_bits_each_is_found(folder: Path) -> None:
    """In any file, those of a column among them: the corpus does not open, or verify tells, and names the file."""
    add_column(folder)
    assert verify(folder) == []
    rng = np.random.default_rng(0)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) >= 7
    for path in files:
        whole = path.read_bytes()
        flips = {(int(rng.integers(len(whole))), int(rng.integers(8))) for _ in range(-(-1050 // len(files)))}
        for place, bit in sorted(flips):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            found = problems_of(folder)
            assert found, f"bit {bit} of byte {place} of {path} was flipped unseen"
            assert all(type(problem) is CorpusError for problem in found)
            assert str(path.parent) in str(found[0])
        path.write_bytes(whole)
    assert verify(folder) == []


def add_column(folder: Path) -> FrameColumn:
    """A column of 300 numbers a frame, so that its shard has several pages."""
    corpus = Corpus.open(folder)
    values = np.ones((int(corpus.n_frames.max()), 300), np.float32)
    return pack_column(corpus, "mel", (300,), {"f": 1e-5}, lambda i: values[: corpus.n_frames[i]])


def problems_of(folder: Path) -> list[CorpusError]:
    try:
        return Corpus.open(folder).verify()
    except CorpusError as error:
        return [error]


def test_what_is_damaged_keeps_nobody_from_telling_of_the_rest(folder: Path) -> None:
    for file in ("takes.arrow", "sources.arrow", "shard-00001.arrow"):
        data = bytearray((folder / file).read_bytes())
        data[len(data) // 2] ^= 4
        (folder / file).write_bytes(data)
    assert [Path(problem.where).name for problem in verify(folder)] == [
        "takes.arrow",
        "sources.arrow",
        "shard-00001.arrow",
    ]


def test_a_header_spelt_otherwise_is_told(folder: Path) -> None:
    path = folder / "corpus.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert len(Corpus.open(folder)) == 10
    (problem,) = Corpus.open(folder).verify()
    assert "corpus.json: is spelt otherwise" in str(problem)


READER = """
import sys
from koekao.corpus import Corpus
from koekao.errors import CorpusError
corpus = Corpus.open(sys.argv[1])
last = len(corpus) - 1
number = int(corpus.shard[last])
column = corpus.column("mel") if corpus.column_names else None
ways = {
    "view": lambda: corpus.audio(last).sum(),
    "take": lambda: corpus.take(last).curves.sum(),
    "column": lambda: column.frames(last).sum(),
    "asked": lambda: (corpus.files.refuse_truncated([0, number]), corpus.shard_bytes(number)[-1]),
}
read = ways[sys.argv[2]]
read()
print("read", flush=True)
sys.stdin.readline()
try:
    read()
except CorpusError as error:
    print(error)
    sys.exit(0)
sys.exit("read behind the end of a file")
"""


@pytest.mark.parametrize("way", ["view", "take", "column", "asked"])
@pytest.mark.parametrize("left", [0, 1, 5000])
def test_a_shard_cut_under_a_reader_is_an_error_and_no_sigbus(folder: Path, way: str, left: int) -> None:
    path = folder / f"shard-{Corpus.open(folder).shard[-1]:05}.arrow"
    if way == "column":
        path = add_column(folder).path / "shard-00000.arrow"
    child = subprocess.Popen(
        [sys.executable, "-c", READER, str(folder), way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == "read\n"
    size = path.stat().st_size
    os.truncate(path, left)
    said, _ = child.communicate("go on\n")
    assert child.returncode == 0, said
    assert f"{path}: was cut while it was open: holds {left} bytes; expected {size}\n" in said


ITERATOR = """
import sys, time
from koekao.batches import Loader, StreamSpec
from koekao.corpus import Corpus
from koekao.errors import CorpusError
loader = Loader(Corpus.open(sys.argv[1]), StreamSpec(window_frames=8), num_workers=int(sys.argv[2]))
batches = iter(loader)
next(batches)
time.sleep(0.5)  # until threads have made what they may make ahead: a file cut under the copy itself is another fault
print("read", flush=True)
sys.stdin.readline()
time.sleep(0.01)
try:
    for _ in batches:
        pass
except CorpusError as error:
    print(error)
    sys.exit(0)
sys.exit("iterated behind the end of a file")
"""


@pytest.mark.parametrize("num_workers", ["0", "1", "2"])
def test_the_only_shard_cut_between_two_batches_is_an_error_and_no_sigbus(tmp_path: Path, num_workers: str) -> None:
    pack_takes(ten(), tmp_path / "c", dataclasses.replace(CONFIG, shard_bytes=1 << 30))
    path = tmp_path / "c" / "shard-00000.arrow"
    child = subprocess.Popen(
        [sys.executable, "-c", ITERATOR, str(tmp_path / "c"), num_workers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == "read\n"
    os.truncate(path, 5000)
    said, _ = child.communicate("go on\n")
    assert child.returncode == 0, said
    assert f"{path}: was cut while it was open: holds 5000 bytes" in said


def test_where_one_of_several_shards_is_cut_the_windows_in_others_are_still_read(folder: Path) -> None:
    corpus = Corpus.open(folder)
    loader = Loader(corpus, StreamSpec(window_frames=8, n_streams=1, batch_size=1))
    assert 2 <= corpus.shard.max() + 1 <= 8
    takes = [int(loader.batch(number)["file_indices"]) for number in range(len(loader))]
    cut = int(corpus.shard[takes[0]])
    path = folder / f"shard-{cut:05d}.arrow"
    os.truncate(path, 5000)
    time.sleep(0.01)  # a look serves for a millisecond
    refused = set()
    for number, take in enumerate(takes):
        try:
            loader.batch(number)
        except CorpusError as error:
            assert str(error).startswith(f"{path}: was cut while it was open: holds 5000 bytes")
            refused.add(int(corpus.shard[take]))
        else:
            assert corpus.shard[take] != cut
    assert refused == {cut}
