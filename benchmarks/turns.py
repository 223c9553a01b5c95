"""Contestants in fresh processes: one by itself, or many that take turns.

A machine that others use too is fast for a minute and slow for the next. Contestants that are measured one after the
other are then measured on different machines; those that take turns of a fifth of a second share every mood of it.
Who has no turn is stopped whole, with its threads and workers.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from contestant import READY, Task

SAME_FOR_ALL = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1"}
PATIENCE_S = 120
_PROGRAM = Path(__file__).resolve().with_name("contestant.py")


class _Contestant:
    """A process of :mod:`contestant`, in a session of its own with all that it starts."""

    def __init__(self, task: Task) -> None:
        command = [sys.executable, str(_PROGRAM), task.as_json(), str(time.monotonic())]
        self._trouble = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in end; a pipe could fill up)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._trouble, text=True,
            env=os.environ | SAME_FOR_ALL, start_new_session=True,
        )  # fmt: skip
        self._last_line, self._is_late = "", False

    def until_ready(self) -> None:
        """Wait until it asks for its turn, and stop it; or until it has ended."""
        if self._read():
            self._signal(signal.SIGSTOP)

    def turn(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
            print(file=self._process.stdin, flush=True)

    def found(self) -> dict[str, Any]:
        """What it found by its end, or its last words as ``error``."""
        self._read()
        self._process.wait()
        self._trouble.seek(0)
        words = self._trouble.read().strip().splitlines()
        if self._is_late:
            return {"error": f"nothing came for {PATIENCE_S} s"}
        if self._process.returncode or not self._last_line:
            return {"error": (words or [f"exit code {self._process.returncode}"])[-1]}
        found: dict[str, Any] = json.loads(self._last_line)
        return found

    def _read(self) -> bool:
        """Read what it says until it asks for a turn, which is true, or ends."""
        late = threading.Timer(PATIENCE_S, self._give_up)
        late.start()
        try:
            for line in self._process.stdout or ():
                if line.strip() == READY:
                    return True
                self._last_line = line.strip() or self._last_line
        finally:
            late.cancel()
        return False

    def end(self) -> None:
        """End it and all that it started, if it has not ended: who is stopped would stay so for good."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._trouble):
            with contextlib.suppress(BrokenPipeError):
                file.close()  # type: ignore[union-attr]

    def _give_up(self) -> None:
        self._is_late = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)  # the session that was started above, and nothing else


def in_fresh_process(task: Task) -> dict[str, Any]:
    """Run :mod:`contestant` by itself and return what it found."""
    contestant = _Contestant(replace(task, turns=0))
    try:
        return contestant.found()
    finally:
        contestant.end()


def in_turns(tasks: Sequence[Task], turns: int) -> list[dict[str, Any]]:
    """Run :mod:`contestant` for each task; what they found, their speed measured in ``turns`` turns.

    Each is started and warmed by itself, then all wait, and one at a time goes on.
    """
    contestants: list[_Contestant] = []
    try:
        for task in tasks:
            contestants.append(_Contestant(replace(task, turns=turns)))
            contestants[-1].until_ready()
        for _ in range(turns - 1):
            for contestant in contestants:
                contestant.turn()
                contestant.until_ready()
        found = []
        for contestant in contestants:
            contestant.turn()
            found.append(contestant.found())
        return found
    finally:
        for contestant in contestants:
            contestant.end()
