"""The other end: sockets that hear Live Link, VMC, iFacialMocap and koekao's WebSocket, and keep what they heard.

A receiver reads in a thread of its own, notes when each frame was decoded, and keeps the last :data:`KEPT_FRAMES`.
Whatever is no frame counts as refused, with the last reason to be asked for; nothing that comes in ends the thread.

What it gives up: it is meant for tests and for looking, so frames lie in a list and not in a face.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError, WireError
from koekao.wire import ifacialmocap, livelink, messages, vmc
from koekao.wire.address import Address, parse_address
from koekao.wire.reading import MOST_PACKET_BYTES
from koekao.wire.sink import Closing

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

KEPT_FRAMES = 36_000
"""Ten minutes at 60 frames a second, about 10 MB."""
_BUFFER_BYTES = 1 << 20
_LOOK_UP_S = 0.1
_HELLO_S = 5.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Received:
    """A frame that came in.

    Attributes:
        at_s: ``time.perf_counter()`` when it was decoded.
        curves: ``[52]`` float32, canonical order.
        number: the sender's, where the format has one.
        time_s: the sender's time of the frame in seconds, where the format has one; Live Link's is exact.
        pose: ``[9]`` float32 radians, where the format has it.
    """

    at_s: float
    curves: NDArray[np.float32]
    number: int | None = None
    time_s: Fraction | float | None = None
    pose: NDArray[np.float32] | None = None


Decoder = Callable[[bytes], Sequence[Received]]


def _livelink() -> Decoder:
    def decode(data: bytes) -> Sequence[Received]:
        packet = livelink.decode(data)
        return [Received(at_s=time.perf_counter(), curves=packet.curves, time_s=packet.time_s, pose=packet.pose)]

    return decode


def _vmc() -> Decoder:
    reader = vmc.VmcReader()

    def decode(data: bytes) -> Sequence[Received]:
        frames = reader.feed(data)
        return [Received(at_s=time.perf_counter(), curves=frame.curves, time_s=frame.time_s) for frame in frames]

    return decode


def _ifacialmocap() -> Decoder:
    def decode(data: bytes) -> Sequence[Received]:
        packet = ifacialmocap.decode(data)
        return [Received(at_s=time.perf_counter(), curves=packet.curves, pose=packet.pose)]

    return decode


UDP_FORMATS: Mapping[str, tuple[int, Callable[[], Decoder]]] = MappingProxyType(
    {
        "livelink": (livelink.PORT, _livelink),
        "vmc": (vmc.PORT, _vmc),
        "ifacialmocap": (ifacialmocap.PORT, _ifacialmocap),
    }
)
"""Format -> (its port, what makes a decoder with a memory of its own)."""


class Receiver(Closing):
    """What came in so far; a subclass says from where.

    Attributes:
        address: where it listens, or what it is connected to.
        refused: packets that were no frames.
        last_refusal: why the last of them was none.
        n_frames: frames that came in, kept or not.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.refused = self.n_frames = 0
        self.last_refusal = ""
        self._frames: deque[Received] = deque(maxlen=KEPT_FRAMES)
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="koekao receiver", daemon=True)

    @property
    def frames(self) -> list[Received]:
        """The last :data:`KEPT_FRAMES` frames, in the order they came."""
        with self._changed:
            return list(self._frames)

    def wait(self, n_frames: int, timeout_s: float = 5.0) -> bool:
        """Wait until that many frames have come in all; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: self.n_frames >= n_frames, timeout_s)

    def _heard(self, decode: Callable[[], Sequence[Received]]) -> None:
        try:
            frames = decode()
        except WireError as error:
            self.refused, self.last_refusal = self.refused + 1, str(error)
            return
        with self._changed:
            self._frames.extend(frames)
            self.n_frames += len(frames)
            self._changed.notify_all()

    @abstractmethod
    def _run(self) -> None:
        """Hear until it is closed; the thread's."""


