"""What the verbs print with: lines, tables and JSON alike everywhere, plain where nobody watches.

Results go to stdout, errors and progress to stderr, progress only where stderr is a terminal. Names of files and takes
are printed as they are: no markup, no emoji codes, no colouring of what looks like a number. A line is wrapped between
words on a terminal and never in a pipe, where somebody may search it.
"""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from koekao.corpus import TakeReport


class _Console(Console):
    """Text as it is; and a reader who has seen enough (``koekao inspect ... | head``) is no fault."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, highlight=False, emoji=False)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


OUT = _Console()
ERRORS = _Console(stderr=True)
MOST_TAKES = 40
_NUMBER = re.compile(r"-?[\d.,:]+( ?(%|s|ms))?( \(.*\))?")


def say(line: str, *, to: Console = OUT, style: str = "", until: int | None = None) -> None:
    """Print a line, or several; ``style`` is that of its first ``until`` characters, or of all of it."""
    lines = [part for one in line.split("\n") for part in (_wrapped(one, to.width) if to.is_terminal else (one,))]
    text = Text("\n".join(lines))
    text.stylize(style, 0, until)
    to.print(text, soft_wrap=True)


def _wrapped(line: str, width: int) -> list[str]:
    """Broken between words alone: a path that is too long for a line is left to the terminal, to be copied whole."""
    indent = line[: len(line) - len(line.lstrip())]
    parts = textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return parts or [""]


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; columns that hold numbers stand to the right, columns that are empty in every row are left out."""
    shown = [[_cell(value) for value in row] for row in rows]
    view = Table(box=SIMPLE_HEAD, show_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    kept = [i for i in range(len(columns)) if not shown or any(row[i] != "-" for row in shown)]
    for i in kept:
        numeric = bool(shown) and all(row[i] == "-" or _NUMBER.fullmatch(row[i]) for row in shown)
        view.add_column(columns[i], justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in shown:
        view.add_row(*(row[i] for i in kept))
    say(title, style="bold")
    OUT.print(view)
    OUT.print()


def takes_table(title: str, takes: Sequence[TakeReport]) -> None:
    """One row a take (``lost``: share of frames in which the face was not tracked), then repairs and notes."""
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
            say(f"{take.name}: {repair}")


def say_refused(refused: Sequence[tuple[str, str]]) -> None:
    """Takes that are not in a corpus, each with the reason, which mostly begins with the name."""
    for name, reason in refused:
        say(f"refused {reason}" if reason.startswith(name) else f"refused {name}: {reason}")


def refused_dicts(refused: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """The same for JSON, spelt as in ``corpus.json``."""
    return [{"take": name, "reason": reason} for name, reason in refused]


def json_out(value: Any) -> None:
    """Print JSON and nothing else."""
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def json_line(value: Any) -> None:
    """Print JSON on one line and send it off: something happened, and more will."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)


class Making:
    """How long a verb has been at it, and what it says at its end of what it made.

    >>> Making().as_dict(["face.csv"], "koekao", "view", "my face.csv")["next"]
    "koekao view 'my face.csv'"
    """

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    @property
    def took_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began_s

    def say(self, what: object, *then: object, more: str = "") -> None:
        """The last line: what was made, how long it took and more of it, and the command that goes on from there."""
        goes_on = f"; next: {command(*then)}" if then else ""
        say(f"made {what} in {length(self.took_s)}{more}{goes_on}")

    def as_dict(self, made: Iterable[object], *then: object) -> dict[str, Any]:
        """The same for JSON: ``made`` (paths), ``took_s`` and, where something goes on from there, ``next``."""
        told = {"made": [str(path) for path in made], "took_s": self.took_s}
        return told | ({"next": command(*then)} if then else {})


def command(*words: object) -> str:
    """Words as a shell takes them: a path with a space in it is one word there too."""
    return " ".join(shlex.quote(str(word)) for word in words)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that something goes on; what is yielded changes the words."""
    words = TextColumn("{task.description}", markup=False)
    with Progress(SpinnerColumn(), words, TimeElapsedColumn(), **where_watched()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda text: progress.update(task, description=text)


def where_watched() -> dict[str, Any]:
    """How progress is shown: on stderr where that is a terminal, without catching lines that are meant for a file."""
    return {
        "console": ERRORS,
        "disable": not ERRORS.is_terminal,
        "transient": True,
        "redirect_stdout": OUT.is_terminal,
    }


def length(seconds: float) -> str:
    """Seconds as a person says them: 49.1 s, 8 min 19 s, 2 h 05 min.

    >>> length(49.12), length(59.97), length(499), length(3599.6), length(7500)
    ('49.1 s', '1 min 00 s', '8 min 19 s', '1 h 00 min', '2 h 05 min')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    if round(seconds) < 3600:
        return f"{round(seconds) // 60} min {round(seconds) % 60:02d} s"
    return f"{round(seconds / 60) // 60} h {round(seconds / 60) % 60:02d} min"


def short_length(seconds: float) -> str:
    """Seconds as minutes:seconds for the columns of tables.

    >>> short_length(109.81), short_length(59.96)
    ('1:49.8', '1:00.0')
    """
    tenths = round(10 * seconds)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def count(n: int, thing: str, things: str = "") -> str:
    """A number of things.

    >>> count(1, "take"), count(1200, "take"), count(0, "batch", "batches")
    ('1 take', '1,200 takes', '0 batches')
    """
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def names(values: Sequence[str], most: int = 6) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(values[:most]) + (f" and {len(values) - most} more" if len(values) > most else "")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
