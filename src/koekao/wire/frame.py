"""One frame of a face on its way: a number, an exact time, 52 curves and nine rotations.

The time is that of the sound the frame was made from, as a fraction of samples and rate; no clock on the wall has a
part in it, so a stall shows as lateness and never as a face that runs slower. Every format of this room is written from
this one thing and read back into its pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, NAMES
from koekao.errors import WireError

N_ROTATIONS = len(HEAD_AND_EYES)
MOST_FRAMES = 2**53
"""Frame numbers stay below this: beyond it a JSON reader in a browser cannot tell two of them apart."""


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """A frame, checked once where it is made so that nothing downstream has to.

    Attributes:
        number: which frame, from 0.
        time_s: when it is, in seconds of the sound; exact, 0 or later.
        curves: ``[52]`` float32 in the canonical order, finite, nominally in [0, 1].
        pose: ``[9]`` float32 radians in the order of :data:`koekao.arkit.HEAD_AND_EYES`, finite.

    Raises:
        WireError: any of these is not so.
    """

    number: int
    time_s: Fraction
    curves: NDArray[np.float32]
    pose: NDArray[np.float32]

    def __post_init__(self) -> None:
        if not 0 <= self.number < MOST_FRAMES:
            raise WireError(f"frame number {self.number}", expected="0 or more, below 2**53")
        where = f"frame {self.number}"
        if not isinstance(self.time_s, Fraction) or self.time_s < 0:
            raise WireError(f"time {self.time_s!r}", where=where, expected="a Fraction of seconds, 0 or later")
        checked_values(self.curves, NAMES, where)
        checked_values(self.pose, HEAD_AND_EYES, where)


def still(number: int, time_s: Fraction, curves: NDArray[np.float32]) -> FaceFrame:
    """A frame whose head and eyes look straight ahead."""
    return FaceFrame(number, time_s, curves, np.zeros(N_ROTATIONS, np.float32))


def checked_values(values: NDArray[Any], names: tuple[str, ...], where: str) -> NDArray[np.float32]:
    """``values`` as they are, once they are known to be finite float32, one a name.

    Raises:
        WireError: which one is not, by its name.
    """
    if values.shape != (len(names),) or values.dtype != np.float32:
        what = f"values of shape {values.shape} and type {values.dtype}"
        raise WireError(what, where=where, expected=f"float32 [{len(names)}]")
    finite = np.isfinite(values)
    if not finite.all():
        first = int(np.argmin(finite))
        raise WireError(f"{values[first]}", where=f"{where}:{names[first]}", expected="finite values")
    return values
