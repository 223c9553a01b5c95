"""Fault 6: /dev/shm full, a worker killed, a worker that hangs: an error in time that says so, or no trouble at all."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from processes import children_of, group_is_gone

from koekao.batches import kernel
from koekao.batches.crew import Ahead
from koekao.batches.sources import Block
from koekao.errors import BatchError
from koekao.testing.laws import assert_same_batches
from small_loaders import streams

NO_ROOM = """
import sys, time
from pathlib import Path
from koekao.batches import AdaptiveSequentialDataset, ClipDataset, Loader, StreamSpec
from koekao.corpus import Corpus
from koekao.errors import BatchError
from koekao.testing.laws import assert_same_batches, kept
try:
    Path("/dev/shm/one_byte_more").write_bytes(b"x")
except OSError:
    print("full")
corpus, spec = Corpus.open(sys.argv[1]), StreamSpec(window_frames=8)
assert_same_batches(Loader(corpus, spec, num_workers=2), kept(Loader(corpus, spec)))
print("loaded")
for view in (AdaptiveSequentialDataset, ClipDataset):
    began = time.monotonic()
    try:
        view(corpus, window_frames=8)
    except BatchError as error:
        assert error.where == "/dev/shm" and "use a koekao Loader" in error.do, error
        assert time.monotonic() - began < 5
        print("refused")
"""


def test_fault_06_without_shared_memory_the_loader_works_and_the_views_say_what_is_missing(small: Any) -> None:
    """A full tmpfs of 64 KiB over /dev/shm, in a mount namespace of its own that is gone with the process."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("this user may make no mount namespace (unshare -m)")
    mount = 'mount -t tmpfs -o size=64k tmpfs /dev/shm || exit 77; head -c 64k /dev/zero > /dev/shm/full; exec "$@"'
    use = [sys.executable, "-c", NO_ROOM, str(small.corpus.path)]
    done = subprocess.run(["unshare", "-m", "sh", "-c", mount, "sh", *use], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(f"a tmpfs is not allowed here: {done.stderr.strip()}")
    assert (done.returncode, done.stdout.split()) == (0, ["full", "loaded", "refused", "refused"]), done.stderr


KILL = """
import json, os, signal, sys, time
from torch.utils.data import DataLoader, get_worker_info
from koekao.batches import AdaptiveSequentialDataset, ClipDataset
from koekao.corpus import Corpus

made = 0

def stop_in_the_second_batch(item, _):
    global made
    made += 1
    if made > 4 and get_worker_info().id == 1:
        time.sleep(60)
    return item

corpus, said = Corpus.open(sys.argv[1]), []
for kind in (AdaptiveSequentialDataset, ClipDataset):
    dataset = kind(corpus, window_frames=8, batch_size=4, transform=stop_in_the_second_batch)
    loader = DataLoader(dataset, 4, num_workers=2, multiprocessing_context="fork")
    batches = iter(loader)
    next(batches), next(batches)  # nothing of the second worker is under way any more
    pid, began = batches._workers[1].pid, time.monotonic()
    try:
        os.kill(pid, signal.SIGKILL)
        for _ in batches:
            pass
    except RuntimeError as error:
        said.append({"pid": pid, "text": str(error), "seconds": time.monotonic() - began})
    del batches
print(json.dumps(said), flush=True)
sys.stdin.readline()
"""


def test_fault_06_a_worker_process_that_is_killed_is_named_in_time(small: Any) -> None:
    """In a process of its own, for torch raises the error wherever the signal that a child has died comes in."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", KILL, str(small.corpus.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    said = json.loads(child.stdout.readline())
    assert len(said) == 2
    for kill in said:
        assert re.search(rf"worker \(pid(\(s\))? {kill['pid']}\)", kill["text"])
        assert kill["seconds"] < 5
    assert children_of(child.pid) == []
    child.communicate("go\n")
    assert group_is_gone(child.pid)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_fault_06_a_thread_that_hangs_is_an_error_in_time(
    small: Any, monkeypatch: pytest.MonkeyPatch, num_workers: int
) -> None:
    loader = streams(small.corpus, num_workers=num_workers, timeout_s=0.3)
    real, main, hangs = Block.refuse_truncated, threading.current_thread(), threading.Event()

    def hang(block: Any, first: int, end: int) -> None:
        if threading.current_thread() is not main:
            hangs.wait(20)
        real(block, first, end)

    def help_unless_main(self: Any, order: Any) -> float:
        """Whoever iterates does not help: the disk hangs for all."""
        return 0.0 if threading.current_thread() is main else real_help(self, order)

    monkeypatch.setattr(Block, "refuse_truncated", hang)
    real_help = Ahead._help
    monkeypatch.setattr(Ahead, "_help", help_unless_main)
    began = time.monotonic()
    with pytest.raises(BatchError, match=r"batch 0 has not come within 0.3 s") as caught:
        next(iter(loader))
    assert time.monotonic() - began < 5
    assert "timeout_s" in caught.value.do and str(small.corpus.path) in str(caught.value)
    hangs.set()
    monkeypatch.undo()
    assert_same_batches(loader, streams(small.corpus))


def test_fault_06_where_a_thread_hangs_the_others_make_the_batch(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only as many threads as there are cores beside are woken for a batch; where it is late, all of them are."""
    monkeypatch.setattr("koekao.batches.crew._CORES_BESIDE", 1)
    iterations, made = [], Ahead.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        iterations.append(self)

    monkeypatch.setattr(Ahead, "__init__", init)
    loader = streams(small.corpus, num_workers=2, timeout_s=5.0)
    batches = iter(loader)
    next(batches)
    (ahead,) = iterations
    while not all(ahead._sleeps):
        time.sleep(0.001)
    hangs, real = threading.Event(), Ahead._help
    threads: dict[str, None] = {}

    def help_or_hang(self: Any, order: Any) -> float:
        name = threading.current_thread().name
        threads[name] = None
        if name.endswith("_0"):
            hangs.wait(20)
        if threading.current_thread() is not threading.main_thread():
            return real(self, order)
        kernel.look(order.at)
        return 0.0

    monkeypatch.setattr(Ahead, "_help", help_or_hang)
    ahead._told_until_s = 0.0  # so that whoever iterates asks for help, too
    try:
        next(batches), next(batches)
    finally:
        hangs.set()
    assert "koekao-gather_1" in threads
    batches.close()
