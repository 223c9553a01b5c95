"""Louder and softer: a microphone nearer or farther, a level turned.

Features are normalised by fixed statistics, so loudness reaches the model, and with it the level a speaker happened to
be recorded at. Samples may exceed full scale: nothing is clipped, float32 holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from koekao.training.augmentation.effect import Range, Window, WindowEffect, amplitude, draw


@dataclass(frozen=True, kw_only=True)
class Gain(WindowEffect):
    """One factor over the whole window.

    Attributes:
        gain_db: 0 is as it was.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {"gain_db": (-60, 60)}
    gain_db: Range = (-6.0, 6.0)

    def apply(self, window: Window, generator: np.random.Generator) -> None:
        if window.sound is not None:
            window.sound[:] *= np.float32(amplitude(draw(self.gain_db, generator)))
