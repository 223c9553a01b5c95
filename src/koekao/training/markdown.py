"""The little of Markdown that a model card is made of: tables, and words that nothing is read into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, n_left: int | None = None, left_last: bool = False
) -> list[str]:
    """Lines of a Markdown table, padded so that it can be read as it is; columns after ``n_left`` are numbers."""
    rows = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    left = [n_left is None or column < n_left or (left_last and column == len(head) - 1) for column in range(len(head))]
    widths = [max(3, *(len(row[column]) for row in [list(head), *rows])) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(wide) if here else cell.rjust(wide) for cell, wide, here in zip(cells, widths, left))
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (wide - 1)}{'-' if here else ':'}" for wide, here in zip(widths, left)]
    return [line(head), line(rule), *map(line, rows)]


def code(text: str) -> str:
    """``text`` as it is, whatever Markdown would read in it."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"
