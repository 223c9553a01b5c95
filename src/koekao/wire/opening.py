"""Sinks by what people write: ``livelink``, ``vmc:192.168.1.5``, ``ws``, ``file:face.csv`` ..."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

from koekao.clock import parse_fps
from koekao.errors import ConfigError, OutputError
from koekao.wire import ifacialmocap, livelink, messages, vmc
from koekao.wire.address import LOOPBACK, Address, parse_address
from koekao.wire.filed import FileSink
from koekao.wire.printed import PrintSink
from koekao.wire.receivers import UDP_FORMATS, Receiver, listen
from koekao.wire.server import WebSocketSink
from koekao.wire.sink import Sink
from koekao.wire.udp import UdpSink

SPECS: Mapping[str, str] = MappingProxyType(
    {
        "livelink[:HOST[:PORT]]": f"Live Link Face over UDP, for Unreal; port {livelink.PORT}",
        "vmc[:HOST[:PORT]]": f"VMC over OSC, for VRM avatars with Perfect Sync; port {vmc.PORT}",
        "ifacialmocap:HOST[:PORT]": f"iFacialMocap's packets, for what hears that app; port {ifacialmocap.PORT}",
        "ws[:HOST[:PORT]]": f"a WebSocket server of JSON, for browsers and programs; port {messages.PORT}",
        "file:OUT": "a file of curves; its ending says the format",
        "print": "a line a frame",
    }
)
"""What :func:`open_sink` takes, and what it is. Without a host it is this machine."""


def open_sink(spec: str, *, fps: Fraction, subject: str = "koekao") -> Sink:
    """Open what ``spec`` says, one of :data:`SPECS`.

    Args:
        spec: the format, and where to.
        fps: frames a second: the rate of timecodes and files.
        subject: the face's name where the format has one; printable ASCII.

    Raises:
        ConfigError: no such sink, an address or a name that cannot be, a package that is missing; what there is is
            listed.
    """
    fps = parse_fps(fps)
    kind, _, rest = spec.partition(":")
    if not livelink.is_name(subject):
        raise ConfigError(f"subject {subject!r}", expected=livelink.NAMED)
    if kind == "livelink":
        address = parse_address(rest, livelink.PORT, spec)
        title = f"Live Link {subject!r} at {fps} fps"
        return UdpSink(title, address, lambda frame: (livelink.encode(frame, fps, subject),))
    if kind == "vmc":
        return UdpSink("VMC", parse_address(rest, vmc.PORT, spec), vmc.encode)
    if kind == "ifacialmocap" and rest:
        address = parse_address(rest, ifacialmocap.PORT, spec)
        return UdpSink("iFacialMocap", address, lambda frame: (ifacialmocap.encode(frame),))
    if kind == "ws":
        return WebSocketSink(parse_address(rest, messages.PORT, spec), fps, subject)
    if kind == "file" and rest:
        return _file(rest, fps)
    if spec == "print":
        return PrintSink()
    known = "".join(f"\n     {form:26} {what}" for form, what in SPECS.items())
    raise ConfigError(f"output {spec!r}", expected="one of" + known)


def _file(path: str, fps: Fraction) -> FileSink:
    try:
        return FileSink(path, fps)
    except OutputError as error:
        raise ConfigError(error.what, where=error.where, expected=error.expected, do=error.do) from error


@contextlib.contextmanager
def loopback(kind: str, *, fps: Fraction, subject: str = "koekao") -> Iterator[tuple[Sink, Receiver]]:
    """A sink of ``livelink``, ``vmc``, ``ifacialmocap`` or ``ws`` and a receiver of it, on free ports of this machine.

    Close the sink before you look at what arrived: what was on its way comes in then.

    Raises:
        ConfigError: no such format.
    """
    with contextlib.ExitStack() as stack:
        if kind == "ws":
            server = stack.enter_context(WebSocketSink(Address(LOOPBACK, 0), parse_fps(fps), subject))
            yield server, stack.enter_context(listen(f"ws:{server.address}"))
        elif kind in UDP_FORMATS:
            receiver = stack.enter_context(listen(f"{kind}:{LOOPBACK}:0"))
            sink = open_sink(f"{kind}:{receiver.address}", fps=fps, subject=subject)
            yield stack.enter_context(sink), receiver
        else:
            raise ConfigError(f"format {kind!r}", expected="one of " + ", ".join((*UDP_FORMATS, "ws")))
