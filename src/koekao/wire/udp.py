"""Frames as datagrams to one receiver: Live Link, VMC, iFacialMocap.

The socket is connected, so that the other machine's answer that nobody listens there comes back, and does not wait. The
answer belongs to the frame before: that one counts as failed then and this one is sent all the same, so a receiver that
starts later gets its first frame.

What it gives up: knowing what got lost on the way. A datagram that nobody answered counts as sent.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from koekao.errors import ConfigError, WireError
from koekao.wire.address import Address
from koekao.wire.frame import FaceFrame
from koekao.wire.sink import Closing, Counts

Encoder = Callable[[FaceFrame], Sequence[bytes]]
"""The datagrams of a frame, in order."""


class UdpSink(Closing):
    """Sends every frame at once.

    Args:
        title: the format and as whom, for :meth:`describe`.
        address: the receiver.
        encode: what a frame is in this format.

    Raises:
        ConfigError: the host cannot be found or reached.
    """

    def __init__(self, title: str, address: Address, encode: Encoder) -> None:
        family, target = address.resolved(socket.SOCK_DGRAM)
        self.address, self._title, self._encode = address, title, encode
        self._sent = self._dropped = self._failed = 0
        self._on_its_way = False  # the last frame was sent, and may yet be answered
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(target)
        except OSError as error:
            self._socket.close()
            raise ConfigError(
                f"{address} cannot be sent to ({error.strerror})", do="give the address of one machine"
            ) from error

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""
        return Counts(sent=self._sent, dropped=self._dropped, failed=self._failed)

    def describe(self) -> str:
        """One line: the format, where to, as whom."""
        return f"{self._title} to udp {self.address}"

    def send(self, frame: FaceFrame) -> None:
        """Send the datagrams of a frame; what cannot go at once does not go."""
        try:
            datagrams = self._encode(frame)
        except WireError:
            self._failed += 1
            return
        sent = False
        try:
            for i, datagram in enumerate(datagrams):
                self._send(datagram, first=i == 0)
            sent = True
        except BlockingIOError:  # the system's buffer is full
            self._dropped += 1
        except OSError:
            self._failed += 1
        self._sent += sent
        self._on_its_way = sent

    def _send(self, datagram: bytes, *, first: bool) -> None:
        try:
            self._socket.send(datagram)
        except ConnectionRefusedError:
            if not first:
                raise  # the answer is to this frame
            if self._on_its_way:
                self._sent, self._failed, self._on_its_way = self._sent - 1, self._failed + 1, False
            self._socket.send(datagram)

    def close(self) -> None:
        """Close the socket. Frames sent later count as failed."""
        self._socket.close()
