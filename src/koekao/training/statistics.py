"""What a model must know of its training takes before the first step: levels of sound; mean, spread, pace of curves."""

from __future__ import annotations

import numpy as np
import torch

from koekao.arkit import MOVING_RANGE, N_CURVES
from koekao.corpus import Corpus
from koekao.errors import RunError
from koekao.models import FaceModel
from koekao.models.liveliness import Pace
from koekao.takes.take import as_float


def fit_statistics(model: FaceModel, takes: Corpus) -> None:
    """Set the features' statistics and the curves' mean, spread and pace from whole training takes.

    The spread is the standard deviation over tracked frames; a curve that spans no more than
    :data:`koekao.arkit.MOVING_RANGE` gets spread 0: it is predicted as its mean and not trained.

    Raises:
        RunError: no frame of any take was tracked.
    """
    model.fit_features(lambda: (as_float(takes.audio(i)) for i in range(len(takes))))
    count, pace = 0, Pace()
    total, squares = np.zeros(N_CURVES), np.zeros(N_CURVES)
    low, high = np.full(N_CURVES, np.inf), np.full(N_CURVES, -np.inf)
    for i in range(len(takes)):
        valid = takes.valid(i).astype(bool)
        pace.hear(takes.curves(i), valid)
        curves = takes.curves(i)[valid].astype(np.float64)
        if len(curves):
            count += len(curves)
            total += curves.sum(0)
            squares += np.square(curves).sum(0)
            low, high = np.minimum(low, curves.min(0)), np.maximum(high, curves.max(0))
    if not count:
        raise RunError("no frame of the training takes was tracked", where=takes.path, do="check the takes' curves")
    mean = total / count
    spread = np.sqrt(np.maximum(0, squares / count - np.square(mean))) * (high - low > MOVING_RANGE)
    with torch.no_grad():
        model.set_curve_statistics(mean.astype(np.float32), spread.astype(np.float32))
        model.set_pace(pace.value)
