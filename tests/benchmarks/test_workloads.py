"""The windows that every contestant is asked for: the seeds' sizes, each window once, in the order that was said."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from small_bench import small_workload

from koekao.clock import Clock
from workloads import WORKLOADS, first_sample, first_samples, visits

CLOCK = Clock(16_000, Fraction(30))


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))
def test_windows_are_as_long_as_koekao_s(workload) -> None:
    assert workload.n_samples == CLOCK.window_samples(workload.n_frames)


def test_frames_start_where_koekao_s_clock_says() -> None:
    frames = np.arange(10_000)
    np.testing.assert_array_equal(first_samples(frames), CLOCK.frame_starts(frames))
    assert first_sample(1) == 533


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("batch_size", [3, 4])
def test_every_window_is_visited_once(shuffled: bool, batch_size: int) -> None:
    workload = small_workload(stride_frames=1, shuffled=shuffled, batch_size=batch_size)
    take, start = visits(np.array([40, 31, 32]), workload)
    assert sorted(zip(take.tolist(), start.tolist(), strict=True)) == [(0, f) for f in range(9)] + [(2, 0)]


def test_streams_go_on_in_time_and_clips_are_shuffled_by_the_seed() -> None:
    lengths = np.array([60, 70])
    take, start = visits(lengths, small_workload())
    assert (np.diff(take) >= 0).all()
    assert set(np.diff(start)[np.diff(take) == 0].tolist()) == {7}
    clips = small_workload(stride_frames=1, shuffled=True)
    first, again, other = (visits(lengths, clips, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again != other
    assert first != sorted(first)


def test_a_batch_of_streams_has_as_many_windows_of_one_as_of_the_other() -> None:
    take, start = visits(np.array([60, 46, 39]), small_workload(batch_size=4))
    assert list(zip(take.tolist(), start.tolist())) == [
        (0, 0), (0, 7), (1, 0), (1, 7), (0, 14), (0, 21), (1, 14), (2, 0), (0, 28), (2, 7),
    ]  # fmt: skip
