"""Law: where a node is gone, torchrun starts those that are left, and they go on exactly at the last checkpoint.

Two agents of torchrun, each a node of one process (``--nnodes 1:2``). The second node is killed, agent and rank, after
some steps; the first goes on by itself with the same command, and ends as the run that one process did alone: the same
batches in the same order, over one rank instead of two.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ranks
from test_distributed import STEPS, environment, largest_difference, settings, spoken

from koekao.corpus import Corpus

__all__ = ["spoken"]
QUICK = "timeout=60,last_call_timeout=2,keep_alive_interval=1,keep_alive_max_attempt=2,read_timeout=20"


def agent(port: int, corpus: Corpus, jobs: Path) -> subprocess.Popen[bytes]:
    """A node, which joins the others at ``port`` and is told nothing of them."""
    words = ["--nnodes", "1:2", "--nproc-per-node", "1", "--max-restarts", "3", "--rdzv-backend", "c10d"]
    words += ["--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", "elastic", "--rdzv-conf", QUICK]
    words += ["--local-addr", "127.0.0.1", "--monitor-interval", "0.2", ranks.__file__, str(corpus.path), str(jobs)]
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", *words]
    return subprocess.Popen(command, env=environment(), start_new_session=True, stderr=subprocess.DEVNULL)


def killed_whole(process: subprocess.Popen[bytes]) -> None:
    """The agent, and the rank it started, which is a session of its own."""
    children = [
        int(pid)
        for pid in subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
        ).stdout.split()
    ]
    for pid in [process.pid, *children]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def events_of(run: Path) -> list[dict[str, object]]:
    try:
        lines = (run / "log.jsonl").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.endswith("}")]


def test_one_node_of_two_goes_on_where_the_other_was_lost(
    spoken: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koekao.training.ridge.PAST_FRAMES", 1)
    ranks.train(spoken, {"run": str(tmp_path / "alone"), "config": settings("sequential")})
    jobs, run = tmp_path / "jobs.json", tmp_path / "run"
    jobs.write_text(json.dumps([{"run": str(run), "config": settings("sequential"), "spoilt": "stop"}]), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    first = agent(port, spoken, jobs)
    time.sleep(1)  # who comes first keeps the meeting place
    second = agent(port, spoken, jobs)
    try:
        end_s = time.monotonic() + 120
        while not any(event.get("step") == ranks.GOES_WRONG_AT for event in events_of(run)):
            assert time.monotonic() < end_s and first.poll() is None, "they did not begin"
            time.sleep(0.05)
        killed_whole(second)
        assert first.wait(timeout=120) == 0
    finally:
        for process in (first, second):
            killed_whole(process)
    began = [event for event in events_of(run) if event["event"] == "begin"]
    assert len(began) == 2 and began[1]["from_step"] <= ranks.GOES_WRONG_AT, "once by two, once by one"
    assert largest_difference(run, tmp_path / "alone") < 1e-5
    assert json.loads((run / "run.json").read_text("utf-8"))["step"] == STEPS