class UdpReceiver(Receiver):
    """Hears the datagrams of one format; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be listened at.
    """

    def __init__(self, decode: Decoder, address: Address) -> None:
        family, target = address.resolved(socket.SOCK_DGRAM)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind(target)
        except OSError as error:
            self._socket.close()
            raise ConfigError(
                f"{address} cannot be listened at ({error.strerror})", do="choose another port, or 0 for a free one"
            ) from error
        self._socket.settimeout(_LOOK_UP_S)
        super().__init__(Address(address.host, self._socket.getsockname()[1]))
        self._decode = decode
        self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            try:
                data = self._socket.recv(MOST_PACKET_BYTES + 1)  # one more, so that a longer one is seen to be longer
            except OSError:  # nothing came, or news about a packet that nobody sent
                continue
            self._heard(lambda data=data: self._decode(data))  # type: ignore[misc]

    def close(self) -> None:
        """Hear no more."""
        self._closed = True
        self._thread.join()
        self._socket.close()


class WebSocketReceiver(Receiver):
    """A client of koekao's WebSocket.

    Attributes:
        hello: what the server said first.

    Raises:
        ConfigError: ``websockets`` is not installed, or nobody serves there.
    """

    def __init__(self, address: Address, every: int = 1) -> None:
        super().__init__(address)
        self._held = contextlib.ExitStack()
        self._connection = _connected(address, self._held)
        self.hello = self._greeted()
        if every > 1:
            self._connection.send(messages.encode_command(messages.Every(frames=every)))
        self._thread.start()

    def _run(self) -> None:
        from websockets.exceptions import ConnectionClosed

        while not self._closed:
            try:
                text = self._connection.recv()
            except ConnectionClosed:
                return
            self._heard(lambda text=text: self._decoded(text))  # type: ignore[misc]

    def _decoded(self, text: str | bytes) -> Sequence[Received]:
        if not isinstance(text, str):
            raise WireError("a binary message", where="websocket:message", expected="text")
        message = messages.decode(text)
        if isinstance(message, messages.Hello):
            raise WireError("a second hello", where="websocket:message", expected="a frame")
        at_s, number, time_s = time.perf_counter(), message.number, message.time_s
        return (Received(at_s=at_s, curves=message.curves, number=number, time_s=time_s, pose=message.pose),)

    def _greeted(self) -> messages.Hello:
        """What the server says first, which has to be a hello."""
        from websockets.exceptions import ConnectionClosed

        try:
            text = self._connection.recv(timeout=_HELLO_S)
            first = messages.decode(text if isinstance(text, str) else "")
        except (TimeoutError, ConnectionClosed, WireError) as error:
            self._held.close()
            raise ConfigError(f"ws://{self.address} is no koekao ({error or 'it says nothing'})") from error
        if isinstance(first, messages.Hello):
            return first
        self._held.close()
        raise ConfigError(f"ws://{self.address} is no koekao (a frame before the hello)")

    def close(self) -> None:
        """Leave."""
        self._closed = True
        self._held.close()
        self._thread.join()


def _connected(address: Address, held: contextlib.ExitStack) -> ClientConnection:
    try:
        from websockets.exceptions import InvalidHandshake
        from websockets.sync.client import connect
    except ImportError as error:
        raise ConfigError("websockets is not installed", do='pip install "koekao[live]"') from error
    try:
        return held.enter_context(
            connect(
                f"ws://{address}/",
                compression=None,
                proxy=None,
                max_size=messages.MOST_MESSAGE_BYTES,
                open_timeout=5,
                close_timeout=1,
            )
        )
    except (OSError, InvalidHandshake) as error:
        raise ConfigError(f"ws://{address} does not answer ({error})", do="start the sender first") from error


def listen(spec: str) -> Receiver:
    """A receiver of ``livelink``, ``vmc``, ``ifacialmocap`` or ``ws``, ``:HOST`` and ``:PORT`` after it if wanted.

    Without a host it is this machine's loopback; UDP takes a free port where 0 is given; ``ws`` connects to a server.

    Raises:
        ConfigError: no such format, or a place that cannot be listened at.
    """
    kind, _, rest = spec.partition(":")
    if kind == "ws":
        return WebSocketReceiver(parse_address(rest, messages.PORT, spec))
    if kind not in UDP_FORMATS:
        raise ConfigError(f"receiver {spec!r}", expected="one of " + ", ".join((*UDP_FORMATS, "ws")))
    port, decoder = UDP_FORMATS[kind]
    return UdpReceiver(decoder(), parse_address(rest, port, spec))
