"""Everything that comes in over a network, held to damaged packets and to noise: a frame, or an error of ours.

As many cases as of the readers of files (``make fuzz``: 100,000 each). A case that broke a decoder is named by its
number and lies in ``out/fuzz`` afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from holding import CASES, held

from koekao.arkit import NAMES
from koekao.testing.fuzz import hold
from koekao.wire import ifacialmocap, livelink, messages, vmc
from koekao.wire.receivers import UDP_FORMATS
from wire_faces import known, moving

pytestmark = pytest.mark.timeout(3600)
FRAMES = [known(), *moving(3, Fraction(60))]


def udp(kind: str) -> Callable[[bytes], None]:
    """What a receiver of this format does with a datagram; what it says is finite."""

    def read(data: bytes) -> None:
        for each in UDP_FORMATS[kind][1]()(data):
            assert each.curves.shape == (52,) and each.curves.dtype == np.float32 and np.isfinite(each.curves).all()
            assert each.pose is None or (each.pose.shape == (9,) and np.isfinite(each.pose).all())

    return read


def vmc_remembering() -> Callable[[bytes], None]:
    """One reader that hears all cases, as a receiver does."""
    reader = vmc.VmcReader()

    def read(data: bytes) -> None:
        for frame in reader.feed(data):
            assert np.isfinite(frame.curves).all()
        assert len(reader._values) <= 52

    return read


def message(data: bytes) -> None:
    said = messages.decode(data.decode("utf-8", "replace"))
    if isinstance(said, messages.FrameMessage):
        assert np.isfinite(said.curves).all() and np.isfinite(said.pose).all() and said.number >= 0


def command(data: bytes) -> None:
    assert 1 <= messages.decode_command(data.decode("utf-8", "replace")).frames <= messages.MOST_EVERY


def whole_vmc(value: float, spelling: str) -> bytes:
    """A frame in one packet, so that a case can be read."""
    spell = vmc.SPELLINGS[spelling]
    values = [vmc.osc.message(vmc.VALUE, spell(name), value) for name in NAMES]
    return vmc.osc.bundle([vmc.osc.message(vmc.TIME, value), *values, vmc.osc.message(vmc.APPLY)])


VMC = [whole_vmc(0.5, "pascal"), whole_vmc(0.25, "canonical"), *vmc.encode(FRAMES[1])]
DECODERS: dict[str, tuple[Sequence[bytes], Callable[[bytes], Any]]] = {
    "livelink": ([livelink.encode(frame, Fraction(30000, 1001), "face") for frame in FRAMES], udp("livelink")),
    "vmc": (VMC, udp("vmc")),
    "vmc of a stream": (VMC, vmc_remembering()),
    "ifacialmocap": (
        [ifacialmocap.encode(FRAMES[0]), ifacialmocap.encode(FRAMES[1]).replace(b"-", b"&", 52)],
        udp("ifacialmocap"),
    ),
    "websocket": (
        [messages.encode_frame(FRAMES[0]).encode(), messages.encode_hello(Fraction(30000, 1001), "face").encode()],
        message,
    ),
    "command": ([messages.encode_command(messages.Every(frames=2)).encode()], command),
}


@pytest.mark.parametrize("name", DECODERS)
def test_damaged(name: str) -> None:
    seeds, read = DECODERS[name]
    read_whole = held(f"wire {name}", seeds, read)
    assert CASES // 500 < read_whole < CASES * 3 // 4  # damages that do no harm, and mostly such that do


@pytest.mark.parametrize("name", DECODERS)
def test_noise(name: str) -> None:
    _, read = DECODERS[name]
    for number in range(CASES // 5):
        rng = np.random.default_rng([7, number])
        noise = rng.integers(0, 256, int(rng.exponential(400)), np.uint8).tobytes()
        hold(number, [noise], read)
        hold(number, [(b"\x06", b"#bundle\0", b"/VMC/Ext/", b"jawOpen-1|=", b"{")[number % 5] + noise], read)


def test_every_format_is_held() -> None:
    assert set(UDP_FORMATS) <= set(DECODERS)
