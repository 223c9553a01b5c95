"""The animator's controls: named settings, applied alike offline and live to the curves that a model predicts."""

from koekao.controls.controls import Controlled, Controls, controlled
from koekao.controls.settings import Adjustment, Blinks, ControlSettings, EyeMotion, HeadMotion, LipPress, Smoothing
from koekao.controls.settings_file import PRESETS, as_yaml, dump_controls, load_controls, preset

__all__ = [
    "PRESETS",
    "Adjustment",
    "Blinks",
    "ControlSettings",
    "Controlled",
    "Controls",
    "EyeMotion",
    "HeadMotion",
    "LipPress",
    "Smoothing",
    "as_yaml",
    "controlled",
    "dump_controls",
    "load_controls",
    "preset",
]
