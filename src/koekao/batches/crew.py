"""Threads that gather batches ahead of whoever iterates.

Threads, not processes: a gather is compiled code with the interpreter lock released, and sending a batch between
processes costs more than making it. A thread that has leave for its next batch does not come back to the interpreter
at all: leave and completion are numbers in shared memory (``fill_ahead`` in :mod:`koekao.batches.kernel`). Handing over
each batch by a queue was measured to cost as much as the batch. A thread without leave looks for it some forty
microseconds, then sleeps until it is woken: to be woken takes longer than a batch, but beside a training step the
threads take no time that they do not gather in. Threads beyond the number of cores sleep until a batch is late although
all cores were at it: when a disk is waited for.

Threads are daemons, so that one that hangs in the operating system (a network share that is gone) cannot keep the
process alive; a crew that is closed or forgotten, or the end of the process, sends them home in an orderly way.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic, sleep

import numpy as np

from koekao.batches import kernel, numbering
from koekao.batches.ring import Place, Ring
from koekao.batches.slots import Batch
from koekao.batches.sources import PlannedBlocks
from koekao.errors import BatchError

_JOIN_S = 0.3
_LOOKS = 30_000
"""Times that a thread without leave looks for it before it sleeps: some forty microseconds."""
_TOGETHER, _BY_TURNS = 2, 1
"""Rows that a thread begins at once where they overlap, and where they lie apart. With more of the first, the last
thread of a batch is waited for too long; with more of the second, threads ask more of the memory than it can give."""
_SHORTEST_SLEEP_S, _LONGEST_SLEEP_S = 2e-5, 1e-3
_CORES_BESIDE = max(1, len(os.sched_getaffinity(0)) - 1) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Threads that can gather while another core iterates; more would only take turns with it."""
_AT_A_TIME = 16
"""Batches between two looks at whether the files are still whole."""

Task = Callable[[], None]
Tasks = SimpleQueue[Task | None]


class Crew:
    """``n`` threads, each doing the tasks that it is given."""

    def __init__(self, n: int) -> None:
        self.tasks: list[Tasks] = [SimpleQueue() for _ in range(n)]
        threads = [
            threading.Thread(target=_work, args=(tasks,), name=f"koekao-gather_{number}", daemon=True)
            for number, tasks in enumerate(self.tasks)
        ]
        for thread in threads:
            thread.start()
        self._threads = threads
        self._dismissal = weakref.finalize(self, _dismiss, self.tasks, threads, _JOIN_S)

    def close(self, *, wait: bool = True) -> None:
        """Send the threads home and wait for them, for a moment at most; not at all where one is known to hang."""
        if self._dismissal.detach():
            _dismiss(self.tasks, self._threads, _JOIN_S if wait else 0.0)


def _work(tasks: Tasks) -> None:
    while (task := tasks.get()) is not None:
        task()
        del task  # what it holds must not live until the next one comes


def _dismiss(tasks: list[Tasks], threads: list[threading.Thread], wait_s: float) -> None:
    for own in tasks:
        own.put(None)
    until_s = monotonic() + wait_s
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, until_s - monotonic()))


