"""A curve table of Unreal Engine as JSON: a row a curve, its keys by their time in seconds.

``[{"Name": "EyeBlinkLeft", "0.0": 0.1, "0.033333": 0.2, ...}, ...]``, in Unreal's order and spelling, for the editor's
import of curve tables. The numbers are those of :mod:`koekao.outputs.jsonl`. Source: what
``UCurveTable::GetTableAsJSON`` writes, but for the times, which the engine cuts to whole numbers.

Frames come a row at a time and the table wants a curve at a time, so they are set aside on the disk, 208 bytes a frame,
and gone through once a curve. The text of the times is held, some 65 bytes a frame.

What it gives up: files of nothing but whole seconds (one frame, or one a second) read back only with a stated rate, for
whole numbers are frame numbers in other people's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from koekao.arkit import INDEX, NAMES, ORDERS, pascal
from koekao.outputs.spool import Spool, spool_beside
from koekao.outputs.target import Append, Frames, Target, as_text

_PLACES = {pascal(name): INDEX[name] for name in NAMES}
CURVES = tuple(name for name in ORDERS["unreal"] if name in _PLACES)


@contextmanager
def writing(target: Target) -> Iterator[Append]:
    """Write a curve table (see :mod:`koekao.outputs.target`)."""
    keys: list[str] = []
    with spool_beside(target.temporary, len(NAMES)) as spool, target.text() as out:

        def append(frames: Frames) -> None:
            spool.add(frames.curves)
            keys.extend(frames.times.as_text(frames.first + i) for i in range(len(frames.curves)))

        yield append
        before = "["
        for name in CURVES:
            out.write(f'{before}{{"Name": "{name}"')
            _write_keys(out, keys, spool, _PLACES[name])
            before = "},\n"
        out.write("}]\n")


def _write_keys(out: TextIO, keys: Sequence[str], spool: Spool, place: int) -> None:
    """The keys of one curve."""
    row = 0
    for block in spool.blocks():
        here = keys[row : row + len(block)]
        values = [text for (text,) in as_text(block[:, place : place + 1])]
        out.write("".join(f', "{key}": {value}' for key, value in zip(here, values, strict=True)))
        row += len(block)
