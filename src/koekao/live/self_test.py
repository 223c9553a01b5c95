"""Does a live face arrive? Every network format at once, from a sound spoken now to receivers on this machine.

What is told is what the receivers heard: the packets that an engine would get, decoded and matched with what was sent.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from fractions import Fraction

from koekao.live.performance import Performance
from koekao.live.show import Shown, show
from koekao.live.sources import Source
from koekao.wire import Account, FaceFrame, Receiver, Sink, loopback, self_test_account
from koekao.wire.sink import Closing, Counts

FORMATS = ("livelink", "vmc", "ifacialmocap", "ws")


class _Noted(Closing):
    """A sink that notes when it was given what."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.sent: list[tuple[FaceFrame, float]] = []

    @property
    def counts(self) -> Counts:
        return self.sink.counts

    def describe(self) -> str:
        return self.sink.describe()

    def send(self, frame: FaceFrame) -> None:
        self.sent.append((frame, time.perf_counter()))
        self.sink.send(frame)

    def close(self) -> None:
        self.sink.close()


def self_test(
    performance: Performance, source: Source, *, subject: str = "koekao", buffer_s: float = 0.0
) -> tuple[Shown, list[Account]]:
    """Show ``source`` to a receiver of each of :data:`FORMATS`, and account for what arrived.

    Raises:
        ConfigError: a package that a format needs is not installed.
    """
    fps: Fraction = performance.fps
    with ExitStack() as stack:
        ends: dict[str, tuple[_Noted, Receiver]] = {}
        for kind in FORMATS:
            sink, receiver = stack.enter_context(loopback(kind, fps=fps, subject=subject))
            ends[kind] = _Noted(sink), receiver
        shown = show(performance, source, [sink for sink, _ in ends.values()], buffer_s=buffer_s)
        accounts = []
        for kind, (noted, receiver) in ends.items():
            noted.close()
            receiver.wait(len(noted.sent), 2.0)
            accounts.append(self_test_account(kind, noted.sent, receiver.frames, fps=fps))
    return shown, accounts
