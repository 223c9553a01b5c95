"""From sound of any rate to frames with the time of the sound."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from koekao.animation import Animator, animate
from koekao.errors import SoundError
from koekao.live.performance import Performance, frames_of, perform
from koekao.live.resampling import StreamResampler
from koekao.models import FaceModel


def pieces(sound: Any, *sizes: int) -> list[Any]:
    parts, begin = [], 0
    while begin < len(sound):
        size = sizes[len(parts) % len(sizes)]
        parts.append(sound[begin : begin + size])
        begin += size
    return parts


def whole(performance: Performance, blocks: list[Any]) -> tuple[Any, Any]:
    played = list(perform(performance, blocks))
    for before, after in pairwise(played):
        assert after.first_frame == before.first_frame + len(before.curves)
    return np.concatenate([p.curves for p in played]), np.concatenate([p.pose for p in played])


@pytest.mark.parametrize("rate", [16000, 48000, 44100, 8000])
@pytest.mark.parametrize("sizes", [(160,), (441, 7, 5000), (100_000,)])
def test_any_rate_and_any_blocks_are_the_resampled_whole(model: FaceModel, speech: Any, rate: int, sizes: Any) -> None:
    up = StreamResampler(16000, rate)
    sound = np.concatenate([up.push(speech), up.finish()])
    down = StreamResampler(rate, 16000)
    expected = animate(model, np.concatenate([down.push(sound), down.finish()]))
    curves, pose = whole(Performance(Animator(model), sample_rate=rate), pieces(sound, *sizes))
    np.testing.assert_allclose(curves, expected, atol=1e-5)
    assert len(curves) == 90 and curves.std(0).max() > 0.02
    assert pose.shape == (90, 9) and not pose.any()


def test_at_the_rate_of_the_model_it_is_what_animate_gives(model: FaceModel, speech: Any) -> None:
    curves, _ = whole(Performance(Animator(model)), [speech])
    np.testing.assert_allclose(curves, animate(model, speech), atol=1e-6)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_a_frame_is_ready_its_latency_after_its_moment_and_no_sooner(model: FaceModel, speech: Any, rate: int) -> None:
    performance, heard = Performance(Animator(model), sample_rate=rate), 0
    assert performance.latency_s == Fraction(4, 30) + (Fraction(3, 1000) if rate == 48000 else 0)
    for block in pieces(np.resize(speech, rate), 10):
        heard += len(block)
        for frame in frames_of(performance.push(block), performance.fps):
            ready_s = Fraction(heard, rate)
            # to the block of ten samples, and half a sample of the model's for where a frame begins
            late_s = ready_s - frame.time_s - performance.latency_s
            assert -Fraction(1, 16000) <= late_s <= Fraction(12, rate) + Fraction(1, 16000)


def test_time_is_the_count_of_samples(animator: Animator, speech: Any) -> None:
    performance = Performance(animator)
    first = frames_of(performance.push(speech[:10_000]), performance.fps)
    second = frames_of(performance.push(speech[10_000:20_000]), performance.fps)
    assert [frame.number for frame in [*first, *second]] == list(range(len(first) + len(second)))
    assert [frame.time_s for frame in second] == [Fraction(frame.number, 30) for frame in second]
    assert performance.heard_s == Fraction(20_000, 16_000)


def test_after_a_reset_it_is_as_if_nothing_had_been_heard(model: FaceModel, speech: Any) -> None:
    performance = Performance(Animator(model), sample_rate=48000)
    whole(performance, [speech[:9999]])
    performance.reset()
    again, fresh = (whole(p, [speech]) for p in (performance, Performance(Animator(model), sample_rate=48000)))
    np.testing.assert_array_equal(again[0], fresh[0])
    assert performance.heard_s == 1
    performance.reset()
    assert performance.push(speech).first_frame == 0


def test_what_is_not_finite_is_refused(animator: Animator) -> None:
    with pytest.raises(SoundError, match="not finite"):
        Performance(animator).push(np.full(100, np.nan, np.float32))
