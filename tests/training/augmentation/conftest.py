"""Seconds of synthetic speech as windows, and a way to try one effect on one of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from koekao.clock import Clock
from koekao.takes.synthetic import make_take
from koekao.training.augmentation import Window
from koekao.training.augmentation.effect import WindowEffect

CLOCK = Clock(16000, Fraction(30))
N_FRAMES = 128
Apply = Callable[..., Window]


@pytest.fixture(scope="session")
def spoken_window() -> Window:
    """4.27 s of the voice "ken": 128 frames, 68352 samples."""
    take = make_take(5, seconds=6, voice="ken")
    sound = take.audio[: CLOCK.window_samples(N_FRAMES)]
    sound = sound.astype(np.float32) / (32768 if sound.dtype == np.int16 else 1)
    return Window(CLOCK, np.float32(sound), np.float32(take.curves[:N_FRAMES]), np.ones(N_FRAMES, bool), "ken:frame 0")


def copied(window: Window) -> Window:
    """The same window in memory of its own."""
    sound = None if window.sound is None else window.sound.copy()
    curves = None if window.curves is None else window.curves.copy()
    return Window(window.clock, sound, curves, window.tracked, window.where)


@pytest.fixture
def apply(spoken_window: Window) -> Apply:
    """``apply(effect, seed=0)``: what the effect makes of the spoken window, or of ``window``."""

    def applied(effect: WindowEffect, seed: int = 0, window: Window | None = None) -> Window:
        changed = copied(spoken_window if window is None else window)
        effect.apply(changed, np.random.default_rng(seed))
        return changed

    return applied
