"""What a format is given: where to write, when its rows are, and then the rows, a block at a time.

A format is one function, ``writing(target)``, a context manager: what stands before its ``yield`` is the head of the
file, what it yields takes each block of rows, and what stands after is the end, which is reached only where nothing
went wrong. So a format keeps no more of a file than it chooses to.

What it gives up: going back. A number that stands before the rows (how many there are) has to be written after them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES
from koekao.outputs.times import FrameTimes

BLOCK_FRAMES = 1000
"""No format is given more rows at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames:
    """Rows that follow each other; finite, and lent: they are the caller's and may change afterwards.

    Attributes:
        first: the number of the first row in the file.
        curves: ``[n, 52]`` float32, canonical order.
        pose: ``[n, 9]`` float32 radians in the order of :data:`koekao.arkit.HEAD_AND_EYES`; None where nobody said.
        times: of all rows of the file.
    """

    first: int
    curves: NDArray[np.float32]
    pose: NDArray[np.float32] | None
    times: FrameTimes

    @property
    def rotations(self) -> NDArray[np.float32]:
        """The pose, 0 where nobody said."""
        return np.zeros((len(self.curves), len(HEAD_AND_EYES)), np.float32) if self.pose is None else self.pose

    def as_text(self) -> Iterator[tuple[str, list[str]]]:
        """Each row's time in seconds and its 52 values, as decimals that JSON takes."""
        for row, values in enumerate(as_text(self.curves), self.first):
            yield self.times.as_text(row), values


def as_text(values: NDArray[np.float32]) -> list[list[str]]:
    """``[n, m]`` float32 as decimals: numpy writes the fewest digits that read back as the same float32."""
    text: list[list[str]] = values.astype(np.str_).tolist()
    return text


@dataclass(frozen=True, kw_only=True)
class Target:
    """A file that is to be made.

    Attributes:
        path: its name as the caller said it, for error texts and where its ending tells more than the format.
        temporary: what to write to; it becomes ``path``, or is removed.
        times: when its rows are.
        face: a glTF of the caller's own to be animated, for the formats that take one.
    """

    path: Path
    temporary: Path
    times: FrameTimes
    face: Path | None = None

    def text(self) -> TextIO:
        """The temporary file, open for text."""
        return self.temporary.open("w", encoding="utf-8", newline="\n")


Append = Callable[[Frames], None]
Writing = Callable[[Target], AbstractContextManager[Append]]
