"""What the verbs print with: tables and numbers alike everywhere, plain where nobody watches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from koekao.corpus import TakeReport

OUT = Console()
ERRORS = Console(stderr=True)
MOST_TAKES = 40


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; columns that hold numbers stand to the right."""
    shown = [[_cell(value) for value in row] for row in rows]
    view = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for i, column in enumerate(columns):
        numeric = all(_is_number(row[i]) for row in shown) and bool(shown)
        view.add_column(column, justify="right" if numeric else "left", no_wrap=numeric or i == 0)
    for row in shown:
        view.add_row(*row)
    OUT.print(view)


def takes_table(title: str, takes: Sequence[TakeReport]) -> None:
    """One row a take (``lost``: share of frames in which the face was not tracked), then what was repaired."""
    table(
        title,
        ("take", "speaker", "split", "length", "frames", "lost", "range", "moving"),
        [
            (
                take.name,
                take.speaker,
                take.split,
                short_length(take.seconds),
                take.n_frames,
                f"{take.untracked:.1%}",
                f"{take.lowest:.2f}..{take.highest:.2f}",
                len(take.moving),
            )
            for take in takes
        ],
    )
    for take in takes:
        for repair in take.repairs:
            OUT.print(f"repaired {take.name}: {repair}", markup=False, highlight=False, soft_wrap=True)


def json_out(value: Any) -> None:
    """Print JSON and nothing else."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def length(seconds: float) -> str:
    """Seconds as a person says them: 49.1 s, 8 min 19 s, 2 h 05 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {seconds % 60:02.0f} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


def short_length(seconds: float) -> str:
    """Seconds as minutes:seconds, 1:49.8, for the columns of tables."""
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def names(values: Sequence[str], most: int = 6) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(values[:most]) + (f" and {len(values) - most} more" if len(values) > most else "")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _is_number(text: str) -> bool:
    return text == "-" or re.fullmatch(r"-?[\d.,:]+( ?(%|s|ms|MB))?", text) is not None
