"""Left and right change places: the face in a mirror says the same.

It doubles what little a recording knows of one-sided movement, and keeps a model from learning a speaker's asymmetry.
It gives that asymmetry up: the animated face is as much to the left as to the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from koekao.arkit import MIRROR
from koekao.training.augmentation.effect import Window, WindowEffect


@dataclass(frozen=True, kw_only=True)
class Mirror(WindowEffect):
    """The curves in a mirror (:data:`koekao.arkit.MIRROR`); the sound stays. Twice is as it was, to the bit."""

    CHANGES_SOUND: ClassVar[bool] = False

    def apply(self, window: Window, generator: np.random.Generator) -> None:
        if window.curves is not None:
            window.curves[:] = window.curves[:, MIRROR]
