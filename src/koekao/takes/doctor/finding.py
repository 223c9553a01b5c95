"""One thing that is to be said of a take: what was seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from koekao.takes.doctor.spans import Span

_MOST_TIMES = 3
LEVELS = ("problem", "look", "note")
"""From worst to least. A ``problem`` keeps a take from being used or will spoil what is trained on it; a ``look`` may
be right or wrong, and only somebody who looks can tell; a ``note`` is good to know."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding: its ``name`` for programs, its ``level``, ``what`` was seen, what to ``do``; when, in seconds."""

    name: str
    level: str
    what: str
    do: str
    at_s: tuple[float, ...] = ()

    @property
    def when(self) -> str:
        """``" at 0:03.3, 0:10.0, 1:00.5 and later"``, the first three times; empty where there is none."""
        if not self.at_s:
            return ""
        tenths = [round(10 * at_s) for at_s in self.at_s[:_MOST_TIMES]]
        first = (f"{'-' * (n < 0)}{abs(n) // 600}:{abs(n) % 600 / 10:04.1f}" for n in tenths)
        return f" at {', '.join(first)}" + " and later" * (len(self.at_s) > _MOST_TIMES)


def begins(spans: Sequence[Span]) -> tuple[float, ...]:
    """When each span begins, in seconds."""
    return tuple(span.start_s for span in spans)


def times(n: int) -> str:
    """``"once"``, ``"2 times"``."""
    return "once" if n == 1 else f"{n} times"


def percent(share: float) -> str:
    """A share of 1 in percent, with what is too small for two decimals said so.

    >>> percent(0.25), percent(0.0000048), percent(0.0)
    ('25.00 %', 'less than 0.01 %', '0.00 %')
    """
    return "less than 0.01 %" if 0 < share < 0.0001 else f"{100 * share:.2f} %"
