"""Takes of a few frames, still but for named curves, and their scores."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from koekao.arkit import INDEX
from koekao.training.metrics import Scores, score
from koekao.training.metrics.tracked import Tracked, tracked


def curves(n_frames: int, **values: Any) -> Any:
    """All curves 0.25 and still, but those named."""
    array = np.full((n_frames, 52), 0.25, np.float32)
    for name, column in values.items():
        array[:, INDEX[name]] = column
    return array


def scored(*takes: tuple[Any, ...], fps: Fraction | int = 30) -> Scores:
    """The scores of takes (predicted, true) or (predicted, true, valid)."""
    pairs = [(t[0], t[1], np.array(t[2], bool) if len(t) == 3 else np.ones(len(t[1]), bool)) for t in takes]
    return score(pairs, fps=Fraction(fps))


def take_of(predicted: Any, truth: Any, valid: Any = None) -> Tracked:
    """The tracked frames of one take."""
    return tracked(predicted, truth, np.ones(len(truth), bool) if valid is None else np.array(valid, bool))
