"""Many data files of one folder as read-only maps, each mapped at its first use and kept for good.

Where the files come from elsewhere (``origin``: the cache of a remote corpus, see :mod:`koekao.corpus.remote`) each is
asked for before it is mapped, and a map is kept no longer than somebody holds it, for the cache may be smaller than the
corpus. Whoever uses addresses holds the maps that they lie in.

A map holds no descriptor, so thousands of files can be mapped at once; a few descriptors are kept beside them to see
whether a file was cut since. That is what :meth:`MappedFiles.refuse_truncated` asks before bytes are touched: reading a
map behind the end of its file is SIGBUS, the end of the process, and no exception tells of it.

What remains: a file that is cut in the microseconds between that question and the end of a copy is still a SIGBUS, and
one that is cut and grown to its old size again reads as zeros, which only ``verify`` finds. A file whose name leads
elsewhere now (the folder was replaced) is taken for whole: nobody can cut by name what has none.
"""

from __future__ import annotations

import os
import threading
import weakref
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koekao.corpus.datafile import DataFile
from koekao.errors import CorpusError

MAX_DESCRIPTORS = 64
"""A process may often open no more than 256 or 1024 files, and this is not the only thing that it does."""

Mark = tuple[int, ...]
_ALIVE: weakref.WeakSet[MappedFiles] = weakref.WeakSet()


class Origin(Protocol):
    """Where files come from that need not be in the folder yet."""

    def held(self, entry: DataFile) -> AbstractContextManager[Callable[[NDArray[np.uint8]], None]]:
        """Have the file in the folder; the map that is handed to what is yielded keeps it there while it lives."""

    def expect(self, numbers: Sequence[int]) -> None:
        """These files will be asked for soon, the first one first."""

    def is_complete(self) -> bool:
        """Whether all files are in the folder."""


