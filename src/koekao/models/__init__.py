"""Models with temporal state per row: frame, sequential, stream and window models, smoothing, and weights on disk."""

from koekao.models.base import FaceModel
from koekao.models.column_model import ColumnModel
from koekao.models.frame import FrameConfig, FrameModel
from koekao.models.listening import Listening
from koekao.models.registry import MODELS, build, register_model
from koekao.models.sequential import SequentialConfig, SequentialModel
from koekao.models.smoothing import TemporalSmoothing
from koekao.models.state import State
from koekao.models.stream import StreamConfig, StreamModel
from koekao.models.weights import load_model, save_model
from koekao.models.window import WindowConfig, WindowModel

__all__ = [
    "MODELS",
    "ColumnModel",
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
    "register_model",
    "save_model",
]
