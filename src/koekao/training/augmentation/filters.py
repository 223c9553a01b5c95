"""Other microphones and lines: tilt, a random equaliser, and missing bands, each a curve of decibels over octaves.

Filters that change no phase have no delay at any frequency, so the sound stays where the curves are. Their curves in
decibels add up, and so all of a window's filters, and the room of ``reverb`` with them, are one multiplication in the
frequency domain (``spectrum``): one transform there and back, however many there are.

What it gives up: a filter without phase rings before an event as much as after it, a few milliseconds here since the
curves are smooth; a causal model hears that much of the future. Real lines delay different frequencies differently;
these do not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError
from koekao.training.augmentation.effect import Effect, Range, draw

PIVOT_HZ = 1000.0
"""Octave 0: where a tilt is 0 dB."""
LOWEST_HZ = 50.0
"""Filters are level below this."""
_POINTS_AN_OCTAVE = 64

Octaves = NDArray[np.float64]
"""``[P]`` octaves above :data:`PIVOT_HZ`, ascending."""
Decibels = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Filter(Effect, ABC):
    """A filter without phase."""

    @abstractmethod
    def curve_db(self, octaves: Octaves, generator: np.random.Generator) -> Decibels:
        """``[P]``: what it adds to the level at each of ``octaves``, drawn with ``generator``."""


@dataclass(frozen=True, kw_only=True)
class Tilt(Filter):
    """A straight line over octaves, 0 dB at 1 kHz.

    Attributes:
        slope_db_per_octave: above 0 is brighter.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {"slope_db_per_octave": (-24, 24)}
    slope_db_per_octave: Range = (-3.0, 3.0)

    def curve_db(self, octaves: Octaves, generator: np.random.Generator) -> Decibels:
        return draw(self.slope_db_per_octave, generator) * octaves


@dataclass(frozen=True, kw_only=True)
class Equaliser(Filter):
    """A smooth random line: levels drawn at equal distances over the octaves, a cosine from each to the next.

    Attributes:
        level_db: of each point.
        octaves_a_point: distance from one to the next.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {"level_db": (-40, 40), "octaves_a_point": (0.25, 16)}
    level_db: Range = (-6.0, 6.0)
    octaves_a_point: float = 1.0

    def curve_db(self, octaves: Octaves, generator: np.random.Generator) -> Decibels:
        place = (octaves - octaves[0]) / self.octaves_a_point
        whole = place.astype(np.int64)
        low, high = self.level_db
        levels = low + (high - low) * generator.random(int(whole[-1]) + 2)
        onward = (1 - np.cos(np.pi * (place - whole))) / 2
        return np.asarray(levels[whole] + onward * (levels[whole + 1] - levels[whole]), np.float64)


@dataclass(frozen=True, kw_only=True)
class BandMask(Filter):
    """Bands that are hardly there, as after SpecAugment's masking of frequencies (Park et al. 2019), but in the sound.

    Attributes:
        bands: how many, at most; drawn from 1 to this. They may overlap.
        width_octaves: of each band, between the points where it is half as deep (in decibels).
        depth_db: how much of the level goes.
        edge_octaves: from outside a band to its full depth.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {
        "bands": (1, 16),
        "width_octaves": (0.05, 8),
        "depth_db": (0, 120),
        "edge_octaves": (0.05, 4),
    }
    bands: int = 2
    width_octaves: Range = (0.3, 1.0)
    depth_db: Range = (20.0, 40.0)
    edge_octaves: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bands != int(self.bands):
            raise ConfigError(self._named("bands"), expected="a whole number")

    def curve_db(self, octaves: Octaves, generator: np.random.Generator) -> Decibels:
        curve = np.zeros(len(octaves))
        for _ in range(1 + int(generator.integers(int(self.bands)))):
            width, depth_db = draw(self.width_octaves, generator), draw(self.depth_db, generator)
            middle = draw((float(octaves[0]), float(octaves[-1])), generator)
            inside = np.clip((width / 2 - np.abs(octaves - middle)) / self.edge_octaves + 0.5, 0, 1)
            curve = np.minimum(curve, -depth_db * inside * inside * (3 - 2 * inside))
        return curve


def octave_grid(sample_rate: int) -> Octaves:
    """The octaves at which curves are drawn, from :data:`LOWEST_HZ` to half the sample rate."""
    low, high = np.log2(LOWEST_HZ / PIVOT_HZ), np.log2(sample_rate / 2 / PIVOT_HZ)
    return np.linspace(low, high, int(np.ceil((high - low) * _POINTS_AN_OCTAVE)) + 1)
