"""Fault 34: kill -9 while packing or checkpointing. The old one or the new one, never half; the next run sweeps.

``KOEKAO_KILLS`` says how many kills of each; ``make soak`` does 200. That a killed packing goes on where it stopped is
tests/corpus/test_corpus_resume.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = int(os.environ.get("KOEKAO_KILLS", "30"))


@pytest.mark.timeout(60 + 5 * KILLS)
@pytest.mark.parametrize("kind", ["packing", "saving"])
def test_fault_34_killed_at_any_moment_it_is_the_old_or_the_new(tmp_path: Path, kind: str) -> None:
    """What lies there is one of the versions to the byte, opens, and passes ``verify``; a finished run sweeps."""
    program = Path(__file__).parent / "killed.py"
    command = [sys.executable, "-W", "ignore", str(program), kind, str(tmp_path / "f"), str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    print(kind, counts)
    assert counts["kills"] >= KILLS
    assert counts["half_way"] >= KILLS // 6, "the kills came when nothing was being written"
    assert counts["replaced"] >= KILLS // 15, "hardly a writer got to publish"
