"""A curve table of Unreal Engine, as it is exported and imported: a row a curve, keys by time.

CSV: the first cell is ``---`` (what the engine writes), ``Name`` or empty (what people write for its import), then the
times of the keys; every further row is a curve's name and a value a key. JSON: ``[{"Name": "JawOpen", "0": 0.1, ...},
...]``, each key's time as text. Source: what ``UCurveTable::GetTableAsCSV`` and ``GetTableAsJSON`` write, and tables in
tutorials on their import. Tables with a row a frame, which Unreal calls data tables, are read as any other named CSV
(:mod:`koekao.takes.formats.named_csv`).

Times are seconds, unless all are whole numbers: then they are numbers of frames, whose rate has to be stated. The
engine's own JSON cuts times to whole numbers; a table keyed in seconds has repeated keys there, and is refused.

What it gives up: curves with keys of their own. Both layouts have one header for all, and the engine writes a curve's
values under the wrong times if it has fewer keys than the longest, so all have to be baked to the same keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.cells import NUMBER, SHOWN, decimals, row_cells
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.row_times import RowTimes, row_times
from koekao.takes.formats.rows import finite, ignored, layout_of, next_time, numbers
from koekao.takes.formats.strict_json import listed, shown
from koekao.takes.source import TextFile

LOOKS = '---,0.0,0.033,... and a row a curve; or [{"Name": "JawOpen", "0.0": 0.1, "0.033": 0.2, ...}, ...]'
_FIRST_CELLS = ("---", "Name", "")
_HEADER = re.compile(rf"\s*(?:---|Name|),{NUMBER}\s*[,\r\n]")
_BAKE = "bake all curves to the same keys, one a frame"


def sniff_unreal_csv(head: str) -> bool:
    """Whether a file that begins with ``head`` is a curve table as CSV."""
    return _HEADER.match(head) is not None


def sniff_unreal_json(document: Any) -> bool:
    """Whether a JSON document is a curve table."""
    return isinstance(document, list) and bool(document) and isinstance(document[0], dict) and "Name" in document[0]


def read_unreal_csv(file: TextFile, *, fps: Fraction | None = None) -> CurveTrack:
    """Read a curve table as CSV.

    Args:
        file: the file.
        fps: keys a second, where times are whole numbers.

    Raises:
        CurvesError: at ``file:row`` or ``file:row:time`` (row 1 is the header): curves missing or twice, a ragged row,
            a cell that is no plain decimal number, times that do not increase.
    """
    path, lines = file.path, file.lines
    first, *header = lines[0].split(",")
    if first not in _FIRST_CELLS or not header:
        raise CurvesError(f"the header begins {lines[0][:SHOWN]!r}", where=f"{path}:1", expected=LOOKS)
    table: list[Sequence[float]] = []
    names: list[str] = []
    for row, line in enumerate(lines[1:], start=2):
        name, *cells = row_cells(line, len(header) + 1, f"{path}:{row}", f"; {_BAKE}")
        names.append(name.strip())
        known = arkit.canonical(name.strip()) is not None
        table.append(decimals(cells, header, f"{path}:{row}") if known else ())
    return _track(file, header, names, table, fps, f"{path}:1")


def read_unreal_json(file: CurveFile, *, fps: Fraction | None = None) -> CurveTrack:
    """Read a curve table as JSON; arguments as for :func:`read_unreal_csv`.

    Raises:
        CurvesError: at ``file:curve`` or ``file:curve:time``, as there.
    """
    path, document = file.path, file.document
    if not sniff_unreal_json(document):
        raise CurvesError("no curve table", where=path, expected=LOOKS)
    header = [key for key in document[0] if key != "Name"]
    table: list[Sequence[float]] = []
    names: list[str] = []
    for i, row in enumerate(document):
        name = row.get("Name") if isinstance(row, dict) else None
        if not isinstance(name, str):
            raise CurvesError(f"no curve: {shown(row)}", where=f"{path}:entry {i}", expected=LOOKS)
        where = f"{path}:{listed([name])}"
        keys = [key for key in row if key != "Name"]
        if keys != header:
            what = f"{len(keys)} keys that are not the {len(header)} of {shown(document[0]['Name'])}"
            raise CurvesError(what, where=where, expected="the same keys in every curve", do=_BAKE)
        names.append(name)
        known = arkit.canonical(name) is not None
        table.append(numbers(tuple([row[key] for key in header]), header, where) if known else ())
    return _track(file.text, header, names, table, fps, path)


def _track(
    file: TextFile,
    header: Sequence[str],
    names: Sequence[str],
    table: Sequence[Sequence[float]],
    fps: Fraction | None,
    where: str,
) -> CurveTrack:
    """The table, a row a curve, turned into rows of frames at the times of the header."""
    layout = layout_of(names, file.path)
    time_s, notes = _times(header, fps, where)
    values = np.array(layout.pick(table), np.float64).T
    return CurveTrack(
        path=file.path,
        format="unreal",
        time_s=np.array(time_s, np.float64),
        values=finite(values, lambda row: f"{file.path}:{header[row]}"),
        tracked=np.ones(len(time_s), np.bool_),
        stated_clock=None,
        source=file.source,
        notes=(*ignored(layout.unknown), *notes),
    )


def _times(header: Sequence[str], fps: Fraction | None, where: str) -> tuple[list[float], tuple[str, ...]]:
    if not header:
        raise CurvesError("no keys", where=where, expected=LOOKS)
    keys = decimals(header, [f"key {i}" for i in range(len(header))], where)
    whole = all(key.is_integer() for key in keys)
    times = row_times(("frame",), fps, where) if whole else RowTimes("time", 1.0, fps)
    found: list[float] = []
    for i, key in enumerate(keys):
        place = f"{where}:key {i}"
        found.append(next_time(times.at(key, i, place), found, place, "time"))
    return found, times.notes
