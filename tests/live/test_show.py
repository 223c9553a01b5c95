"""A live face over real sockets: what arrives is what the sound says, whatever the source does."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import koekao
from koekao.animation import Animator, animate
from koekao.errors import SoundError
from koekao.live.performance import Performance
from koekao.live.show import Shown, show
from koekao.models import FaceModel
from koekao.wire import Receiver, loopback, open_sink
from speaking import Speaking, spoken


def arrived(receiver: Receiver, n_sent: int) -> list[Any]:
    """What came in; the last packets may be on their way still."""
    until = time.perf_counter() + 2
    while len(receiver.frames) < n_sent and time.perf_counter() < until:
        time.sleep(0.01)
    return list(receiver.frames)


@pytest.fixture
def performance(animator: Animator) -> Performance:
    return Performance(animator)


@pytest.mark.parametrize("kind", ["livelink", "vmc", "ifacialmocap", "ws"])
def test_what_arrives_is_what_was_said(model: FaceModel, performance: Performance, speech: Any, kind: str) -> None:
    sound = speech[:12_800]
    with loopback(kind, fps=performance.fps) as (sink, receiver):
        shown = show(performance, Speaking(spoken(sound)), [sink])
        sink.close()
        received = arrived(receiver, sink.counts.sent)
    expected = animate(model, sound)
    assert len(received) == len(expected) == shown.frames == shown.counts.shown == 24
    curves = np.stack([frame.curves for frame in received])
    np.testing.assert_allclose(curves, expected, atol=1e-5 if kind != "ifacialmocap" else 0.0051)
    assert shown.heard_s == Fraction(4, 5) and len(shown.wait) >= 20
    if kind == "livelink":
        assert [frame.time_s for frame in received] == [Fraction(k, 30) for k in range(24)]


def test_a_stall_is_held_and_caught_up_and_a_file_has_every_frame(
    model: FaceModel, performance: Performance, speech: Any, tmp_path: Path
) -> None:
    """Sound from 0.5 s on comes 0.9 s late: the network gets the newest half second of it, the file all."""
    late = spoken(speech[:24_000], stall=(0.5, 1.4))
    with loopback("livelink", fps=performance.fps) as (sink, receiver):
        with open_sink(f"file:{tmp_path / 'face.jsonl'}", fps=performance.fps) as file:
            shown = show(performance, Speaking(late), [sink, file])
        sink.close()
        times = [frame.time_s for frame in arrived(receiver, sink.counts.sent)]
    assert times == sorted(set(times)) and shown.counts.held >= 15
    assert shown.counts.dropped >= 5 and shown.counts.shown + shown.counts.dropped == 45
    assert len(times) == shown.counts.shown
    written = koekao.read_curves(tmp_path / "face.jsonl")
    np.testing.assert_allclose(written.values, animate(model, speech[:24_000]), atol=1e-6)


def test_heaps_of_sound_are_shown_evenly_with_a_buffer(performance: Performance, speech: Any) -> None:
    with loopback("livelink", fps=performance.fps) as (sink, receiver):
        shown = show(performance, Speaking(spoken(speech[:24_000], block=1600)), [sink], buffer_s=0.15)
        sink.close()
        at = np.array([frame.at_s for frame in arrived(receiver, sink.counts.sent)])
    assert shown.counts.dropped == 0
    gaps = np.diff(at)[:30]  # the last come at once, when the sound is over
    assert np.median(gaps) == pytest.approx(1 / 30, abs=0.012)


def test_it_ends_when_asked_and_what_it_was_asked_for(performance: Performance, speech: Any) -> None:
    stopped, told = threading.Event(), []
    source = Speaking(spoken(np.resize(speech, 16_000 * 60)))

    def enough(so_far: Shown) -> None:
        told.append(so_far.frames)
        if so_far.heard_s > 0.4:
            stopped.set()

    shown = show(performance, source, [], stopped=stopped, on_progress=enough)
    assert source.stopped.is_set() and 0.4 < shown.heard_s < 2 and told == sorted(told)
    performance.reset()
    assert 0.3 <= show(performance, Speaking(spoken(np.resize(speech, 16_000 * 60))), [], seconds=0.3).heard_s < 2


def test_a_fault_of_the_source_arrives_and_the_source_is_let_go(performance: Performance, speech: Any) -> None:
    source = Speaking(spoken(speech[:3200]), fault=SoundError("unplugged", where="mic"))
    with pytest.raises(SoundError, match="unplugged"):
        show(performance, source, [])
    assert source.stopped.is_set()
