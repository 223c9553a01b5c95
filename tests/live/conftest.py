"""A face that moves, and speech for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from koekao.animation import Animator
from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float


@pytest.fixture(scope="session")
def speech() -> Any:
    """``[48000]`` float32, three seconds at 16 kHz."""
    return as_float(make_take(5, seconds=3).audio)


@pytest.fixture(scope="session")
def model(speech: Any) -> FaceModel:
    """A stream model with three frames of look-ahead, untrained, at 30 fps."""
    torch.manual_seed(3)
    settings = {"dim": 16, "channels": 4, "front_frames": 2, "dilations": (1, 3), "look_ahead_frames": 3}
    model = build("stream", settings | {"features": {"n_mels": 24}})
    model.fit_features(lambda: [speech])
    model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, 0.3, np.float32))
    return model.eval()


@pytest.fixture
def animator(model: FaceModel) -> Animator:
    return Animator(model)
