"""Curves as JSON lines: one object a frame.

``{"timestamp": seconds, "blendshapes": {name: value, ...}}``, names in any known spelling and any order; or
``"blendshapes": [52 numbers]``, which is read only by an order that the caller states. Timestamps are seconds from the
start of the sound and are honoured, whatever rate they make.

The usual file, whose lines are all alike, is decoded at once (:mod:`koekao.takes.formats.jsonl_alike`); this module
reads every other one line by line. Both give the same numbers to the bit, and every error is said here.

What it gives up: the whole file is held as text while it is read.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.jsonl_alike import Rows, rows_alike
from koekao.takes.formats.rows import Cells, Layout, finite, ignored, layout_of, next_time, numbers, stated_names
from koekao.takes.formats.strict_json import decode_line, listed, number, shown
from koekao.takes.source import TextFile

_LOOKS = '{"timestamp": seconds, "blendshapes": {name: value, ...}}'
_FIRST_KEY = re.compile(r'\s*\{[ \t]*("timestamp"[ \t]*:(?![ \t]*["\[{])|"blendshapes"[ \t]*:)')
_SHAPES_AT_THE_TOP = re.compile(r'\s*\{[^\[\]{}\n]*"blendshapes"\s*:')


def sniff_jsonl(head: str) -> bool:
    """Whether a file that begins with ``head`` is this format: its first line is a frame, not a list of frames."""
    return bool(_FIRST_KEY.match(head) or _SHAPES_AT_THE_TOP.match(head))


def read_jsonl(file: TextFile, *, order: str | None = None) -> CurveTrack:
    """Read one frame a line.

    Raises:
        CurvesError: at ``file:line`` (and ``:column`` or ``:curve``): no JSON, keys or curves missing or twice, a cell
            that is no finite number, times that do not increase, a bare list without a fitting ``order``.
    """
    layouts, lines = _Layouts(order), file.lines
    found = _alike(lines, layouts, file.path)
    time_s, values = found if found is not None else _line_by_line(lines, layouts, file.path)
    return CurveTrack(
        path=file.path,
        format="jsonl",
        time_s=time_s,
        values=values.astype(np.float32),
        tracked=np.ones(len(time_s), np.bool_),
        stated_clock=None,
        source=file.source,
        notes=layouts.notes(),
    )


def _alike(lines: Sequence[str], layouts: _Layouts, path: str) -> Rows | None:
    """All lines at once, where they are like the first; whatever is wrong with the first is said as always."""
    if not lines:
        return None
    frame, _, _ = layouts.row(lines[0], f"{path}:1", [])
    shapes = frame["blendshapes"]
    named = isinstance(shapes, dict)
    found = rows_alike(lines, list(frame), list(shapes) if named else len(shapes))
    if found is None:
        return None
    time_s, cells = found
    at = arkit.positions(list(shapes) if named else arkit.order_named(str(layouts.order)))
    return time_s, cells[:, [at[name] for name in arkit.NAMES]]


def _line_by_line(lines: Sequence[str], layouts: _Layouts, path: str) -> Rows:
    times: list[float] = []
    cells = array("d")  # a tenth of the memory that lists of Python floats take
    for i, line in enumerate(lines, start=1):
        _, row, time_s = layouts.row(line, f"{path}:{i}", times)
        cells.extend(row)
        times.append(time_s)
    values = np.frombuffer(cells, np.float64).reshape(-1, arkit.N_CURVES)
    finite(values, lambda row: f"{path}:{row + 1}")
    return np.array(times, np.float64), values


class _Layouts:
    """Where the 52 curves stand in a row, remembered for each sequence of names that was seen."""

    def __init__(self, order: str | None) -> None:
        self.order = order
        self.other_keys: dict[str, None] = {}
        self._unknown: dict[str, None] = {}
        self._by_names: dict[tuple[str, ...], Layout] = {}

    def row(self, line: str, where: str, before: Sequence[float]) -> tuple[dict[str, Any], Cells, float]:
        """One line: the frame as it stands there, its 52 cells in canonical order, its time after those ``before``."""
        frame = _object(line, where)
        cells = self.cells(frame["blendshapes"], where)
        time_s = next_time(_time(frame["timestamp"], where), before, where)
        self.other_keys.update(dict.fromkeys(frame))
        return frame, cells, time_s

    def cells(self, shapes: object, where: str) -> Cells:
        """The 52 cells of a row in canonical order, each a float."""
        if isinstance(shapes, dict):
            names, row = tuple(shapes), list(shapes.values())
        elif isinstance(shapes, list):
            names, row = stated_names(self.order, len(shapes), where), shapes
        else:
            raise CurvesError(f"blendshapes is {shown(shapes)}", where=where, expected=_LOOKS)
        layout = self._by_names.get(names)
        if layout is None:
            layout = self._by_names[names] = layout_of(names, where)
            self._unknown.update(dict.fromkeys(layout.unknown))
        return numbers(layout.pick(row), arkit.NAMES, where)

    def notes(self) -> tuple[str, ...]:
        others = [key for key in self.other_keys if key not in ("timestamp", "blendshapes")]
        return ignored(tuple(self._unknown)) + ignored(others, "keys beside timestamp and blendshapes")


def _object(line: str, where: str) -> dict[str, Any]:
    if not line.strip():
        raise CurvesError("an empty line between frames", where=where, expected=_LOOKS, do="remove it")
    frame = decode_line(line, where, _LOOKS)
    if not isinstance(frame, dict) or not {"timestamp", "blendshapes"} <= frame.keys():
        seen = f"keys {listed(frame) or 'none'}" if isinstance(frame, dict) else shown(frame)
        raise CurvesError(f"no frame: {seen}", where=where, expected=_LOOKS)
    return frame


def _time(stamp: object, where: str) -> float:
    try:
        return number(stamp, where, "a finite number of seconds")
    except CurvesError as fault:
        raise CurvesError(f"timestamp {fault.what}", where=where, expected=fault.expected) from None
