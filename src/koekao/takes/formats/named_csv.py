"""A CSV with a row a frame and a header that names its curves; MediaPipe's and everybody's own.

MediaPipe writes no file of its own; people write its blendshapes with a column of time or frame number, ``_neutral``
and 51 curves without ``tongueOut``. A file with ``_neutral`` is theirs, and ``tongueOut`` may be missing there; any
other CSV that names curves must have all 52. Columns are found by name, in any order and known spelling; the unit of
the time is in the name of its column (:mod:`koekao.takes.formats.row_times`). A row whose curves are all empty had no
face. Source: scripts around MediaPipe's Face Landmarker (``frame,_neutral,browDownLeft,...``; ``timestamp_ms,...``).

What it gives up: files with several faces, which such tables tell apart by a column of their own: times repeat there,
and are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.cells import decimals, header_names, row_cells
from koekao.takes.formats.row_times import RowTimes, row_times
from koekao.takes.formats.rows import NO_TONGUE, Rows, ignored, layout_of, missing_note
from koekao.takes.source import TextFile

_FEWEST_NAMES = 26
_NEUTRAL = "_neutral"


def sniff_mediapipe_csv(head: str) -> bool:
    """Whether a file that begins with ``head`` is a table of MediaPipe's blendshapes."""
    return sniff_named_csv(head, neutral=True)


def sniff_named_csv(head: str, *, neutral: bool = False) -> bool:
    """Whether a file that begins with ``head`` has a header of curves, half of them or more; with ``_neutral`` or not.

    A timecode makes it a Live Link Face CSV, a name with a prefix Audio2Face's.
    """
    names = [name.strip() for name in head.split("\n", 1)[0].split(",")]
    known = sum(arkit.canonical(name) is not None for name in names)
    return known >= _FEWEST_NAMES and names[0].casefold() != "timecode" and (_NEUTRAL in names) is neutral


def read_named_csv(
    file: TextFile,
    *,
    format: str,
    fps: Fraction | None = None,
    may_lack: frozenset[str] = frozenset(),
    prefix: str = "",
    seconds: str | None = None,
) -> CurveTrack:
    """Read a CSV with named columns.

    Args:
        file: the file.
        format: what to call it in the track.
        fps: rows a second, for files that have frame numbers or no times.
        may_lack: curves that the format does not have.
        prefix: what stands before the name of every curve.
        seconds: the column of the time in seconds, where its name does not tell.

    Raises:
        CurvesError: at ``file:row`` or ``file:row:column`` (row 1 is the header): columns missing or twice, a ragged
            row, a cell that is no plain decimal number, times that do not increase.
    """
    lines, path = file.lines, file.path
    top = f"{path}:1"
    columns = header_names(lines[0], top)
    names = [name.removeprefix(prefix) if name.startswith(prefix) else "" for name in columns]
    tongue = (
        ""
        if may_lack
        else "if MediaPipe wrote it, which has no tongueOut, say so (format='mediapipe'); else export all"
    )
    layout = layout_of(names, top, may_lack=may_lack, do=tongue)
    times = RowTimes(seconds, 1.0, fps) if seconds in columns else row_times(columns, fps, top)
    clock = columns.index(times.key) if times.key is not None else None
    rows = Rows(lambda row: f"{path}:{row + 2}", times.key or "row")
    spelt = [columns[place] for place in layout.places]
    for k, line in enumerate(lines[1:]):
        where = rows.where
        fields = row_cells(line, len(columns), where)
        stamp = 0.0 if clock is None else decimals([fields[clock]], [columns[clock]], where)[0]
        cells = layout.pick(fields)
        rows.add(times.at(stamp, k, where), decimals(cells, spelt, where) if any(cells) else None)
    if not rows:
        raise CurvesError("a header and no rows", where=top, do="record it again, or remove it")
    others = _others(columns, {*layout.places, clock})
    return rows.track(path, format, file.source, (*missing_note(layout), *ignored(others), *times.notes))


def read_mediapipe_csv(file: TextFile, *, fps: Fraction | None = None) -> CurveTrack:
    """Read a table of MediaPipe's blendshapes; see :func:`read_named_csv`."""
    return read_named_csv(file, format="mediapipe", fps=fps, may_lack=NO_TONGUE)


def _others(columns: Sequence[str], known: set[int | None]) -> list[str]:
    """The columns that are not read; those without a name count the rows, and MediaPipe's neutral face is no curve."""
    return [name for i, name in enumerate(columns) if i not in known and name not in ("", _NEUTRAL)]
