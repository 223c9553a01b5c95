"""The newest checkpoints stay; the oldest goes only when the new one is safe."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from koekao.errors import OutputError
from koekao.models.weights import read_tensors
from koekao.training import Trainer
from koekao.training.kept import keep, kept

Start = Callable[..., Trainer]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def save(run: Path, step: int, n_kept: int) -> None:
    """As a trainer does: the last one is replaced, whole, by another file."""
    (run / "new").write_text(f"weights of {step}")
    (run / "new").replace(run / "last.safetensors")
    keep(run / "last.safetensors", step, n_kept)


def test_the_newest_stay_each_as_it_was_saved(run: Path) -> None:
    for step in (2, 9, 10, 100, 1000):
        save(run, step, 3)
    assert list(kept(run)) == [10, 100, 1000]
    assert [path.read_text() for path in kept(run).values()] == ["weights of 10", "weights of 100", "weights of 1000"]
    assert kept(run)[1000].samefile(run / "last.safetensors")  # and takes no room of its own


def test_one_is_the_last_alone(run: Path) -> None:
    save(run, 1, 1)
    assert [path.name for path in run.iterdir()] == ["last.safetensors"]


def test_saved_twice_at_a_step_is_one(run: Path) -> None:
    for step in (1, 2, 2):
        save(run, step, 2)
    assert list(kept(run)) == [1, 2] and len([*(run / "checkpoints").iterdir()]) == 2


def test_another_course_is_not_mixed_in(run: Path) -> None:
    """Back at step 2 and on to 3: what was saved at 8 and 9 is of a course that is not gone on with."""
    for step in (1, 2, 8, 9):
        save(run, step, 4)
    save(run, 3, 4)
    assert list(kept(run)) == [1, 2, 3]


def test_without_hard_links_it_is_a_copy(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*names: object) -> None:
        raise OSError("not on this disk")

    monkeypatch.setattr(os, "link", none)
    save(run, 1, 2)
    assert kept(run)[1].read_text() == "weights of 1" and not kept(run)[1].samefile(run / "last.safetensors")


def test_nothing_is_removed_before_the_new_one_is_safe(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (1, 2):
        save(run, step, 2)

    def full(*names: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OutputError, match="No space left"):
        save(run, 3, 2)
    assert list(kept(run)) == [1, 2]


def test_other_files_in_the_folder_are_left_alone(run: Path) -> None:
    (run / "checkpoints").mkdir()
    for name in ("step-mine.safetensors", "notes.txt"):
        (run / "checkpoints" / name).write_text("mine")
    for step in (1, 2, 3):
        save(run, step, 2)
    assert {path.name for path in (run / "checkpoints").iterdir()} == {
        "step-mine.safetensors", "notes.txt", "step-00000002.safetensors", "step-00000003.safetensors"
    }  # fmt: skip


def test_a_run_goes_back_to_one_of_them(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied over the last one, the run goes on from there, and comes to the very same end."""
    monkeypatch.setattr("koekao.training.trainer._SAVE_EVERY_S", -1.0)
    trainer = start(keep_last=4, max_steps=8, epochs=9)
    trainer.fit()
    steps = kept(trainer.run.path)
    assert list(steps) == [5, 6, 7, 8]
    assert [read_tensors(path)[1]["progress"]["step"] for path in steps.values()] == [5, 6, 7, 8]
    assert trainer.run.best.is_file()
    end = tmp_path / "end"
    end.mkdir()
    (end / "last.safetensors").write_bytes(trainer.run.last.read_bytes())
    trainer.run.last.unlink()
    trainer.run.last.write_bytes(steps[6].read_bytes())
    start(resume=True).fit()
    assert list(kept(trainer.run.path)) == [5, 6, 7, 8]
    mine, theirs = read_tensors(trainer.run.last)[0], read_tensors(end / "last.safetensors")[0]
    assert all(mine[name].equal(theirs[name]) for name in theirs)


def test_what_a_killed_run_left_of_a_step_that_never_comes_again_is_swept(run: Path) -> None:
    save(run, 1, 3)
    gone = subprocess.Popen(["true"])
    gone.wait()
    (run / "checkpoints" / f".step-00000009.safetensors.koekao-tmp-{gone.pid}-00").write_text("half")
    save(run, 2, 3)
    left = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert left == ["step-00000001.safetensors", "step-00000002.safetensors"]
