"""Smoothing, lips that meet, shapes that stay: in ms, so alike at every frame rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from faces_under_control import Curves, noisy, speech
from numpy.typing import NDArray

from koekao.arkit import INDEX, NAMES, REGIONS
from koekao.controls import Controls, ControlSettings, LipPress, Smoothing, controlled
from koekao.lips import CLOSED_BELOW, lip_opening

JAW, SMILE = INDEX["jawOpen"], INDEX["mouthSmileLeft"]
EVERY_RATE = pytest.mark.parametrize("fps", [24, 30, 60])


def under(settings: ControlSettings, curves: Curves, fps: int) -> Curves:
    return controlled(settings, curves, Fraction(fps)).curves


def opening_of(curves: Curves) -> NDArray[np.float64]:
    return lip_opening(curves.astype(np.float64))


def mouth(jaw_open: NDArray[np.float64], **more: float) -> Curves:
    """Faces whose jaw goes so, with other curves fixed."""
    faces = np.zeros((len(jaw_open), 52), np.float32)
    faces[:, JAW] = jaw_open
    for name, value in more.items():
        faces[:, INDEX[name]] = value
    return faces


# Smoothing


@EVERY_RATE
@pytest.mark.parametrize("phase", ["zero", "causal"])
def test_a_time_constant_means_the_same_at_every_rate(fps: int, phase: str) -> None:
    """A step is 1 - 1/e of the way after tau (causal), and half of it when it happens (zero phase)."""
    step = mouth(np.repeat([0.0, 1.0], [2 * fps, 2 * fps]))
    out = under(ControlSettings(smoothing=Smoothing(ms=250, phase=phase)), step, fps)[:, JAW]  # type: ignore[arg-type]
    after = np.interp(2 * fps - 1 + 0.25 * fps, np.arange(len(out)), out)  # the last 0 is when the motion begins
    assert after == pytest.approx(1 - np.exp(-1) if phase == "causal" else 1 - np.exp(-1) / 2, abs=0.03)
    if phase == "zero":
        assert (out[2 * fps - 1] + out[2 * fps]) / 2 == pytest.approx(0.5, abs=1e-6)


@EVERY_RATE
def test_zero_phase_comes_late_against_nothing_and_causal_does(fps: int) -> None:
    curves = speech(8.0, fps)
    zero = Controls(ControlSettings(smoothing=Smoothing(ms=80)), Fraction(fps))
    causal = Controls(ControlSettings(smoothing=Smoothing(ms=80, phase="causal")), Fraction(fps))
    assert causal.latency_s == 0
    assert Fraction(24, 100) <= zero.latency_s < Fraction(24, 100) + Fraction(1, fps)

    def lag(controls: Controls) -> int:
        out = np.concatenate([controls.push(curves).curves, controls.finish().curves])[:, JAW]
        x, y = curves[:, JAW] - curves[:, JAW].mean(), out - out.mean()
        return int(np.argmax([np.dot(x[10:-10], y[10 + i : len(y) - 10 + i]) for i in range(10)]))

    assert lag(zero) == 0
    assert lag(causal) >= 1


def test_regions_are_smoothed_by_their_own(take: Curves) -> None:
    for phase in ("zero", "causal"):
        settings = Smoothing(regions={"brow": 80, "jaw": 20}, phase=phase)  # type: ignore[arg-type]
        out = under(ControlSettings(smoothing=settings), take, 30)

        def roughness(curves: Curves, region: str) -> float:
            columns = [INDEX[name] for name in REGIONS[region]]
            return float(np.abs(np.diff(curves[:, columns], n=2, axis=0)).mean())

        assert roughness(out, "brow") < 0.3 * roughness(take, "brow")
        assert 0.3 * roughness(take, "jaw") < roughness(out, "jaw") < 0.8 * roughness(take, "jaw")
        rest = [i for i, name in enumerate(NAMES) if not name.startswith(("brow", "jaw"))]
        np.testing.assert_array_equal(out[:, rest], take[:, rest])


def test_a_face_that_does_not_move_stays_as_it_is(take: Curves) -> None:
    still = np.repeat(take[5:6], 40, 0)
    for phase in ("zero", "causal"):
        out = under(ControlSettings(smoothing=Smoothing(ms=70, phase=phase)), still, 30)  # type: ignore[arg-type]
        np.testing.assert_allclose(out, still, atol=1e-7)


# Lips that meet


def dip(fps: int, lowest: float, high: float = 0.4, seconds: float = 0.16) -> NDArray[np.float64]:
    """A mouth that goes from open to nearly closed and back, for ``seconds`` in the middle of a second."""
    t = np.arange(fps) / fps - 0.5
    return np.where(np.abs(t) < seconds / 2, lowest + (high - lowest) * (1 - np.cos(2 * np.pi * t / seconds)) / 2, high)


@EVERY_RATE
def test_lips_that_nearly_meet_are_shut(fps: int) -> None:
    faces = mouth(dip(fps, 0.1), mouthFunnel=0.3, mouthSmileLeft=0.5)
    out = under(ControlSettings(lips=LipPress(strength=1)), faces, fps)
    opening = opening_of(out)
    middle = int(np.argmin(opening_of(faces)))
    assert opening[middle] < 0
    assert out[middle, INDEX["mouthFunnel"]] == 0
    assert out[middle, INDEX["mouthClose"]] == out[middle, JAW]
    far = np.abs(np.arange(fps) - middle) > 0.151 * fps
    np.testing.assert_array_equal(out[far], faces[far])
    np.testing.assert_array_equal(out[:, SMILE], faces[:, SMILE])
    assert (opening <= opening_of(faces) + 1e-6).all()


def test_strength_is_how_far_they_are_shut() -> None:
    faces = mouth(dip(60, 0.1))
    openings = [
        opening_of(under(ControlSettings(lips=LipPress(strength=s)), faces, 60)).min() for s in (0.25, 0.5, 0.75, 1)
    ]
    assert (np.diff([0.1, *openings]) < -0.03).all()


def test_lips_are_drawn_together_and_let_go_smoothly() -> None:
    faces = mouth(dip(60, 0.1))
    before, after = opening_of(faces), opening_of(under(ControlSettings(lips=LipPress(strength=1)), faces, 60))
    change = before - after
    assert np.abs(np.diff(change)).max() < 0.5 * change.max()
    assert (change > 0.01).sum() >= 6


@pytest.mark.parametrize(
    "jaw",
    [
        dip(60, 0.25),  # not near
        dip(60, 0.0),  # shut already
        np.full(60, 0.1),  # a face at rest with its lips apart
        np.repeat([0.4, 0.1], [30, 30]),  # a mouth that comes to rest
        np.repeat([0.1, 0.4], [30, 30]),  # one that begins to speak
        dip(60, 0.08, high=0.14),  # a tremor
    ],
)
def test_what_is_no_missed_closure_is_left_alone(jaw: NDArray[np.float64]) -> None:
    faces = mouth(jaw)
    np.testing.assert_array_equal(under(ControlSettings(lips=LipPress(strength=1)), faces, 60), faces)


def test_near_decides_what_is_a_closure() -> None:
    faces = mouth(dip(60, 0.25))
    assert opening_of(under(ControlSettings(lips=LipPress(strength=1, near=0.3)), faces, 60)).min() < 0


# Shapes that stay


def closed_frames(opening: NDArray[np.float64]) -> int:
    return int((opening <= CLOSED_BELOW).sum())


@EVERY_RATE
@pytest.mark.parametrize("hold_ms", [50, 100, 170])
def test_a_closure_stays_for_as_long_as_was_said(fps: int, hold_ms: int) -> None:
    jaw = np.full(fps, 0.5)
    jaw[fps // 2] = 0.02
    jaw[fps // 2 - 1] = 0.3
    out = under(ControlSettings(hold_ms=hold_ms), mouth(jaw), fps)[:, JAW]
    n = int(np.ceil(hold_ms * fps / 1000 - 1e-9))
    np.testing.assert_allclose(out[fps // 2 : fps // 2 + n], 0.02, atol=1e-7)
    assert out[fps // 2 + n] > 0.02
    np.testing.assert_allclose(out[: fps // 2], jaw[: fps // 2], atol=1e-7)  # and is no earlier
    done = fps // 2 + n + int(np.ceil(0.05 * fps))
    np.testing.assert_allclose(out[done:], jaw[done:], atol=1e-7)
    assert (np.diff(out[fps // 2 :]) >= -1e-7).all()


@EVERY_RATE
@pytest.mark.parametrize("hold_ms", [50, 100])
def test_an_open_peak_stays_for_as_long_as_was_said(fps: int, hold_ms: int) -> None:
    jaw = np.full(fps, 0.4)
    jaw[fps // 2 - 1 : fps // 2 + 2] = [0.5, 0.6, 0.5]
    out = under(ControlSettings(hold_ms=hold_ms), mouth(jaw), fps)[:, JAW]
    n = int(np.ceil(hold_ms * fps / 1000 - 1e-9))
    np.testing.assert_allclose(out[fps // 2 : fps // 2 + n], 0.6, atol=1e-7)
    assert out[fps // 2 + n] < 0.6
    done = fps // 2 + n + int(np.ceil(0.05 * fps))
    np.testing.assert_allclose(out[done:], jaw[done:], atol=1e-7)


def test_shapes_that_stay_long_enough_by_themselves_are_left_alone() -> None:
    jaw = np.repeat([0.3, 0.02, 0.3, 0.6, 0.3], [30, 30, 30, 30, 30]).astype(np.float64)
    faces = mouth(jaw, browInnerUp=0.2)
    out = under(ControlSettings(hold_ms=100), faces, 60)
    assert closed_frames(opening_of(out)) == 30
    np.testing.assert_allclose(out[:60], faces[:60], atol=1e-7)
    np.testing.assert_allclose(out[60 + 9 : 120], faces[60 + 9 : 120], atol=1e-7)


@pytest.mark.parametrize("fps", [30, 60])
def test_no_closure_comes_late_or_is_lost(fps: int) -> None:
    """Of recorded-like speech: lips that are closed are closed under hold."""
    curves = noisy(speech(20.0, fps))
    closed = opening_of(curves) <= CLOSED_BELOW
    out = opening_of(under(ControlSettings(hold_ms=120), curves, fps))
    assert closed.any()
    assert (out[closed] <= CLOSED_BELOW + 1e-6).all()


def test_a_deeper_closure_and_a_wider_peak_are_followed() -> None:
    jaw = np.full(60, 0.5)
    jaw[20:24] = [0.04, 0.0, 0.03, 0.2]
    out = under(ControlSettings(hold_ms=100), mouth(jaw), 60)[:, JAW]
    np.testing.assert_allclose(out[20:26], [0.04, 0, 0, 0, 0, 0], atol=1e-6)
    jaw = np.full(60, 0.4)
    jaw[20:25] = [0.5, 0.48, 0.7, 0.68, 0.4]
    out = under(ControlSettings(hold_ms=100), mouth(jaw), 60)[:, JAW]
    np.testing.assert_allclose(out[20:28], [0.5, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7], atol=1e-6)


def test_only_jaw_and_mouth_are_held(take: Curves) -> None:
    out = under(ControlSettings(hold_ms=200), take, 30)
    rest = [i for i, name in enumerate(NAMES) if not name.startswith(("jaw", "mouth"))]
    np.testing.assert_array_equal(out[:, rest], take[:, rest])
    assert not np.array_equal(out, take)


def test_a_peak_gives_way_to_a_closure_in_time() -> None:
    """It falls with the mouth from half of its own opening on, and is gone where the lips meet."""
    jaw = np.concatenate([np.full(20, 0.3), [0.65, 0.5, 0.3, 0.2, 0.05], np.full(20, 0.05)])
    out = under(ControlSettings(hold_ms=150), mouth(jaw), 60)[:, JAW]
    assert out[21] == pytest.approx(0.65)
    assert 0.3 < out[22] < 0.65
    assert 0.2 < out[23] < out[22]
    np.testing.assert_allclose(out[24:], 0.05, atol=1e-6)
