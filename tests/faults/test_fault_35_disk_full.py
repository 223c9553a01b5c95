"""Fault 35: the disk is full while packing or checkpointing. A typed error, no signal; nothing half is published."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from killed import write_takes

from koekao.errors import OutputError
from koekao.takes.synthetic.making import make_takes
from koekao.training.log import JsonLines

PROGRAM = [sys.executable, "-W", "ignore", str(Path(__file__).parent / "filling.py")]
KINDS = pytest.mark.parametrize("kind", ["packing", "saving"])


def mounted(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run ``command`` where ``folder`` is a disk of 2 MB that no other process sees, and that goes with it."""
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-m", "-r"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this user may make no mount namespace (unshare -m)")
    mount = 'mount -t tmpfs -o size=2m full "$0" || exit 77; exec "$@"'
    done = subprocess.run([*unshare, "sh", "-c", mount, str(folder), *command], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(f"a tmpfs is not allowed here: {done.stderr.strip()}")
    return done


def assert_told(done: subprocess.CompletedProcess[str], strerror: str, where: Path) -> None:
    assert done.returncode == 0, done.stderr  # above all no SIGBUS
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["said"].startswith(f"OutputError {where}") and f"cannot be written ({strerror})" in found["said"]
    assert "nothing was published" in found["said"] and "check the free space" in found["said"]
    assert found["old"], "what was there before is not there any more, or not whole"
    assert [name for name in found["left"] if name != "films"] == []


@KINDS
def test_fault_35_a_disk_of_two_megabytes(tmp_path: Path, kind: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    assert_told(mounted(disk, [*PROGRAM, kind, str(disk), "tmpfs"]), "No space left on device", disk)


@KINDS
def test_fault_35_a_limit_on_the_size_of_files(tmp_path: Path, kind: str) -> None:
    done = subprocess.run([*PROGRAM, kind, str(tmp_path), "4096"], capture_output=True, text=True)
    assert_told(done, "File too large", tmp_path)


def test_fault_35_a_log_that_cannot_be_written_is_told_and_closes() -> None:
    """What a run tells while it trains; the last checkpoint stays."""
    log = JsonLines(Path("/dev/full"))
    with pytest.raises(OutputError, match=r"/dev/full: cannot be written \(No space left on device\)") as error:
        log.tell("step", step=3)
    assert "--resume" in error.value.do
    log.close()
    with pytest.raises(OutputError, match="cannot be written"):
        JsonLines(Path("/proc/log.jsonl"))


PACK_TWICE = """
import subprocess, sys
from pathlib import Path
from koekao.atomic import unfinished
from koekao.corpus import Corpus, PackConfig, pack
from koekao.errors import OutputError
takes, disk = Path(sys.argv[1]), Path(sys.argv[2])
config = PackConfig(shard_bytes=200_000, val=0.0)
try:
    pack(takes, disk / "c", config)
except OutputError as error:
    assert "goes on from there" in str(error), error
    assert not (disk / "c").exists() and unfinished(disk / "c") is not None
else:
    sys.exit("there was room")
subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
report = pack(takes, disk / "c", config)
assert report.resumed >= 3, report
assert Corpus.open(disk / "c").verify() == [] and [path.name for path in disk.iterdir()] == ["c"]
"""


def test_fault_35_with_room_again_the_same_command_goes_on(tmp_path: Path) -> None:
    """What was finished before the disk was full was not in vain."""
    disk = tmp_path / "disk"
    disk.mkdir()
    write_takes(tmp_path / "takes", make_takes(12, seconds=6, seed=3))
    done = mounted(disk, [sys.executable, "-c", PACK_TWICE, str(tmp_path / "takes"), str(disk)])
    assert done.returncode == 0, done.stderr
