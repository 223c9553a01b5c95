"""An effect of augmentation, a frozen dataclass of a probability and ranges with units; and the window it changes.

An effect is asked to change one window, with a generator that is this window's and this effect's own, and it does so
in place. Whether it is asked at all is decided outside (:mod:`koekao.training.augmentation.augment`), so that an effect
can be tried and measured alone.

Nothing here calls BLAS: with several threads its sums depend on how many there are, and the same window would come out
otherwise in a worker process, where there is one.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.clock import Clock
from koekao.errors import ConfigError, CurvesError, SoundError

Sound = NDArray[np.float32]
Curves = NDArray[np.float32]
Range = tuple[float, float]
"""From and to, both included; a value is drawn evenly between them."""


@dataclass(frozen=True)
class Window:
    """The real part of one window; effects write into its arrays.

    Attributes:
        clock: how frames lie on samples.
        sound: ``[n_samples]`` float32, full scale 1; None where the batch has none.
        curves: ``[n_frames, 52]`` float32; None where the batch has none.
        tracked: ``[n_frames]`` bool, which frames had a face; read, never changed.
        where: file and frame, for errors.

    Raises:
        SoundError: another shape or dtype, or samples that are not finite. CurvesError: the same of the curves.
    """

    clock: Clock
    sound: Sound | None = None
    curves: Curves | None = None
    tracked: NDArray[np.bool_] | None = None
    where: str = ""

    def __post_init__(self) -> None:
        sound, curves = self.sound, self.curves
        if sound is not None:
            if sound.ndim != 1 or sound.dtype != np.float32:
                raise SoundError(
                    f"sound {list(sound.shape)} {sound.dtype}", where=self.where, expected="[n_samples] float32"
                )
            if not np.isfinite(sound.sum()):
                raise SoundError(
                    "a sample that is not finite", where=self.where, do="koekao check says where it comes from"
                )
        if curves is not None and (curves.shape[1:] != (N_CURVES,) or curves.dtype != np.float32):
            raise CurvesError(
                f"curves {list(curves.shape)} {curves.dtype}", where=self.where, expected="[n_frames, 52] float32"
            )
        if curves is not None and self.tracked is not None and self.tracked.shape != curves.shape[:1]:
            raise CurvesError(
                f"a mask {list(self.tracked.shape)} for {len(curves)} frames", where=self.where, expected="one a frame"
            )


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A probability, and ranges whose limits the class states.

    Attributes:
        probability: of being applied to a window, in [0, 1].

    Raises:
        ConfigError: a value outside its limits, or a range that is not two numbers from low to high.
    """

    CHANGES_SOUND: ClassVar[bool] = True
    LIMITS: ClassVar[Mapping[str, Range]] = {}
    """Name of a range -> the lowest and the highest value that it may hold."""

    probability: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ConfigError(self._named("probability"), expected="a probability in [0, 1]")
        for name, (lowest, highest) in self.LIMITS.items():
            given = getattr(self, name)
            is_range = isinstance(getattr(type(self), name), tuple)
            numbers = given if is_range and isinstance(given, (tuple, list)) else (given,) * (1 + (not is_range))
            if len(numbers) != 2 or not lowest <= numbers[0] <= numbers[1] <= highest:
                what = "two numbers, low to high," if is_range else "a number"
                raise ConfigError(self._named(name), expected=f"{what} in {lowest:g} to {highest:g}")
            if is_range:
                object.__setattr__(self, name, (float(numbers[0]), float(numbers[1])))

    def _named(self, name: str) -> str:
        return f"{type(self).__name__}.{name} {getattr(self, name)!r}"


@dataclass(frozen=True, kw_only=True)
class WindowEffect(Effect, ABC):
    """An effect that changes a window by itself (filters do not: they share one pass, see ``filters``)."""

    @abstractmethod
    def apply(self, window: Window, generator: np.random.Generator) -> None:
        """Change the window in place, whatever ``probability`` is; what the window lacks is left alone."""


def draw(values: Range, generator: np.random.Generator) -> float:
    """A number evenly between both ends."""
    return values[0] + (values[1] - values[0]) * float(generator.random())


def power(sound: Sound) -> float:
    """Mean square, 0 for no samples; numpy sums by pairs, which costs no accuracy worth a float64."""
    return float(np.square(sound).mean()) if len(sound) else 0.0


def amplitude(level_db: float) -> float:
    """The factor that is ``level_db`` decibels."""
    return math.pow(10.0, level_db / 20)
