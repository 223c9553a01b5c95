"""The same rows in every format that names its curves, built from names, times and cells that may be anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from koekao import arkit
from koekao.outputs.livelink_csv import timecode

Cells = Sequence[Sequence[str]]
"""``[n_rows, n_names]``, each as it is to stand in the file."""


@dataclass(frozen=True)
class Built:
    """A format: how its files are built from (names, times in seconds as text, cells), and how it spells the names.

    ``lacks``: the curve that it may do without. ``scale``: what its values are multiplied with. ``row_of``: where in an
    error row k is named.
    """

    build: Callable[[Sequence[str], Sequence[str], Cells], str]
    names: tuple[str, ...]
    row_of: Callable[[int], str]
    lacks: str = ""
    scale: int = 1


def _table(first: Sequence[str], names: Sequence[str], columns: Sequence[Sequence[str]], cells: Cells) -> str:
    rows = [[*first, *names], *([*(column[k] for column in columns), *row] for k, row in enumerate(cells))]
    return "\n".join(map(",".join, rows)) + "\n"


def _jsonl(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    return "".join(
        f'{{"timestamp": {time}, "blendshapes": {{{_pairs(names, row)}}}}}\n'
        for time, row in zip(times, cells, strict=True)
    )


def _pairs(names: Sequence[str], row: Sequence[str]) -> str:
    return ", ".join(f"{json.dumps(name)}: {cell}" for name, cell in zip(names, row, strict=True))


def _named_json(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    frames = (f'{{"weights": [{", ".join(row)}], "time": {time}}}' for time, row in zip(times, cells, strict=True))
    return f'{{"names": {json.dumps(list(names))}, "frames": [{", ".join(frames)}]}}'


def _mediapipe_json(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    frames = (
        f'{{"timestamp": {time}, "blendshapes": [{", ".join(_scores(names, row))}]}}'
        for time, row in zip(times, cells, strict=True)
    )
    return f"[{', '.join(frames)}]"


def _scores(names: Sequence[str], row: Sequence[str]) -> list[str]:
    return [f'{{"categoryName": {json.dumps(name)}, "score": {cell}}}' for name, cell in zip(names, row, strict=True)]


def _livelink(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    codes = [timecode(Fraction(time), Fraction(30)) for time in times]
    return _table(["Timecode", "BlendShapeCount"], names, [codes, ["61"] * len(times)], cells)


def _audio2face(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    spelt = ["blendShapes." + name for name in names]
    return _table(["", "timeCode"], spelt, [[str(k) for k in range(len(times))], times], cells)


def _ifacialmocap(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    packets = ("|".join(f"{name}-{cell}" for name, cell in zip(names, row, strict=True)) for row in cells)
    return "".join(f"{time} {packet}|=head#0,0,0,0,0,0|\n" for time, packet in zip(times, packets, strict=True))


def _unreal(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    columns = [[row[i] for row in cells] for i in range(len(names))]
    rows = [["---", *times], *([name, *column] for name, column in zip(names, columns, strict=True))]
    return "\n".join(map(",".join, rows)) + "\n"


def _unreal_json(names: Sequence[str], times: Sequence[str], cells: Cells) -> str:
    columns = [[row[i] for row in cells] for i in range(len(names))]
    table = (
        f'{{"Name": {json.dumps(name)}, {_pairs(times, column)}}}' for name, column in zip(names, columns, strict=True)
    )
    return f"[{', '.join(table)}]"


def _line(k: int) -> str:
    return f":{k + 1}"


def _below_header(k: int) -> str:
    return f":{k + 2}"


def _frame(k: int) -> str:
    return f":frame {k}"


_PASCAL, _SHORT = tuple(map(arkit.pascal, arkit.NAMES)), tuple(map(arkit.underscored, arkit.NAMES))
BUILT: Mapping[str, Built] = {
    "jsonl": Built(_jsonl, arkit.NAMES, _line),
    "livelink_csv": Built(_livelink, _PASCAL, _below_header),
    "named_csv": Built(lambda names, times, cells: _table(["time"], names, [times], cells), arkit.NAMES, _below_header),
    "mediapipe": Built(
        lambda names, times, cells: _table(["time", "_neutral"], names, [times, ["0"] * len(times)], cells),
        arkit.NAMES,
        _below_header,
        lacks="tongueOut",
    ),
    "mediapipe-json": Built(_mediapipe_json, arkit.NAMES, _frame, lacks="tongueOut"),
    "audio2face": Built(_audio2face, _PASCAL, _below_header),
    "ifacialmocap": Built(_ifacialmocap, _SHORT, _line, scale=100),
    "unreal": Built(_unreal, _PASCAL, _below_header),
    "unreal-json": Built(_unreal_json, _PASCAL, _frame),
    "named_json": Built(_named_json, arkit.NAMES, _frame, lacks="tongueOut"),
}
TIMES = ("0.0", "0.5", "1.0")
IS_JSON = ("jsonl", "mediapipe-json", "unreal-json", "named_json")
