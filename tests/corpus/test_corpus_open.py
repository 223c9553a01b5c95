"""Laws of opening: a corpus is a cheap value, and a selection keeps identities. Damage and forgery: tests/faults."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from koekao.corpus import Corpus, PackConfig, mapped, pack_takes
from koekao.errors import ConfigError, CorpusError
from koekao.takes.take import Take


@pytest.fixture
def folder(tmp_path: Path, ten: Sequence[Take]) -> Path:
    pack_takes(ten, tmp_path / "c", PackConfig(shard_bytes=100_000, val=0.2, test=["s0/t4"]))
    return tmp_path / "c"


def test_opening_maps_nothing_and_shards_are_mapped_once(folder: Path) -> None:
    corpus = Corpus.open(folder)
    assert corpus.files._maps == {}
    part = corpus.select(split="val")
    part.audio(0)
    assert list(corpus.files._maps) == [part.shard[0]], "a selection has its own maps"
    assert corpus.shard_bytes(int(part.shard[0])) is part.shard_bytes(int(part.shard[0]))
    i = part.take_ids[0]
    assert part.audio(0).ctypes.data == corpus.audio(i).ctypes.data, "a view was copied"
    with pytest.raises(ValueError, match="read-only"):
        corpus.audio(i)[0] = 1  # type: ignore[index]


def test_a_selection_keeps_the_identities(folder: Path) -> None:
    corpus = Corpus.open(folder)
    assert (len(corpus), corpus.take_ids.tolist()) == (10, list(range(10)))
    parts = [corpus.select(split=split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [7, 2, 1]
    assert sorted(np.concatenate([part.take_ids for part in parts]).tolist()) == list(range(10))
    for part in (*parts, corpus.select(names=["s1/t9", "s0/t0"]), parts[0].select(names=[parts[0].names[2]])):
        assert part.id == corpus.id
        for i, row in enumerate(part.take_ids):
            assert part.names[i] == corpus.names[row] and part.speakers[i] == corpus.speakers[row]
            assert part.take(i).audio.tobytes() == corpus.take(row).audio.tobytes()
            assert part.take(i).sources == corpus.take(row).sources
            assert part.repairs[i] == corpus.repairs[row] == part.take(i).repairs
            assert part.n_frames[i] == len(part.curves(i)) == len(part.valid(i))
            assert part.splits[i] == corpus.splits[row]
    assert len(parts[0].select(split="val")) == 0
    assert parts[0].select(split="val").repairs == ()
    with pytest.raises(ConfigError, match="split 'validation'; expected train or val or test"):
        corpus.select(split="validation")
    with pytest.raises(ConfigError, match=r"holds no take 's0/t99'\n  -> did you mean s./t"):
        corpus.select(names=["s0/t99"])


def test_a_pickled_corpus_leaves_its_maps_behind(folder: Path) -> None:
    corpus = Corpus.open(folder).select(split="train")
    whole = [corpus.take(i) for i in range(len(corpus))]
    data = pickle.dumps(corpus)
    assert len(data) < 8192, "a pickle carries sound"
    back = pickle.loads(data)  # noqa: S301
    assert back.files._maps == {} and back.files._sources is None
    for i, take in enumerate(whole):
        assert back.audio(i).tobytes() == take.audio.tobytes() and back.curves(i).tobytes() == take.curves.tobytes()
        assert (back.take(i).repairs, back.take(i).sources) == (take.repairs, take.sources)
    assert (back.id, back.names, back.clock) == (corpus.id, corpus.names, corpus.clock)


def test_opening_reads_neither_sources_nor_shards(folder: Path) -> None:
    corpus = Corpus.open(folder)
    for path in folder.glob("*.arrow"):
        path.chmod(0)
        path.rename(path.with_suffix(".away"))
    assert (len(corpus.select(split="train")), corpus.names[0], corpus.seconds > 10) == (7, "s0/t0", True)
    with pytest.raises(CorpusError, match=r"sources.arrow: cannot be read"):
        corpus.repairs


def test_numbers_are_views_and_nobody_can_write_them(folder: Path) -> None:
    corpus = Corpus.open(folder)
    for name in ("n_frames", "n_samples", "shard", "audio_offset", "curves_offset", "valid_offset"):
        column = getattr(corpus, name)
        assert column.dtype == np.int64 and not column.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_a_base_address_is_where_the_map_begins_and_stays(folder: Path) -> None:
    files = Corpus.open(folder).files
    bases = [files.base_address(number) for number in range(3)]
    assert bases == [files.shard(number).ctypes.data for number in range(3)]
    got: list[int] = []
    other = Corpus.open(folder).files
    threads = [threading.Thread(target=lambda: got.append(other.base_address(1))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(got) == {other.shard(1).ctypes.data}, "a thread was given the address of a map that is gone"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_more_shards_than_descriptors(tmp_path: Path, ten: Sequence[Take], monkeypatch: pytest.MonkeyPatch) -> None:
    pack_takes(ten, tmp_path / "c", PackConfig(shard_bytes=1))
    monkeypatch.setattr(mapped, "MAX_DESCRIPTORS", 3)
    before = descriptors()
    corpus = Corpus.open(tmp_path / "c")
    for _ in range(2):
        for i in range(10):
            corpus.audio(i)
            assert descriptors() - before <= 3
    corpus.files.refuse_truncated(range(10))
    assert len(corpus.files._maps) == 10
    del corpus
    assert descriptors() == before, "a corpus that is gone left descriptors"


@pytest.mark.parametrize("way", ["lock held", "free"])
def test_a_forked_child_reads_though_a_thread_of_its_parent_was_asking(folder: Path, way: str) -> None:
    corpus = Corpus.open(folder)
    corpus.audio(0)
    with corpus.files._lock if way == "lock held" else threading.Lock():
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # one that waits for ever shall end all the same
            ended = 1
            try:
                ended = int(len(corpus.audio(0)) != corpus.n_samples[0])
            finally:
                os._exit(ended)
        assert os.waitpid(child, 0)[1] == 0


def test_what_is_no_corpus_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere: no such folder"):
        Corpus.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"empty: holds no corpus.json; expected a corpus"):
        Corpus.open(tmp_path / "empty")
    (tmp_path / "takes" / "day1").mkdir(parents=True)
    (tmp_path / "takes" / "day1" / "a.WAV").touch()
    with pytest.raises(CorpusError, match=r"takes: holds no corpus.json\n  -> .*`koekao pack .*takes CORPUS`"):
        Corpus.open(tmp_path / "takes")
    with pytest.raises(CorpusError, match="is a file"):
        Corpus.open(tmp_path / "takes" / "day1" / "a.WAV")
    for junk in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"version": ' + b"9" * 5000 + b"}"):
        (tmp_path / "empty" / "corpus.json").write_bytes(junk)
        with pytest.raises(CorpusError, match=r"corpus\.json: is no JSON"):
            Corpus.open(tmp_path / "empty")
