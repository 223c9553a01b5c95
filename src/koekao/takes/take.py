"""One recording, checked and on the clock: sound and the 52 curves that go with it.

A :class:`Take` is what every reader ends in and what packing starts from. Sound and curves begin together (frame 0
starts at sample 0) and end together; what had to be done to get there stands in ``repairs``, one sentence each.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file that a take was read from: path as given, size in bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """One recording.

    >>> import koekao
    >>> take = koekao.make_take(seed=1, seconds=2)
    >>> take.audio.shape, take.curves.shape, take.duration_s
    ((32000,), (60, 52), 2.0)

    Attributes:
        name: unique in its folder; the path below the folder without the ending (``"session1/take_03"``).
        speaker: who speaks, as far as the folder tells.
        audio: ``[n_samples]`` int16, or float32 in [-1, 1]; mono.
        sample_rate: Hz.
        curves: ``[n_frames, 52]`` float32 in the canonical order of :mod:`koekao.arkit`, nominally in [0, 1].
        valid: ``[n_frames]`` bool, false where the face was not tracked (the curves there are bridged, not measured).
        fps: frames a second of ``curves``.
        repairs: what was done to the recording to make it a take, in words with numbers.
        sources: the files it came from; empty for a synthetic take.
    """

    name: str
    speaker: str
    audio: NDArray[np.int16] | NDArray[np.float32]
    sample_rate: int
    curves: NDArray[np.float32]
    valid: NDArray[np.bool_]
    fps: Fraction
    repairs: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def clock(self) -> Clock:
        return Clock(self.sample_rate, self.fps)

    @property
    def n_frames(self) -> int:
        return len(self.curves)

    @property
    def n_samples(self) -> int:
        return len(self.audio)

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate


def as_float(audio: NDArray[Any]) -> NDArray[np.float32]:
    """Sound as float32 in [-1, 1]: int16 is divided by 32768, float32 is passed on as it is."""
    if audio.dtype == np.int16:
        return audio.astype(np.float32) * np.float32(1 / 32768)
    return audio.astype(np.float32, copy=False)
