"""Small models that have levels and curves to speak of: random weights, statistics of synthetic speech."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

SETTINGS: dict[str, dict[str, Any]] = {
    "sequential": {"dim": 16, "dilations": (3, 1)},
    "frame": {"dim": 16, "past_frames": 1, "target_frame": 1, "future_frames": 3},
    "stream": {"dim": 16, "channels": 4, "front_frames": 1, "dilations": (1, 3), "look_ahead_frames": 3},
    "window": {"dim": 16, "width": 8, "heads": 2, "mel_frames": 5, "emotion_frames": 3, "emotion": {"past_s": 2.0}},
}


@pytest.fixture(scope="session")
def speech() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Three seconds."""
    return as_float(make_take(5, seconds=3).audio)


@pytest.fixture(scope="session")
def small_model(speech: Any) -> Callable[..., FaceModel]:
    """``small_model("sequential", seed=0, dim=8)``: a fresh one at every call, in evaluation mode."""

    def make(name: str, *, seed: int = 0, **settings: Any) -> FaceModel:
        torch.manual_seed(seed)
        model = build(name, SETTINGS[name] | settings)
        model.fit_features(lambda: [speech])
        rng = np.random.default_rng(seed)
        model.set_curve_statistics(rng.random(52, np.float32), 0.2 + 0.1 * rng.random(52, np.float32))
        return model.eval()

    return make
