"""Fetching ahead: a few threads that have files in the cache before somebody waits for them.

What is wanted is said anew as the plan goes on, and the newest word counts. Threads begin when something is wanted and
end when nothing is; they are daemons, so a server that hangs keeps no process alive. What goes wrong here is not
said, and nothing more is fetched then until the next word: whoever needs the file fetches it himself, and is told.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence

from koekao.errors import KoekaoError

Wish = tuple[str, Callable[[], None]]
"""The name of a file, and how to have it."""


class Ahead:
    """At most ``n_threads`` threads that work off the newest wishes, first things first."""

    def __init__(self, n_threads: int) -> None:
        self._n_threads, self._pid = n_threads, os.getpid()
        self._begin()

    def _begin(self) -> None:
        self._wishes: deque[Wish] = deque()
        self._at_work: set[str] = set()
        self._n_running = 0
        self._lock = threading.Lock()

    def want(self, wishes: Sequence[Wish]) -> None:
        """Have these, and forget what was wanted before."""
        if self._pid != os.getpid():  # the threads stayed behind in the process that this one was forked from
            self._pid = os.getpid()
            self._begin()
        with self._lock:
            self._wishes = deque(wish for wish in wishes if wish[0] not in self._at_work)
            n_new = min(self._n_threads - self._n_running, len(self._wishes))
            self._n_running += max(0, n_new)
        for _ in range(n_new):
            threading.Thread(target=self._work, name="koekao-ahead", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wishes:
                    self._n_running -= 1
                    return
                name, have = self._wishes.popleft()
                self._at_work.add(name)
            try:
                have()
            except (KoekaoError, OSError):
                with self._lock:
                    self._wishes.clear()
            finally:
                with self._lock:
                    self._at_work.discard(name)
