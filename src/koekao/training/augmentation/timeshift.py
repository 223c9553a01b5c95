"""Sound and curves moved together by less than a frame, so that frames are cut at other moments of the same speech.

Without it a model sees each moment at one phase of the frame clock only. The sound is moved by whole samples, which is
exact and fine enough (a frame is 533 samples at 16 kHz and 30 fps); the curves by the same time, between frames.

What it gives up: the sound from outside the window is not at hand, so the samples missing at one edge, fewer than a
frame, are the window's own, mirrored at that edge; the frame at that edge keeps its curves. Between frames is a
straight line, which takes a little off fast movements (at half a frame, 1 - cos(pi f / fps): 5 % at 3 Hz and 30 fps).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from koekao.training.augmentation.effect import Curves, Range, Sound, Window, WindowEffect, draw


@dataclass(frozen=True, kw_only=True)
class TimeShift(WindowEffect):
    """Everything later (above 0) or earlier by part of a frame.

    Attributes:
        shift_frames: in frames; rounded to the nearest sample.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {"shift_frames": (-0.999, 0.999)}
    shift_frames: Range = (-0.5, 0.5)

    def apply(self, window: Window, generator: np.random.Generator) -> None:
        frame_samples = float(window.clock.sample_rate / window.clock.fps)
        shift_samples = round(draw(self.shift_frames, generator) * frame_samples)
        if window.sound is not None:
            shift_sound(window.sound, shift_samples)
        if window.curves is not None:
            shift_curves(window.curves, shift_samples / frame_samples, window.tracked)


def shift_sound(sound: Sound, shift_samples: int) -> None:
    """Move ``[n]`` samples later by ``shift_samples`` (earlier below 0), in place; a sound shorter than that stays."""
    n = abs(shift_samples)
    if not 0 < n < len(sound):
        return
    line = sound if shift_samples > 0 else sound[::-1]
    edge = line[:n][::-1].copy()
    line[n:] = line[:-n].copy()
    line[:n] = edge


def shift_curves(curves: Curves, shift_frames: float, tracked: NDArray[np.bool_] | None) -> None:
    """Move ``[T, 52]`` later by ``shift_frames`` in (-1, 1), in place: frame k becomes the curves at k - shift_frames.

    A frame whose neighbour on that side was not tracked keeps its curves: what lies there is no measurement.
    """
    if not shift_frames or len(curves) < 2:
        return
    late, early = slice(1, None), slice(None, -1)
    own, other = (late, early) if shift_frames > 0 else (early, late)
    step = curves[other] - curves[own]
    if tracked is not None:
        step[~(tracked[own] & tracked[other])] = 0
    curves[own] += np.float32(abs(shift_frames)) * step
