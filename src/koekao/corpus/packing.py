"""The one path by which takes get into a corpus: admitted, split, written, counted, published.

Whole or nothing: the corpus appears complete under its name or not at all, and unless the settings say otherwise one
take that cannot be used means that nothing is published. All takes are looked at before that is said, so one run tells
about every fault. Takes come one at a time in rising order of names, so nothing depends on the order of a listing and
one take is in memory.

A packing of a folder that is interrupted (killed, Ctrl-C, a full disk, a take that cannot be used) leaves the shards
that it has finished beside the target, and the next one of the same settings goes on after them
(:mod:`koekao.corpus.staging`). The corpus is the same to the byte as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from koekao.atomic import Unfinished, publish_folder, publish_resumable
from koekao.clock import Clock
from koekao.corpus.admission import Admission, Candidate, refuse_twice
from koekao.corpus.engines import ENGINES, EngineName, read_takes
from koekao.corpus.header import AUDIO_DTYPES, HEADER_FILE, Header
from koekao.corpus.refusals import Refused, one_line, refusal
from koekao.corpus.report import PackProgress, PackReport, TakeReport, count_refused, count_repairs, count_splits
from koekao.corpus.shards import ShardWriter
from koekao.corpus.split import SPLITS, By, assign, check_held
from koekao.corpus.staging import Staging
from koekao.errors import ConfigError, TakeError
from koekao.takes import TakePolicies
from koekao.takes.policies import repairs_among
from koekao.takes.take import Take

AudioDtype = Literal["int16", "float32"]
DEFAULT_SHARD_BYTES = 256_000_000


@dataclass(frozen=True, kw_only=True)
class PackConfig:
    """How takes become a corpus.

    >>> import koekao
    >>> config = koekao.PackConfig(fps=60, val=0.1, test=("anna_*",))
    >>> config.fps, config.sample_rate
    (Fraction(60, 1), 16000)

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
        engine: who reads the takes of a folder: inline, threads, processes or ray (:mod:`koekao.corpus.engines`). Takes
            in hand are read inline. The corpus is the same.
        n_workers: threads or processes of the engine; 0 = as many as there are cores.
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
    engine: EngineName = "inline"
    n_workers: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "fps", self.clock.fps)
        if self.audio not in ("auto", *AUDIO_DTYPES):
            raise ConfigError(f"audio={self.audio!r}", expected="auto, int16 or float32")
        if self.split_by not in ("take", "speaker"):
            raise ConfigError(f"split_by={self.split_by!r}", expected="take or speaker")
        if self.engine not in ENGINES or self.n_workers < 0:
            what = f"engine={self.engine!r}, n_workers={self.n_workers}"
            raise ConfigError(what, expected=f"{', '.join(ENGINES)}, and no fewer than 0 workers")
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
    """One packing: what is known before the first take is read, and what was found good or refused so far.

    Takes of a folder (``takes_dir``) go on where an interrupted packing stopped; takes in hand are packed in one go.
    """

    corpus_dir: Path
    config: PackConfig
    audio_dtype: AudioDtype
    roster: Sequence[tuple[str, str]]
    takes_dir: Path | None = None
    refused: list[Refused] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    on_take: Callable[[TakeReport], None] | None = None
    on_progress: Callable[[PackProgress], None] | None = None
    reports: list[TakeReport] = field(default_factory=list)
    good: int = 0
    progress: PackProgress = field(default_factory=PackProgress)

    def run(self, candidates: Sequence[Candidate] | Iterator[Candidate]) -> PackReport:
        """Write the takes of the candidates, who come in rising order of names, and publish the corpus."""
        config, admission = self.config, self._admission()
        with self._place() as place:
            staging = Staging(place, self._settings(), self.takes_dir or Path())
            with ShardWriter(
                place.folder, config.clock, self.audio_dtype, config.shard_bytes, self.takes_dir
            ) as shards:
                rest = self._after_what_is_finished(candidates, staging, admission, shards)
                for take, split in self._admitted(rest, admission):
                    shards.add(take, split)
                    self.reports.append(TakeReport.of(take, split))
                    staging.note(take, self.reports[-1], shards)
                    if self.on_take is not None:
                        self.on_take(self.reports[-1])
            if not self.reports or (self.refused and not config.skip_bad):
                raise refusal(self.refused, self.good, where=self.takes_dir or self.corpus_dir, kept=staging.kept())
            header = self._header(shards)
            (place.folder / HEADER_FILE).write_bytes(header.to_bytes())
        return self._report(header)

    def _admission(self) -> Admission:
        """What a take is held to: speaker and split of each are decided before any sound is read."""
        config, (names, speakers) = self.config, ([name for name, _ in self.roster], [who for _, who in self.roster])
        refuse_twice(names)
        splits = assign(names, speakers, by=config.split_by, val=config.val, test=config.test, seed=config.seed)
        members = dict(zip(names, zip(speakers, splits, strict=True), strict=True))
        return Admission(members=members, clock=config.clock, audio_dtype=self.audio_dtype)

    @contextmanager
    def _place(self) -> Iterator[Unfinished]:
        """Where to write, whole or nothing."""
        if self.takes_dir is not None:
            with publish_resumable(self.corpus_dir, overwrite=self.config.overwrite) as place:
                yield place
        else:
            with publish_folder(self.corpus_dir, overwrite=self.config.overwrite) as folder:
                yield Unfinished(folder=folder, journal=None)

    def _settings(self) -> dict[str, str]:
        """What decides the bytes of a shard, beside the takes and their splits."""
        config = self.config
        settings = {"sample_rate": config.sample_rate, "fps": config.fps, "shard_bytes": config.shard_bytes}
        return {key: str(value) for key, value in (settings | asdict(config.policies)).items()} | {
            "audio_dtype": self.audio_dtype
        }

    def _after_what_is_finished(
        self,
        candidates: Sequence[Candidate] | Iterator[Candidate],
        staging: Staging,
        admission: Admission,
        shards: ShardWriter,
    ) -> Iterable[Candidate]:
        """Count what an interrupted packing has done; who comes after that."""
        total, rest = len(self.roster) + len(self.refused), candidates
        if isinstance(candidates, Sequence):
            taken = staging.take_over(candidates, admission, shards)
            self.reports += taken.reports
            self.refused += taken.refused
            self.good = len(taken.reports)
            rest = candidates[taken.n_candidates :]
        resumed_s = sum(report.seconds for report in self.reports)
        self.progress = PackProgress(total=total, resumed=self.good, resumed_s=resumed_s, seconds=resumed_s)
        self._tell(0.0)
        return rest

    def _admitted(self, candidates: Iterable[Candidate], admission: Admission) -> Iterator[tuple[Take, str]]:
        """Read and check every take; deliver the good ones, as long as a corpus can still come of it."""
        before, missing = None, set(admission.members) - {report.name for report in self.reports}
        missing -= {name for name, _ in self.refused}
        with closing(read_takes(self.config.engine, self.config.n_workers, admission, candidates)) as read:
            for candidate, take in read:
                name = candidate.name
                if before is not None and name <= before:
                    raise TakeError(f"take {name!r} comes after {before!r}", expected="each name once, in rising order")
                before = name
                missing.discard(name)
                if isinstance(take, TakeError):
                    self.refused.append((name, take))
                    self._tell(0.0)
                    continue
                self.good += 1
                if self.config.skip_bad or not self.refused:
                    yield take, admission.members[name][1]
                self._tell(take.duration_s)
        never = "is in the roster but never came"
        self.refused += [(name, TakeError(never, where=name)) for name in sorted(missing)]

    def _tell(self, seconds: float) -> None:
        """Say how far the packing is, ``seconds`` of sound farther than before."""
        done = self.good + len(self.refused)
        self.progress = replace(self.progress, done=done, seconds=self.progress.seconds + seconds)
        if self.on_progress is not None:
            self.on_progress(self.progress)

    def _header(self, shards: ShardWriter) -> Header:
        return Header(
            sample_rate=self.config.sample_rate,
            fps=self.config.fps,
            audio_dtype=self.audio_dtype,
            shards=tuple(shards.files),
            index=shards.write_index(),
            sources=shards.write_sources(),
            totals=_totals(self.reports, self.config.clock),
            refused=tuple((name, one_line(error, self.takes_dir)) for name, error in self.refused),
            ignored=self.ignored,
        )

    def _report(self, header: Header) -> PackReport:
        return PackReport(
            path=self.corpus_dir,
            id=header.id,
            audio_dtype=self.audio_dtype,
            found=self.good + len(self.refused),
            packed=len(self.reports),
            resumed=self.progress.resumed,
            refused=header.refused,
            refused_for=count_refused(error for _, error in self.refused),
            ignored=len(self.ignored),
            mended=sum(bool(repairs_among(report.repairs)) for report in self.reports),
            repaired=count_repairs(self.reports),
            seconds=header.totals["seconds"],
            frames=header.totals["frames"],
            by_split=count_splits(self.reports),
            takes=tuple(self.reports),
        )


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
