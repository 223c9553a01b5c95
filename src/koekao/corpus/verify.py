"""Is a corpus still what was packed? Every byte is read and compared; what is wrong is listed, not raised.

Looked at are the header (every byte of it, for the hashes in it do not cover how it is spelt), all files by checksum,
what index and sources say, the columns beside the corpus, and if asked the files that the takes were packed from, which
somebody may have edited since, to the same size even. A corpus at a URL is read there, and what the cache holds of it
too. What it gives up is time: as much as reading everything takes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from koekao.corpus.column_header import HEADER_FILE as COLUMN_HEADER_FILE
from koekao.corpus.column_header import column_folders, read_column_header
from koekao.corpus.columns import ColumnFiles, read_column_rows
from koekao.corpus.datafile import REPACK, DataFile, sha256_of
from koekao.corpus.files import CorpusFiles
from koekao.corpus.header import HEADER_FILE, Header, read_header
from koekao.corpus.index import read_index, read_sources
from koekao.corpus.remote import CacheConfig, FetchedFiles, corpus_at
from koekao.errors import CorpusError
from koekao.place import is_url, local_path

_ProblemOf = Callable[[DataFile], CorpusError | None]


def verify(
    corpus: str | Path,
    takes_dir: str | Path | None = None,
    *,
    cache: CacheConfig | None = None,
    on_file: Callable[[DataFile], None] | None = None,
) -> list[CorpusError]:
    """Everything that is wrong with the corpus in a folder; an empty list means that all is as it was packed.

    >>> import koekao
    >>> koekao.verify("corpus", "takes")
    []

    Args:
        corpus: its folder, or a URL.
        takes_dir: the folder of takes that it was packed from, if its sources shall be compared too.
        cache: where a corpus at a URL is kept, if not in the usual place.
        on_file: told of each file of the corpus that was read.

    Raises:
        CorpusError: there is no corpus, or no such folder of takes.
    """
    if takes_dir is not None and not Path(takes_dir).is_dir():
        raise CorpusError("no such folder", where=takes_dir, expected="the folder that the takes were packed from")
    takes_dir = None if takes_dir is None else Path(takes_dir)
    if is_url(corpus):
        return _verify_fetched(corpus_at(str(corpus), cache), takes_dir, on_file)
    folder = local_path(corpus)
    if not (folder / HEADER_FILE).is_file():
        read_header(folder)  # says why it is none
    try:
        header = read_header(folder)
    except CorpusError as error:
        return [error]
    looked = partial(_looked_at, on_file)
    found = list(_problems(folder, header, looked(partial(DataFile.problem, folder=folder, checksum=True)), takes_dir))
    for column in column_folders(folder):
        found += _column_problems(column, header.id, looked(partial(DataFile.problem, folder=column, checksum=True)))
    return found


def _looked_at(on_file: Callable[[DataFile], None] | None, problem_of: _ProblemOf) -> _ProblemOf:
    """The same, which tells of each file that was looked at."""

    def problem(file: DataFile) -> CorpusError | None:
        found = problem_of(file)
        if on_file is not None:
            on_file(file)
        return found

    return problem


def _verify_fetched(
    fetched: FetchedFiles, takes_dir: Path | None, on_file: Callable[[DataFile], None] | None
) -> list[CorpusError]:
    """Every byte is read at the URL; header, index and sources are looked into as they came to the cache."""
    try:
        files = CorpusFiles.fetch(fetched)
    except CorpusError as error:
        return [error]
    looked = partial(_looked_at, on_file)
    found = list(_problems(files.folder, files.header, looked(fetched.problem), takes_dir, have=fetched.have))
    files.fetch_columns()
    for column in column_folders(files.folder):
        there = files.fetched_column(column)
        if there is not None:
            found += _column_problems(column, files.header.id, looked(there.problem), there)
    return found


def _problems(
    folder: Path,
    header: Header,
    problem_of: _ProblemOf,
    takes_dir: Path | None,
    have: Callable[[DataFile], None] = lambda file: None,
) -> Iterator[CorpusError]:
    yield from _spelling(folder / HEADER_FILE, header)
    damaged = set()
    for file in header.files:
        problem = problem_of(file)
        if problem is not None:
            damaged.add(file.file)
            yield problem
    index = sources = None
    if header.index.file not in damaged:
        index = yield from _read(read_index, folder, header)
    if header.sources.file not in damaged:
        have(header.sources)
        sources = yield from _read(read_sources, folder, header)
    if takes_dir is not None and sources is not None:
        yield from _changed_sources(index, sources, takes_dir)


def _read(read: Callable[..., Any], *arguments: Any) -> Generator[CorpusError, None, Any]:
    """To be delegated to: returns what was read, or None after telling the error."""
    try:
        return read(*arguments)
    except CorpusError as error:
        yield error
        return None


def _spelling(path: Path, header: Any) -> Iterator[CorpusError]:
    """A change that means the same (an upper-case letter in an escape, say) is one nevertheless."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == header.to_bytes():
            return
    yield CorpusError("is spelt otherwise than it was packed", where=path, do="the file was edited; " + REPACK)


def _column_problems(
    folder: Path,
    corpus_id: str,
    problem_of: _ProblemOf,
    fetched: FetchedFiles | None = None,
) -> Iterator[CorpusError]:
    header = yield from _read(read_column_header, folder)
    if header is None:
        return
    yield from _spelling(folder / COLUMN_HEADER_FILE, header)
    if header.corpus != corpus_id:
        what, expected = f"a column of corpus {header.corpus[:12]}...", f"corpus {corpus_id[:12]}..."
        yield CorpusError(what, where=folder, expected=expected, do=header.rows.remedy)
    found = [problem_of(file) for file in (header.rows, *header.shards)]
    problems = [problem for problem in found if problem is not None]
    yield from problems
    if not problems:
        yield from _read(read_column_rows, ColumnFiles(folder, header, fetched=fetched))


def _changed_sources(index: Any, sources: Any, takes_dir: Path) -> Iterator[CorpusError]:
    """Each source that is not what it was when its take was packed."""
    for row, files in enumerate(sources.column("sources")):
        take = f"take {row}" if index is None else f"take {index.column('name')[row].as_py()!r}"
        for source in files.as_py():
            problem = _source_problem(takes_dir, take, **source)
            if problem is not None:
                yield problem


def _source_problem(takes_dir: Path, take: str, path: str, size: int, sha256: str) -> CorpusError | None:
    place, here = PurePosixPath(path), takes_dir / path
    do = "pack the takes again, or put back the file that was packed"
    if place.is_absolute() or ".." in place.parts:
        return CorpusError(f"{take} names a source outside of the folder: {path!r}", where=takes_dir, do=REPACK)
    try:
        seen = here.stat().st_size
        if seen != size:
            return CorpusError(f"a source of {take}, holds {seen} bytes", where=here, expected=f"{size}", do=do)
        if (now := sha256_of(here)) != sha256:
            what = f"a source of {take}, was edited: SHA-256 {now[:12]}..."
            return CorpusError(what, where=here, expected=f"{sha256[:12]}...", do=do)
    except OSError as error:
        return CorpusError(f"a source of {take}, cannot be read ({error.strerror})", where=here, do=do)
    return None
