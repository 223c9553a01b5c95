"""What is told about takes: one by one, of a packing, and of a whole corpus.

Plain values only, so that a report prints, compares and becomes JSON without further work.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from koekao.arkit import MOVING_RANGE, NAMES
from koekao.corpus.split import SPLITS
from koekao.takes.take import Take


@dataclass(frozen=True, kw_only=True)
class TakeReport:
    """One take in numbers.

    Attributes:
        name, speaker, split: as in the corpus.
        seconds: duration of the sound.
        n_frames, n_samples: frames of curves, samples of sound.
        untracked: share of frames in which the face was not tracked, 0 to 1.
        lowest, highest: range of all curve values.
        moving: the curves whose range is wider than :data:`koekao.arkit.MOVING_RANGE`, in canonical order.
        repairs: what was done to the recording.
    """

    name: str
    speaker: str
    split: str
    seconds: float
    n_frames: int
    n_samples: int
    untracked: float
    lowest: float
    highest: float
    moving: tuple[str, ...]
    repairs: tuple[str, ...]

    @classmethod
    def of(cls, take: Take, split: str) -> TakeReport:
        spread = take.curves.max(axis=0) - take.curves.min(axis=0)
        return cls(
            name=take.name,
            speaker=take.speaker,
            split=split,
            seconds=take.duration_s,
            n_frames=take.n_frames,
            n_samples=take.n_samples,
            untracked=int(np.count_nonzero(~take.valid)) / take.n_frames,
            lowest=float(take.curves.min()),
            highest=float(take.curves.max()),
            moving=tuple(name for name, moves in zip(NAMES, spread > MOVING_RANGE, strict=True) if moves),
            repairs=take.repairs,
        )


@dataclass(frozen=True, kw_only=True)
class PackReport:
    """What a packing did. ``found == packed + len(refused)``: no take is lost without a word.

    Attributes:
        path: the corpus.
        id: its identity.
        audio_dtype: how sound is stored.
        found: takes found, refused ones included.
        packed: takes in the corpus.
        resumed: how many of them were taken over from an interrupted packing.
        refused: name and reason of each take that was left out.
        ignored: files that were no part of a take.
        repaired: kind of repair (see :func:`repair_kind`) -> how many takes had it.
        seconds, frames: of the whole corpus.
        by_split: split -> number of takes.
        takes: a report on each.
    """

    path: Path
    id: str
    audio_dtype: str
    found: int
    packed: int
    resumed: int
    refused: tuple[tuple[str, str], ...]
    ignored: int
    repaired: dict[str, int]
    seconds: float
    frames: int
    by_split: dict[str, int]
    takes: tuple[TakeReport, ...]


@dataclass(frozen=True, kw_only=True)
class PackProgress:
    """How far a packing is.

    Attributes:
        done, total: takes that are through, refused ones included, and all takes.
        seconds: of sound that is through.
        resumed, resumed_s: takes that an interrupted packing had done already, and their seconds of sound.
    """

    done: int = 0
    total: int = 0
    seconds: float = 0.0
    resumed: int = 0
    resumed_s: float = 0.0


def repair_kind(repair: str) -> str:
    """The words before the colon, else the first word of three letters or more; numbers tell no kind.

    >>> repair_kind("cut the end: 3 frames"), repair_kind("trimmed 3 rows"), repair_kind("7 of 90 frames not tracked")
    ('cut the end', 'trimmed', 'frames')
    """
    head, colon, _ = repair.partition(":")
    words = re.findall(r"[^\W\d_]{3,}", repair)
    return head.strip() if colon else words[0] if words else repair.strip()


def count_repairs(takes: Iterable[TakeReport]) -> dict[str, int]:
    """Kind of repair -> number of takes that had it, most frequent first, then by name."""
    counts = Counter(kind for take in takes for kind in {repair_kind(repair) for repair in take.repairs})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def count_splits(takes: Iterable[TakeReport]) -> dict[str, int]:
    """Split -> number of takes; all three are there."""
    counts = Counter(take.split for take in takes)
    return {split: counts[split] for split in SPLITS}
