"""The one path by which takes get into a corpus: admitted, split, written, counted, published.

Whole or nothing: the corpus appears complete under its name or not at all, and unless the settings say otherwise one
take that cannot be used means that nothing is published. All takes are looked at before that is said, so one run tells
about every fault. Takes come one at a time in rising order of names, so nothing depends on the order of a listing and
one take is in memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from koekao.atomic import publish_folder
from koekao.clock import Clock
from koekao.corpus.checks import fitted
from koekao.corpus.header import AUDIO_DTYPES, HEADER_FILE, Header
from koekao.corpus.report import PackReport, TakeReport, count_repairs, count_splits
from koekao.corpus.shards import ShardWriter
from koekao.corpus.split import SPLITS, By, assign, check_held
from koekao.errors import ConfigError, TakeError
from koekao.takes import TakePolicies
from koekao.takes.take import Take

AudioDtype = Literal["int16", "float32"]
DEFAULT_SHARD_BYTES = 256_000_000


@dataclass(frozen=True, kw_only=True)
class PackConfig:
    """How takes become a corpus.

    Attributes:
        sample_rate: Hz of all sound in the corpus.
        fps: frames a second of all curves, exact.
        audio: how sound is stored; ``"auto"`` is float32 if any source is, else int16.
        split_by: what is held out whole, a take or a speaker.
        val: share in [0, 1) held out for validation, or shell patterns of takes (of speakers with ``split_by``).
        test: the same for the test.
        seed: another seed holds out others.
        skip_bad: leave out takes that cannot be used and record them, instead of publishing nothing.
        overwrite: replace the corpus that is there.
        shard_bytes: a new shard is begun once one is larger than this.
        policies: what the readers may mend.
    """

    sample_rate: int = 16_000
    fps: Fraction = Fraction(30)
    audio: Literal["auto", "int16", "float32"] = "auto"
    split_by: By = "take"
    val: float | tuple[str, ...] = 0.1
    test: float | tuple[str, ...] = 0.0
    seed: int = 0
    skip_bad: bool = False
    overwrite: bool = False
    shard_bytes: int = DEFAULT_SHARD_BYTES
    policies: TakePolicies = field(default_factory=TakePolicies)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fps", self.clock.fps)
        if self.audio not in ("auto", *AUDIO_DTYPES):
            raise ConfigError(f"audio={self.audio!r}", expected="auto, int16 or float32")
        if self.split_by not in ("take", "speaker"):
            raise ConfigError(f"split_by={self.split_by!r}", expected="take or speaker")
        if self.shard_bytes < 1:
            raise ConfigError(f"shard_bytes={self.shard_bytes}", expected="at least 1")
        for split in ("val", "test"):
            held = getattr(self, split)
            held = (held,) if isinstance(held, str) else held
            check_held(split, held)
            object.__setattr__(self, split, held if isinstance(held, (int, float)) else tuple(held))

    @property
    def clock(self) -> Clock:
        return Clock(self.sample_rate, self.fps)


@dataclass(kw_only=True, eq=False)
class Packing:
    """One packing: what is known before the first take is read, and what was found good or refused so far."""

    corpus_dir: Path
    config: PackConfig
    audio_dtype: AudioDtype
    roster: Sequence[tuple[str, str]]
    takes_dir: Path | None = None
    refused: list[tuple[str, TakeError]] = field(default_factory=list)
    good: int = 0
    ignored: tuple[str, ...] = ()
    on_take: Callable[[TakeReport], None] | None = None

    def run(self, loads: Iterable[tuple[str, Callable[[], Take]]]) -> PackReport:
        """Write the takes that ``loads`` (name and how to read it, in rising order of names) delivers."""
        config, members = self.config, self._members()
        reports: list[TakeReport] = []
        with publish_folder(self.corpus_dir, overwrite=config.overwrite) as folder:
            with ShardWriter(folder, config.clock, self.audio_dtype, config.shard_bytes, self.takes_dir) as shards:
                for take, split in self._admitted(loads, members):
                    shards.add(take, split)
                    reports.append(TakeReport.of(take, split))
                    if self.on_take is not None:
                        self.on_take(reports[-1])
            if not reports or (self.refused and not config.skip_bad):
                raise self._refusal()
            header = Header(
                sample_rate=config.sample_rate,
                fps=config.fps,
                audio_dtype=self.audio_dtype,
                shards=tuple(shards.files),
                index=shards.write_index(),
                sources=shards.write_sources(),
                totals=_totals(reports, config.clock),
                refused=tuple((name, _one_line(error, self.takes_dir)) for name, error in self.refused),
                ignored=self.ignored,
            )
            (folder / HEADER_FILE).write_bytes(header.to_bytes())
        return PackReport(
            path=self.corpus_dir,
            id=header.id,
            audio_dtype=self.audio_dtype,
            found=self.good + len(self.refused),
            packed=len(reports),
            refused=header.refused,
            ignored=len(self.ignored),
            repaired=count_repairs(reports),
            seconds=header.totals["seconds"],
            frames=header.totals["frames"],
            by_split=count_splits(reports),
            takes=tuple(reports),
        )

    def _members(self) -> dict[str, tuple[str, str]]:
        """Name -> (speaker, split), decided before any sound is read."""
        names, speakers = [name for name, _ in self.roster], [speaker for _, speaker in self.roster]
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise TakeError(f"two takes are named {twice[0]!r}", expected="one take a name", do="rename one of them")
        config = self.config
        splits = assign(names, speakers, by=config.split_by, val=config.val, test=config.test, seed=config.seed)
        return dict(zip(names, zip(speakers, splits, strict=True), strict=True))

    def _admitted(
        self, loads: Iterable[tuple[str, Callable[[], Take]]], members: dict[str, tuple[str, str]]
    ) -> Iterator[tuple[Take, str]]:
        """Read and check every take; deliver the good ones, as long as a corpus can still come of it."""
        before, missing = None, dict(members)
        for name, load in loads:
            if before is not None and name <= before:
                raise TakeError(f"take {name!r} comes after {before!r}", expected="each name once, in rising order")
            before = name
            try:
                if missing.pop(name, None) is None:
                    raise TakeError("is not in the roster", where=name, do="name every take in the roster")
                speaker, split = members[name]
                take = fitted(load(), self.config.clock, self.audio_dtype)
                if (take.name, take.speaker) != (name, speaker):
                    seen = f"take {take.name!r} of {take.speaker!r}"
                    raise TakeError(seen, where=name, expected=f"{name!r} of {speaker!r}, as announced")
            except TakeError as error:
                self.refused.append((name, error))
            except OSError as error:
                what = f"cannot be read ({error.strerror or error})"
                self.refused.append((name, TakeError(what, where=error.filename or name)))
            else:
                self.good += 1
                if self.config.skip_bad or not self.refused:
                    yield take, split
        self.refused += [(name, TakeError("is in the roster but never came", where=name)) for name in missing]

    def _refusal(self) -> TakeError:
        """Every take that was refused, with its reason; a single fault keeps its type and its place."""
        good, bad = self.good, len(self.refused)
        where = self.takes_dir or self.corpus_dir
        if not good + bad:
            return TakeError("no takes", where=where, expected="at least one take to pack")
        summary = f"found {good + bad} takes: {good} can be packed, {bad} refused; nothing was written"
        rest = "mend what was refused; --skip-bad packs the rest" if good else "no take can be packed as it is"
        if bad == 1:
            error = self.refused[0][1]
            do = "; ".join(filter(None, (error.do, summary, rest)))
            return type(error)(error.what, where=error.where, expected=error.expected, do=do)
        lines = "".join(f"\n  - {_one_line(error)}" for _, error in self.refused)
        return TakeError(summary + lines, where=where, do=rest)


def below(path: object, takes_dir: Path | None) -> str:
    """A path, or a text with paths in it, as seen from the folder of takes: no corpus names a place of this machine."""
    text = path.as_posix() if isinstance(path, Path) else str(path)
    for folder in (takes_dir.resolve(), takes_dir) if takes_dir else ():
        if folder != Path():
            name = rf"(?<![\w./-]){re.escape(folder.as_posix())}"
            text = re.sub(name + "/", "", text)
            text = re.sub(name + r"(?![\w./-])", ".", text) if folder.is_absolute() else text
    return text


def _one_line(error: TakeError, takes_dir: Path | None = None) -> str:
    return below(" ".join(str(error).split()), takes_dir)


def _totals(reports: Sequence[TakeReport], clock: Clock) -> dict[str, Any]:
    """Sums over all takes and over each split, as they stand in the header."""
    groups = {"": reports, **{split: [report for report in reports if report.split == split] for split in SPLITS}}
    sums = {}
    for group, members in groups.items():
        samples = sum(report.n_samples for report in members)
        frames = sum(report.n_frames for report in members)
        seconds = samples / clock.sample_rate
        sums[group] = {"takes": len(members), "frames": frames, "samples": samples, "seconds": seconds}
    return {**sums.pop(""), "by_split": sums}
