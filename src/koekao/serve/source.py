"""The sound of a client as a source of live sound: what ``koekao live`` hears when a browser is its microphone.

The server is that of ``koekao serve`` with the same protocol, for one session at a time, except that nothing is
animated here: a client's sound is handed on at the rate that was asked for, and it gets no frames, only the hello and
at last ``{"end": true, "frames": 0, ...}``. A page that is loaded again is heard again, as more of the same sound.

What it gives up: pace. A client that sends faster than its sound lasts is made to wait once ``inbox_s`` of it waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, N_CURVES
from koekao.clock import Clock
from koekao.live.inbox import Inbox
from koekao.serve.background import Background
from koekao.serve.config import ServeConfig
from koekao.serve.connection import Hearing
from koekao.serve.ensemble import Made, Turn
from koekao.serve.protocol import Command
from koekao.serve.server import Server
from koekao.serve.session import Heard, Session

Sound = NDArray[np.float32]
_READ_S, _ALL_S = 0.1, 1e6


class WebSocketSource:
    """Sound of whoever connects, one after the other.

    Args:
        clock: the rate at which the sound is wanted, that of the model; and its frames, for the hello.
        config: where to listen and who may come; ``most_sessions`` is 1 here whatever it says.
        once: the end of the first client's sound is the end.

    Raises:
        ConfigError: ``websockets`` is not installed, or the address cannot be listened at.
    """

    waits = True

    def __init__(self, clock: Clock, config: ServeConfig | None = None, *, once: bool = True) -> None:
        self.sample_rate = clock.sample_rate
        self._one = _OneVoice(once)
        only = replace(config or ServeConfig(), most_sessions=1)

        def hear(deliver: Callable[[Turn], None]) -> Hearing:
            self._one.deliver = deliver
            return self._one

        self.server = Server(only, clock, 0, hear)
        self.title = f"WebSocket at ws://{self.server.address}"
        self._background = Background(self.server)
        self._background.__enter__()
        self._thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        """Whether no more will come and all of it was read."""
        return self._one.ended

    def read(self, timeout_s: float) -> Sound | None:
        """The sound that has come since, ``[n]`` float32 with n > 0; None where nothing did, or :attr:`ended`."""
        return self._one.read(timeout_s)

    def start(self, inbox: Inbox) -> None:
        """Give everything to ``inbox``, from another thread, until :meth:`stop` or the end."""
        self._thread = threading.Thread(target=self._give, args=(inbox,), name="koekao websocket source", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the client go, and listen no more."""
        self._one.stop()
        self._background.__exit__(None, None, None)
        if self._thread is not None:
            self._thread.join(1.0)

    def _give(self, inbox: Inbox) -> None:
        listened_to = True
        while listened_to and not self.ended:
            sound = self.read(_READ_S)
            if sound is not None:
                listened_to = inbox.put(sound, time.perf_counter(), wait=True)
        inbox.end()


class _OneVoice:
    """Hears one session at a time and keeps its sound until it is read."""

    deliver: Callable[[Turn], None]

    def __init__(self, once: bool) -> None:
        self._once = once
        self._session: Session | None = None
        self._blocks: deque[Sound] = deque()
        self._taken = self._over = self._stopped = False
        self._changed = threading.Condition()

    def free_row(self) -> int | None:
        with self._changed:
            if self._taken or self._over:
                return None
            self._taken = True
            return 0

    def join(self, session: Session) -> None:
        with self._changed:
            self._session = session

    def leave(self, row: int) -> None:
        """A client that vanished has ended its sound too."""
        with self._changed:
            gone, self._session, self._taken = self._session, None, False
            if gone is not None:
                self._blocks.extend(self._drained(gone))
                self._over = self._over or self._once
            self._changed.notify()

    def put(self, session: Session, item: Heard | Command) -> None:
        with self._changed:
            session.put(item)
            if self._stopped:
                self._drained(session)
            self._changed.notify()

    def block(self, session: Session, blocked: bool) -> None:
        """No frames are made that could wait."""

    def stop(self) -> None:
        """Nobody reads any more."""
        with self._changed:
            self._over = self._stopped = True
            if self._session is not None:
                self._drained(self._session)
            self._blocks.clear()
            self._changed.notify()

    @property
    def ended(self) -> bool:
        with self._changed:
            waiting = self._session is not None and self._session.can_go
            return self._over and not self._blocks and not waiting

    def read(self, timeout_s: float) -> Sound | None:
        until = time.monotonic() + timeout_s
        while True:
            with self._changed:
                if self._session is not None and self._session.can_go:
                    self._blocks.extend(self._drained(self._session))
                sound = np.concatenate([np.zeros(0, np.float32), *self._blocks])
                self._blocks.clear()
                left = until - time.monotonic()
                if not len(sound) and not self._over and left > 0:
                    self._changed.wait(left)
                    continue
            return sound if len(sound) else None

    def _drained(self, session: Session) -> list[Sound]:
        """All that waits in a session, at the rate that is wanted."""
        blocks = []
        while session.can_go:
            taken = session.take(_ALL_S)
            if taken.begins:
                session.begin()
            blocks.append(session.resampled(taken.sound, ends=taken.ends))
            nothing = np.zeros((0, N_CURVES), np.float32), np.zeros((0, len(HEAD_AND_EYES)), np.float32)
            made = Made(taken=taken, curves=nothing[0], pose=nothing[1])
            self.deliver(Turn(taken=[taken], made=[made], took_s=0.0))
        return blocks
