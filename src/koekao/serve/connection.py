"""One client from its hello to its close: what it sends goes to whoever hears it, what was made of it goes out.

Nothing is left out between a client's sample and its frame; what cannot go on waits. If frames are not read, no more
are made; if sound is not animated, it is not read from the socket, and TCP makes the client wait. So memory is bounded
on both sides, and a client that counts its frames can rely on them: a file that is sent as fast as it goes comes back
whole. Who reads nothing at all for ``stall_s`` is closed with 1013, and who sends nothing for ``idle_s`` with 1008,
gone or not; pings would have to wait behind the sound in the socket, and kill who is only behind.

What it gives up: leaving out old frames for a reader that is too slow for its own face. It gets them late and numbered,
and can skip what it does not want to show.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from koekao.errors import KoekaoError, ModelError, SoundError, WireError
from koekao.serve.config import ServeConfig
from koekao.serve.ensemble import Made
from koekao.serve.metrics import Metrics
from koekao.serve.protocol import Command, end_text, frame_messages, read_command, read_sound, reset_text
from koekao.serve.session import Heard, Session

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

UNREADABLE, POLICY, FAULT, LATER = 1007, 1008, 1011, 1013


class Hearing(Protocol):
    """Where sound of sessions goes: :class:`koekao.serve.ensemble.Ensemble`, or a source of live sound."""

    def free_row(self) -> int | None: ...

    def join(self, session: Session) -> None: ...

    def leave(self, row: int) -> None: ...

    def put(self, session: Session, item: Heard | Command) -> None: ...

    def block(self, session: Session, blocked: bool) -> None: ...

    def stop(self) -> None: ...


class Close(Exception):
    """A connection has to end: with which code, and what is said before."""

    def __init__(self, code: int, error: KoekaoError) -> None:
        super().__init__(str(error))
        self.code, self.error = code, error


class Client:
    """The connection of a session. All of it runs in one thread, that of asyncio.

    Args:
        fps: frames a second that come out.
    """

    def __init__(
        self,
        connection: ServerConnection,
        session: Session,
        hearing: Hearing,
        config: ServeConfig,
        metrics: Metrics,
        fps: Fraction,
    ) -> None:
        self._connection, self.session, self._hearing = connection, session, hearing
        self._config, self._metrics, self._fps = config, metrics, fps
        self._most_frames = max(1, int(config.outbox_s * fps))
        self._outbox: deque[tuple[str | bytes, int, float]] = deque()
        self._filled, self._room = asyncio.Event(), asyncio.Event()
        self.n_waiting = 0
        """Frames that wait to be sent."""
        self._begun = self._over = self._stopping = False
        self._fault: Close | None = None
        self._began_s: float | None = None
        self._came = self._heard = self._next_frame = 0

    async def run(self) -> int:
        """Until the sound ends or the server stops; the code to close with.

        Raises:
            Close: what is wrong. websockets.ConnectionClosed: the client has gone.
        """
        self._reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        gone = asyncio.create_task(self._connection.wait_closed())
        tasks = (self._reading, writing, gone)
        try:
            await asyncio.wait({self._reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                await writing
            if not self._stopping:
                await self._reading
            self._hearing.put(self.session, Command.END)
            await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                await writing
            return 1001 if self._stopping else 1000
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._metrics.undelivered += self.n_waiting

    def stop(self) -> None:
        """Hear no more; send what is owed and end."""
        self._stopping = True
        self._reading.cancel()

    def fail(self, error: Exception) -> None:
        """The model could not go on with this session."""
        if self._fault is not None:
            return
        self._metrics.faults += 1
        fault = ModelError(f"the model failed ({type(error).__name__})", do="connect again; the server's log says more")
        self._fault = Close(FAULT, fault)
        self._filled.set()

    def deliver(self, made: Made) -> None:
        """Queue what was made of the session's sound."""
        if made.taken.begins:
            self._begin()
        self._heard += len(made.taken.sound)
        first, self._next_frame = self._next_frame, self._next_frame + len(made.curves)
        try:
            messages = frame_messages(self.session.hello.frames, first, made.curves, made.pose, self._fps)
        except WireError as error:  # a model that gives no numbers
            self.fail(error)
            return
        each = 1 if self.session.hello.frames == "json" else len(made.curves)
        self._outbox.extend((message, each, made.taken.moment_s) for message in messages)
        self.n_waiting += len(made.curves)
        if made.taken.ends:
            self._over = True
            self._outbox.append((end_text(self._next_frame, self._heard), 0, 0.0))
        if self.n_waiting >= self._most_frames:
            self._hearing.block(self.session, True)
        if self.session.waiting_s <= self._config.inbox_s:
            self._room.set()
        self._filled.set()

    def _begin(self) -> None:
        if self._begun:
            self._outbox.append((reset_text(), 0, 0.0))
        self._begun, self._heard, self._next_frame = True, 0, 0

    async def _read(self) -> None:
        """What the client sends, until it says that the sound is over."""
        while True:
            try:
                async with asyncio.timeout(self._config.idle_s):
                    message = await self._connection.recv()
            except TimeoutError:
                what = f"nothing came for {self._config.idle_s:g} s"
                raise Close(POLICY, WireError(what, do="connect again when there is sound")) from None
            try:
                if isinstance(message, str):
                    command = read_command(message)
                    if command is Command.END:
                        return
                    self._came, self._began_s = 0, None
                    self._hearing.put(self.session, command)
                else:
                    self._hear(message)
            except (WireError, SoundError) as error:
                raise Close(UNREADABLE, error) from error
            while self.session.waiting_s > self._config.inbox_s:
                self._room.clear()
                await self._room.wait()

    def _hear(self, data: bytes) -> None:
        sound = read_sound(data, self.session.hello, self._came)
        if not len(sound):
            return
        now_s = time.monotonic()
        rate = self.session.hello.sample_rate
        if self._began_s is None:
            self._began_s = now_s - len(sound) / rate
        self._came += len(sound)
        self._metrics.samples += len(sound)
        self._hearing.put(self.session, Heard(sound, max(now_s, self._began_s + self._came / rate)))

    async def _write(self) -> None:
        """What is queued, until the end has been sent."""
        while True:
            while not self._outbox:
                if self._over:
                    return
                self._filled.clear()
                await self._filled.wait()
                if self._fault is not None:
                    raise self._fault
            message, n_frames, moment_s = self._outbox.popleft()
            if n_frames:
                self._account(time.monotonic() - moment_s, n_frames)
            try:
                async with asyncio.timeout(self._config.stall_s):
                    await self._connection.send(message)
            except TimeoutError:
                what = f"frames that nobody has read for {self._config.stall_s:g} s"
                raise Close(LATER, WireError(what, do="read what the server sends")) from None
            self._metrics.frames += n_frames
            self.n_waiting -= n_frames
            if self.session.blocked and self.n_waiting <= self._most_frames // 2:
                self._hearing.block(self.session, False)

    def _account(self, wait_s: float, n_frames: int) -> None:
        self._metrics.wait.add(max(0.0, wait_s), n_frames)
        self._metrics.late += n_frames * (wait_s > float(1 / self._fps))
