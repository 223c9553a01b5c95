"""What is looked at: a sound and one or two tracks of curves on its clock, and how they travel to the page.

Curves travel as 16-bit steps between their lowest and highest value, compressed, a curve after the other: a minute is
about 100 kB and no value is off by more than a 65535th of the range. Sound travels as FLAC, mono, at its own rate,
which every browser plays and which is exact.
"""

from __future__ import annotations

import base64
import io
import zlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.errors import CurvesError
from koekao.takes.take import as_float

Samples = NDArray[np.int16] | NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """A track of curves at a frame rate, frame k at k / fps of the sound.

    Attributes:
        label: what it is called on the page.
        fps: frames a second.
        values: ``[n_frames, 52]`` float32, canonical order.
        valid: ``[n_frames]`` bool, false where no face was seen; None: all are.
        head: ``[n_frames, 3]`` float32, yaw, pitch and roll of the head in radians; None: it is held still. Rotations
            of the eyes are left out: they say again what the ``eyeLook`` curves say.
    """

    label: str
    fps: Fraction
    values: NDArray[np.float32]
    valid: NDArray[np.bool_] | None = None
    head: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n = len(self.values)
        if self.values.shape != (n, N_CURVES) or not n:
            raise CurvesError(f"curves of shape {self.values.shape}", where=self.label, expected=f"[n, {N_CURVES}]")
        if not np.isfinite(self.values).all():
            raise CurvesError("a value that is not finite", where=self.label, do="see koekao check")

    @property
    def seconds(self) -> float:
        return float(len(self.values) / self.fps)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the page."""
        low, high = float(min(0.0, self.values.min())), float(max(1.0, self.values.max()))
        steps = np.rint((self.values.T.astype(np.float64) - low) * (65535 / (high - low))).astype("<u2")
        lost = None if self.valid is None or self.valid.all() else _packed((~self.valid).astype(np.uint8))
        head = None if self.head is None or not self.head.any() else _packed(self.head.astype("<f4"))
        return {
            "label": self.label,
            "fps": float(self.fps),
            "frames": len(self.values),
            "low": low,
            "high": high,
            "curves": _packed(steps),
            "lost": lost,
            "head": head,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """What is shown at a time: sound ``[n]`` (or None) and one or two tracks; ``notes`` are shown beside them."""

    name: str
    sound: Samples | None
    sample_rate: int
    tracks: tuple[Curves, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """Of the sound; without one of the longest track."""
        if self.sound is not None:
            return len(self.sound) / self.sample_rate
        return max(track.seconds for track in self.tracks)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the page."""
        return {
            "name": self.name,
            "seconds": self.seconds,
            "sound": None if self.sound is None else _text(flac(self.sound, self.sample_rate)),
            "sound_type": "audio/flac",
            "tracks": [track.as_dict() for track in self.tracks],
            "notes": list(self.notes),
        }


def flac(samples: Samples, sample_rate: int) -> bytes:
    """Samples ``[n]`` as a FLAC file of 16 bits; float beyond [-1, 1] is limited."""
    import soundfile

    if samples.dtype != np.int16:
        samples = np.clip(np.rint(as_float(samples) * np.float32(32768)), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _packed(array: NDArray[Any]) -> str:
    return _text(zlib.compress(np.ascontiguousarray(array).tobytes(), 6))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
