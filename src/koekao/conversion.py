"""Curves from a file of one format to a file of another: a row out for each tracked row in, at its own time.

Nothing is interpolated unless a rate is asked for, and no row is made up: what the phone did not track is not written,
so it stays a gap in the new file too. A Live Link CSV tells the time of day where the source does (or counts from
midnight); the other formats tell seconds, from the first row where the source has a timecode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from koekao.clock import parse_fps
from koekao.errors import CurvesError, OutputError
from koekao.outputs import format_name, write_curves
from koekao.takes import CurveTrack, read_curves
from koekao.takes.formats.timecode import CLOCK_RATES
from koekao.takes.rates import frame_times, on_frames

_NEAR = 0.02
_FRAME_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What :func:`convert` did.

    Attributes:
        source, target: the files. read, written: their formats.
        rows: rows in the source. untracked: rows of them without a tracked face, which are not written.
        written_rows: rows in the target.
        rate_hz: rows a second of the source, measured; None for a single row.
        fps: the rate that the target was brought to; None where its rows are those of the source.
        notes: what the reader passed over, guessed or filled in, and what became of times.
    """

    source: Path
    target: Path
    read: str
    written: str
    rows: int
    untracked: int
    written_rows: int
    rate_hz: float | None
    fps: Fraction | None
    notes: tuple[str, ...]


def convert(
    source: str | Path,
    target: str | Path,
    *,
    fps: Fraction | int | float | str | None = None,
    method: str = "linear",
    read: str | None = None,
    write: str | None = None,
    order: str | None = None,
    timecode_rate: Fraction | int | None = None,
    rows_fps: Fraction | int | float | str | None = None,
    face: str | Path | None = None,
) -> Converted:
    """Write the curves of a file of any known format in another format.

    >>> import koekao
    >>> done = koekao.convert("takes/aoi_0001.jsonl", "aoi.csv", fps=60)
    >>> done.read, done.written, done.written_rows
    ('jsonl', 'livelink_csv', 299)

    Args:
        source: a file of curves, known by its content unless ``read`` names its format.
        target: the file to make; its ending says the format unless ``write`` names it. What stands there is replaced.
        fps: bring the curves to the frames of this rate; frames that nobody saw are left out.
        method: how (:data:`koekao.takes.rates.METHODS`).
        order, timecode_rate, rows_fps: what the source does not say itself, as in :func:`koekao.read_curves`.
        face: a ``.glb`` or ``.gltf`` whose meshes are to be animated, where the target is one.

    Raises:
        CurvesError: the source cannot be read, or has no tracked row. OutputError: the target cannot be written, or is
            the source. ConfigError: a rate or a method that cannot be.
    """
    source, target = Path(source), Path(target)
    written = format_name(target, write)
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError("is the file that is read", where=target, do="write to another name")
    track = read_curves(source, order=order, format=read, timecode_rate=timecode_rate, fps=rows_fps)
    if not track.tracked.any():
        raise CurvesError("no row with a tracked face", where=source, do="record it again")
    wanted = None if fps is None else parse_fps(fps)
    kept, notes = (_tracked(track), ()) if wanted is None else _on_frames(track, wanted, method)
    if written == "livelink_csv" and kept.origin_s is not None:
        kept = replace(kept, time_s=kept.time_s + kept.origin_s)
    elif kept.time_s[0] < 0:
        notes += (f"times moved by {-kept.time_s[0]:.6f} s, so that none is below 0",)
        kept = replace(kept, time_s=kept.time_s - kept.time_s[0])
    write_curves(target, kept.values, wanted or _nominal_fps(track), time_s=kept.time_s, format=written, face=face)
    return Converted(
        source=source,
        target=target,
        read=track.format,
        written=written,
        rows=len(track),
        untracked=track.n_untracked,
        written_rows=len(kept),
        rate_hz=track.rate_hz if len(track) > 1 else None,
        fps=wanted,
        notes=(*track.notes, *notes),
    )


def _tracked(track: CurveTrack) -> CurveTrack:
    """The rows that the tracker saw a face in."""
    seen = track.tracked
    return replace(track, time_s=track.time_s[seen], values=track.values[seen], tracked=seen[seen])


def _on_frames(track: CurveTrack, fps: Fraction, method: str) -> tuple[CurveTrack, tuple[str, ...]]:
    """The frames of ``fps`` that lie within the track and were seen."""
    seen_s = track.time_s[track.tracked]
    first = max(0, math.ceil(float(seen_s[0]) * float(fps) - _FRAME_TOLERANCE))
    n_frames = math.floor(float(seen_s[-1]) * float(fps) + _FRAME_TOLERANCE) + 1
    curves, valid = on_frames(track, fps, max(n_frames, 0), method=method)
    kept = np.flatnonzero(valid[first:]) + first
    if not len(kept):
        what = f"no frame of {fps} fps lies within the rows that were tracked"
        raise CurvesError(what, where=track.path, do="ask for a higher rate, or for none")
    lost = n_frames - first - len(kept)
    notes = (f"{lost} frames that nobody saw are left out",) if lost else ()
    frames = replace(track, time_s=frame_times(fps, n_frames)[kept], values=curves[kept], tracked=valid[kept])
    return frames, notes


def _nominal_fps(track: CurveTrack) -> Fraction:
    """The rate that clocks and metadata are written with: what the file states, else the nearest usual one."""
    stated = track.stated_clock or track.stated_fps
    if stated is not None or len(track) < 2:
        return stated or Fraction(30)
    nearest = min(CLOCK_RATES, key=lambda rate: abs(rate - track.rate_hz))
    is_near = abs(nearest - track.rate_hz) <= _NEAR * nearest
    return Fraction(nearest if is_near else max(1, math.ceil(track.rate_hz)))
