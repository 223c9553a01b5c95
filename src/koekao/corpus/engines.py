"""Who reads the takes of a packing: this thread, threads, processes, or Ray. The corpus is the same to the byte.

Reading and checking a take is a function of its files, and takes are handed on in the order of their names whoever read
them, so nothing of an engine gets into a corpus; writing stays with the one who packs. At most two takes a worker are
on their way, so memory does not grow with the folder.

A worker that is killed takes no take with it: what it had is read again. A take during which workers die again and
again is refused like any other that cannot be used. Processes are those of the standard library: joblib's are the same
with more manners, but give up the whole packing when one is killed, and hand results over no sooner.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from koekao.corpus.admission import Admission, Candidate
from koekao.errors import ConfigError, TakeError
from koekao.takes.take import Take

EngineName = Literal["inline", "threads", "processes", "ray"]
ENGINES: tuple[EngineName, ...] = ("inline", "threads", "processes", "ray")
MOST_DEATHS = 3
"""Workers that may die over one take."""
_AHEAD = 2

Answer = Take | TakeError
Read = Generator[tuple[Candidate, Answer], None, None]


def read_takes(engine: EngineName, n_workers: int, admission: Admission, candidates: Iterable[Candidate]) -> Read:
    """Each candidate with its take, or why it is refused, in the order of the candidates.

    Args:
        n_workers: threads or processes; 0 = one a core (with Ray: a CPU of the cluster).

    Raises:
        ConfigError: Ray is not installed, or there is no cluster.
    """
    workers = n_workers or _n_cores()
    if engine == "threads":
        return _by_threads(workers, admission, candidates)
    if engine == "processes":
        return _by_processes(workers, admission, candidates)
    if engine == "ray":
        return _by_ray(n_workers, admission, candidates)
    return ((candidate, admission.read(candidate)) for candidate in candidates)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(admission: Admission, candidate: Candidate) -> Answer:
    return admission.read(candidate)


def _alone(admission: Admission, candidate: Candidate) -> Admission:
    """What another process has to know of who may come: this one."""
    return replace(admission, members={n: admission.members[n] for n in (candidate.name,) if n in admission.members})


def _by_threads(workers: int, admission: Admission, candidates: Iterable[Candidate]) -> Read:
    with ThreadPoolExecutor(workers, "koekao-pack") as pool:
        coming: deque[tuple[Candidate, Future[Answer]]] = deque()
        try:
            for candidate in candidates:
                coming.append((candidate, pool.submit(_read, admission, candidate)))
                if len(coming) >= _AHEAD * workers:
                    done, future = coming.popleft()
                    yield done, future.result()
            while coming:
                done, future = coming.popleft()
                yield done, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Processes:
    """Processes that are replaced when they die, and what they are at."""

    def __init__(self, workers: int, admission: Admission) -> None:
        self._workers, self._admission = workers, admission
        self._pool: Executor = self._new_pool()
        self.coming: deque[tuple[Candidate, Future[Answer]]] = deque()

    def _new_pool(self) -> Executor:
        from multiprocessing import get_context

        return ProcessPoolExecutor(self._workers, get_context("spawn"), initializer=_ignore_interrupt)

    def submit(self, candidate: Candidate) -> None:
        self.coming.append((candidate, self._submitted(candidate)))

    def next(self) -> tuple[Candidate, Answer]:
        """The oldest candidate and its answer."""
        candidate, future = self.coming.popleft()
        try:
            return candidate, future.result()
        except BrokenProcessPool:
            return candidate, self._read_again(candidate)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submitted(self, candidate: Candidate) -> Future[Answer]:
        try:
            return self._pool.submit(_read, _alone(self._admission, candidate), candidate)
        except BrokenProcessPool as broken:  # known as soon as it is asked for
            future: Future[Answer] = Future()
            future.set_exception(broken)
            return future

    def _read_again(self, candidate: Candidate) -> Answer:
        """Read it by itself, so that whoever dies over it dies alone; then the others set out anew."""
        waiting = [other for other, _ in self.coming]
        self.coming.clear()
        answer: Answer = _deadly(candidate)
        for _ in range(MOST_DEATHS - 1):
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = self._new_pool()
            with suppress(BrokenProcessPool):
                answer = self._submitted(candidate).result()
                break
        else:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = self._new_pool()
        for other in waiting:
            self.submit(other)
        return answer


def _by_processes(workers: int, admission: Admission, candidates: Iterable[Candidate]) -> Read:
    processes = _Processes(workers, admission)
    try:
        for candidate in candidates:
            processes.submit(candidate)
            if len(processes.coming) >= _AHEAD * workers:
                yield processes.next()
        while processes.coming:
            yield processes.next()
    finally:
        processes.close()


def _by_ray(n_workers: int, admission: Admission, candidates: Iterable[Candidate]) -> Read:
    """Ray's own tries: a task whose worker or node is gone is run again elsewhere. All nodes must see the takes."""
    ray = _ray()
    is_ours = not ray.is_initialized()
    if is_ours:
        _join_cluster(ray, n_workers)
    workers = n_workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    read: Callable[..., Any] = ray.remote(_read).options(max_retries=MOST_DEATHS - 1).remote
    coming: deque[tuple[Candidate, Any]] = deque()

    def answer(candidate: Candidate, reference: Any) -> tuple[Candidate, Answer]:
        try:
            return candidate, ray.get(reference)
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError):
            return candidate, _deadly(candidate)

    try:
        for candidate in candidates:
            coming.append((candidate, read(_alone(admission, candidate), candidate)))
            if len(coming) >= _AHEAD * workers:
                yield answer(*coming.popleft())
        while coming:
            yield answer(*coming.popleft())
    finally:
        if is_ours:
            ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ConfigError("engine 'ray' needs Ray", do='pip install "koekao[ray]", or --engine processes') from error
    return ray


def _join_cluster(ray: Any, n_workers: int) -> None:
    """The cluster that $RAY_ADDRESS names, else one of this machine alone."""
    address = os.environ.get("RAY_ADDRESS")
    local = {} if address else {"num_cpus": n_workers or None, "include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, **local)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        do = "ray start --head, or unset RAY_ADDRESS"
        raise ConfigError(f"no Ray cluster ({error})", where=address or "", do=do) from error


def _deadly(candidate: Candidate) -> TakeError:
    what = f"whoever reads it dies: {MOST_DEATHS} worker processes were lost over it"
    return TakeError(what, where=candidate.name, do="look at its size and at the memory of the machine")


def _ignore_interrupt() -> None:
    """Ctrl-C is for the one who packs; he sends the others home."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
