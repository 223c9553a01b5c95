"""Law: a simulated corpus is one for all ordinary code, of the sizes that were asked for, and costs no disk."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import koekao
from koekao.corpus import Corpus
from koekao.errors import ConfigError, OutputError
from koekao.testing.simulated import simulate_corpus


@pytest.mark.parametrize("shard_bytes", [1, 1_000_000, 1 << 28])
def test_it_opens_and_reads_as_zeros(tmp_path: Path, shard_bytes: int) -> None:
    settings = {"fps": Fraction(30000, 1001), "shard_bytes": shard_bytes, "n_speakers": 7}
    folder = simulate_corpus(tmp_path / "c", 300, 90, spread_frames=60, **settings)
    corpus = Corpus.open(folder)
    assert len(corpus) == 300 and corpus.fps == Fraction(30000, 1001)
    assert corpus.n_frames.min() >= 30 and corpus.n_frames.max() <= 150 and len(set(corpus.n_frames.tolist())) > 50
    assert np.array_equal(corpus.n_samples, corpus.clock.frame_starts(corpus.n_frames))
    assert (corpus.names[0], corpus.names[299]) == ("session_00000/take_0000000", "session_00000/take_0000299")
    assert [len(corpus.select(split=split)) for split in ("train", "val", "test")] == [285, 12, 3]
    sizes = [shard.bytes for shard in corpus.files.header.shards]
    assert {1: 300, 1 << 28: 1}.get(shard_bytes, len(sizes)) == len(sizes)
    assert all(shard_bytes <= size < shard_bytes + 300_000 for size in sizes[:-1])
    for i in (0, 1, 150, 299):
        take = corpus.take(i)
        assert not take.audio.any() and not take.curves.any() and not take.valid.any()
        assert take.sources[0].path == f"{take.name}.wav" and take.repairs == ()
    same = corpus.shard[1:] == corpus.shard[:-1]
    begins, before = corpus.audio_offset[1:], corpus.valid_offset[:-1] + corpus.n_frames[:-1]
    assert (begins[same] >= before[same]).all(), "takes lie over each other"
    assert sum(path.stat().st_blocks for path in folder.glob("shard-*")) == 0, "holes that take space"


def test_batches_are_gathered_from_it(tmp_path: Path) -> None:
    corpus = koekao.open(simulate_corpus(tmp_path / "c", 20, 60, spread_frames=20))
    batch = next(iter(corpus.streams(batch_size=4, window_frames=32)))
    assert batch["audio"].shape[0] == 4 and not batch["audio"].any() and not batch["blendshapes"].any()


def test_the_seed_decides(tmp_path: Path) -> None:
    folders = [simulate_corpus(tmp_path / str(i), 50, 90, spread_frames=50, seed=i // 2) for i in range(3)]
    ids = [Corpus.open(folder).id for folder in folders]
    assert ids[0] == ids[1] != ids[2]


def test_verify_says_that_the_shards_are_no_shards(tmp_path: Path) -> None:
    corpus = Corpus.open(simulate_corpus(tmp_path / "c", 20, 60, shard_bytes=1_000_000))
    problems = corpus.verify()
    assert len(problems) == len(corpus.files.header.shards) > 1
    assert all("expected 000000000000" in str(problem) for problem in problems)


def test_numbers_that_make_no_corpus(tmp_path: Path) -> None:
    for n_takes, frames, spread in ((0, 10, 0), (1, 0, 0), (1, 10, 10), (1, 10, -1)):
        with pytest.raises(ConfigError, match="expected at least one take"):
            simulate_corpus(tmp_path / "c", n_takes, frames, spread_frames=spread)
    simulate_corpus(tmp_path / "c", 1)
    with pytest.raises(OutputError, match="exists already"):
        simulate_corpus(tmp_path / "c", 1)
