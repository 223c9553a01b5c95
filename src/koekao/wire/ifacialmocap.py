"""iFacialMocap's packets over UDP, port 49983, as the phone sends them and VSeeFace, Warudo and VNyan hear them.

``mouthSmile_R-0|eyeLookOut_L-0|...|=head#x,y,z,px,py,pz|rightEye#x,y,z|leftEye#x,y,z|``: names with ``_L`` and ``_R``,
whole numbers of 0 to 100, angles in degrees about x (pitch), y (yaw) and z (roll), the head's place in metres, which is
0 here. Version 2 has ``&`` between name and value, in the place of ``-``; both are read. Source: the developer page of
the application (ifacialmocap.com/for-developer).

What it gives up, because the format does: a packet has neither time nor number, values come in steps of 0.01 and stay
within 0 and 1. The phone waits to be asked before it sends; koekao sends to where it is told.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, INDEX, N_CURVES, NAMES, ORDERS, canonical
from koekao.wire.frame import FaceFrame
from koekao.wire.reading import Packet

PORT = 49983
_KIND = "ifacialmocap"
_ORDER = [(name, INDEX[str(canonical(name))]) for name in ORDERS["ifacialmocap"]]
_PITCH_YAW_ROLL = {
    "head": [HEAD_AND_EYES.index("Head" + axis) for axis in ("Pitch", "Yaw", "Roll")],
    "rightEye": [HEAD_AND_EYES.index("RightEye" + axis) for axis in ("Pitch", "Yaw", "Roll")],
    "leftEye": [HEAD_AND_EYES.index("LeftEye" + axis) for axis in ("Pitch", "Yaw", "Roll")],
}
_NOT_CURVES = frozenset({"trackingStatus", "hapihapi"})
_ITEM = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})[-&](-?[0-9]{1,6}(?:\.[0-9]{1,12})?)")
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,16})?(?:[eE]-[0-9]{1,3})?")


@dataclass(frozen=True, eq=False, kw_only=True)
class IFacialMocapPacket:
    """What a packet says.

    Attributes:
        curves: ``[52]`` float32, canonical order.
        pose: ``[9]`` float32 radians; 0 where the packet says nothing.
    """

    curves: NDArray[np.float32]
    pose: NDArray[np.float32]


def encode(frame: FaceFrame) -> bytes:
    """The packet of a frame, about 1 kB of ASCII. Values are rounded to hundredths and cut to [0, 1]."""
    hundredths = np.rint(np.clip(frame.curves.astype(np.float64), 0, 1) * 100).astype(np.int64).tolist()
    curves = "".join([f"{name}-{hundredths[curve]}|" for name, curve in _ORDER])
    degrees = np.degrees(frame.pose.astype(np.float64)).tolist()
    head, right, left = (",".join([f"{degrees[i]:.6f}" for i in axes]) for axes in _PITCH_YAW_ROLL.values())
    return f"{curves}=head#{head},0,0,0|rightEye#{right}|leftEye#{left}|".encode("ascii")


def decode(data: bytes) -> IFacialMocapPacket:
    """Read a packet of either version.

    Raises:
        WireError: the field that is not as it has to be: no text, a part that is no name and number, a curve that is
            missing or stands twice, a face that was not tracked.
    """
    packet = Packet(data, _KIND)
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise packet.wrong("packet", f"{data[:40]!r}", "ASCII") from error
    faces, _, angles = text.partition("=")
    curves = _curves(packet, faces)
    pose = np.zeros(len(HEAD_AND_EYES), np.float32)
    seen: set[str] = set()
    for part in filter(None, angles.split("|")):
        name, _, numbers = part.partition("#")
        if name not in _PITCH_YAW_ROLL or name in seen:
            what = f"{part[:40]!r}"
            raise packet.wrong("angles", what, "each of " + ", ".join(_PITCH_YAW_ROLL) + " once, then # and numbers")
        seen.add(name)
        pose[_PITCH_YAW_ROLL[name]] = _radians(packet, name, numbers.split(",", 7))
    return IFacialMocapPacket(curves=curves, pose=pose)


def _curves(packet: Packet, text: str) -> NDArray[np.float32]:
    values: dict[str, float] = {}
    for part in filter(None, text.split("|")):
        item = _ITEM.fullmatch(part)
        if item is None:
            raise packet.wrong("curves", f"{part[:40]!r}", "a name, - or &, and a number")
        name, value = item[1], float(item[2])
        curve = canonical(name)
        if name == "trackingStatus" and value == 0:
            raise packet.wrong("trackingStatus", "no face was tracked", "a face")
        if curve is None:
            if name not in _NOT_CURVES and not name.startswith("FM_"):
                raise packet.wrong("curves", f"{name[:40]!r}", "the 52")
            continue
        if curve in values:
            raise packet.wrong(curve, "stands twice", "once")
        values[curve] = value / 100
    if len(values) < N_CURVES:
        missing = [name for name in NAMES if name not in values]
        raise packet.wrong(missing[0], f"missing, with {len(missing) - 1} others", "all 52")
    return np.array([values[name] for name in NAMES], np.float32)


def _radians(packet: Packet, name: str, numbers: list[str]) -> list[float]:
    """The three angles; the head's place after them is read over, but has to be numbers too."""
    wanted = (6, 3) if name == "head" else (3,)
    if len(numbers) not in wanted or not all(map(_NUMBER.fullmatch, numbers)):
        expected = f"{' or '.join(map(str, wanted))} numbers, commas between"
        raise packet.wrong(name, f"{','.join(numbers)[:40]!r}", expected)
    return [math.radians(float(number)) for number in numbers[:3]]
