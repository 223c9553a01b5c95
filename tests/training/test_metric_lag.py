"""Movements that were moved in time by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scored_takes import curves, scored

from koekao.arkit import INDEX


def bumps(at: Any, n_frames: int = 200, height: float = 0.5) -> Any:
    """A curve that rises and falls around each of ``at`` (frames, may lie between two)."""
    frames = np.arange(n_frames)
    return 0.1 + height * sum(np.exp(-0.5 * ((frames - centre) / 3.0) ** 2) for centre in at)


AT = np.array([30.0, 62.0, 75.0, 110.0, 151.0])


@pytest.mark.parametrize("frames", [-15, -14, -3, 0, 1, 2, 14, 15])
def test_whole_frames_by_hand(frames: int) -> None:
    """2 frames late at 30 fps is +66.7 ms, early is negative; 500 ms and more is not in the range."""
    s = scored((curves(200, jawOpen=bumps(AT + frames)), curves(200, jawOpen=bumps(AT))))
    expected = frames * 1000 / 30 if abs(frames) < 15 else None
    assert s.average("onset_lag_ms") == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("frames", [0.5, -1.3])
def test_parts_of_a_frame(frames: float) -> None:
    """The parabola is right to a tenth of a frame."""
    s = scored((curves(200, jawOpen=bumps(AT + frames)), curves(200, jawOpen=bumps(AT))))
    assert s.average("onset_lag_ms") == pytest.approx(frames * 1000 / 30, abs=3.4)


def test_it_is_in_ms_and_not_in_frames() -> None:
    s = scored((curves(200, jawOpen=bumps(AT + 3)), curves(200, jawOpen=bumps(AT))), fps=60)
    assert s.average("onset_lag_ms") == pytest.approx(50, abs=0.01)


def test_onsets_and_not_ends_decide() -> None:
    """A mouth that opens on time and closes 4 frames (133 ms) late is on time, as far as its movements do not touch."""
    truth = bumps(AT)
    held = truth.copy()
    for centre in AT.astype(int):
        held[centre : centre + 9] = [*[truth[centre]] * 4, *truth[centre : centre + 5]]
    s = scored((curves(200, jawOpen=held), curves(200, jawOpen=truth)))
    assert s.average("onset_lag_ms") == pytest.approx(0, abs=5)


def test_smaller_movements_are_not_later() -> None:
    s = scored((curves(200, jawOpen=0.3 + 0.2 * bumps(AT + 2)), curves(200, jawOpen=bumps(AT))))
    assert s.average("onset_lag_ms") == pytest.approx(2000 / 30, abs=0.01)


def test_large_movements_decide_of_several_curves() -> None:
    """A jaw that is on time beside lips that hardly move and are 5 frames late."""
    truth = curves(200, jawOpen=bumps(AT), mouthFunnel=bumps(AT, height=0.1))
    s = scored((curves(200, jawOpen=bumps(AT), mouthFunnel=bumps(AT + 5, height=0.1)), truth))
    assert abs(s.average("onset_lag_ms") or 0) < 10
    told = s.as_dict()["by_curve"]
    assert told["mouthFunnel"]["onset_lag_ms"] == pytest.approx(5000 / 30, abs=0.01)
    assert s.as_dict()["by_region"]["brow"]["onset_lag_ms"] is None


def test_takes_are_summed_and_not_joined() -> None:
    early, late = AT[:2] - 2, AT[2:] - 60 + 2
    s = scored(
        (curves(90, jawOpen=bumps(early + 3, 90)), curves(90, jawOpen=bumps(early, 90))),
        (curves(110, jawOpen=bumps(late + 3, 110)), curves(110, jawOpen=bumps(late, 110))),
    )
    assert s.average("onset_lag_ms") == pytest.approx(100, abs=0.5)


def test_frames_across_a_gap_are_not_compared() -> None:
    """Each run is 2 frames late; what lies between them is not tracked."""
    truth, predicted = bumps(AT), bumps(AT + 2)
    valid = np.ones(200, bool)
    valid[88:95] = False
    truth[88:95], predicted[88:95] = 7.0, -7.0
    s = scored((curves(200, jawOpen=predicted), curves(200, jawOpen=truth), valid))
    assert s.average("onset_lag_ms") == pytest.approx(2000 / 30, abs=0.01)


def test_where_it_is_not_defined() -> None:
    """A still face, a face that only falls, movements that have nothing in common, and a single frame."""
    truth = curves(200, jawOpen=bumps(AT))
    noise = np.random.default_rng(0).random((5, 200)) * 0.5
    for predicted in (np.full(200, 0.3), np.linspace(0.9, 0.1, 200), *noise):
        assert scored((curves(200, jawOpen=predicted), truth)).average("onset_lag_ms") is None
    one = [(curves(1, jawOpen=v), curves(1, jawOpen=v)) for v in (0.1, 0.9)]
    assert scored(*one).moving[INDEX["jawOpen"]] and scored(*one).average("onset_lag_ms") is None
