"""What a client and the server say to each other, version 1: sound in, faces out, over one WebSocket.

The client begins with a hello; what stands after // may be left out::

    {"koekao": 1, "sample_rate": 48000, "format": "f32",      // "channels": 1, "frames": "json", "subject": "ken"}

``sample_rate`` is one of :data:`SAMPLE_RATES` or the model's, ``format`` ``"s16"`` or ``"f32"``, ``channels`` 1 or 2
(two are mixed), ``frames`` ``"json"`` or ``"binary"``. The server answers::

    {"hello": "koekao", "version": 1, "session": "3f0c...", "subject": "ken", "fps": "30", "names": [52], "pose": [9],
     "look_ahead_frames": 3, "latency_s": 0.136, "sample_rate": 48000, "frames": "json"}

``latency_s`` is from the begin of a frame's moment to the sample it waits for. From then on the client sends sound:
binary messages of little-endian samples, interleaved, of any length up to the server's message cap, whole samples in
each. The server sends each frame as soon as it is ready, as text like the other WebSocket of koekao
(:mod:`koekao.wire.messages`)::

    {"frame": 12, "time": 0.4, "blendshapes": {"jawOpen": 0.25, ...}, "pose": [9 radians]}

or, with ``"frames": "binary"``, as one message for all that are ready, little-endian: ``u32`` number of the first
frame, ``u16`` n, ``u16`` 61, then n times 61 float32: the 52 curves and the nine rotations. Frame k is the moment
k / fps of the sound, counted in samples from the first; no clock on the wall has a part in it.

``{"reset": true}`` begins anew: the sound before it is heard, frames that wait for more are dropped, the server says
``{"reset": true}``, and the next sample is sample 0. ``{"end": true}`` ends the sound: the frames still owed come, then
``{"end": true, "frames": n, "samples": n}``, then the close. Whatever is wrong is said before the close::

    {"error": {"where": "hello:format", "what": "'mp3'", "expected": "s16 or f32", "do": ""}}

Close codes: 1000 the end; 1001 the server stops (the frames owed come first, and the end); 1003 sound before the hello;
1007 what cannot be read or is no sound; 1008 no hello, or no sound for too long; 1009 a message beyond the cap (by the
WebSocket itself, without the text); 1011 a fault of the server; 1013 too many sessions, or frames that nobody reads.
"""

from __future__ import annotations

import json
import reprlib
import struct
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, N_CURVES, NAMES
from koekao.errors import KoekaoError, SoundError, WireError
from koekao.wire.frame import FaceFrame
from koekao.wire.messages import encode_frame
from koekao.wire.strict_json import read_object

VERSION = 1
SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
FORMATS: dict[str, np.dtype[Any]] = {"s16": np.dtype("<i2"), "f32": np.dtype("<f4")}
FRAMES = ("json", "binary")
MOST_TEXT = 4096
LOUDEST = 8.0
"""Floats beyond this are no sound in [-1, 1] that was driven too far; they are integers that nobody divided."""
FRAME_BLOCK = struct.Struct("<IHH")
"""Before the float32 of a binary message: number of the first frame, how many, values a frame."""
N_VALUES = N_CURVES + len(HEAD_AND_EYES)

