"""Law: a UDP sink neither waits nor raises, whatever becomes of the receiver, and its counts say so."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from fractions import Fraction

import pytest

from koekao.errors import ConfigError, WireError
from koekao.wire import Counts, listen, open_sink, still
from koekao.wire.address import Address
from koekao.wire.udp import UdpSink
from wire_faces import known

FPS = Fraction(60)
UDP = ["livelink", "vmc", "ifacialmocap"]


@pytest.fixture
def nobody() -> int:
    """A port that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("kind", UDP)
def test_a_receiver_that_is_gone_is_counted_and_does_not_raise(kind: str, nobody: int) -> None:
    with open_sink(f"{kind}:127.0.0.1:{nobody}", fps=FPS) as sink:
        for k in range(20):
            sink.send(known(k, k / FPS))
            time.sleep(0.002)  # for the answer to come back
    counts = sink.counts
    assert counts.sent + counts.dropped + counts.failed == 20
    assert counts.failed >= 19 - counts.sent and counts.failed >= 18 and counts.dropped == 0


@pytest.mark.parametrize("kind", UDP)
def test_a_receiver_that_comes_later_gets_its_first_frame(kind: str, nobody: int) -> None:
    with open_sink(f"{kind}:127.0.0.1:{nobody}", fps=FPS) as sink:
        sink.send(known(0, Fraction(0)))
        time.sleep(0.01)  # the answer that nobody listens lies in wait for the next frame
        with listen(f"{kind}:127.0.0.1:{nobody}") as receiver:
            sink.send(known(1, 1 / FPS))
            assert receiver.wait(1)
            assert receiver.frames[0].time_s in (None, 1 / FPS, pytest.approx(1 / 60))
        assert sink.counts == Counts(sent=1, failed=1)


@pytest.mark.parametrize("kind", UDP)
def test_the_other_internet_works(kind: str) -> None:
    try:
        receiver = listen(f"{kind}:[::1]:0")
    except ConfigError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with receiver, open_sink(f"{kind}:[::1]:{receiver.address.port}", fps=FPS) as sink:
        sink.send(known())
        assert receiver.wait(1) and sink.counts == Counts(sent=1)


class Scripted:
    """A socket that does what it is told for each datagram."""

    def __init__(self, *does: type[OSError] | None) -> None:
        self.does, self.sent = iter(does), 0

    def send(self, data: bytes) -> int:
        error = next(self.does)
        if error is not None:
            raise error
        self.sent += 1
        return len(data)

    def close(self) -> None:
        pass


@pytest.fixture
def scripted() -> Callable[..., UdpSink]:
    def make(*does: type[OSError] | None, datagrams: int = 2) -> UdpSink:
        sink = UdpSink("x", Address("127.0.0.1", 9), lambda frame: [b"a"] * datagrams)
        sink._socket.close()
        sink._socket = Scripted(*does)
        return sink

    return make


@pytest.mark.parametrize(
    ("does", "counts"),
    [
        ([None, None, None, None], Counts(sent=2)),
        ([BlockingIOError, None, None], Counts(sent=1, dropped=1)),
        ([None, BlockingIOError, None, None], Counts(sent=1, dropped=1)),
        ([PermissionError, None, None], Counts(sent=1, failed=1)),
        ([None, None, ConnectionRefusedError, None, None], Counts(sent=1, failed=1)),  # the answer to the first
        ([None, None, None, ConnectionRefusedError], Counts(sent=1, failed=1)),  # the answer to the second itself
        ([None, ConnectionRefusedError, ConnectionRefusedError, None, None], Counts(sent=1, failed=1)),
        ([None, None, ConnectionRefusedError, ConnectionRefusedError], Counts(failed=2)),
        ([ConnectionRefusedError, None, None, None, None], Counts(sent=2)),
    ],
)
def test_every_frame_is_counted_once(
    scripted: Callable[..., UdpSink], does: list[type[OSError] | None], counts: Counts
) -> None:
    sink = scripted(*does)
    sink.send(known())
    sink.send(known())
    assert sink.counts == counts


def test_a_frame_that_cannot_be_written_fails_alone() -> None:
    with listen("livelink::0") as receiver, open_sink(f"livelink:{receiver.address}", fps=FPS) as sink:
        sink.send(still(1, Fraction(2**31), known().curves))
        sink.send(known())
        assert receiver.wait(1) and receiver.n_frames == 1
    assert sink.counts == Counts(sent=1, failed=1)
    with pytest.raises(WireError):
        still(-1, Fraction(0), known().curves)


def test_after_the_end_frames_fail_and_do_not_raise() -> None:
    sink = open_sink("vmc", fps=FPS)
    sink.close()
    sink.close()
    sink.send(known())
    assert sink.counts == Counts(failed=1)


def test_the_socket_does_not_wait() -> None:
    with open_sink("livelink", fps=FPS) as sink:
        assert isinstance(sink, UdpSink) and not sink._socket.getblocking()
