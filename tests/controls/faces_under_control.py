"""Faces that all tests of the controls use: a synthetic speaker's, and noise."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.controls import Adjustment, Blinks, ControlSettings, EyeMotion, HeadMotion, LipPress, Smoothing
from koekao.takes.synthetic.making import make_take

Curves = NDArray[np.float32]

BENT = ((0.0, 0.0), (0.3, 0.5), (0.6, 0.55), (1.0, 0.9))
EVERYTHING = ControlSettings(
    mouth=1.2,
    expression=0.7,
    symmetry=0.4,
    regions={"jaw": Adjustment(gain=1.1, response=BENT), "brow": Adjustment(offset=0.05)},
    curves={"mouthPucker": Adjustment(gain=0.9, offset=0.02, response=((0, 0.1), (1, 1)))},
    smoothing=Smoothing(ms=12, regions={"brow": 60, "eye": 0}),
    hold_ms=60,
    lips=LipPress(strength=0.8),
    blinks=Blinks(amount=0.9, every_s=(1.0, 2.0), double=0.5),
    head=HeadMotion(amount_deg=3),
    eyes=EyeMotion(amount_deg=5),
)
CAUSAL = ControlSettings(smoothing=Smoothing(ms=30, phase="causal"))
SETTINGS = {
    "neutral": ControlSettings(),
    "adjusted": ControlSettings(mouth=1.3, symmetry=1.0, regions={"mouth": Adjustment(gain=1.5, response=BENT)}),
    "smooth": ControlSettings(smoothing=Smoothing(ms=20, regions={"jaw": 45})),
    "causal": CAUSAL,
    "hold": ControlSettings(hold_ms=80),
    "lips": ControlSettings(lips=LipPress(strength=1.0, near=0.3)),
    "alive": ControlSettings(
        blinks=Blinks(amount=1, every_s=(1.0, 1.5)), head=HeadMotion(amount_deg=4), eyes=EyeMotion(amount_deg=6)
    ),
    "everything": EVERYTHING,
}
RATES = [
    ("30", None),
    ("30", "60"),
    ("24", "60"),
    ("60", "24"),
    ("60", "30000/1001"),
    ("30000/1001", "30"),
    ("60", "25"),
]


def speech(seconds: float, fps: str | Fraction = 30, seed: int = 3) -> Curves:
    """A synthetic speaker's face."""
    return make_take(seed, seconds=seconds, fps=fps).curves


def noisy(curves: Curves, much: float = 0.03, seed: int = 0) -> Curves:
    """With the tremor of a prediction."""
    noise = np.random.default_rng(seed).normal(0, much, curves.shape)
    return np.clip(curves + noise, 0, 1).astype(np.float32)
