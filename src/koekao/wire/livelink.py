"""Live Link Face over UDP, version 6: what Unreal's Apple ARKit source hears on port 11111.

Big-endian: ``u8 6``; ``i32 length + device id``; ``i32 length + subject``; ``i32 frame, f32 subframe, i32 rate
numerator, i32 rate denominator``; ``u8 61``; 61 ``f32``: the 52 curves in Unreal's order (``JawLeft`` before
``JawRight``, unlike the app's own CSV) and nine rotations in radians. Strings carry no closing NUL. Sources: Unreal's
AppleARKitLiveLinkSource (order of the fields, bytes in network order), receivers of the phone's packets, the app's
recordings.

The time is the frame's own, written at the stated rate: frame number and the fraction of a frame after it. Device ids
have 36 characters as the phone's have, because there are receivers that look for the subject at byte 41.

What it gives up: names beyond ASCII, which Unreal reads one byte a character.
"""

from __future__ import annotations

import math
import struct
import uuid
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, N_CURVES, ORDERS, canonical
from koekao.clock import MAX_FPS
from koekao.errors import WireError
from koekao.wire.frame import FaceFrame, checked_values
from koekao.wire.reading import Packet

PORT = 11111
VERSION = 6
_KIND = "livelink"
_ORDER = ORDERS["livelink_udp"]
_FROM_CANONICAL = np.array([INDEX[str(canonical(name))] for name in _ORDER[:N_CURVES]])
_TO_CANONICAL = np.argsort(_FROM_CANONICAL)
_U8, _LENGTH, _TIME = struct.Struct(">B"), struct.Struct(">i"), struct.Struct(">ifii")
_DEVICES = uuid.UUID("6f1e2d9c-58a4-5f0b-9d63-6b6f656b616f")
_MOST = 2**31 - 1


@dataclass(frozen=True, eq=False, kw_only=True)
class LiveLinkPacket:
    """What a packet says.

    Attributes:
        device: who sent it, by an id.
        subject: the face's name in Unreal's list.
        frame: number of the frame at ``fps``.
        subframe: in [0, 1): how far into the frame.
        fps: frames a second.
        curves: ``[52]`` float32, canonical order.
        pose: ``[9]`` float32 radians.
    """

    device: str
    subject: str
    frame: int
    subframe: float
    fps: Fraction
    curves: NDArray[np.float32]
    pose: NDArray[np.float32]

    @property
    def time_s(self) -> Fraction:
        """When the frame is; exact but for the float that carries ``subframe``."""
        return (self.frame + Fraction(self.subframe)) / self.fps


def device_of(subject: str) -> str:
    """The 36 characters that stand for a device: the same subject is the same device every time."""
    return str(uuid.uuid5(_DEVICES, subject)).upper()


def encode(frame: FaceFrame, fps: Fraction, subject: str, device: str | None = None) -> bytes:
    """The packet of a frame.

    Args:
        frame: what is sent.
        fps: the rate of the timecode; 30000/1001 is written as such.
        subject: ASCII, 1 to 64 characters.
        device: ASCII; :func:`device_of` the subject where it is not given.

    Raises:
        WireError: a name that cannot be sent, or a time beyond 2**31 frames.
    """
    number, subframe = frame_time(frame.time_s, fps)
    if max(fps.numerator, fps.denominator) > _MOST:
        raise WireError(f"{fps} frames a second", where=f"{_KIND}:rate", expected="a fraction of two 32-bit numbers")
    return b"".join(
        (
            _U8.pack(VERSION),
            _named(device_of(subject) if device is None else device, "device"),
            _named(subject, "subject"),
            _TIME.pack(number, subframe, fps.numerator, fps.denominator),
            _U8.pack(len(_ORDER)),
            frame.curves[_FROM_CANONICAL].astype(">f4").tobytes(),
            frame.pose.astype(">f4").tobytes(),
        )
    )


def frame_time(time_s: Fraction, fps: Fraction) -> tuple[int, float]:
    """Frame number and subframe (a float32 in [0, 1)) of an exact time.

    >>> frame_time(Fraction(1001, 1000), Fraction(30)), frame_time(Fraction(1001, 30000), Fraction(30000, 1001))
    ((30, 0.029999999329447746), (1, 0.0))
    """
    frames = time_s * fps
    number = math.floor(frames)
    subframe = float(np.float32(float(frames - number)))
    if subframe >= 1.0:  # so near to the next frame that a float32 cannot say it
        number, subframe = number + 1, 0.0
    if number > _MOST:
        raise WireError(f"frame {number}", where=f"{_KIND}:frame", expected="below 2**31", do="start the sound anew")
    return number, subframe


def decode(data: bytes) -> LiveLinkPacket:
    """Read a packet.

    Raises:
        WireError: the field that is not as it has to be.
    """
    packet = Packet(data, _KIND)
    (version,) = packet.numbers(_U8, "version")
    if version != VERSION:
        raise packet.wrong("version", f"{version}", f"{VERSION}")
    device, subject = (
        packet.text(packet.take(packet.numbers(_LENGTH, f"{field} length")[0], field), field)
        for field in ("device", "subject")
    )
    frame, subframe, numerator, denominator = packet.numbers(_TIME, "time")
    if frame < 0 or not 0 <= subframe < 1:
        raise packet.wrong("time", f"frame {frame}, subframe {subframe}", "frame 0 or more, subframe in [0, 1)")
    if numerator <= 0 or denominator <= 0 or numerator > MAX_FPS * denominator:
        raise packet.wrong("rate", f"{numerator}/{denominator}", f"a fraction above 0, up to {MAX_FPS}")
    (count,) = packet.numbers(_U8, "count")
    if count != len(_ORDER):
        raise packet.wrong("count", f"{count} values", f"{len(_ORDER)}")
    values = np.frombuffer(packet.take(4 * len(_ORDER), "values"), ">f4").astype(np.float32)
    packet.end()
    checked_values(values, _ORDER, _KIND)
    return LiveLinkPacket(
        device=device,
        subject=subject,
        frame=frame,
        subframe=subframe,
        fps=Fraction(numerator, denominator),
        curves=values[_TO_CANONICAL],
        pose=values[N_CURVES:],
    )


NAMED = "1 to 64 printable characters of ASCII"


def is_name(name: str) -> bool:
    """Whether a subject or a device may be called so: :data:`NAMED`."""
    return name.isascii() and name.isprintable() and 0 < len(name) <= 64


def _named(name: str, field: str) -> bytes:
    if not is_name(name):
        raise WireError(f"{name!r}", where=f"{_KIND}:{field}", expected=NAMED)
    data = name.encode("ascii")
    return _LENGTH.pack(len(data)) + data
