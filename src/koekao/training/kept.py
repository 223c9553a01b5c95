"""The checkpoints before the last: a few of them stay, to go back to.

``last.safetensors`` is always the newest. With ``keep_last`` above 1 each checkpoint is also ``checkpoints/step-N``, a
second name of the same file where the disk knows hard links (so the newest takes no room of its own), else a copy. The
oldest goes when the new one is safe on the disk, never before: a kill leaves one too many, which the next save removes.
To go back, copy one over ``last.safetensors`` and resume; what lies beyond that step belongs to another course of
the run and is removed at the first save, for a name must not say step 300 of two courses.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from koekao.atomic import publish_file, sweep_folder

FOLDER = "checkpoints"


def keep(last: Path, step: int, n_kept: int) -> None:
    """Keep ``last``, a checkpoint that is whole on the disk, as that of ``step``; and of the others the newest.

    Args:
        n_kept: how many there are in all, ``last`` included; 1 makes no folder.

    Raises:
        OutputError: the disk is full or the folder cannot be written; none is removed then.
    """
    folder = last.parent / FOLDER
    sweep_folder(folder)
    if n_kept > 1:
        with publish_file(folder / f"step-{step:08d}.safetensors") as temporary:
            _second_name(last, temporary)
    by_step = kept(last.parent)
    staying = sorted((each for each in by_step if each <= step), reverse=True)[: n_kept if n_kept > 1 else 0]
    for each in by_step.keys() - set(staying):
        by_step[each].unlink()


def kept(run_path: Path) -> dict[int, Path]:
    """Step -> its checkpoint, by step, of a run's folder."""
    found = {path.stem.removeprefix("step-"): path for path in (run_path / FOLDER).glob("step-*.safetensors")}
    return {int(step): found[step] for step in sorted(found) if step.isdecimal()}


def _second_name(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except OSError:  # a disk without hard links
        shutil.copyfile(file, name)
