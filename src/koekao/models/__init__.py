"""Models with temporal state per row: the frame model, the sequential model, smoothing, and weights on disk."""

from koekao.models.base import FaceModel
from koekao.models.frame import FrameConfig, FrameModel
from koekao.models.sequential import SequentialConfig, SequentialModel
from koekao.models.smoothing import TemporalSmoothing
from koekao.models.state import State
from koekao.models.weights import MODELS, build, load_model, save_model

__all__ = [
    "MODELS",
    "FaceModel",
    "FrameConfig",
    "FrameModel",
    "SequentialConfig",
    "SequentialModel",
    "State",
    "TemporalSmoothing",
    "build",
    "load_model",
    "save_model",
]
