"""The messages of koekao's WebSocket: JSON text, a hello first, then one message a frame; commands the other way.

::

    {"hello": "koekao", "version": 1, "subject": "koekao", "fps": "30000/1001", "names": [52], "pose": [9]}
    {"frame": 12, "time": 0.4, "blendshapes": {"jawOpen": 0.25, ...}, "pose": [9 radians]}
    {"command": "every", "frames": 2}

A value has the fewest digits that give the same float32 back; the rate is text because 30000/1001 is no decimal. A
client that cannot follow asks for every second frame or fewer. The format is koekao's own.

What it gives up: size (1.8 kB a frame), for messages that a browser reads with ``JSON.parse`` and a person with eyes.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, NAMES
from koekao.clock import parse_fps
from koekao.errors import ConfigError, WireError
from koekao.wire.frame import MOST_FRAMES, FaceFrame
from koekao.wire.strict_json import read_object

PORT = 8765
VERSION = 1
MOST_MESSAGE_BYTES = 16384
"""A message to a client; ours have 2 kB."""
MOST_COMMAND_BYTES = 1024
MOST_EVERY = 1000
_MOST_VALUE = float(np.finfo(np.float32).max)
_MOST_TIME_S = 1e9
_MESSAGE = "websocket:message"
_FRAME = (
    '{"frame": %d, "time": %s, "blendshapes": {'
    + ", ".join(f'"{name}": %s' for name in NAMES)
    + '}, "pose": ['
    + ", ".join(["%s"] * len(HEAD_AND_EYES))
    + "]}"
)


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What a server says first: the face's name, the rate, and what stands in a frame."""

    subject: str
    fps: Fraction
    names: tuple[str, ...] = NAMES
    pose: tuple[str, ...] = HEAD_AND_EYES
    version: int = VERSION


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameMessage:
    """A frame as it was read: ``curves`` ``[52]`` and ``pose`` ``[9]`` float32, ``time_s`` as far as a float goes."""

    number: int
    time_s: float
    curves: NDArray[np.float32]
    pose: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Every:
    """A client's wish: every ``frames``-th frame."""

    frames: int


def encode_hello(fps: Fraction, subject: str) -> str:
    """The first message of a connection."""
    hello = {"hello": "koekao", "version": VERSION, "subject": subject, "fps": str(fps)}
    return json.dumps(hello | {"names": NAMES, "pose": HEAD_AND_EYES})


def encode_frame(frame: FaceFrame) -> str:
    """The message of a frame."""
    values = np.concatenate((frame.curves, frame.pose)).astype(np.str_).tolist()
    return _FRAME % (frame.number, repr(float(frame.time_s)), *values)


def encode_command(every: Every) -> str:
    """The message that asks for every n-th frame."""
    return json.dumps({"command": "every", "frames": every.frames})


def decode(text: str) -> Hello | FrameMessage:
    """Read a message to a client.

    Raises:
        WireError: the field that is not as it has to be.
    """
    fields = read_object(text, most=MOST_MESSAGE_BYTES, where=_MESSAGE)
    return _hello(fields) if "hello" in fields else _frame(fields)


def decode_command(text: str) -> Every:
    """Read a message of a client.

    Raises:
        WireError: no command that there is.
    """
    fields = read_object(text, most=MOST_COMMAND_BYTES, where=_MESSAGE)
    _keys(fields, {"command", "frames"})
    if fields["command"] != "every":
        raise _wrong("command", fields["command"], '"every"')
    return Every(frames=_whole(fields, "frames", 1, MOST_EVERY))


def _hello(fields: dict[str, Any]) -> Hello:
    _keys(fields, {"hello", "version", "subject", "fps", "names", "pose"})
    if fields["hello"] != "koekao" or type(fields["version"]) is not int or fields["version"] != VERSION:
        raise _wrong("version", (fields["hello"], fields["version"]), f'"koekao", {VERSION}')
    subject, fps = fields["subject"], fields["fps"]
    if not (isinstance(subject, str) and 0 < len(subject) <= 64 and subject.isprintable()):
        raise _wrong("subject", subject, "1 to 64 printable characters")
    if not isinstance(fps, str):
        raise _wrong("fps", fps, "text")
    try:
        rate = parse_fps(fps)
    except ConfigError as error:
        raise _wrong("fps", fps, "a frame rate") from error
    for field, names in (("names", NAMES), ("pose", HEAD_AND_EYES)):
        if fields[field] != list(names):
            raise _wrong(field, fields[field], f"the {len(names)} names, in koekao's order")
    return Hello(subject=subject, fps=rate)


def _frame(fields: dict[str, Any]) -> FrameMessage:
    _keys(fields, {"frame", "time", "blendshapes", "pose"})
    time_s = _number(fields["time"], "time", _MOST_TIME_S)
    if time_s < 0:
        raise _wrong("time", time_s, "0 or later")
    shapes, pose = fields["blendshapes"], fields["pose"]
    if not isinstance(shapes, dict) or shapes.keys() != set(NAMES):
        raise _wrong("blendshapes", shapes, "an object of the 52 names")
    if not isinstance(pose, list) or len(pose) != len(HEAD_AND_EYES):
        raise _wrong("pose", pose, f"a list of {len(HEAD_AND_EYES)}")
    return FrameMessage(
        number=_whole(fields, "frame", 0, MOST_FRAMES - 1),
        time_s=time_s,
        curves=_float32([shapes[name] for name in NAMES], NAMES),
        pose=_float32(pose, HEAD_AND_EYES),
    )


def _keys(fields: dict[str, Any], wanted: set[str]) -> None:
    if fields.keys() != wanted:
        raise _wrong("message", list(fields), "the fields " + ", ".join(sorted(wanted)))


def _whole(fields: dict[str, Any], field: str, least: int, most: int) -> int:
    value = fields[field]
    if type(value) is not int or not least <= value <= most:
        raise _wrong(field, value, f"a whole number from {least} to {most}")
    return value


def _number(value: object, field: str, most: float) -> float:
    if (type(value) is not int and type(value) is not float) or not abs(value) <= most:
        raise _wrong(field, value, f"a number, not beyond {most:g}")
    return float(value)


def _float32(values: Sequence[object], names: Sequence[str]) -> NDArray[np.float32]:
    return np.array([_number(value, name, _MOST_VALUE) for value, name in zip(values, names)], np.float32)


def _wrong(field: str, value: object, expected: str) -> WireError:
    return WireError(reprlib.repr(value), where=f"websocket:{field}", expected=expected)
