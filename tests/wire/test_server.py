"""Law: the WebSocket serves who may come, never waits for who is slow, and survives who is rude."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from koekao.arkit import NAMES
from koekao.errors import ConfigError
from koekao.wire import Counts, open_sink
from koekao.wire.address import Address
from koekao.wire.server import MOST_CLIENTS, QUEUE_MESSAGES, WebSocketSink
from wire_faces import known, moving

FPS = Fraction(60)


@pytest.fixture
def served() -> Iterator[WebSocketSink]:
    with WebSocketSink(Address("127.0.0.1", 0), FPS, "face", origins=["https://example.org"]) as sink:
        yield sink


def client(sink: WebSocketSink, **how: object) -> ClientConnection:
    return connect(f"ws://{sink.address}/", compression=None, proxy=None, close_timeout=1, **how)


def hello(connection: ClientConnection) -> dict[str, object]:
    return json.loads(connection.recv(timeout=5))


def numbers(connection: ClientConnection, n: int) -> list[int]:
    return [json.loads(connection.recv(timeout=5))["frame"] for _ in range(n)]


def until(condition: object, timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_hello_comes_first_and_then_every_frame(served: WebSocketSink) -> None:
    served.send(known())  # nobody is there: nothing is counted
    with client(served) as one, client(served) as two:
        for each in (one, two):
            said = hello(each)
            assert (said["hello"], said["version"], said["fps"], said["subject"]) == ("koekao", 1, "60", "face")
            assert said["names"] == list(NAMES) and len(said["pose"]) == 9
        assert served.n_clients == 2
        for k in range(5):
            served.send(known(k, k / FPS))
        assert numbers(one, 5) == numbers(two, 5) == [0, 1, 2, 3, 4]
    until(lambda: served.n_clients == 0)
    served.send(known())
    assert served.counts == Counts(sent=10)


def test_a_slow_client_loses_the_oldest_and_holds_nobody_up(served: WebSocketSink) -> None:
    frames = moving(10, FPS)
    n = 6000
    with client(served, max_queue=1) as slow, client(served) as quick:
        hello(slow), hello(quick)
        heard: list[int] = []
        reading = threading.Thread(target=lambda: heard.extend(numbers(quick, 40)))
        reading.start()
        longest_s = 0.0
        for k in range(n):
            began_s = time.perf_counter()
            served.send(known(k, frames[k % 10].time_s))
            longest_s = max(longest_s, time.perf_counter() - began_s)
            if k % 10 == 9:
                time.sleep(0.0005)
        reading.join()
        assert longest_s < 1.0
        assert heard == sorted(heard)
        until(lambda: served.counts.sent > 40)
        assert served.counts.dropped > n // 3
        got = [json.loads(slow.recv(timeout=5))["frame"]]
        with contextlib.suppress(TimeoutError):
            while got[-1] < n - 1:
                got.append(json.loads(slow.recv(timeout=5))["frame"])
        assert got == sorted(set(got)) and got[-1] == n - 1, "the newest arrives"
        assert len(got) < n // 2


def test_every_message_is_counted_once(served: WebSocketSink) -> None:
    n = 4000
    with client(served, max_queue=1) as slow:
        hello(slow)
        for k in range(n):
            served.send(known(k))
        with contextlib.suppress(TimeoutError):
            while json.loads(slow.recv(timeout=1))["frame"] < n - 1:
                pass
        until(lambda: served.counts.sent + served.counts.dropped == n)
        assert served.counts.failed == 0 and served.counts.dropped > 0
    assert QUEUE_MESSAGES == 30


def test_a_client_may_ask_for_fewer(served: WebSocketSink) -> None:
    with client(served) as one:
        hello(one)
        one.send('{"command": "every", "frames": 3}')
        until(lambda: next(iter(served._clients)).every == 3)
        for k in range(10):
            served.send(known(k))
        assert numbers(one, 4) == [0, 3, 6, 9]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("jump", 1008),
        ('{"command": "every", "frames": 0}', 1008),
        (b"\x00\x01", 1008),
        ("[" * 1000, 1008),
        ('{"command": "every", "frames": 1}' + " " * 1024, 1009),
        (b"x" * 100_000, 1009),
    ],
)
def test_a_client_that_says_what_is_no_command_is_sent_away(
    served: WebSocketSink, message: str | bytes, code: int
) -> None:
    with client(served) as polite, client(served) as rude:
        hello(polite), hello(rude)
        rude.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                rude.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == code
        assert served.refused == (code == 1008)
        until(lambda: served.n_clients == 1)
        served.send(known())
        assert numbers(polite, 1) == [3]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:5173", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("https://example.org", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://evil.example@localhost.evil.example", False),
        ("null", False),
        ("file://", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_pages_of_strangers_are_turned_away(served: WebSocketSink, origin: str | None, allowed: bool) -> None:
    if allowed:
        with client(served, origin=origin) as one:
            assert hello(one)["hello"] == "koekao"
        return
    with pytest.raises(InvalidStatus) as refused, client(served, additional_headers={"Origin": origin}):
        pass
    assert refused.value.response.status_code == 403
    assert (served.refused, served.n_clients) == (1, 0)


def test_it_listens_on_this_machine_unless_asked() -> None:
    with open_sink("ws::0", fps=FPS) as sink:
        assert isinstance(sink, WebSocketSink)
        assert sink._socket.getsockname()[0] == "127.0.0.1" and sink.address.port
        assert sink.describe() == f"WebSocket at ws://127.0.0.1:{sink.address.port}"
        with pytest.raises(ConfigError, match="cannot be listened at"):
            open_sink(f"ws:{sink.address}", fps=FPS)
    with open_sink("ws:0.0.0.0:0", fps=FPS) as everywhere:
        assert isinstance(everywhere, WebSocketSink) and everywhere._socket.getsockname()[0] == "0.0.0.0"
    with open_sink(f"ws:{sink.address}", fps=FPS):
        pass  # the port is free again


def test_a_message_does_not_wait_for_the_one_before_to_be_acknowledged(served: WebSocketSink) -> None:
    """Without TCP_NODELAY every thirtieth frame or so is 30 ms late, on one machine too."""
    with client(served) as one:
        hello(one)
        connected = next(iter(served._clients)).connection.transport.get_extra_info("socket")
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_what_is_no_websocket_does_no_harm(served: WebSocketSink, capfd: pytest.CaptureFixture[str]) -> None:
    for noise in (
        b"\0" * 5000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 100_000,
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"",
    ):
        rude = socket.create_connection((served.address.host, served.address.port), timeout=5)
        with rude, contextlib.suppress(OSError):
            rude.sendall(noise)
    with client(served) as one:
        hello(one)
        served.send(known())
        assert numbers(one, 1) == [3]
    assert capfd.readouterr() == ("", "")


def test_strangers_write_nothing_on_the_screen() -> None:
    """In a process of its own: where logging is not set up, Python prints warnings itself."""
    code = (
        "import socket, time; from fractions import Fraction; from koekao.wire import open_sink\n"
        "with open_sink('ws::0', fps=Fraction(30)) as sink:\n"
        "    with socket.create_connection(('127.0.0.1', sink.address.port)) as rude:\n"
        "        rude.sendall(b'noise\\r\\n\\r\\n'); rude.recv(100)\n"
        "    time.sleep(0.1)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")


def test_there_is_an_end_to_clients(served: WebSocketSink) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_CLIENTS):
            hello(stack.enter_context(client(served)))
        with pytest.raises(InvalidStatus) as refused, client(served):
            pass
        assert refused.value.response.status_code == 503


def never_reading(sink: WebSocketSink) -> socket.socket:
    """A connection that shook hands and reads nothing after that."""
    raw = socket.create_connection((sink.address.host, sink.address.port), timeout=5)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
    raw.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n".encode())
    assert raw.recv(12) == b"HTTP/1.1 101"
    until(lambda: sink.n_clients == 1)
    for k in range(2000):
        sink.send(known(k))
        if k % 10 == 9:
            time.sleep(0.0005)
    return raw


def test_a_client_that_breaks_off_is_counted_and_does_not_raise(served: WebSocketSink) -> None:
    raw = never_reading(served)
    assert served.counts.dropped > 0
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    until(lambda: served.n_clients == 0)
    until(lambda: sum(vars(served.counts).values()) == 2000)
    assert served.counts.failed == 31, "thirty queued and one on its way"


def test_the_end_sends_what_is_queued_and_says_goodbye() -> None:
    sink = WebSocketSink(Address("127.0.0.1", 0), FPS, "face")
    with client(sink) as one:
        hello(one)
        for k in range(QUEUE_MESSAGES):
            sink.send(known(k))
        sink.close()
        assert numbers(one, QUEUE_MESSAGES) == list(range(QUEUE_MESSAGES))
        with pytest.raises(ConnectionClosed) as closed:
            one.recv(timeout=5)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
    sink.close()
    sink.send(known())
    assert sink.counts == Counts(sent=QUEUE_MESSAGES, failed=1)
    assert not sink._thread.is_alive()


def test_the_end_waits_a_moment_for_who_reads_late() -> None:
    sink = WebSocketSink(Address("127.0.0.1", 0), FPS, "face")
    with client(sink, max_queue=1) as late:
        hello(late)
        for k in range(2000):
            sink.send(known(k))
            if k % 10 == 9:
                time.sleep(0.0005)
        assert sink.counts.dropped > 0
        closing = threading.Thread(target=sink.close)
        closing.start()
        time.sleep(0.1)
        got = [json.loads(text)["frame"] for text in late]
        closing.join()
    assert got[-QUEUE_MESSAGES:] == list(range(2000 - QUEUE_MESSAGES, 2000)) and sink.counts.failed == 0


def test_the_end_does_not_wait_for_who_never_reads() -> None:
    sink = WebSocketSink(Address("127.0.0.1", 0), FPS, "face")
    with never_reading(sink):
        began_s = time.monotonic()
        sink.close()
        assert time.monotonic() - began_s < 5
    assert sum(vars(sink.counts).values()) == 2000 and sink.counts.failed == 31
