"""Laws of the controls: offline is live to the bit, nothing later than the latency counts, resume is exact."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from faces_under_control import RATES, SETTINGS, Curves
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.controls import Controlled, Controls, ControlSettings, controlled
from koekao.errors import ConfigError, CurvesError

EVERY_SETTING = pytest.mark.parametrize("name", SETTINGS)
EVERY_RATE = pytest.mark.parametrize(("fps", "fps_out"), RATES)


def controls_of(name: str, fps: str, fps_out: str | None, seed: int = 5) -> Controls:
    out = None if fps_out is None else Fraction(fps_out)
    return Controls(SETTINGS[name], Fraction(fps), fps_out=out, seed=seed)


def joined(parts: list[Controlled]) -> tuple[Curves, Curves]:
    return np.concatenate([part.curves for part in parts]), np.concatenate([part.pose for part in parts])


def in_chunks(controls: Controls, curves: Curves, sizes: list[int]) -> list[Controlled]:
    parts, begin, turn = [], 0, 0
    while begin < len(curves):
        size = sizes[turn % len(sizes)]
        parts.append(controls.push(curves[begin : begin + size]))
        begin, turn = begin + size, turn + 1
    return parts


def assert_same(a: tuple[Curves, Curves], b: tuple[Curves, Curves]) -> None:
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1], b[1])


def whole(name: str, fps: str, fps_out: str | None, curves: Curves) -> tuple[Curves, Curves]:
    out = None if fps_out is None else Fraction(fps_out)
    made = controlled(SETTINGS[name], curves, Fraction(fps), fps_out=out, seed=5)
    return made.curves, made.pose


@EVERY_SETTING
@EVERY_RATE
@pytest.mark.parametrize("sizes", [[1], [7], [0, 3, 1, 0, 40]])
def test_any_chunks_give_the_whole_to_the_bit(
    take: Curves, name: str, fps: str, fps_out: str | None, sizes: list[int]
) -> None:
    controls = controls_of(name, fps, fps_out)
    parts = in_chunks(controls, take, sizes)
    assert_same(joined([*parts, controls.finish()]), whole(name, fps, fps_out, take))


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(list(SETTINGS)),
    rate=st.sampled_from(RATES),
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=8).filter(any),
    n=st.integers(0, 60),
)
def test_any_chunks_of_any_short_take(take: Curves, name: str, rate: Any, sizes: list[int], n: int) -> None:
    controls = controls_of(name, *rate)
    parts = in_chunks(controls, take[:n], sizes)
    assert_same(joined([*parts, controls.finish()]), whole(name, *rate, take[:n]))


@EVERY_SETTING
@EVERY_RATE
def test_every_frame_that_begins_before_the_end_comes_out(
    take: Curves, name: str, fps: str, fps_out: str | None
) -> None:
    for n in (0, 1, 2, 47, len(take)):
        curves, pose = whole(name, fps, fps_out, take[:n])
        expected = -(-n * Fraction(fps_out or fps) // Fraction(fps))
        assert len(curves) == len(pose) == expected
        assert curves.dtype == pose.dtype == np.float32
        assert n == 0 or (curves.min() >= 0 and curves.max() <= 1)


@EVERY_SETTING
@EVERY_RATE
def test_nothing_after_the_latency_changes_what_came_before(
    take: Curves, name: str, fps: str, fps_out: str | None
) -> None:
    """And frames are out when the latency is over, at the latest."""
    latency = controls_of(name, fps, fps_out).latency_s
    before = whole(name, fps, fps_out, take)
    for n in (1, 50, 101):
        changed = take.copy()
        changed[n:] = 1 - changed[n:]
        # Frames up to t depend on frames up to t + latency; the first changed frame is n / fps.
        end = max(0, -(-(n / Fraction(fps) - latency) * Fraction(fps_out or fps) // 1))
        after = whole(name, fps, fps_out, changed)
        assert_same((after[0][:end], after[1][:end]), (before[0][:end], before[1][:end]))
        live = controls_of(name, fps, fps_out)
        ready = len(live.push(take[:n]).curves)
        due = ((n - 1) / Fraction(fps) - latency) * Fraction(fps_out or fps) // 1 + 1
        assert ready >= due


@EVERY_SETTING
@EVERY_RATE
def test_the_declared_latency_is_no_more_than_it_takes(take: Curves, name: str, fps: str, fps_out: str | None) -> None:
    """Some frame comes out no earlier than the latency says: it is not declared longer than it is."""
    live, latest = controls_of(name, fps, fps_out), Fraction(-1)
    n_out = 0
    for i in range(len(take)):
        for _ in range(len(live.push(take[i : i + 1]).curves)):
            latest = max(latest, i / Fraction(fps) - n_out / Fraction(fps_out or fps))
            n_out += 1
    stage_latencies = sum(live.latencies_s.values(), Fraction(0))
    assert live.latency_s == stage_latencies
    assert live.latency_s - 1 / Fraction(fps) < latest <= live.latency_s
    if "1001" not in (fps_out or fps) + fps:  # there the worst of a thousand phases is not within six seconds
        assert latest == live.latency_s


@EVERY_SETTING
@EVERY_RATE
def test_a_stream_after_reset_is_a_fresh_one(take: Curves, name: str, fps: str, fps_out: str | None) -> None:
    controls = controls_of(name, fps, fps_out)
    controls.push(1 - take)
    controls.finish()
    controls.reset()
    assert_same(joined([controls.push(take), controls.finish()]), whole(name, fps, fps_out, take))


@EVERY_SETTING
@EVERY_RATE
@pytest.mark.parametrize("n", [0, 1, 60, 110])
def test_saved_and_restored_goes_on_as_if_nothing_was(
    take: Curves, name: str, fps: str, fps_out: str | None, n: int
) -> None:
    first = controls_of(name, fps, fps_out)
    before = first.push(take[:n])
    state = first.state_dict()
    first.push(1 - take[n:])  # what was saved does not follow
    for saved in (state, json.loads(json.dumps(state, default=lambda array: array.tolist()))):
        second = controls_of(name, fps, fps_out)
        second.push(1 - take[:31])
        second.load_state_dict(saved)
        parts = [before, *in_chunks(second, take[n:], [1, 5]), second.finish()]
        assert_same(joined(parts), whole(name, fps, fps_out, take))


@pytest.mark.parametrize("name", ["alive", "hold"])
def test_restored_at_any_frame_it_goes_on_in_the_middle_of_a_blink_too(take: Curves, name: str) -> None:
    first, expected = controls_of(name, "30", None), whole(name, "30", None, take[:90])
    for n in range(90):
        second = controls_of(name, "30", None)
        second.load_state_dict(first.state_dict())
        rest = joined([second.push(take[n:90]), second.finish()])
        assert_same(rest, (expected[0][n:], expected[1][n:]))
        first.push(take[n : n + 1])


@pytest.mark.parametrize("fps", ["24", "30", "60000/1001"])
def test_the_default_gives_back_what_it_was_given(take: Curves, fps: str) -> None:
    controls = Controls(ControlSettings(), Fraction(fps))
    assert controls.latency_s == 0
    out = controls.push(take)
    np.testing.assert_array_equal(out.curves, take)
    np.testing.assert_array_equal(out.pose[:, [0, 1, 2, 5, 8]], 0)
    assert len(controls.finish().curves) == 0


def test_stages_stand_in_the_order_that_the_document_says() -> None:
    order = ["response", "balance", "smoothing", "lips", "hold", "resampling", "eyes", "blinks"]
    assert list(controls_of("everything", "60", "24").latencies_s) == order
    assert not controls_of("neutral", "60", None).latencies_s


def test_what_is_given_is_not_changed(take: Curves) -> None:
    given = take.copy()
    given.setflags(write=False)
    for name in SETTINGS:
        controlled(SETTINGS[name], given, Fraction(30), fps_out=Fraction(24))
    np.testing.assert_array_equal(given, take)


def test_a_state_of_other_controls_is_refused(take: Curves) -> None:
    state = controls_of("everything", "30", "60").state_dict()
    for other, said in (
        (controls_of("everything", "30", "24"), "fps_out"),
        (controls_of("everything", "60", "24"), "fps"),
        (controls_of("everything", "30", "60", seed=6), "seed"),
        (controls_of("alive", "30", "60"), "settings"),
    ):
        with pytest.raises(ConfigError, match=f"a state with {said}"):
            other.load_state_dict(state)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.01, 1.01])
def test_what_is_no_face_is_refused_by_frame_and_curve(take: Curves, value: float) -> None:
    controls = controls_of("everything", "30", None)
    controls.push(take[:10])
    wrong = take[10:20].copy()
    wrong[4, 24] = value
    with pytest.raises(CurvesError, match=r"frame 14:jawOpen: .*expected a number in 0\.\.1"):
        controls.push(wrong)
    parts = [controls.push(take[10:]), controls.finish()]  # nothing of it was taken
    np.testing.assert_array_equal(joined(parts)[0][-100:], whole("everything", "30", None, take)[0][-100:])


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((3, 51), np.float32),
        np.zeros(52, np.float32),
        np.zeros((3, 52)),
        np.zeros((3, 52), np.int64),
        [[0.0] * 52],
    ],
)
def test_what_are_no_curves_is_refused(wrong: Any) -> None:
    with pytest.raises(CurvesError, match="expected"):
        Controls(ControlSettings(), Fraction(30)).push(wrong)


def test_after_finish_there_is_only_reset(take: Curves) -> None:
    controls = controls_of("everything", "30", None)
    controls.push(take)
    controls.finish()
    assert len(controls.finish().curves) == 0
    with pytest.raises(CurvesError, match="after finish"):
        controls.push(take)
    controls.reset()
    controls.push(take)


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(ConfigError, match="seed"):
        Controls(ControlSettings(), Fraction(30), seed=seed)
