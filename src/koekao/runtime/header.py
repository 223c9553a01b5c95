"""What an exported model says of itself: one JSON text among the metadata of the .onnx file.

ONNX keeps a list of names and texts beside the graph (``ModelProto.metadata_props``). Under the name ``koekao`` lies
one JSON object, so that C++, C# and JavaScript read it with what they have::

    {"format": "koekao-onnx", "version": 1, "koekao": "0.1.0", "model": "stream", "config": {...},
     "curves": ["browDownLeft", ...], "sample_rate": 16000, "fps": "30000/1001",
     "look_ahead_frames": 3, "first_samples": 1602, "weights_sha256": "9f2c...",
     "state": [{"name": "next_frame", "dtype": "int64", "shape": []}, {"name": "past_0", "dtype": "float32",
                "shape": [2, 128], "base64": "..."}, ...]}

``state`` is one stream before its first frame: the row's shape without B, and its values, little-endian in base64, or
nothing where they are all 0. The graph takes ``sound`` [B, S] float32 and ``state.NAME`` for each, and gives ``curves``
[B, T, 52] float32 and ``next.NAME``. Values are text and not a second graph or constants in this one, because runtimes
drop constants that nothing uses, and a reader of the text need not run anything to have them.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.clock import Clock, parse_fps
from koekao.errors import ConfigError, ModelError

KEY, FORMAT, VERSION = "koekao", "koekao-onnx", 1
SOUND, CURVES, STATE, NEXT = "sound", "curves", "state.", "next."
"""Names in the graph; those of the state are prefixed."""
_DTYPES = ("float32", "float64", "int64", "bool")
_MOST_VALUES = 2**24
"""Of one entry of a row's state; no model comes near, and a forged shape must not take the memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Header:
    """The facts of an exported model.

    Attributes:
        model: its name in the registry. config: its settings. koekao: the version that exported it.
        clock: sample rate and frame rate. look_ahead_frames: sound that a frame waits for after its own end.
        first_samples: how many samples of a stream's beginning lie at the end of its first state's ``sound``.
        weights_sha256: of all weights and statistics. fresh: one row of state by name, before the first frame.
    """

    model: str
    config: Mapping[str, Any]
    koekao: str
    clock: Clock
    look_ahead_frames: int
    first_samples: int
    weights_sha256: str
    fresh: Mapping[str, NDArray[Any]]

    def as_text(self) -> str:
        """The JSON of the file."""
        said = {
            "format": FORMAT,
            "version": VERSION,
            "koekao": self.koekao,
            "model": self.model,
            "config": dict(self.config),
            "curves": list(NAMES),
            "sample_rate": self.clock.sample_rate,
            "fps": str(self.clock.fps),
            "look_ahead_frames": self.look_ahead_frames,
            "first_samples": self.first_samples,
            "weights_sha256": self.weights_sha256,
            "state": [_written(name, value) for name, value in self.fresh.items()],
        }
        return json.dumps(said)


def read_header(text: str | None, where: object) -> Header:
    """The header of a file, checked: nothing of it is believed before it fits.

    Raises:
        ModelError: there is none, it is of a newer format, or something is missing or cannot be.
    """
    if text is None:
        raise _wrong("no koekao header among its metadata", where, "a model made by koekao export")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"its koekao header is no JSON ({error})", where, "one JSON object") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT or type(said.get("version")) is not int:
        raise _wrong("its koekao header names no format", where, f"{FORMAT!r} and a version")
    if said["version"] > VERSION:
        raise ModelError(
            f"format version {said['version']}", where=where, expected=f"up to {VERSION}", do="install a newer koekao"
        )
    if _field(said, "curves", list, where) != list(NAMES):
        raise _wrong("other curves", where, f"the {len(NAMES)} of ARKit in their order")
    try:
        clock = Clock(_field(said, "sample_rate", int, where), parse_fps(_field(said, "fps", str, where)))
    except ConfigError as error:
        raise _wrong(f"its clock cannot be: {error.what}", where, error.expected) from error
    ahead = _field(said, "look_ahead_frames", int, where)
    first = _field(said, "first_samples", int, where)
    if not 0 <= ahead <= 10_000 or first != clock.frame_start(ahead):
        raise _wrong(f"look_ahead_frames {ahead} with first_samples {first}", where, "the samples of so many frames")
    fresh = dict(_read(entry, where) for entry in _field(said, "state", list, where))
    _check_state(fresh, first, where)
    return Header(
        model=_field(said, "model", str, where),
        config=_field(said, "config", dict, where),
        koekao=_field(said, "koekao", str, where),
        clock=clock,
        look_ahead_frames=ahead,
        first_samples=first,
        weights_sha256=_field(said, "weights_sha256", str, where),
        fresh=fresh,
    )


def _written(name: str, value: NDArray[Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "dtype": str(value.dtype), "shape": list(value.shape)}
    if value.any():
        little = value.astype(value.dtype.newbyteorder("<"))
        entry["base64"] = base64.b64encode(little.tobytes()).decode("ascii")
    return entry


def _read(entry: object, where: object) -> tuple[str, NDArray[Any]]:
    if not isinstance(entry, dict):
        raise _wrong(f"an entry of state is {entry!r:.80}", where, "an object")
    name, dtype = _field(entry, "name", str, where), _field(entry, "dtype", str, where)
    shape = _field(entry, "shape", list, where)
    if dtype not in _DTYPES or not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) > _MOST_VALUES:
        raise _wrong(f"state {name!r} is {dtype} {shape}", where, "one of " + ", ".join(_DTYPES) + ", and its shape")
    if "base64" not in entry:
        return name, np.zeros(shape, dtype)
    try:
        data = base64.b64decode(_field(entry, "base64", str, where), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(f"state {name!r} is no base64 ({error})", where, "its values in base64") from error
    kind = np.dtype(dtype).newbyteorder("<")
    if len(data) != math.prod(shape) * kind.itemsize:
        raise _wrong(f"state {name!r} has {len(data)} bytes", where, f"{math.prod(shape) * kind.itemsize}")
    return name, np.frombuffer(data, kind).reshape(shape).astype(dtype)


def _check_state(fresh: Mapping[str, NDArray[Any]], first_samples: int, where: object) -> None:
    """What the bookkeeping of live sound stands on."""
    frame, sound = fresh.get("next_frame"), fresh.get("sound")
    if frame is None or frame.shape != () or frame.dtype != np.int64:
        raise _wrong("no next_frame in its state", where, "one int64 a row")
    if sound is None or sound.ndim != 1 or sound.dtype != np.float32 or len(sound) < first_samples:
        raise _wrong("no sound in its state", where, f"at least {first_samples} float32 a row")


def _field(said: Mapping[str, Any], name: str, kind: type, where: object) -> Any:
    if type(said.get(name)) is not kind:
        seen = f"{name} is {said[name]!r:.80}" if name in said else f"no {name}"
        raise _wrong(f"{seen} in its koekao header", where, kind.__name__)
    return said[name]


def _wrong(what: str, where: object, expected: str) -> ModelError:
    return ModelError(what, where=where, expected=expected, do="export the run again: koekao export RUN -o model.onnx")
