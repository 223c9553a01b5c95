"""Laws: a stream goes on exactly where it stopped, and an epoch of streams is every window once."""

from __future__ import annotations

import time
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import ConfigError, PlanError
from koekao.testing.laws import grid_windows
from koekao.windows import NO_TAKE, Grid, Rows, StreamPlan, StridePolicy

W = 8
LENGTHS = [40, 8, 9, 7, 3, 61, 25, 33]
MODES = st.one_of(
    st.just(StridePolicy()),
    st.integers(1, 9).map(lambda stride: StridePolicy(mode="sparse", initial_stride=stride)),
    st.integers(1, 9).map(lambda stride: StridePolicy(mode="mixed", initial_stride=stride, dense_ratio=0.3)),
)


def plan_of(
    lengths: list[int] = LENGTHS,
    policy: StridePolicy | None = None,
    *,
    epoch: int = 0,
    seed: int = 0,
    short: str = "pad",
    **more: object,
) -> StreamPlan:
    policy = policy or StridePolicy()
    grid = Grid.of(np.array(lengths), window_frames=W, policy=policy, epoch=epoch, seed=seed, short=short)
    return StreamPlan(grid, **{"batch_size": 4, "n_streams": 2, **more})


def epoch_of(plan: StreamPlan) -> list[Rows]:
    return [plan.batch(number) for number in range(plan.n_batches)]


def windows(rows: Rows) -> list[tuple[int, int]]:
    real = rows.take != NO_TAKE
    return list(zip(rows.take[real].tolist(), rows.start_frame[real].tolist(), strict=True))


def stream_of(plan: StreamPlan, stream: int) -> Rows:
    """All rows of one stream, over all batches, in order."""
    parts = [rows[stream * plan.run : (stream + 1) * plan.run] for rows in epoch_of(plan)]
    names = ("take", "start_frame", "valid_frames", "is_dense", "reset", "gap_frames")
    return Rows(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=10),
    MODES,
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 3),
    st.booleans(),
)
def test_every_window_comes_once_and_each_stream_goes_on_in_time(
    lengths: list[int], policy: StridePolicy, n_streams: int, run: int, epoch: int, shuffle: bool
) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*streams stay empty")
        plan = plan_of(lengths, policy, epoch=epoch, batch_size=n_streams * run, n_streams=n_streams, shuffle=shuffle)
    grid = plan.grid
    expected = [(take, start) for take in range(len(lengths)) for start in grid.starts(take)[0].tolist()]
    assert sorted(window for rows in epoch_of(plan) for window in windows(rows)) == expected
    assert (plan.n_windows, plan.n_dropped) == (len(expected), 0)
    assert plan.n_padding == plan.n_batches * plan.batch_size - len(expected)
    for stream in range(n_streams):
        rows = stream_of(plan, stream)
        n_real = int((rows.take != NO_TAKE).sum())
        assert (rows.take[n_real:] == NO_TAKE).all()  # padding comes after everything
        at = 0
        while at < n_real:  # take by take, whole and in the order of time
            take = int(rows.take[at])
            starts, dense = grid.starts(take)
            here = slice(at, at + len(starts))
            assert (rows.take[here] == take).all()
            assert rows.start_frame[here].tolist() == starts.tolist()
            assert rows.is_dense[here].tolist() == dense.tolist()
            assert rows.reset[here].tolist() == [True] + [False] * (len(starts) - 1)
            assert rows.gap_frames[here].tolist() == [0, *np.diff(starts).tolist()]
            assert rows.valid_frames[here].tolist() == [min(W, lengths[take] - s) for s in starts.tolist()]
            at += len(starts)


def test_the_picture_of_the_seeds() -> None:
    plan = plan_of([W + 3, W + 3], batch_size=4, n_streams=2, shuffle=False)
    assert [windows(rows) for rows in epoch_of(plan)] == [
        [(0, 0), (0, 1), (1, 0), (1, 1)],
        [(0, 2), (0, 3), (1, 2), (1, 3)],
    ]
    one_a_row = plan_of([W + 1, W + 1], batch_size=2, n_streams=2, shuffle=False)
    assert [windows(rows) for rows in epoch_of(one_a_row)] == [[(0, 0), (1, 0)], [(0, 1), (1, 1)]]


def test_golden_batches() -> None:
    plan = plan_of(policy=StridePolicy(mode="mixed", initial_stride=4, dense_ratio=0.2), seed=3, epoch=1)
    rows = epoch_of(plan)[:3]
    assert [windows(part) for part in rows] == [
        [(2, 0), (2, 1), (4, 0), (0, 0)],
        [(3, 0), (6, 0), (0, 4), (0, 8)],
        [(6, 4), (6, 8), (0, 12), (0, 13)],
    ]
    assert [part.gap_frames.tolist() for part in rows] == [[0, 1, 0, 0], [0, 0, 4, 4], [4, 4, 4, 1]]
    assert [part.reset.tolist() for part in rows] == [
        [True, False, True, True],
        [True, True, False, False],
        [False, False, False, False],
    ]


