"""Sound to numbers a frame, causal and stepwise: log-mel, and how something is said."""

from koekao.features.backends import BACKENDS, open_stream
from koekao.features.logmel import LogMel, LogMelConfig
from koekao.features.melstream import MelStream
from koekao.features.prosody import Prosody, ProsodyConfig
from koekao.features.stream import FeatureStream

__all__ = [
    "BACKENDS",
    "FeatureStream",
    "LogMel",
    "LogMelConfig",
    "MelStream",
    "Prosody",
    "ProsodyConfig",
    "open_stream",
]
