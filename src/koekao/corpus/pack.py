"""A folder of takes, or takes already in hand, into one corpus.

:func:`pack` reads a folder; :func:`pack_takes` takes :class:`~koekao.takes.take.Take` objects from anywhere. Both
end in :class:`~koekao.corpus.packing.Packing`. Nothing is read before it is sure that the target is free.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from koekao.atomic import refuse_existing
from koekao.corpus.admission import Candidate
from koekao.corpus.header import FORMAT, HEADER_FILE
from koekao.corpus.packing import AudioDtype, PackConfig, Packing
from koekao.corpus.refusals import below
from koekao.corpus.report import PackProgress, PackReport, TakeReport
from koekao.errors import ConfigError, OutputError, TakeError
from koekao.takes import TakeFiles, find_takes, load_take, probe_sound
from koekao.takes.take import Take


def pack(
    takes_dir: str | Path,
    corpus_dir: str | Path,
    config: PackConfig | None = None,
    *,
    on_take: Callable[[TakeReport], None] | None = None,
    on_progress: Callable[[PackProgress], None] | None = None,
) -> PackReport:
    """Pack the takes of a folder into a corpus, going on where an interrupted packing of it stopped.

    >>> import koekao
    >>> report = koekao.pack("takes", "corpus at 60", koekao.PackConfig(fps=60))
    >>> report.packed, report.refused, report.frames
    (4, (), 1196)

    Nothing is ever half there under the corpus's name. What is finished when a packing is interrupted, in whatever way,
    stays in a hidden folder beside it (:func:`koekao.atomic.unfinished` tells which; it may be deleted) and is taken
    over by the next call with the same settings, as far as the takes have not changed.

    Args:
        takes_dir: searched with all folders below it.
        corpus_dir: the corpus to make; it may not exist (unless ``config.overwrite``) nor lie inside ``takes_dir``.
        config: see :class:`PackConfig`.
        on_take: called after each take that was written.
        on_progress: called at the beginning and after each take, whatever became of it.

    Raises:
        TakeError: a take cannot be used and ``config.skip_bad`` is false, or none can; the text lists each with its
            reason. A single fault keeps its own type.
        ConfigError: a split that cannot be.
        OutputError: the target is in the way or cannot be written.
    """
    takes_dir, corpus_dir, config = Path(takes_dir), Path(corpus_dir), config or PackConfig()
    _refuse_entangled(takes_dir, corpus_dir)
    _refuse_target(corpus_dir, overwrite=config.overwrite)
    found = find_takes(takes_dir)
    pairs = sorted(found.pairs, key=lambda pair: pair.name)
    audio_dtype = _audio_dtype_of(pairs, config.policies.truncated) if config.audio == "auto" else config.audio
    load = partial(
        load_take, sample_rate=config.sample_rate, fps=config.fps, dtype=audio_dtype, policies=config.policies
    )
    job = Packing(
        corpus_dir=corpus_dir,
        config=config,
        audio_dtype=audio_dtype,
        roster=[(pair.name, pair.speaker) for pair in pairs],
        takes_dir=takes_dir,
        refused=[(below(problem.where, takes_dir), problem) for problem in found.problems],
        ignored=tuple(sorted(below(path, takes_dir) for path in found.ignored)),
        on_take=on_take,
        on_progress=on_progress,
    )
    return job.run([_candidate(pair, load) for pair in pairs])


def pack_takes(
    takes: Iterable[Take],
    corpus_dir: str | Path,
    config: PackConfig | None = None,
    *,
    roster: Sequence[tuple[str, str]] | None = None,
    on_take: Callable[[TakeReport], None] | None = None,
) -> PackReport:
    """Pack takes that are already in hand, or that an iterator delivers one by one.

    >>> import koekao
    >>> report = koekao.pack_takes(koekao.make_takes(2, seconds=2), "corpus of two")
    >>> report.packed, len(koekao.open("corpus of two"))
    (2, 2)

    Args:
        takes: without a ``roster`` they are gathered in memory first.
        corpus_dir, config, on_take: as in :func:`pack`.
        roster: (name, speaker) of every take that will come. With it takes are written as they come, which must be in
            rising order of names, and ``config.audio`` must be stated, for neither can be known ahead.

    Raises:
        TakeError: two takes of one name, or as in :func:`pack`. ConfigError, OutputError: as in :func:`pack`.
    """
    config, corpus_dir = replace(config or PackConfig(), engine="inline"), Path(corpus_dir)
    _refuse_target(corpus_dir, overwrite=config.overwrite)
    audio_dtype = config.audio
    if roster is None:
        takes = sorted(takes, key=lambda take: take.name)
        roster = [(take.name, take.speaker) for take in takes]
        if audio_dtype == "auto":
            audio_dtype = "float32" if any(take.audio.dtype == np.float32 for take in takes) else "int16"
    if audio_dtype == "auto":
        raise ConfigError("audio='auto' with a roster", expected="int16 or float32", do="say which the takes have")
    job = Packing(corpus_dir=corpus_dir, config=config, audio_dtype=audio_dtype, roster=sorted(roster), on_take=on_take)
    return job.run(Candidate(name=take.name, load=partial(_itself, take)) for take in _delivered(takes))


def _refuse_target(corpus_dir: Path, *, overwrite: bool) -> None:
    """Nothing is read before it is sure that the result can be put there; only a corpus is ever replaced."""
    refuse_existing(corpus_dir, overwrite=overwrite)
    header = corpus_dir / HEADER_FILE
    if not corpus_dir.exists() or (corpus_dir.is_dir() and not any(corpus_dir.iterdir())):
        return
    if not header.is_file() or FORMAT.encode() not in header.read_bytes():
        raise OutputError("exists and is no corpus", where=corpus_dir, expected="a corpus to replace, or a free place")


def _refuse_entangled(takes_dir: Path, corpus_dir: Path) -> None:
    takes, corpus = takes_dir.resolve(), corpus_dir.resolve()
    if corpus.is_relative_to(takes) or takes.is_relative_to(corpus):
        what = "would lie inside the folder of takes" if corpus.is_relative_to(takes) else "holds the folder of takes"
        raise OutputError(what, where=corpus_dir, do=f"choose a place outside {takes_dir}")


def _candidate(pair: TakeFiles, load: Callable[[TakeFiles], Take]) -> Candidate:
    return Candidate(name=pair.name, load=partial(load, pair), files=pair.files)


def _audio_dtype_of(pairs: Iterable[TakeFiles], truncated: str) -> AudioDtype:
    """float32 as soon as one sound is float; sound that cannot be opened is judged when it is read."""
    for pair in pairs:
        with contextlib.suppress(TakeError, OSError):
            if probe_sound(pair.sound, truncated=truncated).is_float:
                return "float32"
    return "int16"


def _delivered(takes: Iterable[Take]) -> Iterator[Take]:
    """The takes of somebody's iterator; its trouble with files is not taken for ours with the target."""
    try:
        yield from takes
    except OSError as error:
        raise TakeError(f"the takes cannot be read ({error.strerror or error})", where=error.filename or "") from error


def _itself(take: Take) -> Take:
    return take
