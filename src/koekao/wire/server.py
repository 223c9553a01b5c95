"""Frames to browsers and programs over WebSocket; here koekao is the server, and anybody may come and go.

It listens on this machine alone unless another host is asked for. A page of a stranger's site may open a WebSocket to
this machine too, so a browser's origin has to be this machine or, by its number, the host it was served from; programs
have no origin. Each client has its own queue, short, because an old face is worth nothing: where it is full the oldest
message goes and is counted, and the socket's own buffer is kept small. asyncio runs in a thread of its own.

What it gives up: TLS and passwords.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from http import HTTPStatus
from typing import TYPE_CHECKING

from koekao.errors import ConfigError, WireError
from koekao.visitors import origin_allowed
from koekao.wire import messages
from koekao.wire.address import Address, listening
from koekao.wire.frame import FaceFrame
from koekao.wire.sink import Closing, Counts

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

QUEUE_MESSAGES = 30
"""What waits for a client before the oldest goes: half a second at 60 frames a second."""
MOST_CLIENTS = 32
SEND_BUFFER_BYTES = 32768
PING_S = 10.0
"""A client that says nothing for twice as long is gone."""
CLOSE_S = 1.0
"""How long a close waits for what is queued, and then for clients to say goodbye."""
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # what strangers send is no news for the screen


class _Client:
    """A connection and what waits for it."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection, self.every = connection, 1
        self.queue: deque[str] = deque()
        self.waiting = asyncio.Event()
        self.is_being_sent_to = False

    @property
    def is_owed(self) -> bool:
        """Whether there is something that it has not taken."""
        return self.is_being_sent_to or bool(self.queue)


class WebSocketSink(Closing):
    """Serves every frame to every client.

    Args:
        address: where to listen; port 0 takes a free one, and :attr:`address` says which.
        fps: for the hello.
        subject: the face's name, for the hello.
        origins: further origins of web pages that may connect, as browsers write them (``https://example.org``).

    Raises:
        ConfigError: ``websockets`` is not installed, or the address cannot be listened at.
    """

    def __init__(self, address: Address, fps: Fraction, subject: str, origins: Sequence[str] = ()) -> None:
        try:
            import websockets.asyncio.server  # noqa: F401 (a heavy import, and where it is missing the user is told here)
        except ImportError as error:
            raise ConfigError("websockets is not installed", do='pip install "koekao[live]"') from error
        self._socket = listening(address, send_bytes=SEND_BUFFER_BYTES)
        self.address = Address(address.host, self._socket.getsockname()[1])
        self._hello, self._origins = messages.encode_hello(fps, subject), frozenset(origins)
        self._clients: set[_Client] = set()
        self._inbox: deque[tuple[int, str]] = deque()
        self._woken = self._closed = False
        self._sent = self._dropped = self._failed = 0  # counted by the thread
        self._overrun = self._too_late = 0  # counted by the sender
        self.refused = 0
        """Connections and commands that were turned away."""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="koekao websocket", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """What became of messages, each to one client; frames that nobody heard are in none."""
        dropped, failed = self._dropped + self._overrun, self._failed + self._too_late
        return Counts(sent=self._sent, dropped=dropped, failed=failed)

    @property
    def n_clients(self) -> int:
        """How many clients have got their hello and are there."""
        return len(self._clients)

    def describe(self) -> str:
        """One line: where clients connect to."""
        return f"WebSocket at ws://{self.address}"

    def send(self, frame: FaceFrame) -> None:
        """Queue a frame for every client."""
        if self._closed:
            self._too_late += 1
        elif self._clients:
            if len(self._inbox) >= QUEUE_MESSAGES:  # the thread is not awake
                with contextlib.suppress(IndexError):  # it is now
                    self._inbox.popleft()
                    self._overrun += len(self._clients)
            self._inbox.append((frame.number, messages.encode_frame(frame)))
            if not self._woken:
                self._woken = True
                self._loop.call_soon_threadsafe(self._deliver)

    def close(self) -> None:
        """Send what is queued, for at most a second, and say goodbye."""
        if not self._closed:
            self._closed = True
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        from websockets.asyncio.server import serve

        async with serve(
            self._handle,
            sock=self._socket,
            process_request=self._admit,
            compression=None,
            max_size=messages.MOST_COMMAND_BYTES,
            max_queue=4,
            write_limit=SEND_BUFFER_BYTES,
            open_timeout=5,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=CLOSE_S,
            server_header=None,
            logger=_log,
        ):
            await self._stop.wait()
            self._deliver()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    while any(client.is_owed for client in self._clients):
                        await asyncio.sleep(0.005)
            for client in self._clients:
                if client.is_owed:  # it does not read, so it would not hear a goodbye either
                    client.connection.transport.abort()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Nothing where a client may come in, else what it is told."""
        origins, hosts = request.headers.get_all("Origin"), request.headers.get_all("Host")
        if not all(origin_allowed(origin, "".join(hosts), self._origins) for origin in origins):
            self.refused += 1
            return connection.respond(HTTPStatus.FORBIDDEN, "this page may not connect\n")
        if len(self._clients) >= MOST_CLIENTS:
            self.refused += 1
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_CLIENTS} clients are here already\n")
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        client = _Client(connection)
        self._clients.add(client)  # before the hello, so that whoever has heard it misses nothing that is sent then
        writing = None
        try:
            await connection.send(self._hello)
            writing = asyncio.create_task(self._write(client))
            await self._obey(client)
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)
            self._failed += len(client.queue)
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)

    async def _obey(self, client: _Client) -> None:
        """Read a client's commands until it goes, or says what is none."""
        async for text in client.connection:
            try:
                if not isinstance(text, str):
                    raise WireError("a binary message", where="websocket:command", expected="text")
                client.every = messages.decode_command(text).frames
            except WireError as error:
                self.refused += 1
                await client.connection.close(1008, error.where[:100])
                return

    async def _write(self, client: _Client) -> None:
        from websockets.exceptions import ConnectionClosed

        while True:
            await client.waiting.wait()
            while client.queue:
                text, client.is_being_sent_to = client.queue.popleft(), True
                try:
                    await client.connection.send(text)
                except (ConnectionClosed, asyncio.CancelledError):
                    self._failed += 1
                    raise
                self._sent, client.is_being_sent_to = self._sent + 1, False
            client.waiting.clear()

    def _deliver(self) -> None:
        """Move what has come in to the clients' queues."""
        self._woken = False
        while self._inbox:
            number, text = self._inbox.popleft()
            for client in self._clients:
                if number % client.every:
                    continue
                if len(client.queue) == QUEUE_MESSAGES:
                    client.queue.popleft()
                    self._dropped += 1
                client.queue.append(text)
                client.waiting.set()
