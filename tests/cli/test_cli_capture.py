"""``koekao capture``: what it says of a movie and of its take, and that the take goes on to ``pack``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from koekao.takes import capture as capturing
from movies import Brightness, write_movie


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A movie of two seconds, and a landmarker that misses six of its pictures."""
    seer = Brightness(range(10, 16))
    monkeypatch.setattr(capturing, "media_pipe", lambda model: contextlib.nullcontext(seer))
    return write_movie(tmp_path / "ann_01.mov", np.arange(96_000).astype(np.int16), n_pictures=60)


def test_it_says_what_it_did_and_what_is_next(cli: Callable, tmp_path: Path, video: Path) -> None:
    out = tmp_path / "takes"
    said = cli("capture", video, "-o", out, "--model", "m.task")
    assert (said.code, said.err) == (0, "")
    *lines, last = said.out.splitlines()
    assert lines == [
        "2.0 s: 60 pictures at 30.00 a second, a face in 90.0% of them, 1 gap (the longest 233 ms)",
        "tongueOut is not measured and stands as 0",
    ]
    assert last.startswith(f"made {out}/ann_01.wav and {out}/ann_01.jsonl in ")
    assert last.endswith(f" s; next: koekao check {out}")
    assert cli("pack", out, tmp_path / "corpus").code == 0


def test_as_json(cli: Callable, tmp_path: Path, video: Path) -> None:
    said = cli("capture", video, "--out", tmp_path / "takes", "--model", "m.task", "--json").json
    assert (said["pictures"], said["tracked"], said["gaps"], said["duration_s"]) == (60, 0.9, 1, 2.0)
    assert said["rate_hz"] == pytest.approx(30) and said["repairs"] == []


def test_it_writes_over_nothing_unless_told(cli: Callable, tmp_path: Path, video: Path) -> None:
    words = ("capture", video, "-o", tmp_path, "--model", "m.task")
    assert cli(*words).code == 0
    said = cli(*words)
    assert said.code == 2 and "ann_01.wav: exists already" in said.err
    assert cli(*words, "--overwrite").code == 0


def test_a_missing_model_is_told(cli: Callable, tmp_path: Path) -> None:
    said = cli("capture", tmp_path / "a.mov", "--model", tmp_path / "m.task")
    assert said.code == 2 and "m.task: there is no such model\n  -> download face_landmarker.task from" in said.err
