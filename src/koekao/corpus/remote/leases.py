"""Who uses a file of the cache: threads, and other processes, of a folder's files by number.

In one process a file is used as long as an object lives that was handed to ``keep`` (its map); nobody has to give it
back. Between processes each used file is one byte of the folder's lock file, locked shared: one descriptor a folder
however many files, gone with the process however it ends, and read by whoever wants to remove a file, which it must
lock alone first. What that gives up: a file that was let go stays locked until this process next fetches or removes
something; and on a file system without locks another process may remove what is mapped here, which on POSIX takes
the name away and not the content.

POSIX locks are the process', not the descriptor's: to close any descriptor of the file would drop them all. So a
folder's is opened once, and a process that was forked locks anew what it inherited.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LOCK_FILE = "lock"
OPEN = 1 << 40
"""In the place of a file's number: the folder itself is open, so its small files stay."""
_TURNS = 1 << 41
_LOOK_EVERY_S = 0.02

_LEASES: dict[str, Leases] = {}
_LEASES_LOCK = threading.Lock()
_HOLDERS: list[weakref.WeakMethod[Callable[[], None]]] = []


class Leases:
    """The leases of a folder, one object a process: :func:`leases_of`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
        self._users: dict[int, list[weakref.ref[Any]]] = {}
        self._pending: Counter[int] = Counter()
        self._turns: dict[int, threading.Lock] = {}
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def held(self, number: int) -> Iterator[Callable[[Any], None]]:
        """Nobody removes the file until this ends and every object handed to what is yielded is gone."""
        with self._lock:
            self._pending[number] += 1
            self._byte("LOCK_SH", number, wait=True)  # whoever has it alone is removing the file, and soon done
        try:
            yield lambda user: self._keep(number, user)
        finally:
            with self._lock:
                self._pending[number] -= 1
                self._let_go(number)

    def try_remove(self, number: int, path: Path) -> bool:
        """Remove the file unless somebody uses it; whether it is gone."""
        with self._lock:
            self._let_go(number)
            if self._is_used(number) or not self._byte("LOCK_EX", number, wait=False):
                return False
            try:
                path.unlink(missing_ok=True)
            finally:
                self._byte("LOCK_UN", number, wait=False)
            return True

    def settle(self) -> None:
        """Let go of what nobody here uses any more."""
        with self._lock:
            for number in list(self._users):
                self._let_go(number)

    @contextlib.contextmanager
    def turn(self, number: int, is_done: Callable[[], bool], most_s: float) -> Iterator[None]:
        """One thread of one process at a time; the others wait, until it ``is_done`` or that takes too long."""
        with self._lock:
            mine = self._turns.setdefault(number, threading.Lock())
        with mine:
            until_s, got = time.monotonic() + most_s, self._byte("LOCK_EX", _TURNS + number, wait=False)
            while not got and not is_done() and time.monotonic() < until_s:
                time.sleep(_LOOK_EVERY_S)
                got = self._byte("LOCK_EX", _TURNS + number, wait=False)
            try:
                yield
            finally:
                if got:
                    self._byte("LOCK_UN", _TURNS + number, wait=False)

    def _keep(self, number: int, user: Any) -> None:
        with self._lock:
            self._users.setdefault(number, []).append(weakref.ref(user))

    def _is_used(self, number: int) -> bool:
        return self._pending[number] > 0 or number in self._users

    def _let_go(self, number: int) -> None:
        living = [user for user in self._users.pop(number, []) if user() is not None]
        if living:
            self._users[number] = living
        if not self._is_used(number):
            del self._pending[number]
            self._byte("LOCK_UN", number, wait=False)

    def _byte(self, how: str, number: int, *, wait: bool) -> bool:
        """Lock or unlock a byte; False where another process keeps it from us. True where there are no locks."""
        try:
            import fcntl
        except ImportError:  # not on every system
            return True
        command = int(getattr(fcntl, how)) | (0 if wait or how == "LOCK_UN" else fcntl.LOCK_NB)
        try:
            fcntl.lockf(self._descriptor, command, 1, number)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:
            return True
        return True

    def _after_fork(self) -> None:
        self._lock, self._turns, self._pending = threading.RLock(), {}, Counter()
        for number in self._users:
            self._byte("LOCK_SH", number, wait=False)


def leases_of(folder: Path) -> Leases:
    """This process' leases of a folder of the cache."""
    key = os.path.realpath(folder)
    with _LEASES_LOCK:
        if key not in _LEASES:
            _LEASES[key] = Leases(folder)
        return _LEASES[key]


def on_need(let_go: Callable[[], None]) -> None:
    """Have a bound method called when room is needed, as long as its object lives: it may hold what nobody uses."""
    _HOLDERS.append(weakref.WeakMethod(let_go))


def let_go_all() -> None:
    """Have everything let go that is only held in case that it is used again."""
    _HOLDERS[:] = [holder for holder in _HOLDERS if holder() is not None]
    for holder in list(_HOLDERS):
        let_go = holder()
        if let_go is not None:
            let_go()
    settle_all()


def settle_all() -> None:
    """Let go of everything that nobody in this process uses any more."""
    with _LEASES_LOCK:
        every = list(_LEASES.values())
    for leases in every:
        leases.settle()


def _after_fork() -> None:
    global _LEASES_LOCK
    _LEASES_LOCK = threading.Lock()
    for leases in _LEASES.values():
        leases._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
