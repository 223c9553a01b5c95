"""Which shards the batches to come will touch, told to those who fetch them. The plan is arithmetic, so it is known.

Only for a corpus that is not wholly on this machine. The plan is read some hundred batches at a time, until a few
shards are found that come next; the cache decides how many of them it has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from koekao.batches.spec import Plan
from koekao.windows import NO_TAKE

if TYPE_CHECKING:
    from koekao.batches.sources import FrameSource

_ROWS_A_LOOK, _MOST_LOOKS = 2048, 32
_SHARDS_AHEAD = 8


class Foresight:
    """The shards that come after a batch, in the order of need.

    Args:
        sources: one for each collection of files.
        share: the rows of each batch that are this rank's.
    """

    def __init__(self, sources: Sequence[FrameSource], plan: Plan, share: slice) -> None:
        self._sources, self._plan, self._share = sources, plan, share
        self._next_look = 0
        self._last_look = 0

    def look_beyond(self, number: int) -> None:
        """Tell what batch ``number`` and those after it need, unless that was told just before."""
        if self._last_look <= number < self._next_look:
            return
        first_needed = self.coming(number)
        for source in self._sources:
            source.files.expect(list(first_needed[id(source.files)]))
        seen = sorted(at for shards in first_needed.values() for at in shards.values() if at > number)
        self._last_look = number
        self._next_look = seen[len(seen) // 2] if seen else self._plan.n_batches  # again when half of them are used

    def coming(self, number: int) -> dict[int, dict[int, int]]:
        """By collection of files: shard -> the first batch from ``number`` on that needs it, in that order."""
        found: dict[int, dict[int, int]] = {id(source.files): {} for source in self._sources}
        at_a_time = max(1, _ROWS_A_LOOK // (self._share.stop - self._share.start))
        for look in range(_MOST_LOOKS):
            first = number + look * at_a_time
            count = min(at_a_time, self._plan.n_batches - first)
            if count <= 0 or all(len(shards) >= _SHARDS_AHEAD for shards in found.values()):
                break
            takes = self._plan.batches(first, count, share=self._share).take
            rows = np.flatnonzero(takes != NO_TAKE)
            for source in self._sources:
                shards = found[id(source.files)]
                new, at = np.unique(source.shard[takes[rows]], return_index=True)
                for row, shard in sorted(zip(rows[at].tolist(), new.tolist(), strict=True)):
                    shards.setdefault(shard, first + row * count // len(takes))
        return {files: dict(list(shards.items())[:_SHARDS_AHEAD]) for files, shards in found.items()}


def foresight_of(sources: Sequence[FrameSource], plan: Plan, share: slice) -> Foresight | None:
    """None where all files are here."""
    by_files: dict[int, Any] = {id(source.files): source for source in sources}
    if all(source.files.is_complete for source in by_files.values()):
        return None
    return Foresight(list(by_files.values()), plan, share)
