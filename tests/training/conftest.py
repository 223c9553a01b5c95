"""Seconds of synthetic speech, models of 16 dimensions, runs of a few steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from koekao.corpus import Corpus
from koekao.training import TrainConfig, Trainer
from small_runs import SETTINGS, StopAt, corpus_at, differences, quick

Start = Callable[..., Trainer]
SMALL: dict[str, dict[str, Any]] = {
    "sequential": {"initial_stride": 6, "final_stride": 3, "epochs": 3},
    "clips": {"epochs": 2},
    "stream": {"epochs": 2},
}
"""What these runs have otherwise than :data:`small_runs.SETTINGS`."""


def small_config(trainer: str = "sequential", **more: Any) -> TrainConfig:
    """Without pictures, which take longer than such a run, unless a test wants them."""
    basics = {"trainer": trainer, "num_workers": 0, "device": "cpu", "plots": False}
    return TrainConfig(**basics | SETTINGS[trainer] | SMALL[trainer] | more)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small baseline, a told step at every step, and no TensorBoard, unless a test wants them."""
    quick(monkeypatch.setattr)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Five takes of 2 to 3 s in three voices; ken_10003 is for validation, the others for training."""
    return corpus_at(tmp_path_factory.mktemp("spoken") / "corpus")


@pytest.fixture(scope="session")
def same_checkpoint() -> Callable[[Path, Path], None]:
    """Two runs stand at the same point: every tensor of their checkpoints, and all beside them but the time it took."""

    def check(one: Path, other: Path) -> None:
        assert differences(one, other) == []

    return check


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
