"""Open Sound Control 1.0, as much of it as VMC needs: messages of numbers and strings, and bundles of them.

Strings end in NUL and are filled with NUL to a multiple of 4 bytes; a message is an address, a type tag string that
begins with a comma, and its arguments in network order; a bundle is ``#bundle``, a time tag of 8 bytes (1 = at once)
and elements that each begin with their length. Source: the OSC 1.0 specification (opensoundcontrol.stanford.edu).

It is written here because an open port hears anything: what is not OSC is refused by the name of the field, and nothing
nests deeper than :data:`DEEPEST`. It also writes a frame in a fifteenth
of the time of the package that the tests hold it against.

What it gives up: time tags are read over, and arguments are ``i f s b h d t T F N I``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from koekao.wire.reading import Packet

DEEPEST = 4
"""Bundles inside bundles."""
MOST_ARGUMENTS = 64

Argument = int | float | str | bytes | bool | None


class Message(NamedTuple):
    """An address and its arguments."""

    address: str
    arguments: tuple[Argument, ...]


_BUNDLE, _AT_ONCE = b"#bundle\0", (1).to_bytes(8, "big")
_LENGTH = struct.Struct(">i")
_NUMBERS = {
    "i": struct.Struct(">i"),
    "f": struct.Struct(">f"),
    "h": struct.Struct(">q"),
    "d": struct.Struct(">d"),
    "t": struct.Struct(">Q"),
}
_WORDS: dict[str, Argument] = {"T": True, "F": False, "N": None, "I": float("inf")}


def string(text: str) -> bytes:
    """Text as OSC has it: closed by NUL and filled up to a multiple of 4 bytes."""
    data = text.encode("utf-8")
    return data + bytes(4 - len(data) % 4)


def message(address: str, *arguments: int | float | str) -> bytes:
    """A message of int32, float32 and strings."""
    tags, data = ",", b""
    for argument in arguments:
        if isinstance(argument, str):
            tags, data = tags + "s", data + string(argument)
        else:
            tag = "i" if isinstance(argument, int) else "f"
            tags, data = tags + tag, data + _NUMBERS[tag].pack(argument)
    return string(address) + string(tags) + data


def bundle(messages: Sequence[bytes]) -> bytes:
    """A bundle to be acted on at once."""
    return b"".join((_BUNDLE, _AT_ONCE, *(part for each in messages for part in (_LENGTH.pack(len(each)), each))))


def decode(data: bytes) -> list[Message]:
    """Every message of a packet, in order, bundles taken apart.

    Raises:
        WireError: the field that is not as it has to be.
    """
    return list(_messages(Packet(data, "osc"), 0))


def _messages(packet: Packet, depth: int) -> Iterator[Message]:
    if not packet.data.startswith(_BUNDLE):
        yield _message(packet)
        return
    if depth == DEEPEST:
        raise packet.wrong("bundle", f"bundles {depth + 1} deep", f"at most {DEEPEST}")
    packet.take(len(_BUNDLE) + len(_AT_ONCE), "time tag")
    while packet.left:
        (length,) = packet.numbers(_LENGTH, "element length")
        yield from _messages(Packet(packet.take(length, "element"), packet.kind), depth + 1)


def _message(packet: Packet) -> Message:
    address = _string(packet, "address")
    if not address.startswith("/"):
        raise packet.wrong("address", f"{address[:40]!r}", "a slash at its beginning, or #bundle")
    tags = _string(packet, "types") if packet.left else ","  # old senders write no types where there are no arguments
    if not tags.startswith(",") or len(tags) > MOST_ARGUMENTS + 1:
        raise packet.wrong("types", f"{tags[:40]!r}", f"a comma and at most {MOST_ARGUMENTS} types")
    arguments = tuple(_argument(packet, tag, f"{address[:80]}:argument {i}") for i, tag in enumerate(tags[1:], 1))
    packet.end()
    return Message(address, arguments)


def _argument(packet: Packet, tag: str, field: str) -> Argument:
    if tag in _NUMBERS:
        number: int | float = packet.numbers(_NUMBERS[tag], field)[0]
        return number
    if tag == "s":
        return _string(packet, field)
    if tag == "b":
        (length,) = packet.numbers(_LENGTH, field)
        data = packet.take(length, field)
        packet.take(-length % 4, field)
        return data
    if tag in _WORDS:
        return _WORDS[tag]
    raise packet.wrong(field, f"type {tag!r}", "one of " + " ".join((*_NUMBERS, "s", "b", *_WORDS)))


def _string(packet: Packet, field: str) -> str:
    end = packet.data.find(b"\0", packet.at)
    if end < 0:
        raise packet.wrong(field, f"{packet.data[packet.at :][:40]!r}", "a NUL at its end")
    n_bytes = end - packet.at
    data = packet.take(n_bytes + 4 - n_bytes % 4, field)
    if any(data[n_bytes:]):
        raise packet.wrong(field, f"{data[:40]!r}", "nothing but NUL after the first NUL")
    return packet.text(data[:n_bytes], field)
