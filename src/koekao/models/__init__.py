"""Models with temporal state per row: the frame, sequential and stream models, smoothing, and weights on disk."""

from koekao.models.base import FaceModel
from koekao.models.frame import FrameConfig, FrameModel
from koekao.models.sequential import SequentialConfig, SequentialModel
from koekao.models.smoothing import TemporalSmoothing
from koekao.models.state import State
from koekao.models.stream import StreamConfig, StreamModel
from koekao.models.weights import MODELS, build, load_model, save_model

__all__ = [
    "MODELS",
    "FaceModel",
    "FrameConfig",
    "FrameModel",
    "SequentialConfig",
    "SequentialModel",
    "State",
    "StreamConfig",
    "StreamModel",
    "TemporalSmoothing",
    "build",
    "load_model",
    "save_model",
]
