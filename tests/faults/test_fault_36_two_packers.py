"""Fault 36: eight packers, one target; and a reader while they pack. One wins, the others are told; readers keep."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

N = 8


def raced(folder: Path, how: str) -> dict[str, Any]:
    program = Path(__file__).parent / "racing.py"
    command = [sys.executable, "-W", "ignore", str(program), str(folder), str(N), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("how", ["free", "together"])
def test_fault_36_of_eight_packers_one_wins_and_the_others_are_told(tmp_path: Path, how: str) -> None:
    """Whether they come as they come, or all of them to the last step at one moment."""
    found = raced(tmp_path, how)
    assert [said == "written" for said in found["said"]].count(True) == 1
    assert found["said"][found["winner"]] == "written"
    for number, said in enumerate(found["said"]):
        if number != found["winner"]:
            assert said.startswith(f"OutputError {tmp_path / 'out' / 'c'}: exists already") and "--overwrite" in said
    assert found["whole"] and found["left"] == []


def test_fault_36_readers_keep_the_old_while_eight_replace_it(tmp_path: Path) -> None:
    """Who replaces is told of no trouble; who opens gets one of the corpora, whole; who has opened keeps what it is."""
    found = raced(tmp_path, "overwrite")
    assert found["said"] == ["written"] * N
    assert found["whole"] and found["left"] == []
    assert found["opened"] >= 3