@pytest.mark.parametrize("stride", [1, 3, 32])
def test_the_gap_is_the_stride(stride: int) -> None:
    rows = stream_of(plan_of(policy=StridePolicy(mode="sparse", initial_stride=stride), n_streams=1), 0)
    real = rows.take != NO_TAKE
    assert set(rows.gap_frames[real & ~rows.reset].tolist()) <= {stride}
    assert set(rows.gap_frames[rows.reset].tolist()) == {0}
    assert rows.reset.sum() == len(LENGTHS)


def test_rows_that_fill_up_neither_reset_nor_move() -> None:
    plan = plan_of([W + 5, W], batch_size=4, n_streams=2, shuffle=False)
    last = epoch_of(plan)[-1]
    assert last.take.tolist() == [0, 0, NO_TAKE, NO_TAKE]
    for column in (last.start_frame, last.valid_frames, last.gap_frames, last.reset, last.is_dense):
        assert column[2:].tolist() == [0, 0]


def test_without_shuffling_takes_come_in_order() -> None:
    plan = plan_of(n_streams=1, batch_size=1, shuffle=False)
    assert [window for rows in epoch_of(plan) for window in windows(rows)] == grid_windows(LENGTHS, W, 1)


def test_takes_are_dealt_so_that_streams_end_together_but_for_one_take() -> None:
    lengths = np.random.default_rng(0).integers(10, 500, 200).tolist()
    for epoch in range(3):
        plan = plan_of(lengths, epoch=epoch, batch_size=7 * 100, n_streams=7)
        ends = sum((rows.take.reshape(7, 100) != NO_TAKE).sum(axis=1) for rows in epoch_of(plan))
        assert sum(ends) == plan.n_windows
        assert max(ends) - min(ends) <= max(lengths) - W + 1


def test_orders_differ_by_epoch_and_seed_and_by_nothing_else() -> None:
    def order(**key: int) -> tuple[int, ...]:
        rows = stream_of(plan_of([20] * 12, n_streams=1, **key), 0)
        return tuple(rows.take[rows.reset].tolist())

    orders = [order(epoch=epoch, seed=seed) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert len(set(orders)) == 6
    assert {tuple(sorted(takes)) for takes in orders} == {tuple(range(12))}
    assert order(epoch=2, seed=1) == orders[-1] == order(epoch=2, seed=1, batch_size=9)


def test_drop_last_ends_before_the_first_batch_with_padding_and_counts_the_rest() -> None:
    full, dropped = plan_of(batch_size=6), plan_of(batch_size=6, drop_last=True)
    kept = [windows(rows) for rows in epoch_of(dropped)]
    assert kept == [windows(rows) for rows in epoch_of(full)][: dropped.n_batches]
    assert all(len(batch) == 6 for batch in kept)
    assert len(windows(full.batch(dropped.n_batches))) < 6
    assert dropped.n_padding == 0
    assert dropped.n_dropped == full.n_windows - 6 * dropped.n_batches > 0
    assert dropped.n_windows == full.n_windows


def test_an_epoch_of_nothing_is_a_named_fault() -> None:
    with pytest.raises(PlanError, match="does not fill its 10 rows of one batch") as caught:
        plan_of([W + 1, W + 50], batch_size=20, drop_last=True)
    assert "drop_last=False" in caught.value.do
    assert plan_of([W + 1, W + 50], batch_size=20).n_batches == 6


def test_more_streams_than_takes_warns_and_covers_all() -> None:
    with pytest.warns(UserWarning, match="4 streams for 1 takes with windows: 3 streams stay empty"):
        plan = plan_of([W + 4], batch_size=4, n_streams=4)
    assert [windows(rows) for rows in epoch_of(plan)] == [[(0, start)] for start in range(5)]
    assert plan.n_padding == 15
    with pytest.warns(UserWarning, match="2 streams for 1 takes"):
        assert plan_of([W + 4, 3], short="skip").grid.skipped_takes == 1


@pytest.mark.parametrize(("batch_size", "n_streams"), [(4, 3), (4, 0), (0, 1), (4, 8), (-4, 2)])
def test_rows_that_do_not_part_into_streams(batch_size: int, n_streams: int) -> None:
    with pytest.raises(ConfigError, match="multiple of n_streams") as caught:
        plan_of(batch_size=batch_size, n_streams=n_streams)
    assert f"{batch_size} rows in {n_streams} streams" in str(caught.value)


def test_a_billion_windows_take_no_memory_and_no_time() -> None:
    began = time.perf_counter()
    tracemalloc.start()
    plan = plan_of([10_000_000] * 100, batch_size=64, n_streams=16)
    rows = plan.batch(plan.n_batches - 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plan.n_windows == 100 * (10_000_000 - W + 1)
    assert windows(rows)
    assert peak < 200_000
    assert time.perf_counter() - began < 1


def test_rows_are_cut_all_columns_alike() -> None:
    rows = plan_of().batch(0)
    part = rows[1:3]
    assert (len(rows), len(part)) == (4, 2)
    assert windows(part) == windows(rows)[1:3]
    assert part.reset.tolist() == rows.reset.tolist()[1:3]
