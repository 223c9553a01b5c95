"""Strength of speech and of expression, and symmetry of the two halves of the face. Limited to [0, 1]; no memory.

Symmetry s goes the share s of the way to the mean of the face and its mirror image, so jawLeft and jawRight cancel
where they are alike. Gaze to the side is left out: to look left is eyeLookOut on the left and eyeLookIn on the right,
and its mirror image looks right; a symmetric face still looks where it looks.
"""

from __future__ import annotations

import numpy as np

from koekao.arkit import MIRROR, N_CURVES, NAMES
from koekao.controls.settings import ControlSettings
from koekao.controls.stage import Frames, Stage

SPEECH: tuple[str, ...] = tuple(name for name in NAMES if name.startswith(("jaw", "mouth", "cheek", "tongue")))
"""The curves that ``mouth`` scales."""
EXPRESSION: tuple[str, ...] = tuple(name for name in NAMES if name.startswith(("brow", "nose", "eyeSquint", "eyeWide")))
"""The curves that ``expression`` scales."""
_GAZE = [i for i, name in enumerate(NAMES) if name.startswith(("eyeLookIn", "eyeLookOut"))]


class Balance(Stage):
    """The strengths and the symmetry of settings."""

    name = "balance"

    def __init__(self, settings: ControlSettings) -> None:
        self._strength = np.ones(N_CURVES)
        self._strength[[name in SPEECH for name in NAMES]] = settings.mouth
        self._strength[[name in EXPRESSION for name in NAMES]] = settings.expression
        self._symmetry = np.full(N_CURVES, float(settings.symmetry))
        self._symmetry[_GAZE] = 0.0

    def push(self, frames: Frames) -> Frames:
        scaled = np.minimum(frames * self._strength, 1.0)
        balanced: Frames = scaled + self._symmetry * ((scaled + scaled[:, MIRROR]) / 2 - scaled)
        return balanced


def is_neutral(settings: ControlSettings) -> bool:
    """Whether nothing is scaled and the halves stay as they are."""
    return settings.mouth == settings.expression == 1 and settings.symmetry == 0
