"""Laws: an epoch of clips is every window once, in an order that is a function of (seed, epoch, place)."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import ConfigError, PlanError
from koekao.testing.laws import grid_windows
from koekao.windows import NO_TAKE, ClipPlan, Grid, Rows, StridePolicy

W = 8
LENGTHS = [40, 8, 9, 7, 3, 61]


def plan_of(
    lengths: list[int] = LENGTHS, *, epoch: int = 0, seed: int = 0, stride: int = 1, short: str = "pad", **more: object
) -> ClipPlan:
    policy = StridePolicy(mode="sparse", initial_stride=stride)
    grid = Grid.of(np.array(lengths), window_frames=W, policy=policy, epoch=epoch, seed=seed, short=short)
    return ClipPlan(grid, **{"batch_size": 16, **more})


def windows(rows: Rows) -> list[tuple[int, int]]:
    real = rows.take != NO_TAKE
    return list(zip(rows.take[real].tolist(), rows.start_frame[real].tolist(), strict=True))


def epoch_of(plan: ClipPlan) -> list[tuple[int, int]]:
    return [window for number in range(plan.n_batches) for window in windows(plan.batch(number))]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(1, 9), st.integers(1, 20), st.integers(0, 2**40)
)
def test_every_window_comes_once(lengths: list[int], stride: int, batch_size: int, seed: int) -> None:
    plan = plan_of(lengths, stride=stride, batch_size=batch_size, seed=seed)
    expected = grid_windows(lengths, W, stride)
    assert sorted(epoch_of(plan)) == expected
    assert plan.n_windows == len(expected)
    assert plan.n_batches == -(-len(expected) // batch_size)
    assert (plan.n_dropped, plan.n_padding) == (0, plan.n_batches * batch_size - len(expected))


def test_golden_batches() -> None:
    plan = plan_of(batch_size=6, stride=3)
    assert plan.n_batches == 6
    assert [windows(plan.batch(number)) for number in range(2)] == [
        [(1, 0), (5, 15), (0, 9), (0, 27), (0, 18), (5, 0)],
        [(3, 0), (5, 39), (5, 33), (0, 12), (0, 3), (0, 6)],
    ]


def test_rows_that_fill_up_are_marked() -> None:
    plan = plan_of([W + 4], batch_size=3, shuffle=False)
    rows = plan.batch(1)
    assert rows.take.tolist() == [0, 0, NO_TAKE]
    assert rows.start_frame.tolist() == [3, 4, 0]
    assert rows.valid_frames.tolist() == [W, W, 0]
    assert rows.reset.tolist() == [True, True, False]
    assert rows.gap_frames.tolist() == [0, 0, 0]
    assert {str(column.dtype) for column in (rows.take, rows.start_frame, rows.valid_frames, rows.gap_frames)} == {
        "int64"
    }
    assert rows.is_dense.dtype == rows.reset.dtype == np.bool_


def test_valid_frames_are_those_the_take_has() -> None:
    plan = plan_of([3, W, W + 1], batch_size=4, shuffle=False)
    assert plan.batch(0).valid_frames.tolist() == [3, W, W, W]
    assert plan.grid.padded_takes == 1


def test_without_shuffling_the_order_is_that_of_takes_and_time() -> None:
    assert epoch_of(plan_of(shuffle=False)) == grid_windows(LENGTHS, W, 1)


def test_orders_differ_by_epoch_and_seed_and_by_nothing_else() -> None:
    orders = [epoch_of(plan_of(epoch=epoch, seed=seed)) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 6
    assert epoch_of(plan_of(epoch=2, seed=1)) == orders[-1]
    assert epoch_of(plan_of(epoch=2, seed=1, batch_size=5)) == orders[-1]


def test_a_batch_is_found_without_those_before_it() -> None:
    plan = plan_of(batch_size=7)
    backwards = [windows(plan.batch(number)) for number in reversed(range(plan.n_batches))]
    assert [window for batch in reversed(backwards) for window in batch] == epoch_of(plan_of(batch_size=7))


def test_drop_last_drops_less_than_a_batch_and_counts_it() -> None:
    plan = plan_of(batch_size=16, drop_last=True)
    n = len(grid_windows(LENGTHS, W, 1))
    assert (plan.n_batches, plan.n_dropped, plan.n_padding) == (n // 16, n % 16, 0)
    assert n % 16 > 0
    assert epoch_of(plan) == epoch_of(plan_of())[: n // 16 * 16]


def test_skipped_takes_are_counted() -> None:
    plan = plan_of(short="skip")
    assert sorted(epoch_of(plan)) == grid_windows(LENGTHS, W, 1, pad_short=False)
    assert plan.grid.skipped_takes == 2


def test_a_billion_clips_take_no_memory_and_no_time() -> None:
    began = time.perf_counter()
    tracemalloc.start()
    plan = plan_of([10_000_000] * 100)
    rows = plan.batch(plan.n_batches // 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(windows(rows))) == 16
    assert peak < 100_000
    assert time.perf_counter() - began < 1


def test_plans_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="batch_size 0; expected at least 1"):
        plan_of(batch_size=0)
    with pytest.raises(PlanError, match="2 windows do not fill one batch of 16") as caught:
        plan_of([W + 1], drop_last=True)
    assert "drop_last=False" in caught.value.do
    assert plan_of([W + 1]).n_batches == 1
