"""Runs tests again and again over a tree that changes in between, each time in a fork: python forked_tests.py FOLDER

A process that has imported what the tests need and nothing of koekao forks for each run, which saves three of five
seconds. The tests of a fork have a limit of time; what they started is killed with them.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path


def serve(folder: Path) -> None:
    """A line of tests to run comes in, a line of what became of them goes out; each in a fork of its own."""
    for name in ("hypothesis", "pyarrow", "pytest", "scipy.interpolate", "scipy.signal", "torch.utils.data"):
        importlib.import_module(name)
    for line in sys.stdin:
        job = json.loads(line)
        said = folder / "said.txt"
        began_s = time.monotonic()
        child = os.fork()
        if child == 0:
            run_tests(job["tests"], said)
        ended = waited(child, job["limit_s"])
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        end = {"killed": ended != 0, "by": first_failure(said) if ended is not None else "its time"}
        print(json.dumps(end | {"took_s": round(time.monotonic() - began_s, 1)}), flush=True)


def run_tests(tests: list[str], said: Path) -> None:
    """In the fork: never comes back."""
    code = 99
    try:
        os.setsid()
        out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(out, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        import pytest

        words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--no-header", "-rfE", "--tb=line"]
        words += ["-W", "ignore:Module already imported so cannot be rewritten"]
        code = int(pytest.main([*words, *tests]))
    except BaseException:  # noqa: BLE001  # said, and the fork ends with 99
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def waited(child: int, limit_s: float) -> int | None:
    """How the fork ended; None if it did not in time."""
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def first_failure(said: Path) -> str:
    lines = said.read_text("utf-8", "replace").splitlines()
    failed = [line.split(" - ")[0].split(" ", 1)[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return failed[0] if failed else next((line for line in reversed(lines) if line.strip()), "")[:200]


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
