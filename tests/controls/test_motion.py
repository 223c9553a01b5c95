"""Blinks, glances and the head: functions of (seed, time), bounded, and only where the model gives none."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from faces_under_control import Curves, noisy
from numpy.typing import NDArray

from koekao.arkit import INDEX, NAMES
from koekao.controls import Blinks, Controlled, ControlSettings, EyeMotion, HeadMotion, controlled
from koekao.controls.blinks import BlinkStage

LIDS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
LOOKS = [i for i, name in enumerate(NAMES) if name.startswith("eyeLook")]
ALIVE = ControlSettings(
    blinks=Blinks(amount=1, double=0.3), head=HeadMotion(amount_deg=5), eyes=EyeMotion(amount_deg=6)
)


def still_face(fps: Fraction | int, seconds: float) -> Curves:
    return np.zeros((int(seconds * fps), 52), np.float32)


def alive(seconds: float, settings: ControlSettings = ALIVE, fps: Fraction | int = 60, seed: int = 2) -> Controlled:
    return controlled(settings, still_face(fps, seconds), Fraction(fps), seed=seed)


def test_motion_is_the_same_at_the_same_moment_at_every_rate() -> None:
    """24 and 60 share every second frame of 12 a second: equal to the bit; resampled to 60 too."""
    slow, fast = alive(60, fps=24), alive(60, fps=60)
    np.testing.assert_array_equal(slow.curves[::2], fast.curves[::5])
    np.testing.assert_array_equal(slow.pose[::2], fast.pose[::5])
    upwards = controlled(ALIVE, still_face(24, 60), Fraction(24), fps_out=Fraction(60), seed=2)
    np.testing.assert_array_equal(upwards.curves, fast.curves)
    np.testing.assert_array_equal(upwards.pose, fast.pose)


def test_another_seed_is_another_life() -> None:
    a, b = alive(20), alive(20, seed=3)
    assert not np.array_equal(a.curves[:, LIDS], b.curves[:, LIDS])
    assert not np.array_equal(a.curves[:, LOOKS], b.curves[:, LOOKS])
    assert np.abs(np.corrcoef(a.pose[120:, 0], b.pose[120:, 0])[0, 1]) < 0.9


def test_no_amount_and_never_are_off() -> None:
    for off in (
        ControlSettings(blinks=Blinks(amount=0), head=HeadMotion(amount_deg=0), eyes=EyeMotion(amount_deg=0)),
        ControlSettings(
            blinks=Blinks(amount=1, when="never"),
            head=HeadMotion(amount_deg=5, when="never"),
            eyes=EyeMotion(amount_deg=5, when="never"),
        ),
    ):
        out = alive(20, off)
        assert not out.curves.any()
        assert not out.pose.any()


# Blinks


def blinks_of(lids: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Runs of frames with lids down, first and last."""
    down = np.flatnonzero(lids > 0)
    runs = np.split(down, np.flatnonzero(np.diff(down) > 1) + 1)
    return [(int(run[0]), int(run[-1])) for run in runs if len(run)]


def test_blinks_come_every_two_to_six_seconds() -> None:
    out = alive(600, ControlSettings(blinks=Blinks(amount=1, double=0)))
    np.testing.assert_array_equal(out.curves[:, LIDS[0]], out.curves[:, LIDS[1]])
    begins = np.array([first for first, _ in blinks_of(out.curves[:, LIDS[0]])]) / 60
    gaps = np.diff(begins)
    assert 600 / 4 - 3 <= len(begins) <= 600 / 4 + 3
    assert gaps.min() >= 2 - 1 / 60
    assert gaps.max() <= 6 + 1 / 60
    assert gaps.std() > 0.5
    assert out.curves[:, [i for i in range(52) if i not in LIDS]].max() == 0


def test_a_blink_closes_faster_than_it_opens_within_a_fifth_of_a_second() -> None:
    lids = alive(300, ControlSettings(blinks=Blinks(amount=1, double=0)), fps=240).curves[:, LIDS[0]]
    runs = blinks_of(lids)
    assert len(runs) > 60
    for first, last in runs:
        blink = lids[first : last + 1]
        assert 0.14 <= len(blink) / 240 <= 0.205
        shut = np.flatnonzero(blink == 1)
        assert shut[0] < 0.7 * (len(blink) - 1 - shut[-1])
        assert (np.diff(blink[: shut[0] + 1]) > 0).all()
        assert (np.diff(blink[shut[-1] :]) < 0).all()
        assert np.abs(np.diff(blink)).max() < 0.25


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_every_blink_has_a_frame_with_closed_eyes(fps: int) -> None:
    lids = alive(300, ControlSettings(blinks=Blinks(amount=0.8, double=0)), fps=fps).curves[:, LIDS[0]]
    runs = blinks_of(lids)
    assert len(runs) > 60
    assert all(lids[first : last + 1].max() == np.float32(0.8) for first, last in runs)


