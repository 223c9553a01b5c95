"""Law: a packer that is killed leaves the old corpus or the new one, never half of one, and the next goes on."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from interrupted import CONFIG, N_TAKES, bytes_of, names, packed_at_once

from koekao.corpus import pack

DYING = """
import os, signal, sys
from pathlib import Path
import koekao.corpus.staging
from koekao.corpus import PackConfig, pack

takes, target, event = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
ROOMS = tuple(f"{room}.py" for room in ("atomic", "journal", "staging", "shards", "packing"))
seen = 0

def count(frame, kind, argument):
    global seen
    if frame.f_code.co_filename.endswith(ROOMS):
        seen += 1
        if seen == event:
            os.kill(os.getpid(), signal.SIGKILL)

config = PackConfig(shard_bytes=90_000, val=("t03", "t10"), overwrite=sys.argv[4] == "old")
sys.setprofile(count)
pack(takes, target, config)
sys.setprofile(None)
print(seen)
"""


def dying(takes: Path, target: Path, event: int, old: str) -> subprocess.CompletedProcess[str]:
    """A packing that kills itself at the n-th call, or return from one, in the rooms that write."""
    command = [sys.executable, "-c", DYING, str(takes), str(target), str(event), old]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("old", ["old", "free"])
def test_killed_at_any_moment_it_is_the_old_or_the_new_and_goes_on(
    takes: Path, tmp_path: Path, old: str, loads: list[str]
) -> None:
    config, target = replace(CONFIG, overwrite=old == "old"), tmp_path / "c"
    files, _ = packed_at_once(takes, config)
    alone = tmp_path / "alone"
    events = int(dying(takes, alone, 0, "free").stdout)
    assert bytes_of(alone) == files and events > 500
    before: dict[str, bytes] | None = None
    rng, kills = random.Random(old), 0
    for moment in (events - 5, *(rng.randrange(1, events) for _ in range(6)), events - 60):
        if old == "old" and before is None:
            pack(takes, target, replace(config, val=0.0))
            before = bytes_of(target)
        done = dying(takes, target, moment, old)
        assert done.returncode in (0, -signal.SIGKILL), f"moment {moment} of {events}: {done}"
        kills += done.returncode != 0
        now = bytes_of(target) if target.exists() else None
        if now == files:  # killed after the publishing, or through before its moment came, for it had less to do
            shutil.rmtree(target)
            before = None
        else:
            assert done.returncode and now == before, f"moment {moment} of {events}"
    assert kills >= 5
    loads.clear()
    report = pack(takes, target, config)
    assert bytes_of(target) == files
    assert len(loads) == N_TAKES - report.resumed
    assert not list(tmp_path.glob(".c*"))


def test_a_packer_killed_after_its_third_shard_saved_three(takes: Path, tmp_path: Path, loads: list[str]) -> None:
    files, _ = packed_at_once(takes)
    code = DYING.replace("sys.setprofile(count)\n", "").replace(
        "config)", "config, on_take=lambda take: take.name == 't09' and os.kill(os.getpid(), signal.SIGKILL))"
    )
    command = [sys.executable, "-c", code, str(takes), str(tmp_path / "c"), "0", "free"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "c").exists()
    loads.clear()
    assert pack(takes, tmp_path / "c", CONFIG).resumed == 9
    assert loads == names(9, 10, 11) and bytes_of(tmp_path / "c") == files
