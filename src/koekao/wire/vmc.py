"""VMC: the 52 as blend shapes over OSC, for VRM avatars with Perfect Sync (VSeeFace, Warudo, VNyan, EVMC4U, VMC4B ...).

A frame is ``/VMC/Ext/OK 1``, ``/VMC/Ext/T`` (float, seconds since the sender began), 52 times ``/VMC/Ext/Blend/Val``
(string, float) and at the end ``/VMC/Ext/Blend/Apply``, in bundles of at most 1400 bytes, so that no network takes one
apart; port 39539. Clips of Perfect Sync are named as Unity spells ARKit (``JawOpen``); ``spelling="canonical"`` writes
``jawOpen``. Source: the specification at protocol.vmc.info (marionette).

What it gives up: bones. Head and eyes are not sent. A float of seconds is good to 4 ms after ten hours.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, N_CURVES, NAMES, canonical, pascal
from koekao.errors import ConfigError, WireError
from koekao.wire import osc
from koekao.wire.frame import FaceFrame

PORT = 39539
MOST_BUNDLE_BYTES = 1400
"""Below the 1500 of Ethernet and what tunnels take from it."""
SPELLINGS: Mapping[str, Callable[[str], str]] = MappingProxyType({"pascal": pascal, "canonical": str})
OK, TIME, VALUE, APPLY = "/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Blend/Val", "/VMC/Ext/Blend/Apply"
_FLOAT = struct.Struct(">f")


@dataclass(frozen=True, eq=False, kw_only=True)
class VmcFrame:
    """What stood between one Apply and the next: ``curves`` ``[52]`` float32, and the sender's time if it said one."""

    time_s: float | None
    curves: NDArray[np.float32]


def encode(frame: FaceFrame, spelling: str = "pascal") -> list[bytes]:
    """The bundles of a frame, to be sent in this order; the last one ends with Apply.

    Raises:
        ConfigError: an unknown spelling.
    """
    messages = [osc.message(OK, 1), osc.message(TIME, float(frame.time_s))]
    messages += [head + _FLOAT.pack(value) for head, value in zip(_heads(spelling), frame.curves.tolist())]
    messages.append(osc.message(APPLY))
    bundles: list[list[bytes]] = [[]]
    n_bytes = 16
    for message in messages:
        if n_bytes + 4 + len(message) > MOST_BUNDLE_BYTES:
            bundles.append([])
            n_bytes = 16
        bundles[-1].append(message)
        n_bytes += 4 + len(message)
    return [osc.bundle(each) for each in bundles]


@cache
def _heads(spelling: str) -> tuple[bytes, ...]:
    """Everything of the 52 messages but their value."""
    if spelling not in SPELLINGS:
        raise ConfigError(f"spelling {spelling!r}", expected=" or ".join(SPELLINGS))
    return tuple(osc.message(VALUE, SPELLINGS[spelling](name), 0.0)[: -_FLOAT.size] for name in NAMES)


class VmcReader:
    """Packets in, frames out. What it remembers is one frame: 52 values at most.

    Blend shapes that are none of the 52 and addresses that it does not know are read over, as other senders have them.
    """

    def __init__(self) -> None:
        self._time_s: float | None = None
        self._values: dict[str, float] = {}

    def feed(self, data: bytes) -> list[VmcFrame]:
        """The frames that a packet completes.

        Raises:
            WireError: no OSC, arguments of another kind, a value that is not finite, or Apply before all 52 are there
                (a packet was lost); what was begun is forgotten then.
        """
        try:
            return [frame for message in osc.decode(data) if (frame := self._frame_after(message)) is not None]
        except WireError:
            self._values, self._time_s = {}, None
            raise

    def _frame_after(self, message: osc.Message) -> VmcFrame | None:
        if message.address == TIME:
            (time_s,) = _arguments(message, float)
            if time_s != self._time_s:
                self._values = {}  # another frame begins; what came of the one before stays unfinished
            self._time_s = _finite(time_s, "time")
        elif message.address == VALUE:
            name, value = _arguments(message, str, float)
            curve = canonical(name)
            if curve is not None:
                self._values[curve] = _finite(value, curve)
        elif message.address == APPLY:
            return self._applied()
        return None

    def _applied(self) -> VmcFrame:
        if len(self._values) < N_CURVES:
            missing = [name for name in NAMES if name not in self._values]
            what = f"{len(missing)} of the 52 curves are missing: {', '.join(missing[:5])} ..."
            raise WireError(what, where=f"vmc:{APPLY}", expected="all between two Applies")
        curves = np.zeros(N_CURVES, np.float32)
        for name, value in self._values.items():
            curves[INDEX[name]] = value
        frame = VmcFrame(time_s=self._time_s, curves=curves)
        self._values, self._time_s = {}, None
        return frame


def _arguments(message: osc.Message, *kinds: type) -> tuple[Any, ...]:
    if len(message.arguments) != len(kinds) or not all(map(isinstance, message.arguments, kinds)):
        what = ", ".join(type(each).__name__ for each in message.arguments) or "no arguments"
        raise WireError(what, where=f"vmc:{message.address}", expected=", ".join(kind.__name__ for kind in kinds))
    return message.arguments


def _finite(value: float, field: str) -> float:
    if not math.isfinite(value) or abs(value) > 3.4e38:
        raise WireError(f"{value}", where=f"vmc:{field}", expected="a finite float32")
    return value
