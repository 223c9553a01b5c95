"""``make chromium`` installs Debian's where none is there and it may, else says so in a line; it never fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import koekao

ROOT = Path(koekao.__file__).parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(
    MAKE is None or not (ROOT / "Makefile").is_file(), reason="make or the Makefile is not here"
)


def made(folder: Path, *, uid: int = 0, **programs: str) -> tuple[str, str]:
    """What it says, and what apt-get was asked, on a machine that has these programs alone."""
    folder.mkdir(exist_ok=True)
    env, true = shutil.which("env"), shutil.which("true")
    assert MAKE and env and true
    (folder / "env").symlink_to(env)
    (folder / "true").symlink_to(true)
    log = folder / "log"
    log.touch()
    for name, does in {"id": f"echo {uid}", **programs}.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\ntest {name} = apt-get && echo "$@" >> "{log}"\n{does}\n')
        path.chmod(0o755)
    asked = [MAKE, "--silent", "chromium"]
    done = subprocess.run(
        asked, cwd=ROOT, env={"PATH": str(folder)}, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr, log.read_text()


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google_chrome"])
def test_one_that_is_there_is_left_alone(tmp_path: Path, name: str) -> None:
    assert made(tmp_path, **{name.replace("_", "-"): "exit 0", "apt-get": "exit 0"}) == ("", "")


def test_root_installs_it(tmp_path: Path) -> None:
    said, asked = made(tmp_path, **{"apt-get": "echo noise"})
    assert said == ""
    assert [line.split()[-1] for line in asked.splitlines()] == ["update", "chromium"]
    assert " install --yes " in asked


def test_who_needs_no_password_installs_it(tmp_path: Path) -> None:
    said, asked = made(tmp_path, uid=1000, sudo='test "$1" = -n && shift && exec "$@"', **{"apt-get": "exit 0"})
    assert (said, len(asked.splitlines())) == ("", 2)


@pytest.mark.parametrize(
    ("uid", "programs", "told"),
    [
        (0, {}, "none can be installed"),
        (1000, {"apt-get": "exit 0"}, "none can be installed"),
        (1000, {"apt-get": "exit 0", "sudo": "echo a password is required >&2; exit 1"}, "none can be installed"),
        (0, {"apt-get": "echo no network >&2; exit 100"}, "apt-get cannot install it"),
    ],
)
def test_elsewhere_it_says_in_a_line_that_tests_are_skipped(
    tmp_path: Path, uid: int, programs: dict[str, str], told: str
) -> None:
    said, _ = made(tmp_path, uid=uid, **programs)
    assert told in said and said.endswith("will be skipped\n") and said.count("\n") == 1
