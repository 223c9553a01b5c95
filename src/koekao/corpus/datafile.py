"""A file that is known by name, size and SHA-256, and what can be wrong with the one on the disk.

A header lists its files so; opening compares sizes, which costs microseconds a file, and ``verify`` compares content.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from koekao.errors import CorpusError

REPACK = "pack the takes again with `koekao pack`"


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file of the corpus: its name in the folder, size in bytes, SHA-256 in hex."""

    remedy: ClassVar[str] = REPACK

    file: str
    bytes: int
    sha256: str

    def problem(self, folder: Path, *, checksum: bool) -> CorpusError | None:
        """What is wrong with the file on the disk, by its size and, if asked, by its content."""
        path = folder / self.file
        try:
            size = path.stat().st_size
            if size != self.bytes:
                return CorpusError(f"holds {size} bytes", where=path, expected=f"{self.bytes}", do=self.remedy)
            if checksum and (seen := sha256_of(path)) != self.sha256:
                return self._changed(path, seen)
        except OSError as error:
            return self._unreadable(path, error)
        return None

    def content_in(self, folder: Path) -> memoryview:
        """The whole content, held in private memory and compared with the checksum: what is checked is what is used.

        Raises:
            CorpusError: missing, of another size, changed.
        """
        path, problem = folder / self.file, self.problem(folder, checksum=False)
        if problem is not None:
            raise problem
        try:
            data = path.read_bytes()
        except OSError as error:
            raise self._unreadable(path, error) from error
        if (seen := hashlib.sha256(data).hexdigest()) != self.sha256:
            raise self._changed(path, seen)
        return memoryview(data)

    def entry(self) -> dict[str, Any]:
        """The fields as they stand in JSON."""
        return dict(vars(self))  # dataclasses.asdict takes twenty times as long, and a corpus may have thousands

    def _unreadable(self, path: Path, error: OSError) -> CorpusError:
        return CorpusError(f"cannot be read ({error.strerror})", where=path, do=self.remedy)

    def _changed(self, path: Path, seen: str) -> CorpusError:
        what = f"its content has changed: SHA-256 {seen[:12]}..."
        return CorpusError(what, where=path, expected=f"{self.sha256[:12]}...", do=self.remedy)


@dataclass(frozen=True, kw_only=True)
class ShardFile(DataFile):
    """A shard, with the number of takes in it."""

    takes: int


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(path: Path) -> DataFile:
    """Name, size and SHA-256 of the file at ``path``."""
    return DataFile(file=path.name, bytes=path.stat().st_size, sha256=sha256_of(path))
