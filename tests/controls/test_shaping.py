"""Gain, offset, response, strengths and symmetry: what a face is, curve by curve."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from faces_under_control import BENT, Curves
from scipy.interpolate import PchipInterpolator

from koekao.arkit import INDEX, MIRROR, NAMES, REGIONS
from koekao.controls import Adjustment, ControlSettings, Smoothing, controlled
from koekao.controls.balance import EXPRESSION, SPEECH

FPS = Fraction(30)
JAW = [INDEX[name] for name in REGIONS["jaw"]]


def under(settings: ControlSettings, curves: Curves) -> Curves:
    return controlled(settings, curves, FPS).curves


def others(columns: list[int]) -> list[int]:
    return [i for i in range(52) if i not in columns]


def test_gain_and_offset_are_those_of_the_region_unless_a_curve_has_its_own(take: Curves) -> None:
    settings = ControlSettings(
        regions={"jaw": Adjustment(gain=0.5, offset=0.1)}, curves={"jawOpen": Adjustment(gain=2.0)}
    )
    out, jaw_open = under(settings, take), INDEX["jawOpen"]
    np.testing.assert_allclose(out[:, jaw_open], np.clip(2 * take[:, jaw_open] + 0.1, 0, 1), atol=1e-6)
    for i in JAW:
        if i != jaw_open:
            np.testing.assert_allclose(out[:, i], 0.5 * take[:, i] + 0.1, atol=1e-6)
    np.testing.assert_array_equal(out[:, others(JAW)], take[:, others(JAW)])


def test_a_response_is_the_monotone_cubic_through_its_points() -> None:
    x = np.linspace(0, 1, 501)
    faces = np.repeat(x[:, None], 52, 1).astype(np.float32)
    steep = ((0, 0.1), (0.5, 0.2), (1, 1))
    settings = ControlSettings(
        regions={"jaw": Adjustment(response=BENT)}, curves={"browInnerUp": Adjustment(response=steep, gain=0.5)}
    )
    out = under(settings, faces)
    exact = faces[:, 0].astype(np.float64)
    for i in JAW:
        np.testing.assert_allclose(out[:, i], PchipInterpolator(*zip(*BENT))(exact), atol=1e-6)
    brow = INDEX["browInnerUp"]
    np.testing.assert_allclose(out[:, brow], 0.5 * PchipInterpolator(*zip(*steep))(exact), atol=1e-6)
    assert (np.diff(out[:, JAW], axis=0) >= -1e-7).all()
    np.testing.assert_array_equal(out[:, others([*JAW, brow])], faces[:, others([*JAW, brow])])


def test_strengths_scale_speech_and_expression_and_leave_blinks_and_gaze(take: Curves) -> None:
    out = under(ControlSettings(mouth=1.5, expression=0.5), take)
    for i, name in enumerate(NAMES):
        factor = 1.5 if name in SPEECH else 0.5 if name in EXPRESSION else 1.0
        np.testing.assert_allclose(out[:, i], np.minimum(factor * take[:, i], 1), atol=1e-6, err_msg=name)
    kept = set(NAMES) - set(SPEECH) - set(EXPRESSION)
    assert kept == {name for name in NAMES if name.startswith(("eyeBlink", "eyeLook"))}
    assert not set(SPEECH) & set(EXPRESSION)


def test_symmetry_goes_to_the_mean_of_both_sides(take: Curves) -> None:
    half, whole = (under(ControlSettings(symmetry=s), take).astype(np.float64) for s in (0.5, 1.0))
    mean = (take.astype(np.float64) + take[:, MIRROR]) / 2
    gaze = [i for i, name in enumerate(NAMES) if name.startswith(("eyeLookIn", "eyeLookOut"))]
    face = others(gaze)
    np.testing.assert_allclose(whole[:, face], mean[:, face], atol=1e-6)
    np.testing.assert_allclose(half[:, face], ((take + mean) / 2)[:, face], atol=1e-6)
    np.testing.assert_array_equal(whole[:, gaze], take[:, gaze])


def test_a_jaw_to_the_left_is_to_neither_side_where_it_is_symmetric() -> None:
    faces = np.zeros((1, 52), np.float32)
    faces[0, [INDEX["jawLeft"], INDEX["mouthRight"], INDEX["mouthSmileLeft"]]] = 0.8
    out = under(ControlSettings(symmetry=1.0), faces)[0]
    for name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight"):
        assert out[INDEX[name]] == pytest.approx(0.4)


def test_what_grows_beyond_a_face_is_limited_before_it_is_smoothed() -> None:
    """Else a gain of 4 would hold a curve at 1 for as long as the smoothing reaches."""
    spike = np.zeros((31, 52), np.float32)
    spike[15] = 1.0
    much = {name: Adjustment(gain=4.0) for name in REGIONS}
    smooth = Smoothing(ms=40)
    plain = under(ControlSettings(smoothing=smooth), spike)
    np.testing.assert_array_equal(under(ControlSettings(regions=much, smoothing=smooth), spike), plain)
    np.testing.assert_array_equal(under(ControlSettings(mouth=2, expression=2, smoothing=smooth), spike), plain)
