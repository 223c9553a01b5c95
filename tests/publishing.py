"""Folders published in a test, and the names that are left beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from koekao.atomic import publish_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(path: Path, text: str, *, overwrite: bool = False) -> None:
    with publish_folder(path, overwrite=overwrite) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text(text)


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
