"""How far apart takes are from one another, by hand and against all pairs one by one."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scored_takes import curves, scored, take_of

from koekao.training.metrics.diversity import squares_apart


def test_by_hand() -> None:
    """True takes are 0.4 apart in every frame, predicted ones 0.1: a quarter as diverse."""
    s = scored(
        (curves(3, jawOpen=0.3), curves(3, jawOpen=0.2)),
        (curves(3, jawOpen=0.4), curves(3, jawOpen=0.6)),
    )
    assert s.average("diversity") == pytest.approx(0.25, abs=1e-6)


def test_rounding_sets_no_takes_apart() -> None:
    """The sums over a thousand takes of 1/3 are off by 1e-9."""
    same = take_of(curves(2, jawOpen=1 / 3), curves(2, jawOpen=1 / 3))
    assert not np.any(squares_apart([same] * 1000))


def test_the_same_lively_loop_for_everything_has_0() -> None:
    """A mean face has it too."""
    rng = np.random.default_rng(0)
    truths = [curves(50, jawOpen=rng.random(50)) for _ in range(3)]
    loop = curves(50, jawOpen=rng.random(50))
    assert scored(*((loop, truth) for truth in truths)).average("diversity") == 0
    assert scored(*((curves(50, jawOpen=1 / 3), truth) for truth in truths)).average("diversity") == 0
    assert (scored(*((loop, truth) for truth in truths)).average("velocity_ratio") or 0) > 0.5


def test_the_right_faces_for_the_wrong_takes_are_as_diverse_as_the_truth() -> None:
    one, two = curves(4, jawOpen=[0, 1, 0, 1]), curves(4, jawOpen=[1, 1, 0, 0])
    assert scored((two, one), (one, two)).average("diversity") == pytest.approx(1)


def test_of_several_curves_the_squares_are_summed() -> None:
    """Root of (0.1² + 0.2²) / (0.4² + 0.2²) = 0.5, and not the mean of 1/4 and 1."""
    s = scored(
        (curves(2, jawOpen=0.3, browInnerUp=0.2), curves(2, jawOpen=0.2, browInnerUp=0.2)),
        (curves(2, jawOpen=0.4, browInnerUp=0.4), curves(2, jawOpen=0.6, browInnerUp=0.4)),
    )
    assert s.average("diversity") == pytest.approx(0.5, abs=1e-6)
    assert s.average("diversity", ["browInnerUp"]) == pytest.approx(1, abs=1e-5)


def test_all_pairs_one_by_one() -> None:
    """Takes of different lengths and with untracked frames: each pair over the frames that both have."""
    rng = np.random.default_rng(0)
    takes = []
    for n_frames in (5, 9, 7, 1):
        valid = rng.random(n_frames) < 0.7
        takes.append((rng.random((n_frames, 52)), rng.random((n_frames, 52)), valid))

    def by_hand(which: int) -> Any:
        total = np.zeros(52)
        for a, b in combinations(takes, 2):
            for k in range(min(len(a[2]), len(b[2]))):
                if a[2][k] and b[2][k]:
                    total += (a[which][k] - b[which][k]) ** 2
        return total

    predicted, truth = squares_apart([take_of(*take) for take in takes])
    np.testing.assert_allclose(predicted, by_hand(0), rtol=1e-9)
    np.testing.assert_allclose(truth, by_hand(1), rtol=1e-9)


def test_where_it_is_not_defined() -> None:
    """One take, two takes that share no tracked frame, and true takes that do not differ."""
    moves = curves(4, jawOpen=[0, 1, 0, 1])
    assert scored((moves, moves)).average("diversity") is None
    other = curves(4, jawOpen=[1, 0, 0, 0])
    assert scored((moves, moves, [1, 1, 0, 0]), (other, other, [0, 0, 1, 1])).average("diversity") is None
    assert scored((moves, moves), (other, moves)).average("diversity") is None
