"""Recordings: sound and curve files read, checked, and brought onto one clock."""

from koekao.takes.curves import CurveTrack
from koekao.takes.folder import Found, TakeFiles, find_takes
from koekao.takes.formats.registry import read_curves
from koekao.takes.load import load_take
from koekao.takes.policies import TakePolicies
from koekao.takes.rates import on_frames
from koekao.takes.sound.passing import PassingSound, passing_sound
from koekao.takes.sound.reading import Sound, SoundInfo, probe_sound, read_sound
from koekao.takes.take import Source, Take

__all__ = [
    "CurveTrack",
    "Found",
    "PassingSound",
    "Sound",
    "SoundInfo",
    "Source",
    "Take",
    "TakeFiles",
    "TakePolicies",
    "find_takes",
    "load_take",
    "on_frames",
    "passing_sound",
    "probe_sound",
    "read_curves",
    "read_sound",
]
