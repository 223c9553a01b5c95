"""Models with temporal state per row: frame, sequential, stream and window models, smoothing, and weights on disk."""

from koekao.models.base import FaceModel
from koekao.models.frame import FrameConfig, FrameModel
from koekao.models.listening import Listening
from koekao.models.sequential import SequentialConfig, SequentialModel
from koekao.models.smoothing import TemporalSmoothing
from koekao.models.state import State
from koekao.models.stream import StreamConfig, StreamModel
from koekao.models.weights import MODELS, build, load_model, save_model
from koekao.models.window import WindowConfig, WindowModel

__all__ = [
    "MODELS",
    "FaceModel",
    "FrameConfig",
    "FrameModel",
    "Listening",
    "SequentialConfig",
    "SequentialModel",
    "State",
    "StreamConfig",
    "StreamModel",
    "TemporalSmoothing",
    "WindowConfig",
    "WindowModel",
    "build",
    "load_model",
    "save_model",
]
