"""The packages of ``web/``, fetched once where npm and a registry are: what builds the pages, and axe-core.

Test processes beside one another wait for the first to be done. Where they cannot be had a test that needs them is
skipped, and says why.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import koekao

ROOT = Path(koekao.__file__).parents[2]
WEB = ROOT / "web"
PATIENCE_S = 200
_FETCH = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")


def fetched(web: Path = WEB) -> Path:
    """``web`` with ``node_modules`` of its lock file beside it; else the test is skipped."""
    npm = shutil.which("npm")
    if npm is None or not web.is_dir():
        pytest.skip("npm or web/ is not here, so nothing of it is tested")
    with (web / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not up_to_date(web):
            try:
                done = subprocess.run([npm, *_FETCH], cwd=web, capture_output=True, text=True, timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                pytest.skip(f"the packages of web/ could not be fetched in {PATIENCE_S} s, so nothing of it is tested")
            if done.returncode:
                pytest.skip(f"the packages of web/ cannot be fetched, so nothing of it is tested: {done.stderr[-300:]}")
    return web


def up_to_date(web: Path) -> bool:
    """Whether ``node_modules`` holds what the lock file asks of every machine, in its versions.

    npm notes what it has put there in a file of its own, the last thing that it writes.
    """
    try:
        there = json.loads((web / "node_modules" / ".package-lock.json").read_bytes())["packages"]
    except FileNotFoundError:
        return False
    asked = json.loads((web / "package-lock.json").read_bytes())["packages"]
    versions = {path: one["version"] for path, one in asked.items() if path and not one.get("optional")}
    return versions.items() <= {path: one.get("version") for path, one in there.items()}.items()


def run_npm(*words: str) -> None:
    """``npm run`` of a script of ``web/``, which must not fail."""
    npm = shutil.which("npm")
    assert npm is not None
    done = subprocess.run([npm, "run", "--silent", *words], cwd=WEB, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
