"""Fault 8: an iterator left early a hundred times, and Ctrl-C: nothing is left behind, and the end comes in time."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from processes import group_is_gone, leaving_nothing_behind

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, Loader, StreamSpec, kernel
from koekao.testing.laws import assert_same_batches, kept
from small_loaders import gatherers, streams, torch_loader, with_worker_processes

pytestmark = with_worker_processes


@pytest.mark.parametrize("persistent", [False, True])
def test_fault_08_a_loader_left_a_hundred_times_leaves_nothing_behind(small: Any, persistent: bool) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), num_workers=2, persistent_workers=persistent)
    loader.batch(0)  # the corpus keeps a descriptor of each shard that was read
    with leaving_nothing_behind():
        for _ in range(100):
            next(iter(loader))
            assert len(gatherers()) <= 2 * persistent
        if persistent:
            assert len(gatherers()) == 2
            loader.close()
    assert_same_batches(loader, streams(small.corpus))


def test_fault_08_a_loader_that_is_forgotten_takes_its_threads_along(small: Any) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), num_workers=2, persistent_workers=True)
    kept(loader)
    threads = gatherers()
    assert len(threads) == 2
    del loader
    gc.collect()
    for thread in threads:
        thread.join(5)
    assert gatherers() == []


def test_fault_08_threads_that_are_gathering_when_it_is_left_are_waited_for(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A moment: what they write into is used again. Only a thread that hangs is given up, and its memory with it."""
    loader = streams(small.corpus, num_workers=1, persistent_workers=True)
    kept(loader)
    (thread,), ring = gatherers(), loader._ring
    fill_ahead, is_gathering = kernel.fill_ahead, threading.Event()

    def slowly(order: Any) -> int:
        if threading.current_thread() is thread:
            is_gathering.set()
            time.sleep(0.05)
        return int(fill_ahead(order))

    monkeypatch.setattr(kernel, "fill_ahead", slowly)
    iteration = iter(loader)
    next(iteration)
    assert is_gathering.wait(5)
    iteration.close()  # type: ignore[attr-defined]
    assert gatherers() == [thread]
    assert loader._ring is ring
    loader.close()


@pytest.mark.parametrize("kind", [AdaptiveSequentialDataset, ClipDataset])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_fault_08_a_view_left_again_and_again_leaves_nothing_behind(small: Any, kind: Any, num_workers: int) -> None:
    """A hundred times without workers; a start of worker processes costs too much for more than five."""
    dataset = kind(small.corpus, window_frames=8)
    next(iter(torch_loader(dataset, num_workers)))  # what torch keeps for good is made
    with leaving_nothing_behind():
        for _ in range(5 if num_workers else 100):
            next(iter(torch_loader(dataset, num_workers)))


START = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored by what it starts behind itself
from koekao.batches import AdaptiveSequentialDataset, Loader, StreamSpec
from koekao.batches.sources import Block
from koekao.corpus import Corpus
corpus, spec = Corpus.open(sys.argv[1]), StreamSpec(window_frames=8)
"""
ITERATE = """
while True:
    for batch in loader:
        print("going", flush=True)
        time.sleep(0.01)
"""
LOADERS = {
    "threads": "loader = Loader(corpus, spec, num_workers=2)",
    "lasting threads": "loader = Loader(corpus, spec, num_workers=2, persistent_workers=True)",
    "threads that hang": """
real = Block.refuse_truncated
def refuse_truncated(block, first, end):
    if threading.current_thread() is not threading.main_thread():
        time.sleep(60)
    real(block, first, end)
Block.refuse_truncated = refuse_truncated
loader = Loader(corpus, spec, num_workers=2)
""",
    "worker processes": """
from torch.utils.data import DataLoader
loader = DataLoader(AdaptiveSequentialDataset(corpus, spec), 4, num_workers=2, multiprocessing_context="fork")
""",
}


def start(loader: str, corpus: Any) -> subprocess.Popen[str]:
    """A process in a group of its own that iterates over the loader."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", START + loader + ITERATE, str(corpus.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("kind", LOADERS)
def test_fault_08_ctrl_c_ends_the_process_in_two_seconds(small: Any, kind: str) -> None:
    """As a terminal sends it: to the process and to all that it started.

    On a busy machine any process takes long to end, so a second one, that has nothing to wait for, gives the pace.
    """
    child, pace = start(LOADERS[kind], small.corpus), start("loader = Loader(corpus, spec)", small.corpus)
    ended_s: dict[int, float] = {}
    for one in (child, pace):
        assert one.stdout is not None
        assert [one.stdout.readline() for _ in range(3)] == ["going\n"] * 3
    began = time.monotonic()
    for one in (child, pace):
        os.killpg(one.pid, signal.SIGINT)
    while len(ended_s) < 2 and time.monotonic() - began < 30:
        ended_s |= {
            one.pid: time.monotonic() - began
            for one in (child, pace)
            if one.pid not in ended_s and one.poll() is not None
        }
        time.sleep(0.005)
    assert ended_s[child.pid] < 1.5 + ended_s[pace.pid]
    _, said = child.communicate()
    pace.communicate()
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert child.returncode == -signal.SIGINT
    assert group_is_gone(child.pid)
