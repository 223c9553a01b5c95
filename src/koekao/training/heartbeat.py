"""Is every rank still there? One that ends closes its connections; one that hangs, or whose machine is gone, does not.

Each rank counts up a number of its own in the store of the launch, from a thread that goes on while the rank computes
or validates. The first rank looks at all numbers, all others at that of the first, so W ranks ask 3 W questions a
round. Who finds a number that has stood still too long says so and ends this process, whose connections then tell the
others. It ends at once (``os._exit``), since the main thread waits inside a collective that no exception reaches;
nothing is lost but what came after the last checkpoint.

What it gives up: a rank that holds the interpreter for :data:`SILENT_AFTER_S` without a pause is taken for dead.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from torch.distributed import TCPStore  # type: ignore[attr-defined]  # it is public, and not said to be

BEAT_EVERY_S = 2.0
SILENT_AFTER_S = 20.0
EXIT_SILENT = 3
_ANSWER_WITHIN = timedelta(seconds=5)


class Heartbeat:
    """The threads of one rank; :meth:`stop` ends them.

    Args:
        rank, size: this rank, and how many there are. The environment says where the store of the launch is.
        attempt: the name of this start of them.
    """

    def __init__(self, rank: int, size: int, attempt: str) -> None:
        self._attempt = attempt
        self._rank, self._watched = rank, [other for other in (range(size) if rank == 0 else (0,)) if other != rank]
        self._over = threading.Event()
        self._seen = [0] * len(self._watched)
        works = (self._beat, self._look) if size > 1 else ()
        self._threads = [threading.Thread(target=work, name="koekao-heartbeat", daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Beat no more. A thread that were still inside the store when the interpreter ends would end it by a signal,
        so they are waited for, as long as a store takes to answer."""
        self._over.set()
        for thread in self._threads:
            thread.join(_ANSWER_WITHIN.total_seconds() + 1)

    def _beat(self) -> None:
        """Ask and tell. On a line that is cut this waits for ever, which is why another thread looks."""
        store: TCPStore | None = None
        while not self._over.wait(BEAT_EVERY_S):
            try:
                store = store or _store()
                store.add(self._key(self._rank), 1)
                self._seen = [store.add(self._key(other), 0) for other in self._watched]
            except RuntimeError:  # the store is on the first rank's machine: nothing is heard of any of them
                store = None

    def _look(self) -> None:
        watch = Watch(self._watched)
        while not self._over.wait(BEAT_EVERY_S):
            silent = watch.look(self._seen, time.monotonic())
            if silent is not None and not self._over.is_set():
                _end(self._rank, silent)

    def _key(self, rank: int) -> str:
        return f"{self._attempt}/beat/{rank}"


class Watch:
    """When each of ``ranks`` was last heard of."""

    def __init__(self, ranks: Sequence[int]) -> None:
        self.ranks, self.counts = ranks, [0] * len(ranks)
        self._looked_s = time.monotonic()
        self._heard_s = [self._looked_s] * len(ranks)

    def look(self, counts: Sequence[int], now_s: float) -> int | None:
        """A rank whose count has not moved for too long, if there is one.

        Where this process was itself away in between (stopped, a laptop that slept), all others get their time anew.
        """
        was_away = now_s - self._looked_s > SILENT_AFTER_S / 2
        for place, count in enumerate(counts):
            if count != self.counts[place] or was_away:
                self._heard_s[place] = now_s
        self.counts, self._looked_s = list(counts), now_s
        silent = [rank for rank, heard_s in zip(self.ranks, self._heard_s) if now_s - heard_s > SILENT_AFTER_S]
        return silent[0] if silent else None


def _store() -> TCPStore:
    """A connection of its own: what another thread waits for must not hold up the beat."""
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(host, port, is_master=False, timeout=_ANSWER_WITHIN, wait_for_workers=False)


def _end(rank: int, silent: int) -> None:
    what = f"rank {silent} has not been heard of for {SILENT_AFTER_S:g} s: it hangs, or its machine is gone"
    do = "look at that rank; the run can be resumed from its last checkpoint, by another number of ranks too"
    print(f"koekao: rank {rank}: {what}\n  -> {do}", file=sys.stderr, flush=True)
    os._exit(EXIT_SILENT)
