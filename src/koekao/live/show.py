"""A live face: a source is heard, frames are made, and sinks get them when they are due.

One loop in one thread does it: it waits for sound or for the next frame that is due, whichever is first. The sound sets
the time; what the loop measures beside that (how long from the last sample of a frame to its packet, what came late) is
counted and told, and never decides what a face looks like. Files get every frame that was made, whenever it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.live.inbox import Inbox
from koekao.live.performance import Performance, frames_of, perform
from koekao.live.playout import Counts, Playout
from koekao.live.sources import Source
from koekao.live.spread import Spread
from koekao.wire.filed import FileSink
from koekao.wire.frame import FaceFrame
from koekao.wire.sink import Sink

_WAIT_S = 0.1


@dataclass(kw_only=True)
class Shown:
    """What a show came to.

    Attributes:
        heard_s: seconds of sound heard. forgotten_s: of those, silence in the place of sound that nobody could take.
        frames: made. counts: what became of them.
        wait: ms from the arrival of a frame's last sample to the moment it was handed to the sinks.
    """

    heard_s: Fraction = Fraction(0)
    forgotten_s: float = 0.0
    frames: int = 0
    counts: Counts = field(default_factory=Counts)
    wait: Spread = field(default_factory=Spread)


def show(
    performance: Performance,
    source: Source,
    sinks: Sequence[Sink],
    *,
    buffer_s: float = 0.0,
    seconds: float | None = None,
    stopped: threading.Event | None = None,
    on_progress: Callable[[Shown], None] | None = None,
) -> Shown:
    """Animate ``source`` live until it ends, ``seconds`` of it were heard, or ``stopped`` is set.

    Args:
        performance: fresh, at the source's sample rate. sinks: they are left open.
        buffer_s: how long frames may wait to be shown evenly (see :mod:`koekao.live.playout`).
        on_progress: called some ten times a second, and never for long.

    Raises:
        SoundError: what comes is no sound. What the source ran into.
    """
    stopped = stopped or threading.Event()
    files, watched = ([s for s in sinks if isinstance(s, FileSink) == is_file] for is_file in (True, False))
    inbox, playout = Inbox(source.sample_rate), Playout(performance.fps, buffer_s=buffer_s)
    shown, told_s = Shown(counts=playout.counts), 0.0
    performance.warm_up()
    source.start(inbox)
    try:
        while not stopped.is_set():
            wait_s = playout.wait_s(time.perf_counter())
            got = inbox.get(_WAIT_S if wait_s is None else min(wait_s, _WAIT_S))
            if got is None or (seconds is not None and performance.heard_s >= seconds):
                break
            block, arrived_s = got
            if len(block):
                frames = frames_of(performance.push(block), performance.fps)
                playout.put(frames, time.perf_counter())
                _send(playout.take(time.perf_counter()), watched)
                _measured(shown, frames, arrived_s)
                _send(frames, files)
            else:
                _send(playout.take(time.perf_counter()), watched)
            shown.heard_s = performance.heard_s
            shown.forgotten_s = inbox.forgotten_samples / source.sample_rate
            if on_progress is not None and time.perf_counter() - told_s > _WAIT_S:
                told_s = time.perf_counter()
                on_progress(shown)
    finally:
        inbox.end()
        source.stop()
    last = frames_of(performance.finish(), performance.fps)
    _send([*playout.rest(), *last], watched)
    _send(last, files)
    shown.frames += len(last)
    shown.counts.shown += len(last)
    shown.heard_s = performance.heard_s
    return shown


def show_at_once(performance: Performance, blocks: Iterable[NDArray[np.float32]], sinks: Sequence[Sink]) -> Shown:
    """The same as fast as it can be made, for sinks that do not mind: nothing is late, held or dropped."""
    shown = Shown()
    for played in perform(performance, blocks):
        frames = frames_of(played, performance.fps)
        _send(frames, sinks)
        shown.frames += len(frames)
    shown.counts.shown, shown.heard_s = shown.frames, performance.heard_s
    return shown


def _measured(shown: Shown, frames: Sequence[FaceFrame], arrived_s: float) -> None:
    shown.frames += len(frames)
    for _ in frames:
        shown.wait.add(1000 * (time.perf_counter() - arrived_s))


def _send(frames: Sequence[FaceFrame], sinks: Sequence[Sink]) -> None:
    for frame in frames:
        for sink in sinks:
            sink.send(frame)
