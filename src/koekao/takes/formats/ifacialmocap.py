"""Packets of iFacialMocap (and Facemotion3D) as text, a line a packet.

``mouthSmile_R-0|eyeLookOut_L-0|...|=head#x,y,z,...|rightEye#x,y,z|leftEye#x,y,z|``: names in any order, values in
0..100, which is the format's own scale and becomes 0..1 here. Version 2 and Facemotion3D write ``&`` between name and
value. ``trackingStatus-0`` says that there was no face. Over TCP a packet ends in ``___iFacialMocap``; it may be left
there. Source: the applications' developer pages and programs that receive their packets.

A packet has no time, and how recorders add one is not agreed on. Two ways are read: seconds with a decimal point before
it, then a blank, tab or comma (``0.033 mouthSmile_R-0|...``); and JSON lines ``{"t": milliseconds, "d": packet}``,
which was found in a recorder. Whole numbers before the packets may be anything and are refused. Without times the rate
has to be stated.

What it gives up: head and eyes are not read. Values of the format are whole numbers, so a step of 0.01 is its finest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.cells import NUMBER, SHOWN, decimals
from koekao.takes.formats.row_times import RowTimes, row_times
from koekao.takes.formats.rows import Cells, Layout, Rows, ignored, layout_of
from koekao.takes.formats.strict_json import decode_line, number, shown
from koekao.takes.source import TextFile

LOOKS = "mouthSmile_R-0|eyeLookOut_L-0|...|=head#..., a packet a line"
_STATUS = "trackingStatus"
_NO_CURVES = frozenset({_STATUS, "hapihapi"})
_TCP_END = "___iFacialMocap"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_FIRST = re.compile(rf'\s*(?:{NUMBER}[ \t,;]+|\{{"t"\s*:[^"]*"d"\s*:\s*")?\s*{_NAME}[-&]{NUMBER}\|')
_TIMED = re.compile(rf"({NUMBER})[ \t,]+(?=[A-Za-z_])")
_ITEM = re.compile(rf"({_NAME})[-&](.*)", re.DOTALL)


def sniff_ifacialmocap(head: str) -> bool:
    """Whether a file that begins with ``head`` is this format."""
    return _FIRST.match(head) is not None


def read_ifacialmocap(file: TextFile, *, fps: Fraction | None = None) -> CurveTrack:
    """Read packets, one a line.

    Args:
        file: the file.
        fps: packets a second, where they have no time.

    Raises:
        CurvesError: at ``file:line`` and ``:curve``: no packet, curves missing or twice, a value that is no plain
            decimal number, times that are missing in some lines, have no decimal point or do not increase.
    """
    path, lines = file.path, file.lines
    first = _parted(lines[0], f"{path}:1")[0] if lines else None
    times = RowTimes("time", 1.0, fps) if first is not None else row_times((), fps, f"{path}:1")
    rows = Rows(lambda row: f"{path}:{row + 1}", "time")
    layouts: dict[tuple[str, ...], Layout] = {}
    for k, line in enumerate(lines):
        where = rows.where
        stamp, packet = _parted(line, where)
        if (stamp is None) is not (first is None):
            what = "a packet with a time" if first is None else "a packet without a time"
            raise CurvesError(what, where=where, expected="a time before every packet or before none")
        cells = _cells(packet, layouts, where)
        rows.add(times.at(0.0 if stamp is None else stamp, k, where), cells)
    unknown = dict.fromkeys(name for layout in layouts.values() for name in layout.unknown if name not in _NO_CURVES)
    return rows.track(path, "ifacialmocap", file.source, (*ignored(tuple(unknown)), *times.notes))


def _parted(line: str, where: str) -> tuple[float | None, str]:
    """The time before a packet in seconds, or None, and the packet."""
    if line.startswith("{"):
        frame = decode_line(line, where, '{"t": milliseconds, "d": packet}')
        if not isinstance(frame, dict) or not isinstance(frame.get("d"), str) or "t" not in frame:
            raise CurvesError(f"no packet: {shown(frame)}", where=where, expected='{"t": milliseconds, "d": packet}')
        return number(frame["t"], f"{where}:t") / 1000, frame["d"]
    timed = _TIMED.match(line)
    if timed is None:
        return None, line
    if "." not in timed[1]:
        raise CurvesError(
            f"{timed[1][:SHOWN]} before the packet",
            where=where,
            expected="seconds with a decimal point; a whole number may be milliseconds, a frame or Unix time",
            do="write seconds from the start of the sound, or remove the column and state the rate (fps=60)",
        )
    return decimals([timed[1]], ["time"], where)[0], line[timed.end() :]


def _cells(packet: str, layouts: dict[tuple[str, ...], Layout], where: str) -> Cells | None:
    """The cells of a packet in canonical order, scaled to 0..1; None where it says that there was no face."""
    names, values = _items(packet, where)
    layout = layouts.get(names)
    if layout is None:
        twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twice is not None:
            raise CurvesError(f"{twice!r} stands twice", where=where, do="keep one of them")
        layout = layouts[names] = layout_of(names, where)
    if _STATUS in layout.unknown and values[names.index(_STATUS)] == "0":
        return None
    return tuple([value / 100 for value in decimals(layout.pick(values), layout.spelt, where)])


def _items(packet: str, where: str) -> tuple[tuple[str, ...], Sequence[str]]:
    """Names and values of the curves of a packet, which end where ``=`` begins the head."""
    curves, _, head = packet.removesuffix(_TCP_END).partition("=")
    parts = curves.rstrip().removesuffix("|").split("|")
    items = [_ITEM.fullmatch(part) for part in parts]
    if "=" in head or not all(items):
        odd = next((part for part, item in zip(parts, items) if item is None), "a second packet")
        what = f"no packet: {odd[:SHOWN]!r}" if packet.strip() else "an empty line between packets"
        raise CurvesError(what, where=where, expected=LOOKS, do="remove the line, or record it again")
    return tuple([item[1] for item in items if item]), [item[2] for item in items if item]
