"""The files of one folder (a corpus, or a column beside it) as they come into the cache: whole, checked, or not at all.

A file is there when its size is right and its time of change is that of its seal: only what had the right SHA-256 ever
got its name, and then a time made from that hash, which whoever writes into it changes. So the first look at a file
costs no reading. One that is not sealed is read and compared, and fetched anew if it is wrong. Threads and processes
that want the same file take turns, so it is fetched once. A file whose content is wrong is fetched anew a few times;
if it stays wrong, the header there is read again, to tell a damaged corpus from one that was replaced.

What it gives up: bits that turn on the disk itself keep the time. ``koekao verify`` reads what is in the cache too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.atomic import publish_file, write_file
from koekao.corpus.datafile import DataFile
from koekao.corpus.remote.ahead import Ahead
from koekao.corpus.remote.cache import Cache
from koekao.corpus.remote.leases import OPEN, leases_of, on_need
from koekao.corpus.remote.store import RemoteFolder
from koekao.errors import CorpusError

_LASTING = ("store", "folder", "cache", "_header_file", "shards")
"""What goes along when it is pickled."""


class FetchedFiles:
    """An :class:`~koekao.corpus.mapped.Origin`: the shards of a folder of the cache, from the folder at a URL.

    As long as it lives nobody removes the small files of the folder (header, index).

    Args:
        store: where they come from.
        folder: where they go.
        cache: whose folder that is.
        header_file: name of the file that lists the others; it is in ``folder`` already.
        shards: all shards, by number.

    Once all shards are seen to be here their maps are kept for good, as those of a local corpus are, until this process
    itself needs the room for something else.

    Attributes:
        came_bytes: of files that this object fetched.
    """

    def __init__(
        self, store: RemoteFolder, folder: Path, cache: Cache, header_file: str, shards: Sequence[DataFile] = ()
    ) -> None:
        self.store, self.folder, self.cache = store, folder, cache
        self._header_file, self.shards = header_file, shards
        self._begin()

    def _begin(self) -> None:
        with leases_of(self.folder).held(OPEN) as keep:
            keep(self)
        self.came_bytes = 0
        self._keeps_maps = False
        self._maps: dict[int, NDArray[np.uint8]] = {}
        on_need(self._let_maps_go)
        self._ahead = Ahead(self.cache.config.n_threads)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key in _LASTING}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    @contextlib.contextmanager
    def held(self, entry: DataFile) -> Iterator[Callable[[NDArray[np.uint8]], None]]:
        """As :meth:`koekao.corpus.mapped.Origin.held`. Raises CorpusError, OutputError: it cannot be had, or kept."""
        number = _number(entry)
        with leases_of(self.folder).held(number) as keep:
            self.have(entry, number)
            _used_now(self.folder / entry.file)
            yield partial(self._keep, number, keep)

    def _keep(self, number: int, keep: Callable[[Any], None], mapped: NDArray[np.uint8]) -> None:
        keep(mapped)
        if self._keeps_maps:
            self._maps[number] = mapped

    def _let_maps_go(self) -> None:
        self._keeps_maps = False
        self._maps.clear()

    def have(self, entry: DataFile, number: int = OPEN, *, patient: bool = True) -> None:
        """Have a file in the folder; unless ``patient``, only where there is room for it at once.

        Raises:
            CorpusError: it cannot be fetched, its content is wrong, there is no room. OutputError: a full disk.
        """
        here, config = partial(self.is_here, entry), self.cache.config
        if here():
            return
        with leases_of(self.folder).turn(number, here, most_s=config.tries * config.timeout_s):
            if not here() and not self._is_right(entry):
                self._fetch(entry, patient)

    def is_here(self, entry: DataFile) -> bool:
        """Whether the file is in the folder, and nobody has written into it since it was compared with its hash."""
        try:
            seen = (self.folder / entry.file).stat()
        except OSError:
            return False
        return seen.st_size == entry.bytes and int(seen.st_mtime) == _seal_s(entry)

    def _is_right(self, entry: DataFile) -> bool:
        """Read a file that is not sealed, if there is one, and seal it if it is what it should be."""
        if entry.problem(self.folder, checksum=True) is not None:
            return False
        with contextlib.suppress(OSError):
            _seal(self.folder / entry.file, entry)
        return True

    def is_complete(self) -> bool:
        """Whether all shards are here."""
        self._keeps_maps = all(map(self.is_here, self.shards))
        return self._keeps_maps

    def expect(self, numbers: Sequence[int]) -> None:
        """Fetch these ahead, in this order, as far as they fit into half of the cache; none of them is waited for."""
        room, coming = self.cache.config.bytes // 2, []
        for number in numbers:
            room -= self.shards[number].bytes
            if room < 0:
                break
            coming.append(self.shards[number])
        self._ahead.want([(entry.file, partial(self._have_ahead, entry)) for entry in coming])

    def problem(self, entry: DataFile) -> CorpusError | None:
        """What is wrong with the file at the URL, every byte of it read, nothing of it kept; and in the cache."""
        return self._problem_there(entry) or self._problem_here(entry)

    def _problem_here(self, entry: DataFile) -> CorpusError | None:
        """What is wrong with the file in the cache, if it is there; it is had anew at its next use then."""
        path, problem = self.folder / entry.file, entry.problem(self.folder, checksum=True)
        if problem is None or not path.exists():
            return None
        with contextlib.suppress(OSError):
            os.utime(path, (0, 0))
        do = "nothing: it is fetched anew when it is next opened; look at that disk if it happens again"
        return CorpusError(f"the file in the cache is damaged: {problem.what}", where=path, do=do)

    def _problem_there(self, entry: DataFile) -> CorpusError | None:
        where, digest = self.store.where(entry.file), hashlib.sha256()
        try:
            size = self.store.size(entry.file)
            if size not in (None, entry.bytes):
                return CorpusError(f"holds {size} bytes", where=where, expected=f"{entry.bytes}", do=entry.remedy)
            for piece in self.store.pieces(entry.file, entry.bytes):
                digest.update(piece)
        except CorpusError as error:
            return error
        return None if digest.hexdigest() == entry.sha256 else self._wrong(entry, digest.hexdigest())

    def below(self, name: str, header_file: str) -> FetchedFiles:
        """The folder ``name`` of this one, with its header: a column's. Its shards are to be said."""
        store, folder = self.store.below(name), self.folder / name
        fetched = FetchedFiles(store, folder, self.cache, header_file)
        if not (folder / header_file).is_file():
            write_file(folder / header_file, store.read(header_file))
        return fetched

    def _have_ahead(self, entry: DataFile) -> None:
        _used_now(self.folder / entry.file)  # it will be needed: let others go first
        self.have(entry, _number(entry), patient=False)

    def _fetch(self, entry: DataFile, patient: bool) -> None:
        seen = ""
        try:
            for _ in range(self.cache.config.tries):
                with contextlib.suppress(_WrongContentError), publish_file(self.folder / entry.file) as temporary:
                    self.cache.reserve(temporary, entry.bytes, self.store.where(entry.file), patient=patient)
                    seen = self._write(entry, temporary)
                    if seen != entry.sha256:
                        raise _WrongContentError
                    _seal(temporary, entry)
                    self.came_bytes += entry.bytes
                    return
            raise self._wrong(entry, seen)
        except CorpusError as error:
            raise self._replaced() or error from None

    def _write(self, entry: DataFile, path: Path) -> str:
        """Fetch into ``path``; the SHA-256 of what came."""
        digest = hashlib.sha256()
        with path.open("r+b") as file:
            for piece in self.store.pieces(entry.file, entry.bytes):
                file.write(piece)
                digest.update(piece)
        return digest.hexdigest()

    def _wrong(self, entry: DataFile, seen: str) -> CorpusError:
        what = f"its content is not what {self._header_file} says: SHA-256 {seen[:12]}..."
        do = f"it was changed or damaged there: put it back, or {entry.remedy} and upload all of it"
        return CorpusError(what, where=self.store.where(entry.file), expected=f"{entry.sha256[:12]}...", do=do)

    def _replaced(self) -> CorpusError | None:
        """The error that the whole folder is another one now, if it is."""
        with contextlib.suppress(CorpusError, OSError):
            now = RemoteFolder(self.store.url, tries=1, timeout_s=self.store.timeout_s).read(self._header_file)
            if now != (self.folder / self._header_file).read_bytes():
                return CorpusError("was replaced while it was open", where=self.store.where(), do="open it again")
        return None


class _WrongContentError(Exception):
    """What came is not to be kept."""


def _seal_s(entry: DataFile) -> int:
    """The time of change of a file that was compared with its hash: some second of the years 2001 to 2010."""
    return 1_000_000_000 + int(entry.sha256[:7], 16)


def _seal(path: Path, entry: DataFile) -> None:
    os.utime(path, (time.time(), _seal_s(entry)))


def _used_now(path: Path) -> None:
    """Note in the time of access, by which the cache knows what to drop, that a file is needed."""
    with contextlib.suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def _number(entry: DataFile) -> int:
    """Of ``shard-00012.arrow``: 12."""
    return int(entry.file.partition("-")[2].partition(".")[0])
