"""Augmentation: windows changed at random in ways that a face does not mind, each window by its own numbers."""

from koekao.training.augmentation.augment import Augmentation
from koekao.training.augmentation.config import AugmentConfig
from koekao.training.augmentation.effect import Window
from koekao.training.augmentation.filters import BandMask, Equaliser, Tilt
from koekao.training.augmentation.formants import FormantShift
from koekao.training.augmentation.gain import Gain
from koekao.training.augmentation.mirror import Mirror
from koekao.training.augmentation.noise import Noise
from koekao.training.augmentation.reverb import Reverb
from koekao.training.augmentation.silence import Silence
from koekao.training.augmentation.timeshift import TimeShift
from koekao.training.augmentation.voice import VoiceShift

__all__ = [
    "AugmentConfig",
    "Augmentation",
    "BandMask",
    "Equaliser",
    "FormantShift",
    "Gain",
    "Mirror",
    "Noise",
    "Reverb",
    "Silence",
    "Tilt",
    "TimeShift",
    "VoiceShift",
    "Window",
]
