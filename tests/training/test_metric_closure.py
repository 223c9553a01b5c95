"""Lips that meet, from the curves of a mouth; pairs of closures by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored_takes import scored

from koekao.arkit import INDEX
from koekao.lips import CLOSED_BELOW, OPEN_ABOVE, lip_opening
from koekao.takes.synthetic.making import make_take
from koekao.training.metrics.closure import Closures, closing_frames, count_pairs


def mouth(n_frames: int = 1, **values: Any) -> Any:
    """A neutral face but for the curves named."""
    face = np.zeros((n_frames, 52), np.float32)
    for name, column in values.items():
        face[:, INDEX[name]] = column
    return face


def jaw(*closed: int, n_frames: int = 60) -> Any:
    """A mouth that is open but for two frames from each of ``closed`` on."""
    values = np.full(n_frames, 0.4)
    for first in closed:
        values[first : first + 2] = 0.0
    return mouth(n_frames, jawOpen=values)


@pytest.mark.parametrize(
    ("face", "opening"),
    [
        ({}, 0.0),
        ({"jawOpen": 0.5}, 0.5),
        ({"jawOpen": 0.5, "mouthClose": 0.5}, 0.0),
        ({"mouthLowerDownLeft": 0.2, "mouthUpperUpRight": 0.4}, 0.3),
        ({"jawOpen": 0.2, "mouthPressLeft": 0.2, "mouthPressRight": 0.2}, 0.0),
        ({"jawOpen": 0.3, "mouthRollLower": 0.3}, 0.3),
        ({"jawOpen": 0.3, "mouthRollLower": 0.4, "mouthRollUpper": 0.2}, 0.1),
        ({"mouthPucker": 1.0, "mouthFunnel": 1.0, "mouthSmileLeft": 1.0}, 0.0),
    ],
)
def test_opening_by_hand(face: dict[str, float], opening: float) -> None:
    assert lip_opening(mouth(**face).astype(np.float64))[0] == pytest.approx(opening, abs=1e-6)


def test_the_synthetic_speaker_closes_its_lips_when_it_says_so() -> None:
    """Where the score holds /m/, /p/ or /b/ the opening is below 0; in open vowels it is far above."""
    curves = make_take(1, seconds=20).curves.astype(np.float64)
    opening, lips = lip_opening(curves), curves[:, INDEX["mouthRollUpper"]]
    assert opening[lips > 0.2].max() < 0 < OPEN_ABOVE < opening[curves[:, INDEX["jawOpen"]] > 0.4].min()


def test_lips_close_once_however_they_tremble() -> None:
    """Between closed and open they stay what they were."""
    half = (CLOSED_BELOW + OPEN_ABOVE) / 2
    assert closing_frames(np.array([0.4, 0.05, half, 0.05, half, 0.4, half, 0.4, 0.05])).tolist() == [1, 8]


def test_a_mouth_that_has_not_been_open_does_not_close() -> None:
    assert closing_frames(np.array([0.0, 0.0, 0.4, 0.0])).tolist() == [3]
    assert closing_frames(np.array([0.07, 0.0, 0.07])).tolist() == closing_frames(np.zeros(9)).tolist() == []


def test_f1_by_hand() -> None:
    """True 10, 20, 40; predicted 13 (3 frames = 100 ms late), 24 (4 frames), 40, 50: 2 pairs; 4 / 7."""
    s = scored((jaw(13, 24, 40, 50), jaw(10, 20, 40)))
    assert s.closures == Closures(true=3, predicted=4, paired=2)
    assert s.as_dict()["lip_closure_f1"] == pytest.approx(4 / 7)
    assert s.as_dict()["lip_closures"] == {"true": 3, "predicted": 4, "paired": 2}


@pytest.mark.parametrize(("fps", "frames"), [(30, 3), (60, 6), (24, 2), (Fraction(30000, 1001), 2)])
def test_the_tolerance_is_100_ms_at_any_rate(fps: Any, frames: int) -> None:
    assert scored((jaw(20 + frames), jaw(20)), fps=fps).closures.paired == 1
    assert scored((jaw(21 + frames), jaw(20)), fps=fps).closures.paired == 0
    assert scored((jaw(20 - frames), jaw(20)), fps=fps).closures.paired == 1


def test_takes_are_counted_together_and_never_paired_with_each_other() -> None:
    s = scored((jaw(10, n_frames=30), jaw(20, n_frames=30)), (jaw(20, n_frames=30), jaw(10, n_frames=30)))
    assert s.closures == Closures(true=2, predicted=2, paired=0) and s.closures.f1 == 0


def test_a_still_face_has_0_open_or_shut() -> None:
    for opening in (0.0, 0.07, 0.5):
        assert scored((mouth(60, jawOpen=opening), jaw(10, 20))).closures.f1 == 0


def test_a_truth_without_closures_has_none() -> None:
    assert scored((jaw(10), mouth(60, jawOpen=np.linspace(0.2, 0.9, 60)))).as_dict()["lip_closure_f1"] is None


def test_nothing_is_known_over_a_gap() -> None:
    """Lips that were open before untracked frames and are closed after them met at no known time."""
    opening = mouth(9, jawOpen=[0.4, 0.4, 0.4, 9, 9, 0.0, 0.0, 0.4, 0.0])
    s = scored((opening, opening, [1, 1, 1, 0, 0, 1, 1, 1, 1]))
    assert s.closures == Closures(true=1, predicted=1, paired=1)


def test_closures_lie_where_they_are_in_the_take() -> None:
    """One three frames into the first run, and one three frames into the second, are no pair."""
    valid = np.ones(30, bool)
    valid[15] = False
    s = scored((jaw(3, n_frames=30), jaw(19, n_frames=30), valid))
    assert s.closures == Closures(true=1, predicted=1, paired=0)


FRAMES = st.lists(st.integers(0, 25), max_size=6, unique=True).map(sorted)


def most_pairs(true: list[int], predicted: list[int], tolerance: int) -> int:
    """The same by trying everything."""
    if not true or not predicted:
        return 0
    without = most_pairs(true[1:], predicted, tolerance)
    partners = [i for i, frame in enumerate(predicted) if abs(frame - true[0]) <= tolerance]
    tried = [1 + most_pairs(true[1:], predicted[:i] + predicted[i + 1 :], tolerance) for i in partners]
    return max([without, *tried])


@given(FRAMES, FRAMES, st.integers(0, 4))
def test_no_pair_is_missed(true: list[int], predicted: list[int], tolerance: int) -> None:
    assert count_pairs(true, predicted, tolerance) == most_pairs(true, predicted, tolerance)
