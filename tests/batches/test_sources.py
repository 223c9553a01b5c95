"""The law: what the table says is where the windows lie, in any number of shards; what cannot be is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao.batches.buffers import plain_memory
from koekao.batches.slots import Layout, Slot
from koekao.batches.sources import Sources
from koekao.batches.spec import StreamSpec
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import PlanError
from koekao.testing.laws import assert_same_batches, kept
from koekao.windows import NO_TAKE, Rows
from small_loaders import clips, streams


def rows_of(*windows: tuple[int, int, int]) -> Rows:
    """(take, start frame, valid frames) of each row."""
    take, start, valid = (np.array(column, np.int64) for column in zip(*windows, strict=True))
    false = np.zeros(len(take), np.bool_)
    return Rows(take=take, start_frame=start, valid_frames=valid, is_dense=false, reset=false, gap_frames=0 * take)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("loader", [streams, clips])
def test_takes_in_shards_of_their_own_give_the_same_batches(
    small: Any, tmp_path: Path, loader: Callable[..., Any], num_workers: int
) -> None:
    one_each = pack_takes(small.takes, tmp_path / "many", PackConfig(val=0.0, shard_bytes=1))
    many = Corpus.open(one_each.path)
    assert len(set(many.shard.tolist())) == len(small.takes) > len(set(small.corpus.shard.tolist()))
    assert_same_batches(loader(many, seed=3, num_workers=num_workers), kept(loader(small.corpus, seed=3)))


def test_a_window_that_begins_after_the_last_sample_is_silent(tmp_path: Path, small: Any) -> None:
    """A take may have one frame more than its sound covers; a window of that frame alone has no sound at all."""
    take = small.takes[0]
    short = dataclasses.replace(take, audio=take.audio[: take.clock.frame_start(take.n_frames - 1) - 5])
    corpus = Corpus.open(pack_takes([short], tmp_path / "c", PackConfig(val=0.0)).path)
    sources = Sources(corpus, StreamSpec(window_frames=1, batch_size=2))
    slot = Slot(Layout(sources), 2, plain_memory)
    slot.tensors["audio"].fill_(7.0)
    last = take.n_frames - 1
    sources.block(rows_of((0, 0, 1), (0, last, 1))).fill(slot, 0)
    audio = slot.tensors["audio"].numpy()
    assert np.array_equal(audio[0] * 32768, take.audio[: sources.n_samples])  # and nothing of it was written over
    assert not audio[1].any()
    assert np.array_equal(slot.tensors["blendshapes"].numpy()[:, 0], take.curves[[0, last]])


@pytest.mark.parametrize(
    ("window", "text"),
    [
        ((0, 33, 8), "frames 33 to 40"),
        ((0, 41, 0), "frames 41 to 40"),
        ((0, -1, 8), "frames -1 to 6"),
        ((0, 0, -1), "frames 0 to -2"),
        ((0, 0, 2**62), "frames 0 to"),
        ((12, 0, 8), "a row of frames without a take"),
        ((-2, 0, 8), "a row of frames without a take"),
        ((NO_TAKE, 0, 8), "a row of frames without a take"),
    ],
)
def test_a_window_outside_of_its_take_is_refused_before_any_address_is_made(
    small: Any, window: tuple[int, int, int], text: str
) -> None:
    with pytest.raises(PlanError) as caught:
        Sources(small.corpus, StreamSpec(window_frames=8)).block(rows_of((0, 0, 8), window))
    assert text in caught.value.what


def test_the_last_window_of_a_take_and_an_empty_row_are_inside(small: Any) -> None:
    block = Sources(small.corpus, StreamSpec(window_frames=8)).block(rows_of((0, 32, 8), (0, 40, 0), (NO_TAKE, 0, 0)))
    assert block.names == ["take_000", "take_000", ""]


def test_one_look_at_a_file_serves_for_a_millisecond(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, looks = [10.0], []
    monkeypatch.setattr("koekao.batches.sources.monotonic", lambda: now_s[0])
    monkeypatch.setattr(type(small.corpus.files), "refuse_truncated", lambda files, shards: looks.append(shards))
    block = Sources(small.corpus, StreamSpec(window_frames=8)).block(rows_of((0, 0, 8), (1, 0, 8)))
    for at_s, n in ((10.0, 1), (10.0005, 1), (10.0015, 2), (10.002, 2)):
        now_s[0] = at_s
        block.refuse_truncated(0, 2)
        assert len(looks) == n
