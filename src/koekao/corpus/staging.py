"""A packing that goes on where an interrupted one stopped: finished shards are taken over, not made again.

A finished shard is taken over only if packing its takes now would give the same bytes: settings and versions are those
of the journal, the shard's file is whole, the next takes in the folder are its takes with the same speakers and splits,
and each of their sources has the content that was packed. What lies between its takes must be refused once more, so it
is read once more, and its reason is told as in any packing. The first shard of which this does not hold is made anew,
and so are all after it.

What it gives up: the takes of the shard that was being written (up to ``shard_bytes`` of them) are read again. Sources
are hashed, not decoded, which is why the versions of what decodes and writes them count as settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from koekao import __version__
from koekao.atomic import Unfinished, remove, sync
from koekao.corpus.admission import Admission, Candidate
from koekao.corpus.datafile import sha256_of
from koekao.corpus.header import FORMAT, VERSION
from koekao.corpus.journal import Finished, Journal
from koekao.corpus.refusals import Refused
from koekao.corpus.report import TakeReport
from koekao.corpus.shards import ShardWriter
from koekao.errors import TakeError
from koekao.takes.take import Source, Take

_PACKAGES = ("numpy", "pyarrow", "soundfile", "soxr")
"""Those with a hand in the bytes of a shard."""


@dataclass(kw_only=True)
class TakenOver:
    """What need not be done again: of how many candidates, and what was found of them."""

    n_candidates: int = 0
    reports: list[TakeReport] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Staging:
    """The shards of a packing as they are finished.

    Args:
        unfinished: where they are written, and the journal that outlives this packing.
        settings: what decides the bytes of a shard, as plain values.
        takes_dir: the folder of the takes; sources are noted as seen from there.
    """

    def __init__(self, unfinished: Unfinished, settings: Mapping[str, Any], takes_dir: Path) -> None:
        self._folder, self._takes_dir = unfinished.folder, takes_dir
        self._n_kept = 0  # takes in shards of the journal
        self._journal: Journal | None = None
        self._n_noted = 0
        self._reports: list[TakeReport] = []
        self._sources: list[tuple[Source, ...]] = []
        if unfinished.journal is not None:
            packages = {name: version(name) for name in _PACKAGES}
            made_by = {"format": FORMAT, "version": VERSION, "koekao": __version__, **packages}
            self._journal = Journal(unfinished.journal, {**settings, **made_by})

    def take_over(self, candidates: Sequence[Candidate], admission: Admission, shards: ShardWriter) -> TakenOver:
        """Give ``shards`` what is finished of the candidates; what else an interrupted packing left is removed."""
        taken = TakenOver()
        if self._journal is None:
            return taken
        for entry in self._journal.entries():
            span = _span(entry, candidates, taken.n_candidates)
            refused = self._refused_again(entry, span, admission)
            if refused is None:
                break
            shards.take_over(entry.shard, entry.rows)
            taken.n_candidates += len(span)
            taken.reports += entry.takes
            self._n_kept += len(entry.takes)
            taken.refused += refused
        self._n_noted = len(shards.files)
        self._journal.keep(self._n_noted)
        for leftover in set(self._folder.iterdir()) - {self._folder / shard.file for shard in shards.files}:
            remove(leftover)
        return taken

    def kept(self) -> str:
        """What is left to the next packing if this one is not published, in words; empty where nothing is."""
        if not self._n_kept:
            return ""
        return f"{self._n_kept} finished takes are kept in {self._folder.parent}, the same command goes on after them"

    def note(self, take: Take, report: TakeReport, shards: ShardWriter) -> None:
        """Tell of a take that was written; a shard that it has filled is put on the disk and into the journal."""
        if self._journal is None:
            return
        self._reports.append(report)
        self._sources.append(
            tuple(self._seen(Path(source.path), source.size, source.sha256) for source in take.sources)
        )
        if len(shards.files) > self._n_noted:
            shard = shards.files[-1]
            sync(self._folder / shard.file)
            sync(self._folder)
            takes, sources = tuple(self._reports), tuple(self._sources)
            self._journal.add(Finished(shard=shard, rows=shards.rows(shard), takes=takes, sources=sources))
            self._n_kept += len(takes)
            self._reports, self._sources, self._n_noted = [], [], len(shards.files)

    def _refused_again(self, entry: Finished, span: Sequence[Candidate], admission: Admission) -> list[Refused] | None:
        """What is refused among the candidates of a shard; None if the shard is not what packing them would give."""
        if entry.shard.problem(self._folder, checksum=True) is not None:
            return None
        packed = {report.name: (report, sources) for report, sources in zip(entry.takes, entry.sources, strict=True)}
        among = [candidate for candidate in span if candidate.name in packed]
        if [candidate.name for candidate in among] != list(packed):
            return None
        for candidate in among:
            report, sources = packed[candidate.name]
            if admission.members[candidate.name] != (report.speaker, report.split):
                return None
            if not self._unchanged(candidate.files, sources):
                return None
        found = [(other.name, admission.read(other)) for other in span if other.name not in packed]
        refused = [(name, answer) for name, answer in found if isinstance(answer, TakeError)]
        return refused if len(refused) == len(found) else None

    def _unchanged(self, files: Sequence[Path], sources: Sequence[Source]) -> bool:
        try:
            return tuple(self._seen(file, file.stat().st_size, sha256_of(file)) for file in files) == tuple(sources)
        except OSError:
            return False  # reading the take will tell

    def _seen(self, file: Path, size: int, sha256: str) -> Source:
        return Source(path=file.relative_to(self._takes_dir).as_posix(), size=size, sha256=sha256)


def _span(entry: Finished, candidates: Sequence[Candidate], start: int) -> Sequence[Candidate]:
    """The candidates from ``start`` on that a shard accounts for: up to its last take, for names rise."""
    stop, last = start, entry.takes[-1].name
    while stop < len(candidates) and candidates[stop].name <= last:
        stop += 1
    return candidates[start:stop]
