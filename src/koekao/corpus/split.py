"""Which takes are for training, which for validation, which for the test: by whole takes or whole speakers.

A window is never the unit: two windows of one take overlap or adjoin, and a score measured on them says nothing.
Shares are drawn by the hash of (seed, unit), so the answer depends neither on the order of the listing nor on time, and
adding one take moves few others. Names given as patterns are taken literally instead.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from koekao.errors import ConfigError

SPLITS = ("train", "val", "test")
MIN_UNITS_FOR_SHARES = 5
"""With fewer takes (or speakers) a share holds nothing out: training needs them, and a score on one says little."""

By = Literal["take", "speaker"]
Held = float | Sequence[str]


def assign(
    names: Sequence[str],
    speakers: Sequence[str],
    *,
    by: By = "take",
    val: Held = 0.1,
    test: Held = 0.0,
    seed: int = 0,
) -> list[str]:
    """The split of each take, in the order of ``names``.

    Args:
        names: names of the takes.
        speakers: who speaks in each.
        by: what is held out whole, a ``"take"`` or a ``"speaker"``.
        val: a share of the units in [0, 1), of which at least one is held out if there are five; or shell patterns
            (``"session3/*"``) of takes, or of speakers where ``by="speaker"``.
        test: the same for the test split; shares are drawn from what the patterns left.
        seed: another seed draws other units.

    Raises:
        ConfigError: a share outside [0, 1), a pattern that matches nothing, a unit held out twice, nothing left to
            train on.
    """
    check_held("val", val)
    check_held("test", test)
    units = list(names if by == "take" else speakers)
    free = sorted(set(units))
    split_of: dict[str, str] = {}
    for split, held in (("val", val), ("test", test)):
        if not isinstance(held, (int, float)):
            for unit in _matching(held, free, by, split):
                if unit in split_of:
                    raise ConfigError(f"{by} {unit!r} is held out for val and for test", do="narrow the patterns")
                split_of[unit] = split
    drawn = sorted((unit for unit in free if unit not in split_of), key=lambda unit: _rank(seed, unit))
    for split, held in (("val", val), ("test", test)):
        if isinstance(held, (int, float)):
            count = _count(held, len(free))
            split_of.update(dict.fromkeys(drawn[:count], split))
            drawn = drawn[count:]
    if units and not drawn:
        raise ConfigError(f"all {len(free)} {by}s are held out", expected="some to train on", do="lower val or test")
    return [split_of.get(unit, "train") for unit in units]


def check_held(split: str, held: Held) -> None:
    """Raise ConfigError unless ``held`` is a share in [0, 1) or patterns."""
    if isinstance(held, (int, float)) and not 0 <= held < 1:
        raise ConfigError(f"{split}={held!r}", expected="a share of at least 0 and below 1, or names")


def _rank(seed: int, unit: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{unit}".encode("utf-8", "surrogatepass")).digest()


def _count(share: float, n_units: int) -> int:
    if share == 0 or n_units < MIN_UNITS_FOR_SHARES:
        return 0
    return max(1, round(share * n_units))


def _matching(patterns: Sequence[str], units: Sequence[str], by: str, split: str) -> list[str]:
    """The units that any of the patterns names; each pattern must name one."""
    chosen: set[str] = set()
    for pattern in (patterns,) if isinstance(patterns, str) else patterns:
        matches = [unit for unit in units if unit == pattern or fnmatchcase(unit, pattern)]
        if not matches:
            close = difflib.get_close_matches(pattern.replace("*", ""), units, n=3, cutoff=0.4) or list(units[:3])
            raise ConfigError(
                f"{split}: no {by} matches {pattern!r}",
                expected=f"a name or pattern of the {len(units)} {by}s",
                do="did you mean " + ", ".join(close) + "?" if close else "",
            )
        chosen.update(matches)
    return sorted(chosen)
