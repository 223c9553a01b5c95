"""Curves to files: one function for a whole animation, one for frames as they come; whole files or none.

Each format is a module with one context manager (:mod:`koekao.outputs.target`); what they have in common, checking
and publishing, is in :mod:`koekao.outputs.curve_file`, and which there are in :mod:`koekao.outputs.formats`. Two hours
at 60 fps are 432 000 frames, and the formats of rows hold no more than a thousand of them. Those that want all keys
together set the numbers aside on the disk (glTF, Unreal's table), or hold them, which is USD alone.

What it gives up: appending to a file that stands already.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.clock import parse_fps
from koekao.errors import OutputError
from koekao.outputs.curve_file import CurveFile, published
from koekao.outputs.formats import FORMATS, Format, format_name
from koekao.outputs.times import FrameTimes, measured

__all__ = ["FORMATS", "CurveFile", "Format", "format_name", "open_curves", "write_curves"]


def open_curves(
    path: str | Path,
    fps: Fraction | int | float | str,
    *,
    start_s: float = 0.0,
    format: str | None = None,
    face: str | Path | None = None,
) -> AbstractContextManager[CurveFile]:
    """Write ``path`` as frames come: ``with open_curves("face.glb", 30) as file: file.append(curves)``.

    At a clean exit it replaces what stands there; after an error nothing is published.

    Args:
        path: the file; its ending says the format unless ``format`` does.
        fps: frames a second.
        start_s: the time of frame 0 in seconds, 0 or later.
        format: a name in :data:`FORMATS`.
        face: a ``.glb`` or ``.gltf`` whose meshes are to be animated; for the format gltf.

    Raises:
        OutputError: an unknown ending or format, a face that cannot be animated, or a place that cannot be written.
        ConfigError: ``fps`` is no frame rate.
    """
    path = Path(path)
    name = _name(path, format, face)
    return published(path, name, _regular(path, fps, start_s), None if face is None else Path(face))


def write_curves(
    path: str | Path,
    curves: NDArray[np.floating[Any]],
    fps: Fraction | int | float | str,
    *,
    start_s: float = 0.0,
    time_s: NDArray[np.float64] | None = None,
    pose: NDArray[np.floating[Any]] | None = None,
    format: str | None = None,
    face: str | Path | None = None,
) -> None:
    """Write ``curves`` to ``path``, replacing what stands there.

    >>> import koekao
    >>> import numpy as np
    >>> koekao.write_curves("still.csv", np.zeros((30, 52), np.float32), fps=30)
    >>> len(koekao.read_curves("still.csv"))
    30

    Args:
        path: the file; its ending says the format unless ``format`` does.
        curves: ``[n_frames, 52]`` float in the canonical order, finite; written as float32, not clipped.
        fps: frames a second.
        start_s: the time of frame 0 in seconds, 0 or later.
        time_s: ``[n_frames]``, 0 or later, increasing: when each row is, where that is not ``start_s + k / fps``.
            ``fps`` is then the nominal rate.
        pose: ``[n_frames, 9]`` radians in the order of :data:`koekao.arkit.HEAD_AND_EYES`; 0 where None. Live Link CSV
            and jsonl have a place for it.
        format: a name in :data:`FORMATS`.
        face: a ``.glb`` or ``.gltf`` whose meshes are to be animated; for the format gltf.

    Raises:
        OutputError: an unknown ending or format, curves of another shape or with a value that is not finite, or a
            place that cannot be written. Nothing is published then.
    """
    path = Path(path)
    name, times = _name(path, format, face), _regular(path, fps, start_s)
    if time_s is not None:
        times = measured(path, time_s, len(curves), times.fps)
    with published(path, name, times, None if face is None else Path(face)) as file:
        file.append(curves, pose)


def _name(path: Path, format: str | None, face: str | Path | None) -> str:
    """The name of the format, if it goes with the face."""
    name = format_name(path, format)
    if face is not None and not FORMATS[name].takes_face:
        known = " or ".join(ending for format in FORMATS.values() if format.takes_face for ending in format.endings)
        raise OutputError(f"{name} with a face of your own", where=path, expected=f"a file that holds one: {known}")
    if face is not None and path.exists() and Path(face).exists() and path.samefile(face):
        raise OutputError("is the face that is read", where=path, do="write to another name")
    return name


def _regular(path: Path, fps: Fraction | int | float | str, start_s: float) -> FrameTimes:
    if not (math.isfinite(start_s) and start_s >= 0):
        raise OutputError(f"start at {start_s!r} s", where=path, expected="0 or later")
    return FrameTimes(fps=parse_fps(fps), start=Fraction(start_s))
