"""Fault 39: a corpus that cannot be written works, and nothing is written into it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from forged import pack_ten

USE = """
import sys
import numpy as np
from koekao.corpus import Corpus, describe, pack_column
from koekao.errors import OutputError
corpus = Corpus.open(sys.argv[1])
assert [len(corpus.audio(i)) for i in range(10)] == corpus.n_samples.tolist()
assert corpus.take(9).sources and describe(corpus).n_takes == 10
assert corpus.verify() == []
assert corpus.column_names == ()
try:
    pack_column(corpus, "mel", (1,), {}, lambda i: np.zeros((int(corpus.n_frames[i]), 1), np.float32))
except OutputError as error:
    assert "nothing was published" in str(error), error
    print("refused to write")
else:
    print("wrote")
"""
CHECK = [sys.executable, "-B", "-c", USE]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = pack_ten(tmp_path / "c")
    yield folder
    folder.chmod(0o755)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_without_the_right_to_write(folder: Path) -> None:
    """Root may write everywhere, so as root that privilege is given up first, where there is a way to."""
    before = contents(folder)
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    drop = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    if drop and (not shutil.which("setpriv") or subprocess.run([*drop, "true"], capture_output=True).returncode):
        pytest.skip("root may write where nobody has the right to, and there is no setpriv to give that up")
    done = subprocess.run([*drop, *CHECK, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "refused to write\n"
    assert contents(folder) == before


def test_on_a_mount_that_is_read_only(folder: Path) -> None:
    """A bind mount in a mount namespace of its own, gone with the process."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("this user may make no mount namespace (unshare -m)")
    before = contents(folder)
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" || exit 77; shift 0; exec "$@" "$0"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", mount, str(folder), *CHECK], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(f"a bind mount is not allowed here: {done.stderr.strip()}")
    assert (done.returncode, done.stdout) == (0, "refused to write\n"), done.stderr
    assert contents(folder) == before
