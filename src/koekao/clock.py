"""Exact arithmetic between frames of curves and samples of sound.

A frame rate is a :class:`~fractions.Fraction`; every conversion is integer arithmetic. Systems that step by an integer
hop (533 samples for 1/30 s at 16 kHz) lose 37.5 ms a minute; here frame *k* of a ten-hour take starts within half a
sample of the truth, and frames tile the sound without gap or overlap.

What it gives up: a frame is not always the same number of samples (533 or 534 at 16 kHz and 30 fps), so nothing may
count samples per frame; everything asks the clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError

WINDOW_MULTIPLE_SAMPLES = 128
"""Windows of sound are rounded up to a multiple of this, which gives the seeds' 136576 and 160000 samples."""

_NTSC = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "59.94": 60, "119.88": 120}
MAX_FPS = 1000
_FPS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20}|/[0-9]{1,20})?")
"""No exponents, signs, underscores or full-width digits, all of which Fraction would read."""


def parse_fps(value: str | int | float | Fraction) -> Fraction:
    """Read a frame rate as an exact fraction.

    ``30``, ``"60"``, ``"30000/1001"``, ``Fraction(24)``; the broadcast spellings 23.976, 29.97, 59.94 (as number or
    text) mean n * 1000/1001, as SMPTE 170M and ST 12 define them. Any other decimal is taken as written.

    Raises:
        ConfigError: not a number, not positive, or above 1000 fps.
    """
    text = str(value).strip()
    try:
        fps = Fraction(_NTSC[text] * 1000, 1001) if text in _NTSC else Fraction(text if _FPS.fullmatch(text) else 0)
    except ZeroDivisionError:
        fps = Fraction(0)
    if not 0 < fps <= MAX_FPS:
        raise ConfigError(
            f"frame rate {value!r}",
            expected=f"a number above 0 and up to {MAX_FPS}, or a fraction",
            do="write it as 30, 59.94 or 30000/1001",
        )
    return fps


@dataclass(frozen=True)
class Clock:
    """The relation of one frame rate to one sample rate.

    >>> clock = Clock(16000, Fraction(30))
    >>> clock.frame_start(1), clock.frame_start(3), clock.window_samples(256), clock.window_samples(300)
    (533, 1600, 136576, 160000)
    """

    sample_rate: int
    fps: Fraction

    def __post_init__(self) -> None:
        object.__setattr__(self, "fps", parse_fps(self.fps))
        if not isinstance(self.sample_rate, int) or not 0 < self.sample_rate <= 768_000:
            raise ConfigError(f"sample rate {self.sample_rate!r}", expected="whole Hz in 1..768000")

    def frame_start(self, frame: int) -> int:
        """The sample at which frame ``frame`` starts: floor(frame * sample_rate / fps + 1/2), in integers."""
        n, d = self.sample_rate * self.fps.denominator, self.fps.numerator
        return (2 * frame * n + d) // (2 * d)

    def frame_starts(self, frames: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """:meth:`frame_start` for an int array of any shape; exact for frames up to 2**62 / (2 * sample_rate * d)."""
        n, d = self.sample_rate * self.fps.denominator, self.fps.numerator
        return (2 * n * np.asarray(frames, np.int64) + d) // (2 * d)

    def frame_at(self, sample: int) -> int:
        """The frame that sample ``sample`` lies in: the largest k with ``frame_start(k) <= sample``."""
        n, d = self.sample_rate * self.fps.denominator, self.fps.numerator
        return (2 * sample * d + d - 1) // (2 * n)

    def frames_covering(self, n_samples: int) -> int:
        """How many frames it takes to cover ``n_samples`` samples from 0 (the last may be covered in part)."""
        return self.frame_at(n_samples - 1) + 1 if n_samples > 0 else 0

    def window_samples(self, n_frames: int) -> int:
        """Samples in a window of ``n_frames``: ceil(n_frames * sample_rate / fps) up to a multiple of 128."""
        n, d = n_frames * self.sample_rate * self.fps.denominator, self.fps.numerator
        return -(-n // (d * WINDOW_MULTIPLE_SAMPLES)) * WINDOW_MULTIPLE_SAMPLES

    def frames_of(self, seconds: float) -> int:
        """The number of whole frames nearest to ``seconds``."""
        return round(Fraction(seconds) * self.fps)

    def time_s(self, frame: int) -> float:
        """When frame ``frame`` starts, in seconds: frame / fps, rounded once."""
        return float(frame / self.fps)
