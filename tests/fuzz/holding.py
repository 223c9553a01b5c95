"""How many damaged cases a reader is held to, and where one that broke it is kept.

A case that broke a reader lies in ``out/fuzz``, by the reader's name and its number. Once the reader is mended it goes
into ``found`` beside this file, and is tried first from then on.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from koekao.errors import KoekaoError
from koekao.testing.fuzz import case, hold

CASES = int(os.environ.get("KOEKAO_FUZZ_CASES", "2500"))
KEPT = Path(__file__).parents[2] / "out" / "fuzz"
FOUND = Path(__file__).parent / "found"
"""Of the cases kept here the number is of the seeds of that day."""


def held(name: str, seeds: Sequence[bytes], read: Callable[[bytes], Any], n: int = CASES) -> int:
    """Run the cases, warnings being errors; how many were read.

    Raises:
        AssertionError: one was answered otherwise than by a value or an error of ours, or took too long.
    """
    was_read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in found_of(name):
            with contextlib.suppress(KoekaoError):
                read(data)
        for number in range(n):
            try:
                was_read += hold(number, seeds, read)
            except AssertionError:
                KEPT.mkdir(parents=True, exist_ok=True)
                (KEPT / f"{name}-{number}").write_bytes(case(number, seeds))
                raise
    return was_read


def found_of(name: str) -> list[bytes]:
    """What once broke the reader of this name."""
    return [path.read_bytes() for path in sorted(FOUND.iterdir()) if path.name.rpartition("-")[0] == name]
