"""Rows of comma-separated cells, as strictly as curves need it.

``float`` takes ``1_0``, ``nan``, ``０．５`` and blanks, and the ``csv`` module takes an open quote and everything after
it as one cell. Here a cell is a plain decimal number that is finite as float32, a row has as many cells as the header,
and everything else is refused with row and column. Row 1 is the header.

What it gives up: quoted cells. No recorder of curves writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from koekao.errors import CurvesError
from koekao.takes.formats.rows import LARGEST

NUMBER = r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
MEND = "mend the cell or remove the row"
SHOWN = 40
_CELL = re.compile(NUMBER)
_ROW = re.compile(rf"{NUMBER}(?:,{NUMBER})*")


def header_names(header: str, where: str) -> tuple[str, ...]:
    """The names of the columns, without blanks around them. Columns without a name may be there more than once.

    Raises:
        CurvesError: a quote, another separator than a comma, or a name that stands twice whatever its case.
    """
    names = tuple(name.strip() for name in header.split(","))
    if '"' in header:
        raise CurvesError("a quote in the header", where=where, expected="plain names", do="export it without quotes")
    if len(names) == 1 and re.search("[;\t|]", header):
        what = f"the header begins {header[:SHOWN]!r}"
        raise CurvesError(what, where=where, expected="columns separated by commas", do="export it with commas")
    folded = [name.casefold() for name in names]
    twice = [name for i, name in enumerate(names) if name and folded[i] in folded[:i]]
    if twice:
        raise CurvesError(f"column {twice[0]!r} stands twice", where=where, do="keep one of them")
    return names


def row_cells(line: str, n: int, where: str, expected: str = "") -> list[str]:
    """The ``n`` cells of a row.

    Raises:
        CurvesError: an empty line, or another number of cells; ``expected`` tells what else may stand there.
    """
    cells = line.split(",")
    if len(cells) == n:
        return cells
    if not line.strip():
        raise CurvesError("an empty line between rows", where=where, do="remove it")
    raise CurvesError(
        f"{len(cells)} fields",
        where=where,
        expected=f"{n} as in the header" + expected,
        do="if it is the last row the file was cut: remove the row; else export the file again",
    )


def decimals(cells: Sequence[str], names: Sequence[str], where: str) -> tuple[float, ...]:
    """Cells as numbers that are finite as float32.

    Raises:
        CurvesError: at ``where:name`` of the first cell that is none.
    """
    row = ",".join(cells)  # one match for all; a comma within a cell (of a format that has other separators) shows
    if row.count(",") == len(cells) - 1 and _ROW.fullmatch(row):
        values = tuple(map(float, cells))
        if max(values) <= LARGEST and min(values) >= -LARGEST:
            return values
    name, cell = next(
        (name, cell) for name, cell in zip(names, cells) if not _CELL.fullmatch(cell) or abs(float(cell)) > LARGEST
    )
    raise CurvesError(
        f"{cell[:SHOWN]!r}" if cell else "an empty cell",
        where=f"{where}:{name}",
        expected="a plain decimal number such as 0.25",
        do=MEND,
    )
