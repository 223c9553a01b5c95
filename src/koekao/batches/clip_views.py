"""Clips as a ``torch.utils.data`` dataset: by number, for any sampler; and the sampler that makes the loader's batches.

``ClipDataset`` gives clips by number in the order of the present epoch, ``ClipSampler`` the numbers of one rank. Both
have ``state_dict`` and ``load_state_dict``, as torchdata's StatefulDataLoader asks for them. How far an iteration came
is the sampler's to say: its position is one number, so that it is found directly, whatever the workers fetched ahead.

What it gives up: clips are of the epoch that the dataset is in when they are fetched, so ``set_epoch`` belongs between
iterations, not into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cached_property
from typing import Any

import numpy as np
from torch.utils.data import Dataset, Sampler

from koekao.batches.gather import gather_rows
from koekao.batches.items import Item, Progress, SharedEpoch, Transform, row_of, transformed
from koekao.batches.owned import OwnedSlots
from koekao.batches.position import identity, refuse_other, refuse_outside, this_rank
from koekao.batches.sources import Sources
from koekao.batches.spec import ClipSpec
from koekao.corpus import Corpus
from koekao.errors import CorpusError
from koekao.windows import ClipPlan

PADDING = -(1 << 62)
"""The number of a clip that only fills a batch up."""


class ClipDataset(Dataset[Item]):
    """Clips by number, in the shuffled order of the present epoch, for any sampler a DataLoader brings.

    With :class:`ClipSampler` the batches are the loader's, rank by rank, padding rows at the end included. Arguments
    and errors as in :class:`~koekao.batches.AdaptiveSequentialDataset`.

    >>> import koekao
    >>> clips = koekao.ClipDataset(koekao.open("corpus"), batch_size=2, window_frames=60)
    >>> len(clips), tuple(clips[0]["wav"].shape)
    (364, (32000,))
    """

    def __init__(
        self, corpus: Corpus, spec: ClipSpec | None = None, *, transform: Transform | None = None, **settings: Any
    ) -> None:
        self.corpus, self.spec, self.transform = corpus, spec or ClipSpec(**settings), transform
        self._epoch = SharedEpoch()
        self._sources = Sources(corpus, self.spec)
        self._slots = OwnedSlots(self._sources, most=2)
        self._planned: tuple[int, ClipPlan] | None = None

    def set_epoch(self, epoch: int) -> None:
        """Go to ``epoch``: another order of the same clips."""
        self._epoch.set(int(epoch))

    @property
    def epoch(self) -> int:
        return self._epoch.get()

    def plan(self) -> ClipPlan:
        """The plan of the present epoch."""
        epoch = self.epoch
        if self._planned is None or self._planned[0] != epoch:
            self._planned = epoch, self.spec.plan(self.corpus.n_frames, epoch, 1)
        return self._planned[1]

    def __len__(self) -> int:
        return self.plan().n_windows

    def __getitem__(self, index: int) -> Item:
        """The clip at place ``index`` of the epoch's order."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[Item]:
        """Several clips at once, as a DataLoader asks for them; ``PADDING`` gives a padding row.

        Raises:
            IndexError: not one of the epoch's clips.
        """
        plan = self.plan()
        for index in indices:
            if index != PADDING and not 0 <= index < plan.n_windows:
                raise IndexError(index)
        places = np.array([plan.n_windows if index == PADDING else index for index in indices], np.int64)
        batch = gather_rows(self._sources, plan.windows(places), self._slots.new(len(places)))
        seed, epoch = plan.grid.key
        return [transformed(row_of(batch, row), self.transform, seed, epoch) for row in range(len(indices))]

    def __iter__(self) -> Iterator[Item]:
        """Every clip once, in order."""
        return (self[index] for index in range(len(self)))

    def state_dict(self) -> dict[str, Any]:
        """Which clips in which order."""
        return deepcopy(self._identity) | {"epoch": self.epoch}

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return identity(self.corpus, self.spec, 1)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the epoch of ``state``, unless a later one was set: whether that one was over, a sampler must know.

        Raises:
            CorpusError: ``state`` was saved of other clips; both values are named.
        """
        refuse_other(state, self._identity)
        self.take_up(int(state["epoch"]), is_over=True)

    def take_up(self, epoch: int, *, is_over: bool) -> None:
        """Go to the epoch of a sampler's position; where that epoch is over, not back to it."""
        self._epoch.take_up(epoch, is_over=is_over)


class ClipSampler(Sampler[int]):
    """The numbers of this rank's clips, batch by batch, so that a DataLoader of the spec's ``batch_size`` collates the
    loader's batches: ``DataLoader(clips, batch_size=spec.batch_size, sampler=ClipSampler(clips))``.

    >>> import koekao
    >>> clips = koekao.ClipDataset(koekao.open("corpus"), batch_size=2, window_frames=60)
    >>> sampler = koekao.ClipSampler(clips, rank=0, world_size=2)
    >>> len(sampler)
    182

    Raises:
        ConfigError, PlanError: a rank that cannot be, or no batch for it.
    """

    def __init__(self, clips: ClipDataset, *, rank: int | None = None, world_size: int | None = None) -> None:
        self.clips = clips
        self.rank, self.world_size = this_rank(rank, world_size)
        plan = clips.spec.plan(clips.corpus.n_frames, clips.epoch, self.world_size)  # as long in every epoch
        self._n_windows, self._n_items = plan.n_windows, plan.n_batches * clips.spec.batch_size
        self._at = Progress(clips.epoch)
        self._resume: Progress | None = None

    def __len__(self) -> int:
        return self._n_items

    def __iter__(self) -> Iterator[int]:
        at, self._resume = self._resume, None
        self._at = at if at and at.epoch == self.clips.epoch else Progress(self.clips.epoch)
        return self._numbers(self._at)

    def _numbers(self, at: Progress) -> Iterator[int]:
        """The numbers from ``at`` on, which goes along."""
        n_rows = self.clips.spec.batch_size
        for place in range(at.items, self._n_items):
            step, row = divmod(place, n_rows)
            index = (step * self.world_size + self.rank) * n_rows + row
            at.items = place + 1
            yield index if index < self._n_windows else PADDING

    def state_dict(self) -> dict[str, Any]:
        """How many numbers of the epoch were given."""
        at = self._at if self._at.epoch == self.clips.epoch else Progress(self.clips.epoch)
        return {"epoch": at.epoch, "items": at.items, "world_size": self.world_size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stand where ``state`` was saved.

        Raises:
            CorpusError: it was saved by one of another number of ranks, or lies outside of the epoch.
        """
        if state["world_size"] != self.world_size:
            what = f"the saved position has world_size {state['world_size']}, here it is {self.world_size}"
            raise CorpusError(what, do="resume with as many ranks, or use a koekao Loader, which need not")
        at = Progress(int(state["epoch"]), int(state["items"]))
        refuse_outside(at.items, self._n_items, "item")
        self.clips.take_up(at.epoch, is_over=at.items == self._n_items)
        self._at = self._resume = at
