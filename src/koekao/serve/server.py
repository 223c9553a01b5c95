"""The server: who is let in, one client after the other, the two pages for those who watch it, and a stop without loss.

``GET /health`` says how it is as JSON, ``GET /metrics`` counts for Prometheus; both on the port of the WebSocket, which
is at ``/``. A stop closes the door, hears no more, sends every client the frames that its sound so far is owed, closes
with 1001, and takes no longer than ``stop_s``.

What it gives up: TLS, and the compression of messages, which costs more time than a face has.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable
from fractions import Fraction
from http import HTTPStatus
from typing import TYPE_CHECKING

from koekao import __version__
from koekao.animation.engine import Engine
from koekao.clock import Clock
from koekao.errors import ConfigError, KoekaoError, WireError
from koekao.live.resampling import StreamResampler
from koekao.serve import admission
from koekao.serve.config import ServeConfig
from koekao.serve.connection import LATER, POLICY, UNREADABLE, Client, Close, Hearing
from koekao.serve.ensemble import Ensemble, Turn
from koekao.serve.metrics import CONTENT_TYPE, Metrics
from koekao.serve.protocol import error_text, hello_text, read_hello
from koekao.serve.session import MakeControls, Session, no_controls
from koekao.wire.address import Address, listening

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

CLOSE_S = 1.0
"""How long a close waits for the client's own."""
REQUEST_S = 3.0
"""How long a request may take to be said, once somebody has connected."""
BUFFER_BYTES = 1 << 16
"""Of the socket, each way: what is in it waits where nobody can count it."""
_BEFORE_HELLO = 1003
_log = logging.getLogger(__name__)
_strangers = logging.getLogger(f"{__name__}.strangers")
_strangers.addHandler(logging.NullHandler())  # what strangers send is no news for the screen
_strangers.propagate = False


