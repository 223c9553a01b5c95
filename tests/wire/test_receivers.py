"""Law: what is sent arrives, whole and in time, over real sockets; and whatever else arrives is counted and no more."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve

from koekao.errors import ConfigError
from koekao.wire import Account, Counts, Receiver, listen, loopback, open_sink, receivers, self_test_account
from koekao.wire.messages import encode_frame, encode_hello
from koekao.wire.receivers import WebSocketReceiver
from wire_faces import known, moving

KINDS = ["livelink", "vmc", "ifacialmocap", "ws"]
UDP = KINDS[:3]
RATES = [30, 60]


def spoken_for_two_seconds(kind: str, fps: int) -> tuple[Account, Counts]:
    """The account of every frame sent at its time and received, and what the sink counted."""
    frames, sent = moving(2 * fps, Fraction(fps)), []
    with loopback(kind, fps=Fraction(fps)) as (sink, receiver):
        began_s = time.perf_counter()
        for frame in frames:
            time.sleep(max(0.0, began_s + float(frame.time_s) - time.perf_counter()))
            sent.append((frame, time.perf_counter()))
            sink.send(frame)
        sink.close()
        assert receiver.wait(len(frames))
        account = self_test_account(kind, sent, receiver.frames, fps=Fraction(fps))
        assert (receiver.refused, receiver.last_refusal) == (0, "")
        assert all(
            each.pose is None or np.abs(each.pose - f.pose).max() < 2e-6 for each, f in zip(receiver.frames, frames)
        )
    return account, sink.counts


@pytest.fixture(scope="module")
def two_seconds() -> Iterator[dict[tuple[str, int], Future[tuple[Account, Counts]]]]:
    """Of every kind and rate, all in the same two seconds."""
    with ThreadPoolExecutor(len(KINDS) * len(RATES)) as pool:
        yield {(kind, fps): pool.submit(spoken_for_two_seconds, kind, fps) for kind in KINDS for fps in RATES}


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("kind", KINDS)
def test_two_seconds_end_to_end(
    two_seconds: dict[tuple[str, int], Future[tuple[Account, Counts]]], kind: str, fps: int
) -> None:
    account, counts = two_seconds[kind, fps].result()
    assert (account.sent, account.frames, account.lost) == (2 * fps, 2 * fps, 0)
    assert (account.duplicates, account.out_of_order, account.unknown) == (0, 0, 0)
    assert account.value_error <= (0.005 + 1e-6 if kind == "ifacialmocap" else 0)
    assert 0 < account.latency_p50_ms <= account.latency_p99_ms < 1000 and 0 < account.jitter_ms < 1000
    assert counts == Counts(sent=2 * fps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loopback_takes_rate_and_subject(kind: str) -> None:
    with loopback(kind, fps=Fraction(30000, 1001), subject="hana") as (sink, receiver):
        sink.send(known(0, Fraction(1001, 30000)))
        assert receiver.wait(1)
        if kind == "livelink":
            assert "hana" in sink.describe() and receiver.frames[0].time_s == Fraction(1001, 30000)
        if isinstance(receiver, WebSocketReceiver):
            assert (receiver.hello.subject, receiver.hello.fps) == ("hana", Fraction(30000, 1001))
    with pytest.raises(ConfigError, match="one of livelink"), loopback("file", fps=Fraction(30)):
        pass


@pytest.mark.parametrize("kind", UDP)
def test_hostile_packets_are_counted_and_the_next_frame_is_heard(kind: str) -> None:
    rng = random.Random(0)
    with listen(f"{kind}::0") as receiver, open_sink(f"{kind}:{receiver.address}", fps=Fraction(60)) as sink:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
            for k in range(200):
                size = (0, 1, 500, 8192, 8193, 60_000)[k % 6]
                rude.sendto(rng.randbytes(size), (receiver.address.host, receiver.address.port))
                if k % 20 == 19:
                    time.sleep(0.01)
        deadline = time.monotonic() + 5
        while receiver.refused < 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert receiver.refused == 200 and receiver.last_refusal
        sink.send(known())
        assert receiver.wait(1) and np.abs(receiver.frames[0].curves - known().curves).max() <= 0.0051


def test_packets_that_are_too_large_are_refused_as_that() -> None:
    with listen("livelink::0") as receiver:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
            rude.sendto(b"\6" + bytes(20_000), (receiver.address.host, receiver.address.port))
        deadline = time.monotonic() + 5
        while not receiver.refused and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "livelink:packet" in receiver.last_refusal


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "KEPT_FRAMES", 10)
    with listen("livelink::0") as receiver, open_sink(f"livelink:{receiver.address}", fps=Fraction(60)) as sink:
        for k in range(50):
            sink.send(known(k, k / Fraction(60)))
            receiver.wait(k + 1)
        assert receiver.n_frames == 50
        assert [each.time_s for each in receiver.frames] == [k / Fraction(60) for k in range(40, 50)]


def test_a_wait_has_an_end_and_so_has_a_receiver() -> None:
    for kind in UDP:
        receiver = listen(f"{kind}::0")
        assert isinstance(receiver, Receiver) and not receiver.wait(1, timeout_s=0.01)
        receiver.close()
        assert not receiver._thread.is_alive()


@contextmanager
def serving(*says: str | bytes) -> Iterator[str]:
    """A server that says this to whoever comes, and waits."""

    def handle(connection: ServerConnection) -> None:
        for message in says:
            connection.send(message)
        for _ in connection:
            pass

    with serve(handle, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws:127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
    thread.join()


def test_hostile_messages_are_counted_and_the_next_frame_is_heard() -> None:
    hello, frame = encode_hello(Fraction(60), "face"), encode_frame(known())
    bad = ["", "[" * 9000, hello, frame[:-1], b"\0\1", json.dumps({"frame": 1}), "x" * 16_000]
    with serving(hello, *bad, frame) as place, listen(place) as receiver:
        assert receiver.wait(1)
        assert receiver.refused == len(bad) and np.array_equal(receiver.frames[0].curves, known().curves)


def test_a_message_that_is_too_large_ends_the_connection_and_not_the_program() -> None:
    says = encode_hello(Fraction(60), "face"), encode_frame(known()), "x" * 20_000
    with serving(*says) as place, listen(place) as receiver:
        assert receiver.wait(1)
        receiver._thread.join(5)
        assert not receiver._thread.is_alive()


@pytest.mark.parametrize("first", ["", encode_frame(known()), b"\0", '{"hello": "other"}'])
def test_a_server_that_does_not_say_hello_is_no_koekao(first: str | bytes) -> None:
    with serving(first) as place, pytest.raises(ConfigError, match="is no koekao"):
        listen(place)


def test_a_client_may_ask_for_fewer() -> None:
    with open_sink("ws::0", fps=Fraction(60)) as sink:
        from koekao.wire.address import parse_address

        with WebSocketReceiver(parse_address(str(sink.address), 0, ""), every=5) as receiver:  # type: ignore[attr-defined]
            time.sleep(0.2)
            for k in range(20):
                sink.send(known(k))
            assert receiver.wait(4)
            assert [each.number for each in receiver.frames] == [0, 5, 10, 15]
