"""The takes of a corpus, or of a folder of recordings, as a list that is looked into a piece at a time.

Names and lengths are told at once; what costs a look at the numbers (the small picture of a take and what the doctor
finds) is told for the rows that are asked for, and kept. Ten thousand takes open as quickly as ten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX
from koekao.corpus import Corpus
from koekao.errors import ConfigError, KoekaoError
from koekao.takes.curves import CurveTrack
from koekao.takes.doctor.curve_findings import of_curves
from koekao.takes.doctor.curve_health import examine_curves
from koekao.takes.doctor.finding import LEVELS, Finding
from koekao.takes.doctor.findings import findings_of
from koekao.takes.doctor.health import examine
from koekao.takes.doctor.sound_findings import of_sound
from koekao.takes.doctor.sound_health import measure_sound
from koekao.takes.doctor.subjects import Subject, find_subjects
from koekao.takes.rates import frame_times
from koekao.takes.sound.sound import SoundInfo
from koekao.takes.take import Source, Take, as_float
from koekao.viewer.clip import Clip
from koekao.viewer.reading import clip_of_files, clip_of_take

SPARK_SLICES = 37
MOUTH = tuple(INDEX[name] for name in ("jawOpen", "mouthFunnel", "mouthPucker", "mouthSmileLeft", "mouthLowerDownLeft"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """Takes to choose from.

    Attributes:
        title: what they are.
        rows: a dictionary a take: name, speaker, split, seconds.
        clip: the clip of a take by its place.
        look: its small picture (digits) and its findings, by its place.
    """

    title: str
    rows: Sequence[dict[str, Any]]
    clip: Callable[[int], Clip]
    look: Callable[[int], tuple[str, Sequence[Finding]]]
    _seen: dict[int, dict[str, Any]] = field(default_factory=dict)
    _one: Lock = field(default_factory=Lock)

    def __len__(self) -> int:
        return len(self.rows)

    def details(self, place: int) -> dict[str, Any]:
        """``spark`` (how wide the mouth is open, a digit a slice) and ``flags`` ([level, words], worst first)."""
        with self._one:
            if place not in self._seen:
                spark, findings = self.look(place)
                ordered = sorted(findings, key=lambda finding: LEVELS.index(finding.level))
                flags = [[finding.level, finding.what + finding.when] for finding in ordered]
                self._seen[place] = {"spark": spark, "flags": flags}
            return self._seen[place]

    def place_of(self, name: str) -> int:
        """Raises ConfigError where there is no take of that name."""
        for place, row in enumerate(self.rows):
            if row["name"] == name:
                return place
        raise ConfigError(f"no take {name!r}", where=self.title, do="see koekao inspect")


def list_corpus(corpus: Corpus, *, add: Callable[[Clip], Clip] = lambda clip: clip) -> Listing:
    """The takes of a corpus; ``add`` may put a prediction beside what is true."""
    seconds = (corpus.n_samples / corpus.sample_rate).tolist()
    rows = [
        {"name": name, "speaker": speaker, "split": split, "seconds": round(s, 2)}
        for name, speaker, split, s in zip(corpus.names, corpus.speakers, corpus.splits, seconds, strict=True)
    ]

    def look(place: int) -> tuple[str, Sequence[Finding]]:
        take = corpus.take(place)
        return spark(take.curves), findings_of_take(take)

    return Listing(
        title=corpus.path.name or str(corpus.path),
        rows=rows,
        clip=lambda place: add(clip_of_take(corpus.take(place))),
        look=look,
    )


def list_folder(folder: Path, *, add: Callable[[Clip], Clip] = lambda clip: clip) -> Listing:
    """The takes of a folder of recordings, those among them that cannot be read too.

    Raises:
        TakeError: there is none.
    """
    subjects = find_subjects(folder)
    rows = [
        {"name": one.name, "speaker": one.name.rpartition("/")[0], "split": "", "seconds": _seconds(one)}
        for one in subjects
    ]

    def clip(place: int) -> Clip:
        one = subjects[place]
        if one.error is not None:
            raise one.error
        return add(clip_of_files(one.name, one.sound, one.curves, one.timeline))

    def look(place: int) -> tuple[str, Sequence[Finding]]:
        health = examine(subjects[place], sync=False)
        plotted = None if health.plotted is None else health.plotted.curves
        return "" if plotted is None else _digits(np.nan_to_num(plotted).max(axis=0)), findings_of(health)

    return Listing(title=folder.resolve().name, rows=rows, clip=clip, look=look)


def findings_of_take(take: Take) -> list[Finding]:
    """What the doctor says of a take in memory: of its sound and of its curves, each alone."""
    sound = as_float(take.audio)
    info = SoundInfo(
        sample_rate=take.sample_rate,
        channels=1,
        n_samples=len(sound),
        subtype="",
        is_float=take.audio.dtype != np.int16,
    )
    track = CurveTrack(
        path=take.name,
        format="corpus",
        time_s=frame_times(take.fps, take.n_frames),
        values=np.asarray(take.curves, np.float32),
        tracked=take.valid.astype(bool),
        stated_clock=None,
        source=Source(path=take.name, size=0, sha256=""),
        stated_fps=take.fps,
    )
    return [*of_sound(measure_sound([sound], sound, info)), *of_curves(examine_curves(track))]


def spark(curves: NDArray[np.float32]) -> str:
    """The largest of the mouth's curves in each slice of a take, as digits."""
    return _digits(curves[:, MOUTH].max(axis=1))


def _digits(values: NDArray[Any]) -> str:
    edges = np.linspace(0, len(values), min(SPARK_SLICES, len(values)) + 1).astype(int)
    highest = np.maximum.reduceat(values, edges[:-1])
    return "".join(map(str, np.clip(9 * highest + 0.5, 0, 9).astype(int).tolist()))


def _seconds(one: Subject) -> float:
    from koekao.takes.sound.reading import probe_sound

    if one.sound is None:
        return 0.0
    try:
        return round(probe_sound(one.sound).duration_s, 2)
    except KoekaoError:
        return 0.0