class Ahead:
    """One iteration over batches that a crew gathers ahead, all threads together row by row, in order.

    Whoever iterates and finds a batch unfinished helps to finish it before waiting.

    Args:
        numbers: the batches to deliver.
        ahead: how many may wait or be in the making beside the one that is asked for.
        timeout_s: how long a batch may take; 0 = as long as it will.
    """

    def __init__(
        self, crew: Crew, blocks: PlannedBlocks, ring: Ring, numbers: range, *, ahead: int, timeout_s: float
    ) -> None:
        self._crew, self._blocks, self._ring, self._numbers = crew, blocks, ring, numbers
        self._ahead, self._timeout_s = ahead, timeout_s
        self._turn = ring.turn
        self._n_rows = blocks.n_rows
        signals = np.zeros(numbering.FIRST_MADE + numbering.APART * ring.n, np.int64)
        self._signals = memoryview(signals)  # type: ignore[arg-type]
        self._orders = [self._order(signals.ctypes.data) for _ in crew.tasks]
        self._own_order = self._order(signals.ctypes.data)
        """Of whoever iterates."""
        self._told_until_s = 0.0
        self._wakers: list[SimpleQueue[None]] = [SimpleQueue() for _ in crew.tasks]
        self._sleeps = [False] * len(crew.tasks)
        self._gone: SimpleQueue[None] = SimpleQueue()
        self._fault: tuple[int, BaseException] | None = None
        self._cancelled = False

    def _order(self, signals: int) -> kernel.Order:
        order, ring = kernel.Order(), self._ring
        for entry, number in (
            *((numbering.N_ROWS, self._n_rows), (numbering.LAYOUT, ring.layout.address), (numbering.TO, ring.address)),
            *((numbering.TO_BYTES, ring.to.strides[0]), (numbering.N_PLACES, ring.n), (numbering.TURN, self._turn)),
            *((numbering.SIGNALS, signals), (numbering.UNTIL, -1), (numbering.LOOKS, _LOOKS)),
            *((numbering.TOGETHER, _TOGETHER), (numbering.BY_TURNS, _BY_TURNS)),
        ):
            order.say[entry] = number
        return order

    def deliver(self) -> Iterator[Batch]:
        """The batches, in order."""
        for thread, tasks in enumerate(self._crew.tasks):
            tasks.put(partial(self._gather, thread))
        places: deque[Place] = deque()  # of the batches that may be made, from the one that is asked for on
        n_sent, n_all = 0, len(self._numbers)
        try:
            for n, number in enumerate(self._numbers):
                last = min(n + self._ahead + 1, n_all)
                for more in range(n + len(places), last):
                    places.append(self._ring.prepare(self._turn + more))
                self._own_order.say[numbering.LEAVE] = last * self._n_rows
                if True in self._sleeps[:_CORES_BESIDE]:  # leave comes at once, and not with the first help
                    kernel.permit(self._own_order.at)
                    self._wake(_CORES_BESIDE)
                self._wait_for(n)
                if True in self._sleeps[:_CORES_BESIDE] and self._n_claimed() < last * self._n_rows:
                    self._wake(_CORES_BESIDE)  # who fell asleep between the question and the leave
                while self._ring.sends and n_sent < last and (n_sent == n or self._is_made(n_sent)):
                    places[n_sent - n].send()
                    n_sent += 1
                self._ring.turn += 1
                yield places.popleft().deliver(self._blocks.names(number))
        finally:
            self._stop()

    def _wake(self, most: int) -> None:
        """Wake those of the first ``most`` threads that sleep."""
        for thread, sleeps in enumerate(self._sleeps[:most]):
            if sleeps:
                self._wakers[thread].put(None)

    def _is_made(self, n: int) -> bool:
        self._own_order.say[numbering.UNTIL] = (self._turn + n) % self._ring.n
        kernel.look(self._own_order.at)
        return bool(self._own_order.say[numbering.IS_MADE])

    def _wait_for(self, n: int) -> None:
        """Help until the n-th batch is made. Raises whatever went wrong instead."""
        order, until_s, pause_s = self._own_order, 0.0, _SHORTEST_SLEEP_S
        order.say[numbering.UNTIL] = (self._turn + n) % self._ring.n
        if (n + 1) * self._n_rows <= order.say[numbering.END_ROW] and monotonic() < self._told_until_s:
            kernel.fill_ahead(order.at)  # what was told for a batch before holds for this one
        else:
            kernel.permit(order.at)  # first: without leave an older batch would be taken for this one
            if not self._is_made(n):
                self._told_until_s = self._help(order)
        while not (order.say[numbering.IS_MADE] or (self._fault is not None and self._is_made(n))):
            self._refuse_fault(n)
            now_s = monotonic()
            until_s = until_s or now_s + (self._timeout_s or float("inf"))
            if now_s > until_s:
                self._ring.is_lost = True
                raise BatchError(
                    f"batch {self._numbers[n]} has not come within {self._timeout_s:g} s: a gathering thread hangs",
                    where=self._blocks.where,
                    do="look at the disk or network share that the corpus lies on, or allow more with timeout_s",
                )
            self._wake(len(self._wakers))
            sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_SLEEP_S)
            self._told_until_s = self._help(order)

    def _refuse_fault(self, n: int) -> None:
        """Raise what went wrong if it keeps the n-th batch from being made."""
        if self._fault is not None and self._fault[0] <= n:
            self._blocks.refuse(self._numbers[n], self._fault[1])

    def _gather(self, thread: int) -> None:
        """What a thread does in this iteration."""
        while self._fault is None and self._has_leave(thread):
            self._help(self._orders[thread])
        self._gone.put(None)

    def _has_leave(self, thread: int) -> bool:
        """Sleep until there are rows to make; False when there will be none or nobody wants them any more.

        A thread beyond the cores sleeps until it is missed, and again after each time.
        """
        is_spare = thread >= _CORES_BESIDE
        while (row := self._n_claimed()) >= self._signals[numbering.PERMITTED] or is_spare:
            if self._cancelled or row >= len(self._numbers) * self._n_rows:
                return False
            self._sleeps[thread] = True  # said before the second look, so that leave given after it wakes
            if (is_spare or row >= self._signals[numbering.PERMITTED]) and not self._cancelled:
                self._wakers[thread].get()
            self._sleeps[thread] = is_spare = False
        return not self._cancelled

    def _n_claimed(self) -> int:
        """Rows that somebody has begun."""
        return self._signals[numbering.CLAIMED]

    def _help(self, order: kernel.Order) -> float:
        """Make rows, for some batches at the most; whatever goes wrong is left for the one who iterates.

        Returns:
            Until when (monotonic) the same may be ordered again without another look at the files.
        """
        order.held = None  # the cache of a remote corpus may want its room
        n = min(self._n_claimed() // self._n_rows, len(self._numbers) - 1)  # the last: to wait for, not to begin
        try:
            block, row, end = self._blocks.find(self._numbers[n])
            count = min(end - self._numbers[n], len(self._numbers) - n, _AT_A_TIME) * self._n_rows
            block.refuse_truncated(row, row + count)
        except BaseException as fault:  # noqa: BLE001 - raised again where the batch is waited for
            self._fault, order.say[numbering.IS_MADE] = self._fault or (n, fault), 0
            return 0.0
        block.tell(order, row)
        first = order.say[numbering.FIRST_ROW] = n * self._n_rows
        order.say[numbering.END_ROW] = first + count
        kernel.fill_ahead(order.at)
        if not self._blocks.are_kept:
            return 0.0
        order.held = block  # whose addresses were told
        return block.good_until_s

    def _stop(self) -> None:
        """No thread may write into the ring any more when this is over; unless one hangs: the ring is lost."""
        self._cancelled = True
        until_s = monotonic() + _JOIN_S
        for waker in self._wakers:
            waker.put(None)
        for _ in self._wakers:
            try:
                self._gone.get(timeout=max(0.001, until_s - monotonic()))
            except Empty:
                self._ring.is_lost = True
                return
