"""A packet read from its front, field by field, never past its end.

Whoever sends to an open port can send anything, so a length is believed only as far as there are bytes, and every
refusal names the field. Numbers are big-endian, as in Live Link and OSC.
"""

from __future__ import annotations

import struct
from typing import Any

from koekao.errors import WireError

MOST_PACKET_BYTES = 8192
"""Larger packets are none of ours; the largest that we write has 1400 bytes."""
MOST_NAME_BYTES = 256


class Packet:
    """``data`` and how far it has been read; ``kind`` and the field's name are where errors point to.

    Raises:
        WireError: more bytes than :data:`MOST_PACKET_BYTES`.
    """

    def __init__(self, data: bytes, kind: str) -> None:
        self.data, self.kind, self.at = data, kind, 0
        if len(data) > MOST_PACKET_BYTES:
            raise self.wrong("packet", f"{len(data)} bytes", f"at most {MOST_PACKET_BYTES}")

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self.data) - self.at

    def take(self, n_bytes: int, field: str) -> bytes:
        """The next ``n_bytes``.

        Raises:
            WireError: a length below 0 or beyond the end.
        """
        if not 0 <= n_bytes <= self.left:
            raise self.wrong(field, f"{n_bytes} bytes", f"0 to the {self.left} that are left of {len(self.data)}")
        begin, self.at = self.at, self.at + n_bytes
        return self.data[begin : self.at]

    def numbers(self, layout: struct.Struct, field: str) -> tuple[Any, ...]:
        """What ``layout`` describes, from the next bytes."""
        return layout.unpack(self.take(layout.size, field))

    def text(self, data: bytes, field: str) -> str:
        """``data`` as text of UTF-8 without NUL."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.wrong(field, f"{data[:40]!r}", "UTF-8") from error
        if "\0" in text or len(data) > MOST_NAME_BYTES:
            raise self.wrong(field, f"{text[:40]!r}", f"text without NUL of at most {MOST_NAME_BYTES} bytes")
        return text

    def end(self) -> None:
        """There is nothing left.

        Raises:
            WireError: there is.
        """
        if self.left:
            raise self.wrong("end", f"{self.left} bytes more", "none")

    def wrong(self, field: str, what: str, expected: str) -> WireError:
        """An error that names the field."""
        return WireError(what, where=f"{self.kind}:{field}", expected=expected)
