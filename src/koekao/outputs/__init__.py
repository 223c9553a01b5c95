"""Curves to files: one function, one registry of formats, whole files or none.

Each format is a module with one ``write(out, curves, times)`` that streams rows to an open text file; what they have in
common (checking the curves, choosing by the ending, publishing) is here, so that a new format is one module and one
line. Two hours at 30 fps are 216 000 rows, and none of the writers holds more than a thousand of them as text.

What it gives up: appending to a file, and keeping rows that were written before a fault.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES, NAMES
from koekao.atomic import publish_file
from koekao.clock import parse_fps
from koekao.errors import OutputError
from koekao.outputs import jsonl, livelink_csv, named_json
from koekao.outputs.times import FrameTimes, measured

Writer = Callable[[TextIO, NDArray[np.float32], FrameTimes], None]
"""``write(out, curves [F, 52], times)``."""

FORMATS: Mapping[str, tuple[str, Writer]] = MappingProxyType(
    {
        "livelink_csv": (".csv", livelink_csv.write),
        "jsonl": (".jsonl", jsonl.write),
        "named_json": (".json", named_json.write),
    }
)
"""Format name -> (file ending, writer)."""


def write_curves(
    path: str | Path,
    curves: NDArray[np.float32],
    fps: Fraction,
    *,
    start_s: float = 0.0,
    time_s: NDArray[np.float64] | None = None,
    format: str | None = None,
) -> None:
    """Write ``curves`` to ``path``, replacing what stands there.

    Args:
        path: the file; its ending says the format unless ``format`` does.
        curves: ``[n_frames, 52]`` float in the canonical order, finite; written as float32, not clipped.
        fps: frames a second.
        start_s: the time of frame 0 in seconds, 0 or later.
        time_s: ``[n_frames]``, 0 or later, increasing: when each row is, where that is not ``start_s + k / fps``.
            ``fps`` is then the nominal rate.
        format: a name in :data:`FORMATS`.

    Raises:
        OutputError: an unknown ending or format, curves of another shape or with a value that is not finite, or a
            place that cannot be written. Nothing is published then.
    """
    path = Path(path)
    _, write = FORMATS[format_name(path, format)]
    curves, times = checked(path, curves, fps, start_s)
    if time_s is not None:
        times = measured(path, time_s, len(curves), times.fps)
    with publish_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as out:
        write(out, curves, times)


def format_name(path: Path, format: str | None = None) -> str:
    """A name in :data:`FORMATS`: ``format``, or what the ending of ``path`` says, in capitals or not.

    Raises:
        OutputError: no such format, or an ending of none.
    """
    if format is not None:
        if format not in FORMATS:
            raise OutputError(f"unknown format {format!r}", where=path, expected="one of " + ", ".join(FORMATS))
        return format
    for name, (suffix, _) in FORMATS.items():
        if path.suffix.lower() == suffix:
            return name
    raise OutputError(
        f"unknown ending {path.suffix!r}",
        where=path,
        expected=", ".join(f"{suffix} ({name})" for name, (suffix, _) in FORMATS.items()),
        do="end the file's name with one of these, or name the format",
    )


def checked(where: Path, curves: NDArray[Any], fps: Fraction, start_s: float) -> tuple[NDArray[np.float32], FrameTimes]:
    """The curves as float32 and the exact times of their frames, once they can be written.

    Raises:
        OutputError: which frame and which curve cannot.
    """
    curves = np.asarray(curves)
    if curves.ndim != 2 or curves.shape[1] != N_CURVES or len(curves) == 0 or curves.dtype.kind != "f":
        raise OutputError(
            f"curves of shape {curves.shape} and type {curves.dtype}", where=where, expected="floats [n_frames, 52]"
        )
    curves = curves.astype(np.float32, copy=False)
    finite = np.isfinite(curves)
    if not finite.all():
        frame, curve = np.argwhere(~finite)[0]
        raise OutputError(
            f"{(~finite).sum()} values are not finite, the first is {curves[frame, curve]}",
            where=f"{where}:frame {frame}:{NAMES[curve]}",
            do="look for the fault where the curves were made; nothing was written",
        )
    if not (math.isfinite(start_s) and start_s >= 0):
        raise OutputError(f"start at {start_s!r} s", where=where, expected="0 or later")
    return curves, FrameTimes(fps=parse_fps(fps), start=Fraction(start_s))
