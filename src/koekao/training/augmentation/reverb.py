"""A room around the speaker: an impulse response made of the direct sound and a tail of noise that dies away.

Polack's model: after the direct sound, Gaussian noise under an exponential that has fallen by 60 dB after the
reverberation time (J.-D. Polack, "La transmission de l'énergie sonore dans les salles", 1988). The direct sound is the
first sample of the response, with a factor of 1: the speech is as loud and comes at the same moment as it was, and the
room comes after it.

What it gives up: single early reflections, a decay that differs by frequency, and, at the window's start, the tail of
what was said before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from koekao.training.augmentation.effect import Effect, Range, Sound, amplitude, draw


@dataclass(frozen=True, kw_only=True)
class Reverb(Effect):
    """One room.

    Attributes:
        decay_s: reverberation time RT60.
        direct_to_reverb_db: energy of the direct sound over that of the tail.
        delay_ms: from the direct sound to the tail's beginning.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {
        "decay_s": (0.01, 3),
        "direct_to_reverb_db": (-20, 60),
        "delay_ms": (0.1, 100),
    }
    decay_s: Range = (0.1, 0.5)
    direct_to_reverb_db: Range = (0.0, 20.0)
    delay_ms: Range = (1.0, 10.0)

    def impulse(self, sample_rate: int, generator: np.random.Generator) -> Sound:
        """``[n]`` float32, the response of a room drawn with ``generator``; ``impulse[0]`` is 1."""
        decay_s, ratio_db = draw(self.decay_s, generator), draw(self.direct_to_reverb_db, generator)
        delay_samples = max(1, round(draw(self.delay_ms, generator) * sample_rate / 1000))
        n_tail = max(1, round(decay_s * sample_rate))
        fall = math.log(1000) / (decay_s * sample_rate)  # an amplitude of 1/1000 is -60 dB
        tail = generator.standard_normal(n_tail, np.float32) * np.exp(-fall * np.arange(n_tail)).astype(np.float32)
        impulse = np.zeros(delay_samples + n_tail, np.float32)
        impulse[0] = 1
        impulse[delay_samples:] = tail * np.float32(
            amplitude(-ratio_db) / math.sqrt(np.square(tail).sum(dtype=np.float64))
        )
        return impulse
