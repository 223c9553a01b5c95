"""How much brows and eyes move, whenever they do."""

from __future__ import annotations

import numpy as np
import pytest
from scored_takes import curves, scored

from koekao.arkit import REGIONS


def test_by_hand() -> None:
    """±0.2 has a standard deviation of 0.2, ±0.1 one of 0.1: off by 0.1; the brow is right, so 0.05 for both."""
    truth = curves(4, eyeBlinkLeft=[0.1, 0.5, 0.1, 0.5], browInnerUp=[0, 0, 1, 1])
    s = scored((curves(4, eyeBlinkLeft=[0.4, 0.2, 0.4, 0.2], browInnerUp=[1, 1, 0, 0]), truth))
    assert s.average("upper_face_deviation") == pytest.approx(0.05, abs=1e-6)
    told = s.as_dict()
    assert told["by_region"]["eye"]["upper_face_deviation"] == pytest.approx(0.1, abs=1e-6)
    assert told["by_region"]["brow"]["upper_face_deviation"] == pytest.approx(0, abs=1e-6)


def test_too_much_does_not_make_up_for_too_little() -> None:
    """Off by +0.1 and by -0.1, of two curves or of one curve in two takes: 0.1."""
    truth = curves(2, eyeBlinkLeft=[0.3, 0.7], browInnerUp=[0.3, 0.7])
    two = scored((curves(2, eyeBlinkLeft=[0.2, 0.8], browInnerUp=[0.4, 0.6]), truth))
    assert two.average("upper_face_deviation") == pytest.approx(0.1, abs=1e-6)
    one = curves(2, eyeBlinkLeft=[0.3, 0.7])
    takes = scored((curves(2, eyeBlinkLeft=[0.2, 0.8]), one), (curves(2, eyeBlinkLeft=[0.4, 0.6]), one))
    assert takes.average("upper_face_deviation") == pytest.approx(0.1, abs=1e-6)


def test_takes_count_by_their_frames() -> None:
    """Off by 0.2 over 2 frames and by 0 over 6: 0.05. Offsets between takes are no movement."""
    s = scored(
        (curves(2, eyeBlinkLeft=0.9), curves(2, eyeBlinkLeft=[0.3, 0.7])),
        (curves(6, eyeBlinkLeft=[0, 1, 0, 1, 0, 1]), curves(6, eyeBlinkLeft=[0, 1, 0, 1, 0, 1])),
    )
    assert s.average("upper_face_deviation") == pytest.approx(0.05, abs=1e-6)


def test_a_still_face_has_the_deviation_of_the_truth() -> None:
    truth = np.random.default_rng(0).random(100)
    s = scored((curves(100), curves(100, browInnerUp=truth)))
    assert s.average("upper_face_deviation") == pytest.approx(truth.std(), abs=1e-6)


def test_the_lower_face_has_none() -> None:
    s = scored((curves(4, jawOpen=[0, 1, 0, 1]), curves(4, jawOpen=[0, 0.5, 0, 0.5])))
    assert s.average("upper_face_deviation") is None
    told = s.as_dict()["by_curve"]
    assert all(told[name]["upper_face_deviation"] is None for name in (*REGIONS["mouth"], *REGIONS["jaw"]))