class Server:
    """Serves sessions of what ``hear`` makes.

    Args:
        clock, look_ahead_frames: of the frames that come out, for the hello.
        hear: makes what hears the sessions, given where its turns go.
        controls: makes the controls of a session.

    Raises:
        ConfigError: ``websockets`` is not installed, or the address cannot be listened at.
    """

    def __init__(
        self,
        config: ServeConfig,
        clock: Clock,
        look_ahead_frames: int,
        hear: Callable[[Callable[[Turn], None]], Hearing],
        *,
        controls: MakeControls = no_controls,
    ) -> None:
        try:
            import websockets.asyncio.server  # noqa: F401 (a heavy import, and where it is missing the user is told here)
        except ImportError as error:
            raise ConfigError("websockets is not installed", do='pip install "koekao[live]"') from error
        self.config, self.clock, self.look_ahead_frames = config, clock, look_ahead_frames
        self.metrics = Metrics()
        self._hear, self._controls = hear, controls
        self._socket = listening(config.address, send_bytes=BUFFER_BYTES, receive_bytes=BUFFER_BYTES)
        self.address = Address(config.host, self._socket.getsockname()[1])
        self._clients: dict[Session, Client] = {}
        self._n_open = 0
        self._stop_wished = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until :meth:`stop`; ``ready`` is called when clients can connect."""
        from websockets.asyncio.server import serve

        self._loop = asyncio.get_running_loop()
        self._hearing = self._hear(self._turn_made)
        if self._stop_wished:
            self._stop.set()
        serving = await serve(
            self._handle,
            sock=self._socket,
            process_request=self._answer,
            compression=None,
            max_size=self.config.most_message_bytes,
            max_queue=2,
            write_limit=BUFFER_BYTES,
            open_timeout=REQUEST_S,
            ping_interval=None,  # see koekao.serve.connection
            close_timeout=CLOSE_S,
            server_header=None,
            logger=_strangers,
        )
        try:
            ready()
            await self._stop.wait()
        finally:
            serving.close(close_connections=False)
            await self._finish()
            await asyncio.gather(*(self._hang_up(connection, 1001) for connection in serving.connections))
            self._hearing.stop()
            await serving.wait_closed()

    def stop(self) -> None:
        """Stop gracefully; from any thread, at any time."""
        self._stop_wished = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._stop.set)

    async def _finish(self) -> None:
        """Let every client have what it is owed."""
        for client in list(self._clients.values()):
            client.stop()
        until = asyncio.get_running_loop().time() + self.config.stop_s
        while self._clients and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.01)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request that opens no session; None where it may open one."""
        headers = {name: request.headers.get_all(name) for name in ("Host", "Origin", "Authorization")}
        refused = admission.refusal(request.path, headers, self.config)
        page = request.path.partition("?")[0]
        if refused is None and page == admission.SESSIONS and self._is_full():
            text = f"{self._n_open} sessions are here already\n"
            refused = admission.Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "full", text)
        if refused is not None:
            self.metrics.refused[refused.reason] += 1
            return connection.respond(refused.status, refused.text)
        if page == admission.SESSIONS:
            return None
        content = json.dumps(self.health()) + "\n" if page == admission.HEALTH else self.metrics.text(self.gauges())
        response = connection.respond(HTTPStatus.OK, content)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json" if page == admission.HEALTH else CONTENT_TYPE
        return response

    def health(self) -> dict[str, object]:
        """How the server is, for ``/health``."""
        return {
            "status": "stopping" if self._stop.is_set() else "ok",
            "version": __version__,
            "sessions": len(self._clients),
            "most_sessions": self.config.most_sessions,
            "fps": str(self.clock.fps),
            "sample_rate": self.clock.sample_rate,
            "uptime_s": round(self.metrics.uptime_s, 1),
        }

    def gauges(self) -> dict[str, float]:
        """What waits at this moment."""
        clients = self._clients.values()
        return {
            "sessions": len(clients),
            "sessions_most": self.config.most_sessions,
            "inbox_seconds": sum(client.session.waiting_s for client in clients),
            "inbox_seconds_largest": max((client.session.waiting_s for client in clients), default=0.0),
            "outbox_frames": sum(client.n_waiting for client in clients),
            "outbox_frames_largest": max((client.n_waiting for client in clients), default=0),
            "uptime_seconds": self.metrics.uptime_s,
        }

    def _is_full(self) -> bool:
        return self._stop.is_set() or self._n_open >= self.config.most_sessions

    async def _handle(self, connection: ServerConnection) -> None:
        """A connection from the open WebSocket to its close."""
        from websockets.exceptions import ConnectionClosed

        row = self._hearing.free_row()
        self._n_open += row is not None
        try:
            if row is None or self._stop.is_set():
                self.metrics.refused["full"] += 1
                raise Close(LATER, WireError(f"{self.config.most_sessions} sessions are here", do="come again later"))
            await self._hang_up(connection, await self._session(connection, row))
        except Close as close:
            self.metrics.closed[close.code] += 1
            await self._say_why(connection, close)
        except ConnectionClosed:
            pass
        except Exception:
            self.metrics.faults += 1
            _log.exception("a session failed")
            raise  # the WebSocket closes it with 1011
        finally:
            if row is not None:
                self._n_open -= 1
                self._hearing.leave(row)

    async def _session(self, connection: ServerConnection, row: int) -> int:
        """A session from its hello; the code to close with."""
        session, fps = await self._opened(connection, row)
        client = Client(connection, session, self._hearing, self.config, self.metrics, fps)
        self._clients[session] = client
        self._hearing.join(session)
        self.metrics.sessions += 1
        try:
            return await client.run()
        finally:
            del self._clients[session]

    async def _opened(self, connection: ServerConnection, row: int) -> tuple[Session, Fraction]:
        """Hear a client's hello and answer it; the session, and the frame rate that it has."""
        try:
            async with asyncio.timeout(self.config.hello_s):
                text = await connection.recv()
        except TimeoutError:
            raise Close(POLICY, WireError(f"no hello for {self.config.hello_s:g} s", where="hello")) from None
        try:
            hello = read_hello(text, self.clock.sample_rate)
        except WireError as error:
            raise Close(UNREADABLE if isinstance(text, str) else _BEFORE_HELLO, error) from error
        resampler = await asyncio.to_thread(StreamResampler, hello.sample_rate, self.clock.sample_rate)
        session = Session(secrets.token_hex(8), hello, row, resampler, self._controls)
        fps, latency_s = self.clock.fps, (1 + self.look_ahead_frames) / self.clock.fps + resampler.delay_s
        if session.controls is not None:
            fps, latency_s = session.controls.fps_out, latency_s + session.controls.latency_s
        said = hello_text(
            hello, session=session.name, fps=fps, look_ahead_frames=self.look_ahead_frames, latency_s=latency_s
        )
        await connection.send(said)
        return session, fps

    async def _say_why(self, connection: ServerConnection, close: Close) -> None:
        """The error as text, if anybody reads it, and the close."""
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await connection.send(error_text(close.error))
        await self._hang_up(connection, close.code, _short(close.error))

    async def _hang_up(self, connection: ServerConnection, code: int, reason: str = "") -> None:
        """Close; at once where the client does not even read that."""
        try:
            async with asyncio.timeout(2 * CLOSE_S):
                await connection.close(code, reason)
        except TimeoutError:
            connection.transport.abort()

    def _turn_made(self, turn: Turn) -> None:
        """Called by who hears, in any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # all is over, and nobody waits for it
                self._loop.call_soon_threadsafe(self._deliver, turn)

    def _deliver(self, turn: Turn) -> None:
        """Give each client what was made of its sound."""
        self.metrics.step.add(turn.took_s)
        if turn.fault is not None:
            _log.error("a step of the model failed", exc_info=turn.fault)
            for one in turn.taken:
                if one.session in self._clients:
                    self._clients[one.session].fail(turn.fault)
        for made in turn.made:
            client = self._clients.get(made.taken.session)
            if client is None:
                self.metrics.undelivered += len(made.curves)
            else:
                client.deliver(made)


def face_server(engine: Engine, config: ServeConfig, *, controls: MakeControls = no_controls) -> Server:
    """A server of faces by ``engine``, for at most ``config.most_sessions`` voices at once.

    Raises:
        ConfigError: as :class:`Server`.
    """

    def hear(deliver: Callable[[Turn], None]) -> Hearing:
        return Ensemble(engine, config.most_sessions, deliver, gather_s=config.gather_s)

    return Server(config, engine.clock, engine.look_ahead_frames, hear, controls=controls)


def _short(error: KoekaoError) -> str:
    """A reason that fits into a close: 123 bytes."""
    text = f"{error.where}: {error.what}" if error.where else error.what
    return text.encode()[:120].decode(errors="ignore")
