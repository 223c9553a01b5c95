"""Lips that nearly meet are shut: the /p/, /b/ and /m/ that a model leaves a little open.

From the curves alone, by their opening (:func:`koekao.lips.lip_opening`). A frame is in a closure that was missed if

- its opening is at most ``near``, and within 0.02 of the lowest within 80 ms on either side, and
- the mouth was open 0.05 farther than that lowest within 80 ms before, and will be within 80 ms after: it is a dip. A
  face at rest with its lips apart is none, nor is a mouth that has just come to rest.

Such frames are shut in full, and the frames around them less and less over 70 ms, as a raised cosine: lower lip, upper
lip and funnel give way, mouthClose comes up to jawOpen, and the lips are pressed a little. At strength 1 the opening of
the closure is below 0. Latency: both reaches, 80 and 70 ms in whole frames.

What it gives up: it does not know the phones, so an /f/ whose lips come as near is shut too.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX
from koekao.controls.settings import LipPress
from koekao.controls.stage import Around, Frames
from koekao.lips import lip_opening

LOOK_MS = 80
"""How far the two sides of a dip may be away."""
FADE_MS = 70
"""How far before and after a closure the lips begin and cease to be drawn together."""
RISE = 0.05
SAME = 0.02
"""An opening within so much of the lowest is the same closure."""
PRESS = 0.25
"""mouthPress of lips that are shut here, at least."""

_GIVE_WAY = [
    INDEX[name]
    for name in ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthFunnel")
]
_PRESSED = [INDEX["mouthPressLeft"], INDEX["mouthPressRight"]]
_JAW, _CLOSE = INDEX["jawOpen"], INDEX["mouthClose"]


class LipsMeet(Around):
    """Shuts the closures that were missed."""

    name = "lips"

    def __init__(self, settings: LipPress, fps: Fraction) -> None:
        self._strength, self._near = settings.strength, settings.near
        self._look = math.ceil(LOOK_MS * fps / 1000)
        frames_of_fade = FADE_MS * fps / 1000
        fade = math.ceil(frames_of_fade) - 1
        self._fade = [0.5 + 0.5 * math.cos(math.pi * d / float(frames_of_fade)) for d in range(fade + 1)]
        super().__init__(self._look + fade, self._look + fade, fps)

    def across(self, window: Frames, n: int) -> Frames:
        faces = window[self.past : self.past + n].copy()
        closing = self._faded(self._in_closure(lip_opening(window)), n) * self._strength
        touched = np.flatnonzero(closing)
        if len(touched):
            faces[touched] = shut(faces[touched], closing[touched, None])
        return faces

    def _in_closure(self, opening: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the frames that have ``look`` frames on either side are in a closure that was missed."""
        look = self._look
        n = len(opening) - 2 * look
        here = opening[look : look + n]
        lowest, before, after = here, here, here
        for away in range(1, look + 1):
            past, future = opening[look - away : look - away + n], opening[look + away : look + away + n]
            lowest = np.minimum(lowest, np.minimum(past, future))
            before, after = np.maximum(before, past), np.maximum(after, future)
        is_low = (here <= self._near) & (here <= lowest + SAME)
        return is_low & (before >= lowest + RISE) & (after >= lowest + RISE)

    def _faded(self, in_closure: NDArray[np.bool_], n: int) -> NDArray[np.float64]:
        """How much each of n frames is shut, 0..1."""
        fade = len(self._fade) - 1
        much = np.zeros(n)
        for away in range(-fade, fade + 1):
            much = np.maximum(much, in_closure[fade + away : fade + away + n] * self._fade[abs(away)])
        return much


def shut(faces: Frames, closing: Frames) -> Frames:
    """Faces ``[T, 52]`` with lips drawn together by ``closing`` ``[T, 1]`` in [0, 1]; at 1 the opening is below 0."""
    faces = faces.copy()
    faces[:, _GIVE_WAY] *= 1 - closing
    gap = np.maximum(faces[:, _JAW] - faces[:, _CLOSE], 0.0)
    faces[:, _CLOSE] += closing[:, 0] * gap
    faces[:, _PRESSED] = np.maximum(faces[:, _PRESSED], PRESS * closing)
    return faces
