"""Fault 47: whatever listens on a network. On this machine alone unless asked; origins checked; messages capped.

A listener is one entry of LISTENERS; what opens a socket to listen at and has no entry is found by the last test.
"""

from __future__ import annotations

import ast
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_faces import face
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import koekao
from koekao.animation.torch_engine import TorchEngine
from koekao.errors import ConfigError
from koekao.serve import ServeConfig, WebSocketSource
from koekao.viewer import serving
from koekao.viewer.clip import Clip, Curves
from koekao.wire import listen, open_sink
from koekao.wire.address import Address, parse_address
from koekao.wire.messages import MOST_COMMAND_BYTES
from koekao.wire.reading import MOST_PACKET_BYTES
from serving import HELLO, served, until

CAP, TOKEN = 4096, "0123456789abcdef"
ROOT = Path(koekao.__file__).parent
LOOPBACK, ANYWHERE = "127.0.0.1", "0.0.0.0"


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Something that listens: ``open(host)`` opens it on a free port, where it is by default if ``host`` is None.

    ``module`` is where its socket is bound, ``most_bytes`` the longest message, ``greet`` what goes before one.
    """

    module: str
    open: Callable[[str | None], AbstractContextManager[Address]]
    most_bytes: int = 0
    greet: str = ""


@contextmanager
def sink(host: str | None) -> Iterator[Address]:
    with open_sink("ws::0" if host is None else f"ws:{host}:0", fps=Fraction(30)) as opened:
        yield opened.address  # type: ignore[attr-defined]


@contextmanager
def server(host: str | None) -> Iterator[Address]:
    where = {} if host is None else {"host": host, "token": TOKEN}
    with served(TorchEngine(face("stream")), most_message_bytes=CAP, **where) as opened:
        yield opened.address


@contextmanager
def source(host: str | None) -> Iterator[Address]:
    where = {} if host is None else {"host": host, "token": TOKEN}
    opened = WebSocketSource(face("stream").clock, ServeConfig(port=0, most_message_bytes=CAP, **where), once=False)
    try:
        yield opened.server.address
    finally:
        opened.stop()


def receiver(kind: str) -> Callable[[str | None], AbstractContextManager[Address]]:
    @contextmanager
    def opened(host: str | None) -> Iterator[Address]:
        with listen(f"{kind}::0" if host is None else f"{kind}:{host}:0") as found:
            yield found.address

    return opened


WEB: dict[str, Listener] = {
    "faces for browsers": Listener(module="wire/server.py", open=sink, most_bytes=MOST_COMMAND_BYTES),
    "server of faces": Listener(module="serve/server.py", open=server, most_bytes=CAP, greet=json.dumps(HELLO)),
    "sound from a browser": Listener(module="serve/server.py", open=source, most_bytes=CAP, greet=json.dumps(HELLO)),
}
LISTENERS = WEB | {
    kind: Listener(module="wire/receivers.py", open=receiver(kind)) for kind in ("livelink", "vmc", "ifacialmocap")
}


def bound(port: int) -> set[str]:
    """The local addresses at which anything listens on ``port``, as the kernel tells: TCP in LISTEN, UDP free."""
    found = set()
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, listening = line.split()[1], line.split()[3]
            host, _, at = address.partition(":")
            if int(at, 16) == port and listening == state:
                found.add(host)
    return {socket.inet_ntoa(bytes.fromhex(host)[::-1]) if len(host) == 8 else host for host in found}


@pytest.mark.parametrize("name", LISTENERS)
def test_fault_47_it_listens_on_this_machine_alone_unless_asked(name: str) -> None:
    with LISTENERS[name].open(None) as address:
        assert bound(address.port) == {LOOPBACK} and address.is_loopback
    with LISTENERS[name].open(ANYWHERE) as address:
        assert bound(address.port) == {ANYWHERE}


def status(address: Address, **how: Any) -> int:
    """The HTTP status of an attempt to open a WebSocket there."""
    try:
        with connect(f"ws://{LOOPBACK}:{address.port}", compression=None, proxy=None, **how):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


ORIGINS = {
    "http://localhost:5173": 101,
    "http://127.0.0.1:8000": 101,
    "https://evil.example": 403,
    "http://localhost.evil.example": 403,
    "http://127.0.0.1.evil.example": 403,
    "http://localhost@evil.example": 403,
    "null": 403,
    "file://": 403,
    "": 403,
}


@pytest.mark.parametrize("name", WEB)
def test_fault_47_pages_of_strangers_are_turned_away(name: str) -> None:
    """Programs send no origin and may come; several origins are not better than one."""
    with WEB[name].open(None) as address:
        assert status(address) == 101
        for origin, expected in ORIGINS.items():
            assert status(address, additional_headers={"Origin": origin}) == expected, origin
        two = [("Origin", "http://localhost"), ("Origin", "https://evil.example")]
        assert status(address, additional_headers=two) == 403


@pytest.mark.parametrize("name", WEB)
@pytest.mark.parametrize("kind", [str, bytes])
@pytest.mark.parametrize("beyond", [1, 1_000_000])
def test_fault_47_a_message_beyond_the_cap_closes_its_connection_alone(name: str, kind: type, beyond: int) -> None:
    listener = WEB[name]
    with listener.open(None) as address:
        with (
            pytest.raises(ConnectionClosed) as closed,
            connect(f"ws://{address}", compression=None, proxy=None) as rude,
        ):
            if listener.greet:
                rude.send(listener.greet)
                rude.recv(timeout=5)
            message = b" " * (listener.most_bytes + beyond)
            rude.send(message if kind is bytes else message.decode())
            while True:
                rude.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
        until(lambda: status(address) == 101)  # its place may be taken for a moment more


@pytest.mark.parametrize("name", WEB)
def test_fault_47_a_message_as_long_as_the_cap_is_read(name: str) -> None:
    """So the cap is where it is said to be: what is wrong with the message is found by who reads it."""
    listener = WEB[name]
    with listener.open(None) as address, connect(f"ws://{address}", compression=None, proxy=None) as polite:
        if listener.greet:
            polite.send(listener.greet)
        polite.recv(timeout=5)
        polite.send(" " * listener.most_bytes)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                polite.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code in (1007, 1008)


@pytest.mark.parametrize("name", ["livelink", "vmc", "ifacialmocap"])
def test_fault_47_a_datagram_beyond_the_cap_is_refused_and_counted(name: str) -> None:
    with listen(f"{name}::0") as found, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for n in (MOST_PACKET_BYTES + 1, 60_000):
            stranger.sendto(b"\6" * n, (LOOPBACK, found.address.port))
        deadline = [found.wait(1, 0.1) for _ in range(20) if found.refused < 2]
        assert found.refused == 2 and found.n_frames == 0, deadline


def test_fault_47_other_machines_need_a_token() -> None:
    for host in (ANYWHERE, "192.168.1.5", "::", "studio.example"):
        with pytest.raises(ConfigError, match="without a token"):
            ServeConfig(host=host)
    with WEB["server of faces"].open(ANYWHERE) as address:
        assert status(address) == 401
        assert status(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) == 101


@contextmanager
def viewer() -> Iterator[Address]:
    """The page that shows takes: an HTTP server, which cannot be asked to listen anywhere else."""
    track = Curves(label="a", fps=Fraction(30), values=np.zeros((3, 52), np.float32))
    clip = Clip(name="a", sound=None, sample_rate=16_000, tracks=(track,))
    with serving.served(serving.Shown(clip=clip)) as url:
        yield parse_address(url.removeprefix("http://").rstrip("/"), 0, "url")


def asked(address: Address, request: bytes) -> int:
    """The HTTP status of an answer."""
    with socket.create_connection((LOOPBACK, address.port), timeout=5) as line:
        line.sendall(request)
        return int(line.recv(64).split()[1])


def test_fault_47_the_viewer_is_for_this_machine_and_answers_what_it_knows() -> None:
    with viewer() as address:
        assert bound(address.port) == {LOOPBACK}
        own = f"127.0.0.1:{address.port}"

        def get(path: str = "/", host: str = own, *more: str) -> int:
            lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *more, "Connection: close"]
            return asked(address, "\r\n".join([*lines, "", ""]).encode())

        assert get() == get("/", f"localhost:{address.port}") == get("/", own, f"Origin: http://{own}") == 200
        assert get("/", own, "Origin: https://evil.example") == get("/", own, "Origin: null") == 403
        for host in ("evil.example", f"evil.example:{address.port}", "127.0.0.1", ""):
            assert get("/", host) == 403  # somebody's name that was made to lead here
        for path in ("/../../etc/passwd", "/%2e%2e/etc/passwd", "//etc/passwd", "/web/../serving.py", "/take/-1"):
            assert get(path) == 404
        assert get("/" + "a" * 100_000) == 414
        assert asked(address, f"GET / HTTP/1.1\r\nHost: {own}\r\nA: {'b' * 100_000}\r\n\r\n".encode()) == 431
        assert asked(address, f"POST / HTTP/1.1\r\nHost: {own}\r\nContent-Length: 9999999\r\n\r\n".encode()) == 501
        assert get() == 200


def binding(tree: ast.AST) -> bool:
    """Whether a module binds a socket, has wire.address bind one, or starts a server that does."""
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    servers = ("create_server", "start_server", "HTTPServer", "TCPServer", "UDPServer", "create_datagram_endpoint")
    return any(call.endswith((".bind", *servers)) or call == "listening" for call in calls)


def test_fault_47_there_is_no_other_listener() -> None:
    found = {
        path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if binding(ast.parse(path.read_text("utf-8")))
    }
    assert found == {listener.module for listener in LISTENERS.values()} | {"viewer/serving.py", "wire/address.py"}
    assert binding(ast.parse("s.bind(('', 0))")) and binding(ast.parse("await asyncio.start_server(f, '', 0)"))
