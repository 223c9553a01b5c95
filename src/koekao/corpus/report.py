"""What is told about takes: one by one, of a packing, and of a whole corpus.

Plain values only, so that a report prints, compares and becomes JSON without further work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from koekao.arkit import MOVING_RANGE, NAMES
from koekao.corpus.split import SPLITS
from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes.policies import name_of, repairs_among
from koekao.takes.take import Take

_FAULTY: Mapping[type[TakeError], str] = {SoundError: "sound", CurvesError: "curves"}


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
        refused_for: ``sound``, ``curves`` or ``take`` (the two together) -> how many were refused for it.
        mended: takes that needed a repair; ``packed - mended`` are as they were recorded.
        repaired: name of a repair (:data:`koekao.takes.policies.REPAIRS`) -> how many takes had it.
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
    refused_for: dict[str, int]
    ignored: int
    mended: int
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


def count_repairs(takes: Iterable[TakeReport]) -> dict[str, int]:
    """Name of a repair -> number of takes that had it, most frequent first, then by name; notes are none."""
    counts = Counter(kind for take in takes for kind in {name_of(repair) for repair in repairs_among(take.repairs)})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def count_refused(errors: Iterable[TakeError]) -> dict[str, int]:
    """Where the fault lies (``sound``, ``curves``, or ``take``: the two together) -> how many takes have it."""
    counts = Counter(_FAULTY.get(type(error), "take") for error in errors)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def count_splits(takes: Iterable[TakeReport]) -> dict[str, int]:
    """Split -> number of takes; all three are there."""
    counts = Counter(take.split for take in takes)
    return {split: counts[split] for split in SPLITS}
