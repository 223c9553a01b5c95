"""Law of windows: every window of every take exactly once an epoch, for any threads, ranks, workers and batch shape."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSpec, Loader, StreamSpec
from koekao.testing.laws import assert_each_window_once, grid_windows, kept, window_ids
from koekao.windows import NO_TAKE, StridePolicy

W = 8
EPOCH = 3
POLICIES = {
    "dense": StridePolicy(),
    "sparse": StridePolicy(mode="sparse", initial_stride=5),
    "linear": StridePolicy(mode="progressive", initial_stride=9, max_epochs=7),
    "staged": StridePolicy(mode="progressive", schedule="staged", stages=((0, 9), (0.4, 2)), max_epochs=7),
    "mixed": StridePolicy(mode="mixed", initial_stride=4, dense_ratio=0.1),
}
STRIDES = {"dense": 1, "sparse": 5, "linear": 5, "staged": 2}
every_policy = pytest.mark.parametrize("policy", POLICIES)


def spec_of(policy: str, **more: Any) -> StreamSpec:
    return StreamSpec(**{"window_frames": W, "stride": POLICIES[policy], **more})


def expected_windows(lengths: list[int], policy: str) -> list[tuple[int, int]]:
    """The windows of ``EPOCH`` by a plain loop; the dense ones of mixed mode are what the plan drew, checked here."""
    if policy != "mixed":
        return grid_windows(lengths, W, STRIDES[policy])
    grid = spec_of(policy).plan(np.array(lengths), EPOCH, 1).grid
    windows = [(take, start) for take in range(len(lengths)) for start in grid.starts(take)[0].tolist()]
    on_grid, every = set(grid_windows(lengths, W, 4)), set(grid_windows(lengths, W, 1))
    dense = set(windows) - on_grid
    assert on_grid <= set(windows) <= every
    assert abs(len(dense) - len(on_grid) / 9) <= 0.5
    assert len(windows) == len(set(windows))
    return windows


def test_the_law_finds_what_is_repeated_or_lost(small: Any) -> None:
    batches = kept(Loader(small.corpus, spec_of("sparse")))
    expected = grid_windows(small.lengths, W, 5)
    assert_each_window_once(batches, expected)
    with pytest.raises(AssertionError, match=r"0 windows .* are missing: \[\]; 4 too many: \["):
        assert_each_window_once([*batches, batches[0]], expected)
    with pytest.raises(
        AssertionError, match=r"4 windows \(take, start frame\) are missing: \[\(\d+, \d+\), .*; 0 too many"
    ):
        assert_each_window_once(batches[1:], expected)


@every_policy
@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
def test_for_any_number_of_threads(small: Any, policy: str, num_workers: int) -> None:
    loader = Loader(small.corpus, spec_of(policy), epoch=EPOCH, num_workers=num_workers)
    assert_each_window_once(loader, expected_windows(small.lengths, policy))


@pytest.mark.parametrize("stride_frames", [1, 7])
@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
def test_of_clips_for_any_number_of_threads(small: Any, stride_frames: int, num_workers: int) -> None:
    spec = ClipSpec(window_frames=W, stride_frames=stride_frames)
    loader = Loader(small.corpus, spec, epoch=EPOCH, num_workers=num_workers)
    assert_each_window_once(loader, grid_windows(small.lengths, W, stride_frames))


@every_policy
@pytest.mark.parametrize(("batch_size", "n_streams"), [(1, 1), (3, 1), (4, 2), (4, 4), (6, 3), (32, 4), (12, 12)])
def test_for_any_shape_of_the_batch(small: Any, policy: str, batch_size: int, n_streams: int) -> None:
    loader = Loader(small.corpus, spec_of(policy, batch_size=batch_size, n_streams=n_streams), epoch=EPOCH)
    assert_each_window_once(loader, expected_windows(small.lengths, policy))


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_of_clips_for_any_size_of_the_batch(small: Any, batch_size: int) -> None:
    loader = Loader(small.corpus, ClipSpec(window_frames=W, batch_size=batch_size))
    assert_each_window_once(loader, grid_windows(small.lengths, W, 1))


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
@pytest.mark.parametrize("policy", ["dense", "mixed"])
def test_over_all_ranks_together_with_as_many_batches_each(small: Any, policy: str, world_size: int) -> None:
    for spec in (spec_of(policy, batch_size=2, n_streams=1), ClipSpec(window_frames=W, batch_size=3)):
        ranks = [
            Loader(small.corpus, spec, epoch=EPOCH, rank=rank, world_size=world_size) for rank in range(world_size)
        ]
        delivered = [kept(loader) for loader in ranks]
        assert {len(batches) for batches in delivered} == {len(ranks[0])}
        assert {len(batch["file_names"]) for batches in delivered for batch in batches} == {spec.batch_size}
        expected = grid_windows(small.lengths, W, 1)
        if isinstance(spec, StreamSpec):
            expected = expected_windows(small.lengths, policy)
        assert_each_window_once([batch for batches in delivered for batch in batches], expected)


@pytest.mark.parametrize("kind", ["streams", "clips"])
def test_the_order_of_the_whole_is_the_same_for_any_number_of_ranks(small: Any, kind: str) -> None:
    orders = []
    for world_size in (1, 2, 4):
        clips = ClipSpec(window_frames=W, batch_size=8 // world_size)
        streams = spec_of("mixed", batch_size=8 // world_size, n_streams=4 // world_size)
        spec = streams if kind == "streams" else clips
        ranks = [
            Loader(small.corpus, spec, epoch=EPOCH, rank=rank, world_size=world_size) for rank in range(world_size)
        ]
        orders.append([[w for batch in step for w in window_ids(batch)] for step in zip(*ranks, strict=True)])
    assert orders[0] == orders[1] == orders[2]


@pytest.mark.filterwarnings("ignore:This DataLoader will create .* worker processes:UserWarning")
@pytest.mark.filterwarnings("ignore:.* use of fork\\(\\) may lead to deadlocks:DeprecationWarning")
@pytest.mark.parametrize("num_workers", [0, 2, 4])
@pytest.mark.parametrize("kind", ["streams", "clips"])
def test_for_any_number_of_worker_processes(small: Any, kind: str, num_workers: int) -> None:
    context = "fork" if num_workers else None
    dataset: Any = ClipDataset(small.corpus, window_frames=W)
    if kind == "streams":
        dataset = AdaptiveSequentialDataset(small.corpus, spec_of("mixed"))
    dataset.set_epoch(EPOCH)
    loader = DataLoader(dataset, batch_size=4, num_workers=num_workers, multiprocessing_context=context)
    expected = grid_windows(small.lengths, W, 1) if kind == "clips" else expected_windows(small.lengths, "mixed")
    assert_each_window_once(loader, expected)


def test_mixed_mode_draws_its_tenth_anew_each_epoch(small: Any) -> None:
    drawn = []
    for epoch in range(3):
        loader = Loader(small.corpus, spec_of("mixed"), epoch=epoch, num_workers=2)
        dense = [
            w for batch in loader for w, is_dense in zip(window_ids(batch), batch["is_dense"], strict=False) if is_dense
        ]
        assert len(dense) == len(set(dense)) == round(len(grid_windows(small.lengths, W, 4)) / 9)
        assert all(start % 4 for _, start in dense)
        drawn.append(frozenset(dense))
    assert len(set(drawn)) == 3


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=12),
    window_frames=st.integers(1, 20),
    policy=st.sampled_from(sorted(POLICIES)),
    streams=st.integers(1, 3),
    run=st.integers(1, 4),
    world_size=st.sampled_from([1, 2, 3, 8]),
    clips=st.booleans(),
)
def test_for_takes_of_any_length(
    lengths: list[int], window_frames: int, policy: str, streams: int, run: int, world_size: int, clips: bool
) -> None:
    spec: Any = spec_of(policy, window_frames=window_frames, batch_size=streams * run, n_streams=streams)
    if clips:
        spec = ClipSpec(window_frames=window_frames, stride_frames=streams, batch_size=run)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*streams stay empty")
        plan = spec.plan(np.array(lengths), EPOCH, world_size)
    expected = Counter((t, s) for t in range(len(lengths)) for s in plan.grid.starts(t)[0].tolist())
    if clips or policy != "mixed":
        stride = streams if clips else STRIDES[policy]
        assert expected == Counter(grid_windows(lengths, window_frames, stride))
    seen: Counter[tuple[int, int]] = Counter()
    valid = 0
    for number in range(plan.n_batches):
        rows = plan.batch(number)
        assert len(rows) == spec.batch_size * world_size
        real = rows.take != NO_TAKE
        seen.update(zip(rows.take[real].tolist(), rows.start_frame[real].tolist(), strict=True))
        valid += int(rows.valid_frames.sum())
    assert seen == expected
    assert valid == sum(min(window_frames, lengths[take] - start) for take, start in expected)
