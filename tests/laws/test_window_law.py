"""Law of windows: every window of every take exactly once an epoch, for any threads, ranks, workers and batch shape."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.batches import ClipSpec, Loader
from koekao.testing.laws import assert_each_window_once, grid_windows, kept, window_ids
from koekao.windows import NO_TAKE
from policies import EPOCH, POLICIES, STRIDES, W, expected_windows, spec_of

every_policy = pytest.mark.parametrize("policy", POLICIES)


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
@pytest.mark.parametrize(("batch_size", "n_streams"), [(1, 1), (3, 1), (4, 2), (4, 4), (6, 3), (32, 4), (12, 12)])
def test_for_any_shape_of_the_batch(small: Any, policy: str, batch_size: int, n_streams: int) -> None:
    loader = Loader(small.corpus, spec_of(policy, batch_size=batch_size, n_streams=n_streams), epoch=EPOCH)
    assert_each_window_once(loader, expected_windows(small.lengths, policy))


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
def test_of_clips_for_any_size_of_the_batch(small: Any, batch_size: int) -> None:
    loader = Loader(small.corpus, ClipSpec(window_frames=W, batch_size=batch_size))
    assert_each_window_once(loader, grid_windows(small.lengths, W, 1))


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
