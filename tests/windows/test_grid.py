"""Laws: a grid holds each window that fits, once; no take is lost; dense windows are the share asked for."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import ConfigError, PlanError
from koekao.testing.laws import grid_windows
from koekao.windows import Grid, StridePolicy

W = 8
LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=8)
MIXED = StridePolicy(mode="mixed", initial_stride=4)


def grid_of(lengths: list[int], policy: StridePolicy | None = None, **more: object) -> Grid:
    return Grid.of(np.array(lengths), **{"window_frames": W, "policy": policy or StridePolicy(), **more})


def sparse(stride: int) -> StridePolicy:
    return StridePolicy(mode="sparse", initial_stride=stride)


def windows_of(grid: Grid) -> list[tuple[int, int]]:
    return [(take, start) for take in range(len(grid.n_frames)) for start in grid.starts(take)[0].tolist()]


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 12), st.integers(1, 40), st.booleans())
def test_the_windows_are_those_of_a_plain_loop(lengths: list[int], window: int, stride: int, pad: bool) -> None:
    expected = grid_windows(lengths, window, stride, pad_short=pad)
    if not expected:
        with pytest.raises(PlanError):
            grid_of(lengths, sparse(stride), window_frames=window, short="skip")
        return
    grid = grid_of(lengths, sparse(stride), window_frames=window, short="pad" if pad else "skip")
    assert windows_of(grid) == expected
    assert grid.n_windows == len(expected)
    counted = Counter(take for take, _ in expected)
    assert grid.counts.tolist() == [counted[take] for take in range(len(lengths))]
    n_short = sum(length < window for length in lengths)
    assert (grid.padded_takes, grid.skipped_takes) == ((n_short, 0) if pad else (0, n_short))


@pytest.mark.parametrize(
    ("length", "padded", "skipped"), [(0, 1, 0), (1, 1, 0), (W - 1, 1, 0), (W, 1, 1), (W + 1, 2, 2), (W + 9, 10, 10)]
)
def test_takes_around_the_length_of_a_window(length: int, padded: int, skipped: int) -> None:
    long = 3 * W
    assert grid_of([long, length]).counts.tolist() == [2 * W + 1, padded]
    assert grid_of([long, length], short="skip").counts.tolist() == [2 * W + 1, skipped]


def test_the_last_window_that_fits_is_there() -> None:
    assert windows_of(grid_of([W + 12], sparse(4))) == [(0, 0), (0, 4), (0, 8), (0, 12)]
    assert windows_of(grid_of([W + 11], sparse(4))) == [(0, 0), (0, 4), (0, 8)]


def test_windows_of_stride_one_are_dense() -> None:
    assert grid_of([W + 3]).starts(0)[1].tolist() == [True] * 4
    assert grid_of([W + 3], sparse(2)).starts(0)[1].tolist() == [False] * 2
    assert grid_of([W + 3], sparse(1)).starts(0)[1].all()


def test_the_stride_is_that_of_the_epoch() -> None:
    policy = StridePolicy(mode="progressive", schedule="staged", max_epochs=10)
    lengths = [W + 64]
    counts = [(grid.stride, grid.n_windows) for grid in (grid_of(lengths, policy, epoch=e) for e in (0, 2, 5, 8))]
    assert counts == [(32, 3), (16, 5), (8, 9), (1, 65)]


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 12), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9]), st.integers(0, 3))
def test_mixed_holds_the_whole_grid_and_each_dense_window_once(
    lengths: list[int], stride: int, ratio: float, epoch: int
) -> None:
    policy = StridePolicy(mode="mixed", initial_stride=stride, dense_ratio=ratio)
    grid = grid_of(lengths, policy, epoch=epoch)
    windows = windows_of(grid)
    on_grid = set(grid_windows(lengths, W, stride))
    every = set(grid_windows(lengths, W, 1))
    assert len(windows) == len(set(windows)) == grid.n_windows
    assert on_grid <= set(windows) <= every
    assert windows == sorted(windows)
    for take in range(len(lengths)):
        starts, dense = grid.starts(take)
        off_grid = [(take, start) not in on_grid for start in starts.tolist()]
        assert dense.tolist() == ([True] * len(starts) if stride == 1 else off_grid)
        assert int(grid.dense_counts[take]) == sum(off_grid)


@settings(deadline=None)
@given(LENGTHS, st.integers(2, 12), st.sampled_from([0.1, 0.25]))
def test_the_share_is_exact_to_one_half_wherever_there_is_room(lengths: list[int], stride: int, ratio: float) -> None:
    policy = StridePolicy(mode="mixed", initial_stride=stride, dense_ratio=ratio)
    grid = grid_of([*lengths, 4000], policy)  # the last take has room for all that the others could not give
    on_grid, dense = len(grid_windows([*lengths, 4000], W, stride)), int(grid.dense_counts.sum())
    assert abs(dense - on_grid * ratio / (1 - ratio)) <= 0.5


def test_a_tenth_of_all_windows_is_dense_by_default() -> None:
    grid = grid_of([W + 32 * 9 - 1] * 10, StridePolicy(mode="mixed"))
    assert grid.counts.tolist() == [10] * 10
    assert grid.dense_counts.tolist() == [1] * 10


def test_short_takes_give_their_share_of_dense_windows_too() -> None:
    grid = grid_of([W + 3] * 100, MIXED)  # one window on the grid each: a share rounded in each take would be none
    assert grid.dense_counts.sum() == 11
    assert grid.dense_counts.max() == 1


def test_what_padded_takes_cannot_give_is_made_up_for() -> None:
    grid = grid_of([3, 3, 3, 3, 3, 3, 3, 3, W + 3, 200] * 9, MIXED)
    on_grid = len(grid_windows(grid.n_frames.tolist(), W, 4))
    assert grid.dense_counts.sum() == round(on_grid / 9)
    assert grid.dense_counts[grid.n_frames < W].sum() == 0


def test_each_stratum_of_a_take_gives_one_dense_window() -> None:
    grid = grid_of([W + 32 * 90 - 1], StridePolicy(mode="mixed"))
    starts, dense = grid.starts(0)
    chosen = starts[dense]
    assert len(chosen) == 10
    assert (chosen * 10 // (32 * 90)).tolist() == list(range(10))


def test_dense_windows_are_drawn_anew_each_epoch_and_by_the_seed() -> None:
    def chosen(**key: int) -> list[int]:
        starts, dense = grid_of([W + 3000] * 2, MIXED, **key).starts(1)
        return starts[dense].tolist()

    assert chosen(epoch=1) == chosen(epoch=1) != chosen(epoch=2)
    assert chosen(epoch=1, seed=7) not in (chosen(epoch=1), chosen(epoch=7))


def test_whole_numbers_of_numpy_name_the_same_epoch() -> None:
    plain, numpys = grid_of([900], MIXED, epoch=3, seed=5), grid_of([900], MIXED, epoch=np.int64(3), seed=np.int32(5))
    assert plain.starts(0)[0].tolist() == numpys.starts(0)[0].tolist()


@settings(deadline=None)
@given(LENGTHS, st.sampled_from([MIXED, StridePolicy(), sparse(3)]))
def test_windows_by_number_are_the_windows_in_order(lengths: list[int], policy: StridePolicy) -> None:
    grid = grid_of(lengths, policy)
    take = np.repeat(np.arange(len(lengths)), grid.counts)
    number = np.concatenate([np.arange(count) for count in grid.counts])
    shuffled = np.random.default_rng(0).permutation(len(take))
    starts, dense = grid.start_at(take[shuffled], number[shuffled])
    assert starts.dtype == np.int64 and dense.dtype == np.bool_
    expected = [grid.starts(t) for t in range(len(lengths))]
    assert starts.tolist() == np.concatenate([s for s, _ in expected])[shuffled].tolist()
    assert dense.tolist() == np.concatenate([d for _, d in expected])[shuffled].tolist()


def test_memory_does_not_grow_with_windows() -> None:
    tracemalloc.start()
    grid = grid_of([10_000_000] * 100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grid.n_windows == 100 * (10_000_000 - W + 1)
    assert peak < 100_000


def test_takes_that_give_no_window_are_a_named_fault() -> None:
    with pytest.raises(PlanError, match="none of 2 takes holds a window of 8 frames") as caught:
        grid_of([3, 7], short="skip")
    assert "short='pad'" in caught.value.do
    with pytest.raises(PlanError, match="none of 0 takes"):
        grid_of([])


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"window_frames": 0}, "window_frames 0; expected at least 1 frame"),
        ({"short": "drop"}, "short 'drop'; expected one of pad, skip"),
        ({"epoch": -1}, "epoch -1; expected 0 or above"),
    ],
)
def test_grids_that_cannot_be(more: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        grid_of([40], **more)
    assert text in str(caught.value)
