"""A corpus in numbers: how much of what, and which curves move.

One pass over the curves, a take at a time, so a corpus of any size is described in bounded memory; sound is not read.
Nothing is printed here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from koekao.arkit import N_CURVES, NAMES
from koekao.corpus.corpus import Corpus
from koekao.corpus.report import TakeReport, count_repairs
from koekao.corpus.split import SPLITS


@dataclass(frozen=True, kw_only=True)
class CurveReport:
    """One of the 52 curves over all frames: range, mean, standard deviation, share of takes in which it moves."""

    name: str
    lowest: float
    highest: float
    mean: float
    std: float
    moves_in: float


@dataclass(frozen=True, kw_only=True)
class CorpusSummary:
    """A corpus, or a selection of its takes, in numbers.

    Attributes:
        path, id: the corpus: its folder or URL.
        sample_rate: Hz.
        fps: frames a second as text (``"30000/1001"``).
        audio_dtype: int16 or float32.
        n_takes, n_frames, n_samples, seconds: of the takes described.
        hours_by_split: split -> hours; all three are there.
        bytes_on_disk: shards, index, sources and header of the whole corpus.
        repaired: kind of repair -> how many takes had it.
        refused: name and reason of each take that was left out at packing.
        takes: a report on each, in the order of the corpus.
        curves: a report on each of the 52; empty where there is no take.
    """

    path: str
    id: str
    sample_rate: int
    fps: str
    audio_dtype: str
    n_takes: int
    n_frames: int
    n_samples: int
    seconds: float
    hours_by_split: dict[str, float]
    bytes_on_disk: int
    repaired: dict[str, int]
    refused: tuple[tuple[str, str], ...]
    takes: tuple[TakeReport, ...]
    curves: tuple[CurveReport, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        return asdict(self)


def describe(corpus: Corpus) -> CorpusSummary:
    """Look at every frame of ``corpus`` once."""
    tally = _CurveTally()
    takes = []
    for i, split in enumerate(corpus.splits):
        take = corpus.take(i)
        takes.append(TakeReport.of(take, split))
        tally.add(take.curves, takes[-1].moving)
    hours = {split: sum(take.seconds for take in takes if take.split == split) / 3600 for split in SPLITS}
    header = corpus.files.header
    return CorpusSummary(
        path=corpus.place,
        id=corpus.id,
        sample_rate=corpus.sample_rate,
        fps=str(corpus.fps),
        audio_dtype=str(corpus.audio_dtype),
        n_takes=len(corpus),
        n_frames=int(corpus.n_frames.sum()),
        n_samples=int(corpus.n_samples.sum()),
        seconds=corpus.seconds,
        hours_by_split=hours,
        bytes_on_disk=sum(file.bytes for file in header.files) + len(header.to_bytes()),
        repaired=count_repairs(takes),
        refused=header.refused,
        takes=tuple(takes),
        curves=tally.reports(),
    )


class _CurveTally:
    """Running range and moments of the 52 curves, in float64 (sums of up to 1e9 frames keep 7 digits of the std)."""

    def __init__(self) -> None:
        self._lowest, self._highest = np.full(N_CURVES, np.inf), np.full(N_CURVES, -np.inf)
        self._sum, self._squares, self._moves = np.zeros(N_CURVES), np.zeros(N_CURVES), np.zeros(N_CURVES)
        self._frames = self._takes = 0

    def add(self, curves: np.ndarray[Any, np.dtype[np.float32]], moving: tuple[str, ...]) -> None:
        """One take: ``curves`` ``[n_frames, 52]`` and the names of those that move in it."""
        np.minimum(self._lowest, curves.min(axis=0), out=self._lowest)
        np.maximum(self._highest, curves.max(axis=0), out=self._highest)
        self._sum += curves.sum(axis=0, dtype=np.float64)
        self._squares += np.square(curves, dtype=np.float64).sum(axis=0)
        self._moves += [name in moving for name in NAMES]
        self._frames += len(curves)
        self._takes += 1

    def reports(self) -> tuple[CurveReport, ...]:
        if not self._takes:
            return ()
        mean = self._sum / self._frames
        std = np.sqrt(np.maximum(self._squares / self._frames - mean**2, 0))
        columns = (self._lowest, self._highest, mean, std, self._moves / self._takes)
        rows = zip(NAMES, *(column.tolist() for column in columns), strict=True)
        return tuple(
            CurveReport(name=name, lowest=lowest, highest=highest, mean=mean_, std=std_, moves_in=moves)
            for name, lowest, highest, mean_, std_, moves in rows
        )
