"""Law: what is no frame is never made, so no sink has to look."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from koekao.errors import WireError
from koekao.wire import FaceFrame, still

CURVES, POSE = np.zeros(52, np.float32), np.zeros(9, np.float32)


def changed(array: np.ndarray, place: int, value: float) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((-1, Fraction(0), CURVES, POSE), "frame number -1"),
        ((2**53, Fraction(0), CURVES, POSE), "frame number"),
        ((7, 0.5, CURVES, POSE), "frame 7: time 0.5; expected a Fraction"),
        ((7, Fraction(-1, 2), CURVES, POSE), "frame 7: time"),
        ((7, Fraction(0), CURVES[:51], POSE), r"frame 7: values of shape \(51,\)"),
        ((7, Fraction(0), CURVES.astype(np.float64), POSE), "float64"),
        ((7, Fraction(0), CURVES[None], POSE), "shape"),
        ((7, Fraction(0), CURVES, np.zeros(3, np.float32)), r"expected float32 \[9\]"),
        ((7, Fraction(0), changed(CURVES, 24, np.nan), POSE), "frame 7:jawOpen: nan"),
        ((7, Fraction(0), CURVES, changed(POSE, 1, np.inf)), "frame 7:HeadPitch: inf"),
    ],
)
def test_what_is_no_frame_is_refused(arguments: Any, text: str) -> None:
    with pytest.raises(WireError, match=text):
        FaceFrame(*arguments)


def test_a_still_frame_looks_straight_ahead() -> None:
    frame = still(4, Fraction(1, 30), CURVES)
    assert (frame.number, frame.time_s) == (4, Fraction(1, 30)) and (frame.pose == POSE).all()
