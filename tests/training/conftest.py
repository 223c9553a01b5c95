"""Seconds of synthetic speech, models of 16 dimensions, runs of a few steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from stop_at import StopAt

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.models.weights import read_tensors
from koekao.takes.synthetic.making import make_takes
from koekao.training import TrainConfig, Trainer
from koekao.training.log import JsonLines

Start = Callable[..., Trainer]
SMALL: dict[str, dict[str, Any]] = {
    "sequential": {
        "model": {"dim": 16, "dilations": (2, 1), "dropout": 0.2, "noise": 0.1, "features": {"n_mels": 20}},
        "batch_size": 4,
        "n_streams": 2,
        "window_frames": 24,
        "initial_stride": 6,
        "final_stride": 3,
        "epochs": 3,
        "num_workers": 0,
        "device": "cpu",
    },
    "clips": {
        "model": {"dim": 16, "future_frames": 2, "dropout": 0.2, "features": {"n_mels": 20}},
        "batch_size": 16,
        "clip_s": 0.8,
        "epochs": 2,
        "num_workers": 0,
        "device": "cpu",
    },
    "stream": {
        "model": {"dim": 16, "channels": 4, "dilations": (1, 2), "features": {"n_mels": 20}},
        "batch_size": 4,
        "window_frames": 24,
        "hop_frames": 6,
        "epochs": 2,
        "num_workers": 0,
        "device": "cpu",
    },
}


def small_config(trainer: str = "sequential", **more: Any) -> TrainConfig:
    """Without pictures, which take longer than such a run, unless a test wants them."""
    return TrainConfig(**{"trainer": trainer, "plots": False, **SMALL[trainer], **more})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small baseline, a told step at every step, and no TensorBoard, unless a test wants them."""
    monkeypatch.setattr("koekao.training.ridge.PAST_FRAMES", 1)
    monkeypatch.setattr("koekao.training.trainer._TELL_EVERY_STEPS", 1)
    monkeypatch.setattr("koekao.training.trainer.listeners_of", lambda run_path, log_path: [JsonLines(log_path)])


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Five takes of 2 to 3 s in three voices; ken_10003 is for validation, the others for training."""
    path = tmp_path_factory.mktemp("spoken") / "corpus"
    pack_takes(make_takes(5, seconds=(2, 3), seed=1), path, PackConfig(val=("ken_10003",)))
    return Corpus.open(path)


def assert_same_checkpoint(one: Path, other: Path) -> None:
    """Two runs stand at the same point: every tensor of their checkpoints, and all beside them but the time it took."""
    (mine, my_header), (theirs, their_header) = (read_tensors(run / "last.safetensors") for run in (one, other))
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []
    for header in (my_header, their_header):
        assert header["progress"].pop("seconds") > 0
    assert my_header == their_header


@pytest.fixture(scope="session")
def same_checkpoint() -> Callable[[Path, Path], None]:
    return assert_same_checkpoint


@pytest.fixture(scope="session")
def config_of() -> Callable[..., TrainConfig]:
    """``config_of("clips", seed=3)``: settings of a run that takes a second."""
    return small_config


@pytest.fixture
def start(spoken: Corpus, tmp_path: Path) -> Start:
    """``start("sequential", seed=3, stop_at=5, resume=True)``: a trainer in ``tmp_path / "run"``, ready for fit()."""

    def make(trainer: str = "sequential", *, stop_at: int = 0, resume: bool = False, **more: Any) -> Trainer:
        stop, listeners = StopAt(stop_at), more.pop("listeners", [])
        corpus, run = more.pop("corpus", spoken), more.pop("run", tmp_path / "run")
        config = more.pop("config", None) or small_config(trainer, **more)
        stop.trainer = made = Trainer(corpus, run, config, resume=resume, listeners=[stop, *listeners])
        return made

    return make


@pytest.fixture
def events(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """``events("step")``: what ``run/log.jsonl`` tells of that event, in order; of all without a name."""

    def read(event: str = "", run: Path = tmp_path / "run") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
        return [line for line in lines if event in ("", line["event"])]

    return read
