"""The CSV that Apple's "Live Link Face" app writes.

63 columns: ``Timecode,BlendShapeCount``, the 52 curves and 9 rotations of head and eyes. Columns are found by name:
the phone writes ``JawRight`` before ``JawLeft``, other tools do not, and read by position the face changes sides. A row
that the phone did not track is ``timecode,0``. Times come from the timecode (:mod:`koekao.takes.formats.timecode`).
Values are kept as they are, also beyond 1 (real files reach 1.076). Source: files of the app and of its readers; there
is no document.

What it gives up: the rotations are not read, and quoted cells are refused (the app writes none).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter

import numpy as np

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.cells import MEND, SHOWN, decimals, header_names, row_cells
from koekao.takes.formats.timecode import clock_rate, elapsed_s, parse_timecode
from koekao.takes.source import TextFile

_TIMECODE, _COUNT = "timecode", "blendshapecount"
_KNOWN_EXTRAS = frozenset(name.casefold() for name in arkit.HEAD_AND_EYES)
_ZEROS = (0.0,) * arkit.N_CURVES


def sniff_livelink(head: str) -> bool:
    """Whether a file that begins with ``head`` is this format."""
    return re.match(rf"\s*{_TIMECODE}\s*[,;\t]", head, re.IGNORECASE) is not None


def read_livelink(file: TextFile, *, timecode_rate: Fraction | int | None = None) -> CurveTrack:
    """Read a Live Link Face CSV.

    Raises:
        CurvesError: at ``file:row`` or ``file:row:column`` (row 1 is the header): columns missing or twice, a ragged
            row, a cell that is no plain decimal number, a timecode that is none, time that repeats or runs backward.
    """
    lines = file.lines
    columns = _columns(lines[0], f"{file.path}:1")
    if len(lines) < 2:
        raise CurvesError("a header and no rows", where=f"{file.path}:1", do="record it again, or remove it")
    texts: list[str] = []
    times: list[tuple[int, float]] = []
    places = [f"{file.path}:{row}" for row in range(2, len(lines) + 1)]
    cells = array("d")
    tracked = np.ones(len(places), np.bool_)
    for i, where in enumerate(places):
        fields = _fields(lines[i + 1], columns, where)
        texts.append(fields[0])
        times.append(parse_timecode(fields[0], where))
        if _untracked(fields, columns, where):
            tracked[i] = False
            cells.extend(_ZEROS)
        else:
            cells.extend(decimals(columns.pick(fields), columns.spelt, where))
    seconds, frames = np.array([s for s, _ in times], np.int64), np.array([f for _, f in times], np.float64)
    rate, guessed = clock_rate(seconds, frames, path=file.path, stated=timecode_rate)
    return CurveTrack(
        path=file.path,
        format="livelink_csv",
        time_s=elapsed_s(seconds, frames, rate, texts, places),
        values=np.frombuffer(cells, np.float64).reshape(-1, arkit.N_CURVES).astype(np.float32),
        tracked=tracked,
        stated_clock=rate,
        source=file.source,
        origin_s=float(seconds[0] + frames[0] / rate),
        start_timecode=texts[0],
        notes=tuple(note for note in (columns.note, guessed) if note),
    )


@dataclass(frozen=True)
class _Columns:
    """The header: the names as they stand, where the count is, the 52 curves' cells of a row, what is passed over."""

    names: tuple[str, ...]
    count: int
    pick: Callable[[list[str]], tuple[str, ...]]
    spelt: tuple[str, ...]
    note: str


def _columns(header: str, where: str) -> _Columns:
    if header.partition(",")[0].strip().casefold() != _TIMECODE:
        what = f"the header begins {header[:SHOWN]!r}"
        raise CurvesError(what, where=where, expected="Timecode,BlendShapeCount,... separated by commas")
    names = header_names(header, where)
    folded = [name.casefold() for name in names]
    try:
        found = arkit.positions(names)
    except CurvesError as fault:
        raise CurvesError(fault.what, where=where, do=fault.do) from None
    missing = ["BlendShapeCount"] * (_COUNT not in folded)
    missing += [arkit.pascal(name) for name in arkit.NAMES if name not in found]
    if missing:
        raise CurvesError(
            f"{len(missing)} columns are missing: {', '.join(missing)}",
            where=where,
            expected="BlendShapeCount and all 52 ARKit curves, in any order",
            do="export the file again with all curves",
        )
    places = tuple(found[name] for name in arkit.NAMES)
    known = {0, folded.index(_COUNT), *places}
    extra = [name for i, name in enumerate(names) if i not in known and folded[i] not in _KNOWN_EXTRAS]
    note = f"ignored {len(extra)} columns that are no ARKit curve: {', '.join(extra)}" if extra else ""
    spelt = tuple(names[place] for place in places)
    return _Columns(names, folded.index(_COUNT), itemgetter(*places), spelt, note)


def _fields(line: str, columns: _Columns, where: str) -> list[str]:
    fields = line.split(",")
    if len(fields) == 2 and fields[1] == "0":
        return fields
    return row_cells(line, len(columns.names), where, ", or timecode,0 for a row that was not tracked")


def _untracked(fields: list[str], columns: _Columns, where: str) -> bool:
    """Whether the row says that nothing was tracked: ``timecode,0`` alone, or with all the curves empty or 0."""
    if len(fields) == 2:
        return True
    count = fields[columns.count]
    if count not in ("", "0"):
        if count.isascii() and count.isdigit():
            return False
        raise CurvesError(
            f"{count[:SHOWN]!r}", where=f"{where}:{columns.names[columns.count]}", expected="a whole number", do=MEND
        )
    values = columns.pick(fields)
    if not any(values) or (count == "0" and not any(decimals(values, columns.spelt, where))):
        return True
    raise CurvesError(
        f"{count!r} curves, but there are values in the row",
        where=f"{where}:{columns.names[columns.count]}",
        expected="the number of curves, or an untracked row without values",
        do=MEND,
    )
