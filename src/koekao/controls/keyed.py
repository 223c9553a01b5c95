"""Chance as a function of (seed, what for, index): the same whenever and in whatever order it is asked for.

Values are drawn 64 at a time from a generator made of the three, so any index is found at once, and no state has to be
carried: motion that is a function of time is alike for any chunks and any frame rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 64
_KEPT_BLOCKS = 64


class KeyedChance:
    """Rows of ``width`` values in [0, 1) by index.

    Args:
        seed: 0 or above. purpose: a number of its own for each use of the seed.
    """

    def __init__(self, seed: int, purpose: int, width: int) -> None:
        self._key, self._width = (seed, purpose), width
        self._blocks: dict[int, NDArray[np.float64]] = {}

    def rows(self, first: int, n: int) -> NDArray[np.float64]:
        """Rows ``first .. first + n - 1``: ``[n, width]``; ``first`` may be as low as -64."""
        begin, end = first // _BLOCK, (first + n - 1) // _BLOCK
        if begin == end:
            return self._block(begin)[first - begin * _BLOCK : first - begin * _BLOCK + n]
        whole = np.concatenate([self._block(block) for block in range(begin, end + 1)])
        return whole[first - begin * _BLOCK : first - begin * _BLOCK + n]

    def _block(self, block: int) -> NDArray[np.float64]:
        if block not in self._blocks:
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.clear()
            generator = np.random.default_rng((*self._key, block + 1))
            self._blocks[block] = generator.random((_BLOCK, self._width))
        return self._blocks[block]
