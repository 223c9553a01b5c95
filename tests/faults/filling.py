"""Writers on a disk that gets full: ``python filling.py KIND FOLDER LIMIT`` writes there and prints what was said.

``LIMIT`` is ``tmpfs`` where FOLDER is on a disk of 2 MB, or a number: no file may grow beyond it (RLIMIT_FSIZE).
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from forged import CONFIG, noise
from killed import bytes_of, fill, parts, step_in

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import KoekaoError
from koekao.training.checkpoint import save_checkpoint
from koekao.training.kept import keep


def refused(write: Callable[[], object]) -> str:
    """The text of the error that it ends with; its type is one of ours, and it comes through a pickle as it is."""
    try:
        write()
    except KoekaoError as error:
        return f"{type(error).__name__} {error}"
    return "written"


def packing(folder: Path, fill_disk: Callable[[], None]) -> dict[str, object]:
    """A corpus of 3 MB in the place of a small one."""
    target = folder / "c"
    pack_takes([noise(0)], target, PackConfig(val=0.0))
    before, files = bytes_of(target), names(folder)
    fill_disk()
    large = [replace(noise(i), **long_sound(i)) for i in range(3)]
    said = refused(lambda: pack_takes(large, target, replace(CONFIG, overwrite=True, val=0.0, test=0.0)))
    left = [name for name in names(folder) if name not in files]
    return {"said": said, "old": bytes_of(target) == before and Corpus.open(target).verify() == [], "left": left}


def long_sound(i: int) -> dict[str, object]:
    take = noise(i + 176)  # 900 frames, 1 MB
    return {"audio": take.audio, "curves": take.curves, "valid": take.valid}


def saving(folder: Path, fill_disk: Callable[[], None]) -> dict[str, object]:
    """A checkpoint in the place of one that is there, with others kept."""
    target = folder / "last.safetensors"
    model, optimizer, task = parts()

    def write(step: int) -> None:
        fill(model, optimizer, float(step))
        save_checkpoint(target, model=model, optimizer=optimizer, task=task, progress={"step": step})
        keep(target, step, 3)

    write(1)
    files = names(folder)
    fill_disk()
    said = refused(lambda: [write(step) for step in range(2, 100)])
    step = step_in(target)
    kept = [step_in(path) for path in sorted((folder / "checkpoints").iterdir())]
    left = [name for name in names(folder) if name not in files and name != "checkpoints"]
    return {"said": said, "old": step >= 1 and kept == sorted(kept) and step - kept[-1] in (0, 1), "left": left}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def main(kind: str, folder: Path, limit: str) -> None:
    torch.set_num_threads(1)

    def fill_disk() -> None:
        if limit == "tmpfs":
            free = int(subprocess.check_output(["df", "--output=avail", "-k", str(folder)]).split()[-1])
            assert 500 < free < 2048, free
            if kind == "saving":
                (folder / "films").write_bytes(b"\0" * 1024 * (free - 70))
        else:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))

    found = {"packing": packing, "saving": saving}[kind](folder, fill_disk)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