def test_some_blinks_come_twice() -> None:
    single, double = (
        len(blinks_of(alive(600, ControlSettings(blinks=Blinks(amount=1, double=d)), fps=120).curves[:, LIDS[0]]))
        for d in (0.0, 0.3)
    )
    assert 1.15 * single < double < 1.45 * single
    settings = Blinks(amount=1, double=1.0, every_s=(1.0, 1.0))
    assert len(blinks_of(alive(30, ControlSettings(blinks=settings), fps=120).curves[:, LIDS[0]])) == 60


def own_blinks(seconds: int, fps: int, every: int) -> Curves:
    faces = still_face(fps, seconds)
    for begin in range(fps, len(faces) - fps, every):
        faces[begin : begin + fps // 5, LIDS] = 0.7
    return faces


def test_where_the_model_blinks_there_are_no_blinks_of_ours() -> None:
    faces = own_blinks(60, 60, 120)  # every two seconds, so it is never still for two
    blinks = Blinks(amount=1)
    out = controlled(ControlSettings(blinks=blinks), faces, Fraction(60), seed=1).curves
    late = slice(3 * 60, None)
    np.testing.assert_array_equal(out[late], faces[late])
    always = controlled(ControlSettings(blinks=Blinks(amount=1, when="always")), faces, Fraction(60), seed=1).curves
    assert len(blinks_of(always[:, LIDS[0]] * (always[:, LIDS[0]] > 0.71))) >= 12
    assert (always >= faces).all()


def test_tremor_of_the_lids_is_no_blink_and_theirs_stop_ours_for_two_seconds_only() -> None:
    settings = ControlSettings(blinks=Blinks(amount=1, double=0))
    trembling = noisy(np.full((60 * 60, 52), 0.1, np.float32), 0.02)
    ours = controlled(settings, trembling, Fraction(60), seed=1).curves[:, LIDS[0]]
    assert len(blinks_of(ours * (ours > 0.5))) == len(blinks_of(alive(60, settings, seed=1).curves[:, LIDS[0]]))
    stage = BlinkStage(settings.blinks, Fraction(60), 1)
    begins_s = stage.blink(3).parts[0][0]
    for before_s, comes in ((1.7, False), (2.3, True)):
        faces = still_face(60, 20)
        at = int((begins_s - before_s) * 60)
        faces[at - 12 : at, LIDS] = 0.9
        lids = controlled(settings, faces, Fraction(60), seed=1).curves[:, LIDS[0]]
        assert (lids[int(begins_s * 60) + 1 : int((begins_s + 0.2) * 60)].max() == 1) == comes


# Head


def test_the_head_stays_within_its_bound_and_moves() -> None:
    degrees = np.degrees(alive(1200, fps=30).pose[:, :3].astype(np.float64))
    for axis, most in enumerate((5, 3.5, 2)):
        assert 0.35 * most < np.abs(degrees[:, axis]).max() <= most
        assert degrees[:, axis].std() > 0.1 * most
    assert np.abs(np.corrcoef(degrees.T) - np.eye(3)).max() < 0.25


def test_the_head_moves_like_a_head() -> None:
    """Power falls with frequency, with next to nothing above 3 Hz; it begins neutral, without a jump."""
    out = alive(3000, fps=30)
    pose = out.pose[:, 0].astype(np.float64)
    assert pose[0] == 0
    assert np.degrees(np.abs(np.diff(pose)).max()) * 30 < 15
    all_axes = out.pose[:, :3].astype(np.float64) / [5, 3.5, 2]
    power = (np.abs(np.fft.rfft(all_axes * np.hanning(len(pose))[:, None], axis=0)) ** 2).sum(1)
    hz = np.fft.rfftfreq(len(pose), 1 / 30)
    assert power[hz > 3].sum() < 1e-4 * power.sum()
    bands = np.array([power[(hz >= f) & (hz < 2 * f)].mean() for f in (0.0625, 0.125, 0.25, 0.5, 1.0)])
    falls = np.diff(np.log2(bands))
    assert -2.6 < falls[:2].mean() < -1.6  # 1/f in amplitude, twice that in power
    assert (falls < -0.8).all()


# Eyes


def test_both_eyes_glance_together_and_curves_say_what_the_pose_says() -> None:
    out = alive(300, ControlSettings(eyes=EyeMotion(amount_deg=6)), fps=60)
    pose, curves = out.pose.astype(np.float64), out.curves.astype(np.float64)
    np.testing.assert_allclose(pose[:, 3:6], pose[:, 6:9], atol=1e-6)
    assert not pose[:, [0, 1, 2, 5, 8]].any()
    yaw, pitch = np.degrees(pose[:, 3]), np.degrees(pose[:, 4])
    assert 3 < np.abs(yaw).max() <= 6 + 1e-5
    assert 1 < np.abs(pitch).max() <= 3 + 1e-5
    look = {name: curves[:, INDEX[f"eyeLook{name}"]] for name in ("InLeft", "OutLeft", "InRight", "OutRight", "UpLeft")}
    assert ((look["OutRight"] > 0) == (pose[:, 3] > 0)).all()  # positive yaw is to the face's right
    assert ((look["InLeft"] > 0) == (pose[:, 3] > 0)).all()
    assert ((look["OutLeft"] > 0) == (pose[:, 3] < 0)).all()
    assert ((look["UpLeft"] > 0) == (pose[:, 4] < 0)).all()
    np.testing.assert_allclose(0.60 * (look["OutRight"] - look["InRight"]), pose[:, 6], atol=1e-6)


def test_eyes_rest_and_jump() -> None:
    yaw = alive(300, ControlSettings(eyes=EyeMotion(amount_deg=6, every_s=(0.5, 2.5)))).pose[:, 3]
    moves = np.flatnonzero(np.diff(yaw) != 0)
    assert len(moves) / len(yaw) < 0.06  # at rest nearly always
    jumps = np.flatnonzero(np.diff(moves) > 3)
    assert 180 < len(jumps) < 205  # 300 s, one in 1.5 s
    gaps = np.diff(moves[jumps + 1]) / 60
    assert gaps.min() > 0.45
    assert gaps.max() < 2.6


def test_eyes_look_straight_until_they_first_glance() -> None:
    for seed in range(5):
        first = alive(0.2, ControlSettings(eyes=EyeMotion(amount_deg=6)), seed=seed)
        assert not first.curves.any()


def test_a_gaze_is_changed_not_replaced() -> None:
    """A model that looks steadily to the left looks less so when we turn right: never both ways at once."""
    faces = still_face(60, 60)
    faces[:, [INDEX["eyeLookOutLeft"], INDEX["eyeLookInRight"]]] = 0.05
    settings = ControlSettings(eyes=EyeMotion(amount_deg=8))
    out = controlled(settings, faces, Fraction(60), seed=4)
    plain = alive(60, settings, seed=4)
    np.testing.assert_allclose(out.pose[:, 3], plain.pose[:, 3] - 0.05 * 0.60, atol=1e-6)
    assert (np.minimum(out.curves[:, INDEX["eyeLookOutLeft"]], out.curves[:, INDEX["eyeLookInLeft"]]) == 0).all()


def test_where_the_models_eyes_move_ours_do_not() -> None:
    faces = still_face(60, 30)
    faces[600:, INDEX["eyeLookUpLeft"]] = 0.3 + 0.3 * np.sin(np.arange(1200) / 10)
    settings = ControlSettings(eyes=EyeMotion(amount_deg=8))
    out = controlled(settings, faces, Fraction(60), seed=4).curves
    assert np.abs(out[:600, LOOKS] - faces[:600, LOOKS]).max() > 0.02
    np.testing.assert_array_equal(out[640:], faces[640:])
    assert np.abs(np.diff(out[:, INDEX["eyeLookInLeft"]])[590:650]).max() < 0.1  # it fades out
    always: Any = ControlSettings(eyes=EyeMotion(amount_deg=8, when="always"))
    assert not np.array_equal(controlled(always, faces, Fraction(60), seed=4).curves[640:], faces[640:])


def test_eyes_that_have_come_to_rest_elsewhere_glance_again_after_a_second() -> None:
    faces = still_face(60, 20)
    faces[600:, INDEX["eyeLookUpLeft"]] = 0.5
    settings = ControlSettings(eyes=EyeMotion(amount_deg=8))
    ours = controlled(settings, faces, Fraction(60), seed=4).curves - faces
    gaze = alive(20, settings, seed=4).curves
    quiet = slice(600 + 18, 660)
    np.testing.assert_array_equal(ours[quiet], 0)
    sideways = [INDEX[f"eyeLook{way}"] for way in ("InLeft", "OutLeft", "InRight", "OutRight")]
    np.testing.assert_allclose(ours[680:, sideways], gaze[680:, sideways], atol=1e-6)


def test_the_pose_of_the_eyes_is_that_of_the_models_curves() -> None:
    """Slopes measured on two Live Link Face captures: 0.60 and 0.55 rad."""
    faces = still_face(30, 1)
    faces[:, [INDEX["eyeLookOutLeft"], INDEX["eyeLookDownRight"]]] = 0.5
    pose = controlled(ControlSettings(), faces, Fraction(30)).pose[0]
    np.testing.assert_allclose(pose, [0, 0, 0, -0.30, 0, 0, 0, 0.275, 0], atol=1e-6)
