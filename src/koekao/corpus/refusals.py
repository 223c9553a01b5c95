"""What is said of takes that were refused: in the corpus, one line each; in an error, all of them at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from koekao.errors import TakeError

Refused = tuple[str, TakeError]
"""The name of a take, or of a file that is none, and why."""


def refusal(refused: Sequence[Refused], good: int, *, where: Path, kept: str = "") -> TakeError:
    """Every take that was refused, with its reason; a single fault keeps its type and its place.

    Args:
        refused: what was refused.
        good: how many takes could be packed.
        where: the folder they were looked for in.
        kept: what an interrupted packing leaves to go on with, in words; empty where nothing.
    """
    bad = len(refused)
    if not good + bad:
        return TakeError("no takes", where=where, expected="at least one take to pack")
    summary = f"found {good + bad} takes: {good} can be packed, {bad} refused; nothing was written"
    rest = "mend what was refused; --skip-bad packs the rest" if good else "no take can be packed as it is"
    rest = "; ".join(filter(None, (rest, kept)))
    if bad == 1:
        error = refused[0][1]
        do = "; ".join(filter(None, (error.do, summary, rest)))
        return type(error)(error.what, where=error.where, expected=error.expected, do=do)
    lines = "".join(f"\n  - {one_line(error)}" for _, error in refused)
    return TakeError(summary + lines, where=where, do=rest)


def below(path: object, takes_dir: Path | None) -> str:
    """A path, or a text with paths in it, as seen from the folder of takes: no corpus names a place of this machine."""
    text = path.as_posix() if isinstance(path, Path) else str(path)
    for folder in (takes_dir.resolve(), takes_dir) if takes_dir else ():
        if folder != Path():
            name = rf"(?<![\w./-]){re.escape(folder.as_posix())}"
            text = re.sub(name + "/", "", text)
            text = re.sub(name + r"(?![\w./-])", ".", text) if folder.is_absolute() else text
    return text


def one_line(error: TakeError, takes_dir: Path | None = None) -> str:
    return below(" ".join(str(error).split()), takes_dir)