class MappedFiles:
    """The data files of a folder, by number. Threads may share it; pickled it leaves its maps and descriptors behind.

    Args:
        folder: where the files lie.
        entries: name and size of each.
        header_file: the file in the folder that tells whether it is still the same one.
        mark: :func:`mark_of` that file, taken before it was read; without it the first look reads it once more.
        origin: where files come from that are not in the folder yet.
    """

    def __init__(
        self,
        folder: Path,
        entries: Sequence[DataFile],
        header_file: str,
        mark: Mark | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.folder, self.origin = folder, origin
        self._entries, self._header_file, self._mark = entries, header_file, mark
        self._begin()

    def _begin(self) -> None:
        self._maps: MutableMapping[int, NDArray[np.uint8]] = (
            {} if self.origin is None else weakref.WeakValueDictionary()
        )
        self._bases: dict[int, int] = {}
        self._identities: dict[int, Mark] = {}
        self._descriptors: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.RLock()
        weakref.finalize(self, _close_all, self._descriptors)
        _ALIVE.add(self)

    def __getstate__(self) -> dict[str, Any]:
        left = ("_maps", "_bases", "_identities", "_descriptors", "_lock")
        return {key: value for key, value in vars(self).items() if key not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    @abstractmethod
    def id_there(self) -> str:
        """Read anew which corpus (or column) the folder holds now."""

    @property
    @abstractmethod
    def id(self) -> str:
        """Which corpus (or column) was opened."""

    def shard(self, number: int) -> NDArray[np.uint8]:
        """All bytes of file ``number``, read-only and mapped.

        Raises:
            CorpusError: missing, of another size than it should be, or the folder was replaced.
        """
        mapped = self._maps.get(number)
        return self._map(int(number)) if mapped is None else mapped

    def base_address(self, number: int) -> int:
        """Address of the first byte of file ``number``.

        It stays good as long as this object lives; with an ``origin`` as long as somebody holds :meth:`shard` of it.
        """
        if self.origin is not None:
            return int(self.shard(number).ctypes.data)
        if number not in self._bases:
            self._bases[number] = self.shard(number).ctypes.data
        return self._bases[number]

    def expect(self, numbers: Sequence[int]) -> None:
        """Tell that these files will be asked for soon, the first one first; those that come from elsewhere set out."""
        if self.origin is not None:
            self.origin.expect(numbers)

    @property
    def is_complete(self) -> bool:
        """Whether no file has to come from elsewhere first; one look at each where they do."""
        return self.origin is None or self.origin.is_complete()

    def refuse_truncated(self, numbers: Iterable[int]) -> None:
        """Raise CorpusError if one of these files is shorter now than it was when it was packed.

        Half a microsecond a file as long as not more than :data:`MAX_DESCRIPTORS` are in use by turns, else a few.
        """
        with self._lock:
            for number in numbers:
                descriptor = self._descriptors.get(number)
                if descriptor is None:
                    descriptor = self._reopen(int(number))
                    if descriptor is None:
                        continue
                else:
                    self._descriptors.move_to_end(number)
                if os.lseek(descriptor, 0, os.SEEK_END) < self._entries[number].bytes:
                    raise self._cut(number, os.lseek(descriptor, 0, os.SEEK_END))

    def refuse_replaced(self) -> None:
        """Raise CorpusError if the folder now holds something else than what was opened.

        One look at the header's inode, size and time as a rule; the header is read only where those have changed.
        """
        mark = mark_of(self.folder / self._header_file)
        if mark is not None and mark == self._mark:
            return
        now = self.id_there()
        if now != self.id:
            what = f"was replaced while it was open: id {self.id[:12]}... is now {now[:12]}..."
            raise CorpusError(what, where=self.folder, do="open it again")
        self._mark = mark

    def _map(self, number: int) -> NDArray[np.uint8]:
        if self.origin is None:
            return self._map_file(number)
        with self.origin.held(self._entries[number]) as hold:
            mapped = self._map_file(number)
            hold(mapped)
        with self._lock:  # an older file of that name, and files that nobody uses: the cache may want their room
            for gone in [old for old in self._descriptors if old == number or old not in self._maps]:
                os.close(self._descriptors.pop(gone))
        return mapped

    def _map_file(self, number: int) -> NDArray[np.uint8]:
        entry = self._entries[number]
        problem = entry.problem(self.folder, checksum=False)
        if problem is not None:
            raise problem
        path = self.folder / entry.file
        try:
            identity, mapped = _identity(path.stat()), _mapped(path, entry.bytes)
        except (OSError, pa.ArrowException) as error:
            raise CorpusError(f"cannot be mapped ({error})", where=path, do="open the corpus again") from error
        self.refuse_replaced()  # after mapping: a map of the old folder stays good, one of the new is caught here
        kept = self._maps.setdefault(number, mapped)  # where two threads came at once, both go on with one map
        if kept is mapped:
            self._identities[number] = identity
        return kept

    def _reopen(self, number: int) -> int | None:
        """A descriptor of the file that is mapped as ``number``; None where its name leads to another file now."""
        if number not in self._maps:
            self._map(number)
        path = self.folder / self._entries[number].file
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CorpusError(f"cannot be read ({error.strerror})", where=path, do="open the corpus again") from error
        if _identity(os.fstat(descriptor)) != self._identities[number]:
            os.close(descriptor)
            return None
        while len(self._descriptors) >= MAX_DESCRIPTORS:
            os.close(self._descriptors.popitem(last=False)[1])
        self._descriptors[number] = descriptor
        return descriptor

    def _cut(self, number: int, size: int) -> CorpusError:
        entry = self._entries[number]
        what = f"was cut while it was open: holds {size} bytes"
        return CorpusError(what, where=self.folder / entry.file, expected=f"{entry.bytes}", do=entry.remedy)


def mark_of(path: Path) -> Mark | None:
    """What tells one state of a file from another without reading it; None where it cannot be seen."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return (*_identity(seen), seen.st_size, seen.st_mtime_ns)


def _identity(seen: os.stat_result) -> Mark:
    return seen.st_dev, seen.st_ino


def _mapped(path: Path, n_bytes: int) -> NDArray[np.uint8]:
    """Map a file with pyarrow and not with mmap, which would keep a descriptor for each.

    Only the first byte is read: to read is to tell the kernel that all of it will be needed soon. The map lives as
    long as that byte's buffer, which the whole then refers to.
    """
    with pa.memory_map(str(path)) as file:
        first, size = file.read_buffer(1), file.size()
    if size < n_bytes or not n_bytes:
        raise OSError(f"{size} bytes")
    whole: NDArray[np.uint8] = np.frombuffer(pa.foreign_buffer(first.address, n_bytes, base=first), np.uint8)
    return whole


def _unlock_all() -> None:
    """A process forked while a thread of its parent held a lock would wait for that thread for ever."""
    for files in _ALIVE:
        files._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_all)


def _close_all(descriptors: dict[int, int]) -> None:
    while descriptors:
        os.close(descriptors.popitem()[1])
