"""The CSV that NVIDIA's Audio2Face-3D client writes (``animation_frames.csv``).

A column without a name that counts the rows, ``timeCode`` in seconds, then ``blendShapes.EyeBlinkLeft`` and so on: the
52 curves, or 68 with 16 of the tongue that ARKit does not know. It is a table with named columns like any other
(:mod:`koekao.takes.formats.named_csv`) but for the prefix and for a ``timeCode`` that is no timecode. Source:
Audio2Face-3D-Samples, whose client writes it with pandas.

What it gives up: the 16 further shapes of the tongue and what other columns there are; the notes name them.
"""

from __future__ import annotations

from koekao.takes.curves import CurveTrack
from koekao.takes.formats.named_csv import read_named_csv
from koekao.takes.source import TextFile

_PREFIX = "blendShapes."


def sniff_audio2face(head: str) -> bool:
    """Whether a file that begins with ``head`` is this format."""
    names = [name.strip() for name in head.split("\n", 1)[0].split(",")]
    return "timeCode" in names and any(name.startswith(_PREFIX) for name in names)


def read_audio2face(file: TextFile) -> CurveTrack:
    """Read an Audio2Face-3D CSV.

    Raises:
        CurvesError: at ``file:row`` or ``file:row:column``; see :func:`koekao.takes.formats.named_csv.read_named_csv`.
    """
    return read_named_csv(file, format="audio2face", prefix=_PREFIX, seconds="timeCode")
