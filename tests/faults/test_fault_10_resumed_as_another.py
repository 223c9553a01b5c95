"""Fault 10: a position taken up with other settings is refused, both values named; or proven to be the same batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.errors import CorpusError
from koekao.testing.laws import assert_same_batches, kept, window_ids
from koekao.windows import StridePolicy
from small_loaders import PROGRESSIVE

STREAMS = StreamSpec(window_frames=8, stride=PROGRESSIVE, batch_size=6, n_streams=3)
MIXED = replace(STREAMS, stride=StridePolicy(mode="mixed", initial_stride=6))
CLIPS = ClipSpec(window_frames=8, batch_size=12, stride_frames=3)


def after(loader: Loader, steps: int) -> str:
    """The position after ``steps`` batches, as it is saved."""
    for _ in islice(loader, steps):
        pass
    return json.dumps(loader.state_dict())


def test_fault_10_with_other_threads_and_prefetching_than_before(small: Any) -> None:
    whole = kept(Loader(small.corpus, STREAMS))
    loader = Loader(small.corpus, STREAMS, num_workers=3, prefetch_factor=4, persistent_workers=True)
    loader.load_state_dict(json.loads(after(Loader(small.corpus, STREAMS, num_workers=0), 3)))
    assert_same_batches(loader, whole[3:])
    loader.close()


@pytest.mark.parametrize(
    ("change", "what", "saved", "present"),
    [
        ({"seed": 1}, "spec.seed", "0", "1"),
        ({"batch_size": 12}, "spec.batch_size", "6", "12"),
        ({"n_streams": 2}, "spec.n_streams", "3", "2"),
        ({"window_frames": 9}, "spec.window_frames", "8", "9"),
        ({"short": "skip"}, "spec.short", "'pad'", "'skip'"),
        ({"drop_last": True}, "spec.drop_last", "False", "True"),
        ({"columns": ("blendshapes",)}, "spec.columns", "['audio', 'blendshapes']", "['blendshapes']"),
        ({"shuffle": False}, "spec.shuffle", "True", "False"),
        ({"stride": replace(STREAMS.stride, initial_stride=7)}, "spec.stride.initial_stride", "6", "7"),
        ({"stride": replace(STREAMS.stride, schedule="staged")}, "spec.stride.schedule", "'linear'", "'staged'"),
    ],
)
def test_fault_10_another_loader_is_refused_with_both_values(
    small: Any, change: dict[str, Any], what: str, saved: str, present: str
) -> None:
    state = json.loads(after(Loader(small.corpus, STREAMS), 2))
    other = Loader(small.corpus, replace(STREAMS, **change))
    with pytest.raises(CorpusError, match="as it was made when the position was saved") as caught:
        other.load_state_dict(state)
    assert f"the saved position has {what} {saved}, this loader has {present}" in str(caught.value)
    assert other.state_dict()["batch"] == 0
    assert_same_batches(other, Loader(small.corpus, other.spec))


def test_fault_10_other_rows_on_all_ranks_together_are_refused(small: Any) -> None:
    state = json.loads(after(Loader(small.corpus, STREAMS, rank=0, world_size=2), 2))
    with pytest.raises(CorpusError, match=r"spec.batch_size 12, this loader has 24"):
        Loader(small.corpus, STREAMS, rank=1, world_size=4).load_state_dict(state)
    Loader(small.corpus, STREAMS, rank=1, world_size=2).load_state_dict(state)  # ranks stand at the same batch


@pytest.mark.parametrize("kind", ["streams", "mixed", "clips"])
def test_fault_10_another_number_of_ranks_goes_on_with_the_same_windows(small: Any, kind: str) -> None:
    def loaders(world_size: int) -> list[Loader]:
        spec: Any = ClipSpec(window_frames=8, batch_size=8 // world_size)
        if kind != "clips":
            policy = MIXED.stride if kind == "mixed" else STREAMS.stride
            spec = StreamSpec(window_frames=8, stride=policy, batch_size=8 // world_size, n_streams=4 // world_size)
        return [Loader(small.corpus, spec, epoch=1, rank=rank, world_size=world_size) for rank in range(world_size)]

    def order(ranks: list[Loader]) -> list[list[tuple[int, int]]]:
        return [[w for batch in step for w in window_ids(batch)] for step in zip(*ranks, strict=True)]

    whole = order(loaders(1))
    for before, afterwards in ((1, 2), (1, 4), (4, 1), (2, 4)):
        state = json.loads(after(loaders(before)[-1], 3))
        ranks = loaders(afterwards)
        for rank in ranks:
            rank.load_state_dict(state)
        assert order(ranks) == whole[3:]


def test_fault_10_another_corpus_is_refused(small: Any, packed_of: Callable[..., Any]) -> None:
    other = packed_of((40, 8, 9, 7, 3, 61, 25, 33, 16, 12, 50, 22)).corpus
    with pytest.raises(CorpusError) as caught:
        Loader(other, STREAMS).load_state_dict(json.loads(after(Loader(small.corpus, STREAMS), 2)))
    assert f"corpus {small.corpus.id!r}, this loader has {other.id!r}" in str(caught.value)


@pytest.mark.parametrize(("saved", "present"), [((0, 1, 2), (0, 1, 2, 5)), ((0, 4, 5), (2, 3, 5)), ((0, 8), (2, 7))])
def test_fault_10_other_takes_of_the_same_corpus_are_refused(
    small: Any, saved: tuple[int, ...], present: tuple[int, ...]
) -> None:
    def chosen(rows: tuple[int, ...]) -> Loader:
        spec = ClipSpec(window_frames=8)
        return Loader(small.corpus.select(names=[small.corpus.names[i] for i in rows]), spec)

    state = json.loads(after(chosen(saved), 1))
    with pytest.raises(CorpusError, match=rf"takes '{len(saved)}:[0-9a-f]+', this loader has '{len(present)}:"):
        chosen(present).load_state_dict(state)
    chosen(saved).load_state_dict(state)


def test_fault_10_streams_are_not_taken_up_as_clips_nor_by_another_version(small: Any) -> None:
    state = json.loads(after(Loader(small.corpus, STREAMS), 2))
    with pytest.raises(CorpusError, match=r"spec\.\w+ .*, this loader has"):
        Loader(small.corpus, CLIPS).load_state_dict(state)
    with pytest.raises(CorpusError, match="version 99, this loader has 2"):
        Loader(small.corpus, STREAMS).load_state_dict(state | {"version": 99})
    with pytest.raises(CorpusError, match="version None"):
        Loader(small.corpus, STREAMS).load_state_dict({})


@pytest.mark.parametrize("batch", [-1, 10_000])
def test_fault_10_a_position_outside_of_its_epoch_is_refused(small: Any, batch: int) -> None:
    loader = Loader(small.corpus, STREAMS)
    with pytest.raises(CorpusError, match=f"batch {batch} of an epoch of {len(loader)}"):
        loader.load_state_dict(loader.state_dict() | {"batch": batch})
    assert_same_batches(loader, Loader(small.corpus, STREAMS))
