"""The cache on the disk: where it is, how large it may be, and what goes when room is needed.

A folder a corpus, named by the hash of its header, so what was replaced at a URL is another corpus here. A file on its
way has its full size from the beginning (a hole), so two processes that fetch at once see what the other will need and
the size is kept to. Room is made by removing what was mapped least recently; what is in use stays, and where that
leaves no room it is said. Only names that the cache gives itself are ever removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from koekao.atomic import sweep_folder
from koekao.corpus.remote.leases import LOCK_FILE, OPEN, leases_of, let_go_all, settle_all
from koekao.errors import ConfigError, CorpusError, OutputError

CACHE_VARIABLE, SIZE_VARIABLE = "KOEKAO_CACHE", "KOEKAO_CACHE_GB"
DEFAULT_GB = 50.0
_SHARD = re.compile(r"shard-(\d{5,9})\.arrow")
_SMALL = {"corpus.json", "takes.arrow", "sources.arrow", "column.json", "rows.arrow"}
_FOLDERS = "corpora"
_LOOK_EVERY_S = 0.02
_ALONE = threading.Lock()


def _default_folder() -> Path:
    """$KOEKAO_CACHE, else what the platform keeps caches in."""
    if stated := os.environ.get(CACHE_VARIABLE):
        return Path(stated).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "koekao"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "koekao" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "koekao"


def _default_gb() -> float:
    stated = os.environ.get(SIZE_VARIABLE, "").strip()
    try:
        return float(stated) if stated else DEFAULT_GB
    except ValueError as error:
        raise ConfigError(f"{SIZE_VARIABLE}={stated!r}", expected="gigabytes, as 50 or 0.5") from error


@dataclass(frozen=True, kw_only=True)
class CacheConfig:
    """Where and how corpora from elsewhere are kept.

    Attributes:
        folder: by default $KOEKAO_CACHE, else ~/.cache/koekao (or the platform's place).
        gb: how large it may become, in 10**9 bytes; by default $KOEKAO_CACHE_GB, else 50.
        tries: how often a piece is asked for, and a file whose content is wrong fetched, before that is an error.
        timeout_s: how long a piece of 16 MB may take.
        n_threads: files that are fetched together ahead of the plan.
    """

    folder: Path = field(default_factory=_default_folder)
    gb: float = field(default_factory=_default_gb)
    tries: int = 4
    timeout_s: float = 60.0
    n_threads: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder).expanduser())
        if not self.gb > 0 or self.tries < 1 or not self.timeout_s > 0 or self.n_threads < 0:
            what = f"gb {self.gb}, tries {self.tries}, timeout_s {self.timeout_s}, n_threads {self.n_threads}"
            raise ConfigError(what, expected="gb and timeout_s above 0, at least 1 try, no fewer than 0 threads")

    @property
    def bytes(self) -> int:
        return int(self.gb * 1e9)


class Cache:
    """The cache of a configuration. It keeps nothing in memory; any number of them, in any process, are one cache."""

    def __init__(self, config: CacheConfig) -> None:
        self.config = config

    def folder_of(self, key: str) -> Path:
        """Where the corpus with the header hash ``key`` lies, or will.

        Raises:
            OutputError: the cache cannot be written.
        """
        folder = self.config.folder / _FOLDERS / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._cannot_write(error) from error
        return folder

    def reserve(self, file: Path, n_bytes: int, name: str, *, patient: bool = True) -> None:
        """Make room and take it: ``file`` is there with its full size, and no content yet.

        Args:
            name: what is to be fetched, for the message.
            patient: wait for what others are fetching; it can be removed as soon as it is here and not in use.

        Raises:
            CorpusError: more than the cache may hold is in use. OSError: it cannot be written.
        """
        until_s = time.monotonic() + (self.config.tries * self.config.timeout_s if patient else 0)
        while True:
            with self._alone():
                over, coming = self._make_room(n_bytes)
                if over > 0:
                    let_go_all()
                    over, coming = self._make_room(n_bytes)
                if over <= 0:
                    with file.open("xb") as empty:
                        empty.truncate(n_bytes)
                    return
            if not coming or time.monotonic() >= until_s:
                what = f"no room for {n_bytes / 1e6:,.1f} MB: of the cache's {self.config.gb:g} GB too much is in use"
                do = f"let it hold more ({SIZE_VARIABLE}), or pack in smaller shards (koekao pack --shard-mb)"
                raise CorpusError(what, where=name, expected=f"{over / 1e6:,.1f} MB more", do=do)
            time.sleep(_LOOK_EVERY_S)

    def used_bytes(self) -> int:
        """What lies in the cache, and what is on its way to it."""
        return sum(seen.st_size for _, seen in self._files())

    def _make_room(self, n_bytes: int) -> tuple[int, bool]:
        """Remove what must go for ``n_bytes``; how many are still too many, and whether some are on their way."""
        settle_all()
        for folder in self._all_folders():
            sweep_folder(folder)
        files = sorted(self._files(), key=lambda file: file[1].st_atime_ns)
        over = sum(seen.st_size for _, seen in files) + n_bytes - self.config.bytes
        coming = False
        for path, seen in files:
            number = _number_of(path)
            if over <= 0:
                break
            if number is None:
                coming = True
            elif leases_of(path.parent).try_remove(number, path):
                over -= seen.st_size
        return over, coming

    def _all_folders(self) -> Iterator[Path]:
        for folder, _, _ in os.walk(self.config.folder / _FOLDERS):
            yield Path(folder)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self.config.folder / _FOLDERS):
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # another process has removed it
                    if name != LOCK_FILE:
                        path = Path(folder) / name
                        yield path, path.stat()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One of all threads of all processes, for the moment that it takes to look and to remove."""
        with _ALONE, contextlib.ExitStack() as stack:
            self.config.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.config.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
            stack.callback(os.close, descriptor)
            with contextlib.suppress(ImportError, OSError):  # there are no locks here
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def _cannot_write(self, error: OSError) -> OutputError:
        do = f"say another place for it: {CACHE_VARIABLE}"
        return OutputError(f"the cache cannot be written ({error.strerror})", where=self.config.folder, do=do)


def _number_of(path: Path) -> int | None:
    """The lease that a file of the cache falls under; None for what is not to be removed."""
    shard = _SHARD.fullmatch(path.name)
    return int(shard[1]) if shard else OPEN if path.name in _SMALL else None


def _after_fork() -> None:
    global _ALONE
    _ALONE = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
