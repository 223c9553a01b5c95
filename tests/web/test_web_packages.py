"""However many test processes want npm's packages, they are fetched once; where they cannot be, a test is skipped."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from web_packages import fetched, up_to_date

NPM = """#!/bin/sh
echo "$@" >> calls
sleep 0.2
test -e broken && echo no registry >&2 && exit 1
mkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json
"""


def lock_file(version: str) -> str:
    other = {"version": "1", "optional": True}  # of another kind of machine
    return json.dumps({"packages": {"": {}, "node_modules/axe": {"version": version}, "node_modules/win": other}})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``web/`` without packages, and an npm that notes what it is asked."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=":")
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "package-lock.json").write_text(lock_file("1.0"))
    return folder


def calls(folder: Path) -> int:
    return (folder / "calls").read_text().count("ci --ignore-scripts")


def test_the_second_waits_for_the_first_and_fetches_nothing(folder: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(fetched, [folder] * 3)) == [folder] * 3
    assert calls(folder) == 1


def test_other_versions_are_fetched_anew(folder: Path) -> None:
    fetched(folder)
    (folder / "package-lock.json").write_text(lock_file("1.1"))
    assert not up_to_date(folder)
    fetched(folder)
    assert up_to_date(folder) and calls(folder) == 2


def test_what_is_not_for_this_machine_is_not_missed(folder: Path) -> None:
    fetched(folder)
    there = folder / "node_modules" / ".package-lock.json"
    there.write_text(there.read_text().replace("node_modules/win", "node_modules/else"))
    assert up_to_date(folder)


def test_a_fetch_that_fails_skips_and_says_why(folder: Path) -> None:
    (folder / "broken").touch()
    with pytest.raises(pytest.skip.Exception, match=r"cannot be fetched.*no registry"):
        fetched(folder)


def test_without_npm_it_is_skipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="npm or web/ is not here"):
        fetched(folder)