Sound = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What a client says of its sound and of how it wants its frames."""

    sample_rate: int
    format: str
    channels: int = 1
    frames: str = "json"
    subject: str = "koekao"


class Command(Enum):
    """What a client can ask for beside frames."""

    RESET = "reset"
    END = "end"


def read_hello(text: str | bytes, model_hz: int) -> Hello:
    """A client's first message.

    Raises:
        WireError: the field that is not as it has to be.
    """
    if not isinstance(text, str):
        raise WireError("a binary message", where="hello", expected="text", do='begin with {"koekao": 1, ...}')
    fields = read_object(text, most=MOST_TEXT, where="hello")
    unknown = fields.keys() - {"koekao", "sample_rate", "format", "channels", "frames", "subject"}
    if unknown:
        raise WireError(reprlib.repr(sorted(unknown)), where="hello", expected="fields of version 1")
    if type(fields.get("koekao")) is not int or fields["koekao"] != VERSION:
        raise _wrong("koekao", fields.get("koekao"), f"version {VERSION}")
    rates = sorted({*SAMPLE_RATES, model_hz})
    hello = Hello(
        sample_rate=_one_of(fields, "sample_rate", rates),
        format=_one_of(fields, "format", list(FORMATS)),
        channels=_one_of(fields, "channels", [1, 2], 1),
        frames=_one_of(fields, "frames", list(FRAMES), "json"),
        subject=fields.get("subject", "koekao"),
    )
    if not (isinstance(hello.subject, str) and 0 < len(hello.subject) <= 64 and hello.subject.isprintable()):
        raise _wrong("subject", hello.subject, "1 to 64 printable characters")
    return hello


def read_command(text: str) -> Command:
    """A text after the hello.

    Raises:
        WireError: it is no command.
    """
    fields = read_object(text, most=MOST_TEXT, where="command")
    for command in Command:
        if fields == {command.value: True}:
            return command
    raise WireError(reprlib.repr(fields), where="command", expected='{"reset": true} or {"end": true}')


def read_sound(data: bytes, hello: Hello, heard_samples: int) -> Sound:
    """Samples as they came to ``[n]`` float32, mixed to one channel.

    Args:
        heard_samples: those before, to name the one that is wrong.

    Raises:
        SoundError: part of a sample, or a sample that is not finite or far beyond [-1, 1].
    """
    kind = FORMATS[hello.format]
    whole = kind.itemsize * hello.channels
    if len(data) % whole:
        raise SoundError(
            f"{len(data)} bytes",
            where=f"sample {heard_samples}",
            expected=f"whole samples of {whole} bytes",
            do="send what the hello says: format and channels",
        )
    samples: NDArray[Any] = np.frombuffer(data, kind)
    if kind.kind == "i":
        sound: Sound = samples.astype(np.float32) / np.float32(32768)
    else:
        sound = samples.astype(np.float32)
        wrong = ~(np.abs(sound) <= LOUDEST)  # also what is no number
        if wrong.any():
            first = int(np.argmax(wrong))
            raise SoundError(
                f"{float(sound[first])}",
                where=f"sample {heard_samples + first // hello.channels}",
                expected="finite floats in [-1, 1]",
                do="divide int16 by 32768, or say s16",
            )
    return sound if hello.channels == 1 else sound.reshape(-1, hello.channels).mean(1).astype(np.float32)


def hello_text(hello: Hello, *, session: str, fps: Fraction, look_ahead_frames: int, latency_s: Fraction) -> str:
    """The server's answer to a hello."""
    said = {"hello": "koekao", "version": VERSION, "session": session, "subject": hello.subject, "fps": str(fps)}
    said |= {"names": NAMES, "pose": HEAD_AND_EYES, "look_ahead_frames": look_ahead_frames}
    said |= {"latency_s": round(float(latency_s), 6), "sample_rate": hello.sample_rate, "frames": hello.frames}
    return json.dumps(said)


def frame_messages(
    how: str, first_frame: int, curves: NDArray[np.float32], pose: NDArray[np.float32], fps: Fraction
) -> list[str | bytes]:
    """``[T, 52]`` and ``[T, 9]`` as messages: T of text, or one of bytes.

    Raises:
        WireError: a value that is not finite, by frame and name.
    """
    if not len(curves):
        return []
    if how == "json":
        numbers = range(first_frame, first_frame + len(curves))
        return [encode_frame(FaceFrame(k, k / fps, curve, turn)) for k, curve, turn in zip(numbers, curves, pose)]
    values = np.concatenate([curves, pose], axis=1)
    if not np.isfinite(values).all():
        raise WireError("values that are no numbers", where=f"frames from {first_frame}", expected="finite values")
    return [FRAME_BLOCK.pack(first_frame, len(curves), N_VALUES) + values.astype("<f4").tobytes()]


def frames_of(data: bytes) -> tuple[int, NDArray[np.float32], NDArray[np.float32]]:
    """A binary message read: the number of its first frame, curves ``[n, 52]`` and pose ``[n, 9]``.

    Raises:
        WireError: it is not of the length that it says.
    """
    if len(data) < FRAME_BLOCK.size:
        raise WireError(f"{len(data)} bytes", where="frames", expected=f"at least {FRAME_BLOCK.size}")
    first, n, width = FRAME_BLOCK.unpack_from(data)
    if width != N_VALUES or len(data) != FRAME_BLOCK.size + 4 * n * width:
        seen = f"{len(data)} bytes for {n} frames of {width} values"
        raise WireError(seen, where="frames", expected=f"8 + 4 * n * {N_VALUES} bytes")
    values = np.frombuffer(data, "<f4", offset=FRAME_BLOCK.size).reshape(n, width).astype(np.float32)
    return first, values[:, :N_CURVES], values[:, N_CURVES:]


def reset_text() -> str:
    """The next sample is sample 0."""
    return json.dumps({"reset": True})


def end_text(n_frames: int, n_samples: int) -> str:
    """All frames have been sent."""
    return json.dumps({"end": True, "frames": n_frames, "samples": n_samples})


def error_text(error: KoekaoError) -> str:
    """What is said before a close."""
    said = {"where": error.where, "what": error.what, "expected": error.expected, "do": error.do}
    return json.dumps({"error": {name: value[:500] for name, value in said.items()}})


def _one_of(fields: dict[str, Any], name: str, known: list[Any], default: Any = None) -> Any:
    value = fields.get(name, default)
    if not any(type(value) is type(one) and value == one for one in known):
        raise _wrong(name, value, "one of " + ", ".join(map(str, known)))
    return value


def _wrong(name: str, value: object, expected: str) -> WireError:
    return WireError(reprlib.repr(value), where=f"hello:{name}", expected=expected)
