"""Fault 46: live input stalls, comes in bursts, is dropped; a receiver is gone. The sound is the clock; all is counted.

When a frame is shown is simulated in tests/live/test_playout.py; here a whole face is live, over real sockets. The
server's live input is test_fault_46_served_live.py.
"""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_faces import face, speech
from websockets.sync.client import connect

import koekao
from koekao.animation import Animator, animate
from koekao.animation.torch_engine import TorchEngine
from koekao.errors import SoundError
from koekao.live.inbox import Inbox
from koekao.live.performance import Performance
from koekao.live.show import Shown, show
from koekao.live.sources import PipeSource
from koekao.wire import loopback, open_sink
from koekao.wire.address import Address
from koekao.wire.frame import still
from koekao.wire.server import QUEUE_MESSAGES, WebSocketSink
from serving import until
from speaking import Pieces, Speaking, spoken

FPS = Fraction(30)
SOUND = speech()[:24_000]  # 1.5 s, 45 frames


def shown(pieces: Pieces, sinks: Any = (), **how: Any) -> Shown:
    return show(Performance(Animator(face("stream"))), Speaking(pieces, waits=False), sinks, **how)


def test_fault_46_a_stall_is_held_counted_and_changes_no_frame(tmp_path: Path) -> None:
    with open_sink(f"file:{tmp_path / 'face.jsonl'}", fps=FPS) as file, loopback("livelink", fps=FPS) as (sink, heard):
        result = shown(spoken(SOUND, stall=(0.5, 1.2)), [file, sink])
        sink.close()
        until(lambda: len(heard.frames) == result.counts.shown)
        times = [frame.time_s for frame in heard.frames]
    assert result.frames == 45 and result.heard_s == Fraction(3, 2) and result.forgotten_s == 0
    assert result.counts.held >= 12 and result.counts.shown + result.counts.dropped == 45
    assert times == sorted(set(times)) and {time * 30 for time in times} <= set(range(45)), "the wall set the time"
    written = koekao.read_curves(tmp_path / "face.jsonl")
    np.testing.assert_allclose(written.values, animate(face("stream"), SOUND), atol=1e-5)
    np.testing.assert_allclose(written.time_s, np.arange(45) / 30, atol=1e-6)


def test_fault_46_a_burst_is_bounded_and_the_clock_stays_right(tmp_path: Path) -> None:
    """Ten seconds at once from what cannot wait: two are kept, the rest is as much silence, and told."""
    ten = np.resize(SOUND, 160_000).astype(np.float32)
    with open_sink(f"file:{tmp_path / 'face.jsonl'}", fps=FPS) as file:
        inbox = Inbox(16_000)
        for i in range(0, len(ten), 160):
            inbox.put(ten[i : i + 160], 0.0, wait=False)
            assert inbox._kept <= 32_000
        block, _ = inbox.get(0.0) or (None, 0.0)
        assert len(block) == 160_000 and inbox.forgotten_samples == 128_000
        result = shown([(0.0, block)], [file])
    assert result.heard_s == 10 and result.frames == 300
    as_heard = np.concatenate([np.zeros(128_000, np.float32), ten[128_000:]])
    written = koekao.read_curves(tmp_path / "face.jsonl").values
    np.testing.assert_allclose(written, animate(face("stream"), as_heard), atol=1e-5)


class Slow:
    """An engine that cannot follow: each step takes a third of a second."""

    def __init__(self) -> None:
        self._engine = TorchEngine(face("stream"))
        self.clock, self.look_ahead_frames = self._engine.clock, self._engine.look_ahead_frames

    def init_state(self, n_rows: int) -> Any:
        return self._engine.init_state(n_rows)

    def step(self, sound: Any, state: Any) -> Any:
        time.sleep(0.3)
        return self._engine.step(sound, state)


def test_fault_46_where_the_machine_cannot_follow_the_oldest_sound_is_dropped_and_told() -> None:
    """Sixty seconds come in one; all are on the clock, what was dropped is counted, the newest is heard."""
    minute = np.resize(SOUND, 960_000).astype(np.float32)
    pieces = [(0.001 * k, minute[i : i + 1600]) for k, i in enumerate(range(0, len(minute), 1600))]
    result = show(Performance(Animator(Slow())), Speaking(pieces, waits=False), [])
    assert result.heard_s == 60 and result.frames == 1800
    assert 30 < result.forgotten_s < 60
    assert result.counts.shown + result.counts.dropped == 1800


def test_fault_46_a_pipe_that_breaks_off_within_a_sample_is_told() -> None:
    source = PipeSource(io.BytesIO(b"\0" * 3201))
    with pytest.raises(SoundError, match="ends within a sample"):
        show(Performance(Animator(face("stream"))), source, [])


@pytest.mark.parametrize("kind", ["livelink", "vmc", "ifacialmocap"])
def test_fault_46_a_receiver_that_is_gone_is_counted_and_nobody_waits(kind: str) -> None:
    with loopback(kind, fps=FPS) as (sink, heard):
        heard.close()
        result = shown(spoken(SOUND), [sink])
        counts = sink.counts
    assert result.frames == 45 == counts.sent + counts.failed + counts.dropped
    assert counts.failed >= 40


def dialled(sink: WebSocketSink, **how: Any) -> Any:
    return connect(f"ws://{sink.address}", compression=None, proxy=None, close_timeout=1, **how)


def test_fault_46_a_browser_that_vanishes_is_counted_and_the_others_get_all() -> None:
    with WebSocketSink(Address("127.0.0.1", 0), FPS, "face") as sink, dialled(sink) as stays, dialled(sink) as goes:
        for one in (stays, goes):
            one.recv(timeout=5)
        threading.Timer(0.7, lambda: goes.socket.shutdown(socket.SHUT_RDWR)).start()
        result = shown(spoken(SOUND), [sink])
        numbers = [json.loads(stays.recv(timeout=5))["frame"] for _ in range(result.counts.shown)]
        assert numbers == list(range(45))
        until(lambda: sink.n_clients == 1)
    assert 45 < sink.counts.sent + sink.counts.failed <= 90 and sink.counts.dropped == 0


def test_fault_46_a_browser_that_does_not_read_costs_a_bounded_queue() -> None:
    """It loses the oldest; what is kept for it has an end; the show and the close wait for nobody."""
    sink = WebSocketSink(Address("127.0.0.1", 0), FPS, "face")
    with dialled(sink, max_queue=1):
        until(lambda: sink.n_clients == 1)
        for k in range(6000):
            sink.send(still(k, k / FPS, np.full(52, 0.5, np.float32)))
            if k % 10 == 9:
                time.sleep(0.0005)
        (client,) = sink._clients
        assert len(client.queue) <= QUEUE_MESSAGES and sink.counts.dropped > 1000
        began_s = time.monotonic()
        sink.close()
        assert time.monotonic() - began_s < 5
        assert sink.counts.sent + sink.counts.failed + sink.counts.dropped == 6000
