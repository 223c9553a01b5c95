"""Sound as the rest of the house sees it: what a file's header says, and samples in memory with all that was done.

Time of day is kept where a recorder wrote it (a BWF's ``bext`` chunk, a movie's timecode), because curves with a
timecode can be laid on sound by it. What it gives up: the date. Sound and curves of one take are less than a day long.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import SoundError
from koekao.takes.take import Source

SAMPLE_RATES_HZ = (1000, 768_000)
"""Lowest and highest sample rate that is taken for one; a rate outside is taken for a damaged header."""

MAX_SAMPLES = 1 << 40
READABLE = "WAV, FLAC, Ogg, MP3 or a QuickTime/MP4 movie"


@dataclass(frozen=True, kw_only=True)
class SoundInfo:
    """What the header of a sound file says.

    Attributes:
        sample_rate: Hz.
        channels: how many.
        n_samples: per channel; of a movie from the start of its pictures.
        subtype: libsndfile's word, such as ``"PCM_16"``; of a movie the codec's name, such as ``"aac"``.
        is_float: whether the file holds floating-point samples.
        origin_s: the time of day at sample 0, in seconds since midnight, where the file says it.
    """

    sample_rate: int
    channels: int
    n_samples: int
    subtype: str
    is_float: bool
    origin_s: float | None = None

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """Sound in memory.

    Attributes:
        samples: ``[n]`` int16, or float32 nominally in [-1, 1]; mono.
        sample_rate: Hz.
        source: the file it came from.
        repairs: what was done to get here, each ``"name: what, with numbers"`` with a name of
            :data:`koekao.takes.policies.REPAIRS`; empty where the samples are the file's own.
        origin_s: the time of day at sample 0, in seconds since midnight, where the file says it; else None.
        notes: what the header says that was passed over; the samples are as they are without it.
    """

    samples: NDArray[np.int16] | NDArray[np.float32]
    sample_rate: int
    source: Source
    repairs: tuple[str, ...] = ()
    origin_s: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """A file's own samples before any policy: ``channels`` ``[n, channels]`` int16 or float64 in [-1, 1]."""

    channels: NDArray[Any]
    info: SoundInfo
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def check_info(info: SoundInfo, path: Path) -> None:
    """Raise SoundError for a rate or a length that no recording has."""
    low, high = SAMPLE_RATES_HZ
    if not low <= info.sample_rate <= high:
        what = f"a sample rate of {info.sample_rate} Hz"
        raise SoundError(what, where=path, expected=f"{low}..{high} Hz", do="copy the recording again from its source")
    if not 0 < info.n_samples < MAX_SAMPLES:
        what = "no sound at all (0 samples)" if info.n_samples <= 0 else "its header does not say how long it is"
        raise SoundError(what, where=path, do="record or convert it again, or remove it")


def undecodable(path: Path, reason: str) -> SoundError:
    """The error for a file that no decoder can make sound of."""
    return SoundError(
        f"no sound that can be read ({reason.rstrip('.')})",
        where=f"{path}:byte 0",
        expected=READABLE,
        do="convert it to WAV, or copy it again if it is damaged",
    )
