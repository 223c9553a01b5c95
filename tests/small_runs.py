"""Runs of a few steps on seconds of synthetic speech. Run by itself it trains one, to be killed and gone on with:
``python small_runs.py CORPUS RUN TRAINER STEPS [STOP_AT]``, saving after every step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.models.weights import read_tensors
from koekao.takes.synthetic.making import make_takes
from koekao.training import TrainConfig, Trainer, ridge, trainer
from koekao.training.log import JsonLines

SETTINGS: dict[str, dict[str, Any]] = {
    "sequential": {
        "model": {"dim": 16, "dilations": (2, 1), "dropout": 0.3, "noise": 0.2, "features": {"n_mels": 20}},
        "batch_size": 4,
        "n_streams": 2,
        "window_frames": 24,
        "initial_stride": 8,
        "final_stride": 5,
    },
    "clips": {
        "model": {"dim": 16, "future_frames": 2, "dropout": 0.3, "features": {"n_mels": 20}},
        "batch_size": 16,
        "clip_s": 0.8,
    },
    "stream": {
        "model": {"dim": 16, "channels": 4, "dilations": (1, 2), "dropout": 0.3, "features": {"n_mels": 20}},
        "batch_size": 4,
        "window_frames": 24,
        "hop_frames": 6,
    },
}


class StopAt:
    """A listener that ends a run after a step, as Ctrl-C does."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.trainer: Trainer | None = None

    def tell(self, event: str, **values: Any) -> None:
        if self.trainer is not None and event == "step" and values["step"] == self.step:
            self.trainer.stop()

    def close(self) -> None:
        pass


def quick(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """A small baseline, every step told, no TensorBoard; for good, or as ``put`` (a monkeypatch's) does it."""
    put(ridge, "PAST_FRAMES", 1)
    put(trainer, "_TELL_EVERY_STEPS", 1)
    put(trainer, "listeners_of", lambda run_path, log_path: [JsonLines(log_path)])


def corpus_at(path: Path) -> Corpus:
    """Five takes of 2 to 3 s in three voices, one for validation."""
    pack_takes(make_takes(5, seconds=(2, 3), seed=1), path, PackConfig(val=("ken_10003",)))
    return Corpus.open(path)


def made(corpus: Corpus, run: Path, name: str, *, stop_at: int = 0, **more: Any) -> Trainer:
    """A trainer of a run, new or to be gone on with, ready for fit()."""
    stop = StopAt(stop_at)
    basics = {"trainer": name, "epochs": 6, "num_workers": 0, "device": "cpu", "plots": False}
    resume = (run / "run.json").is_file()
    stop.trainer = Trainer(corpus, run, TrainConfig(**basics | SETTINGS[name] | more), resume=resume, listeners=[stop])
    return stop.trainer


def differences(one: Path, other: Path) -> list[str]:
    """What differs between the checkpoints of two runs, by name: tensors, and what stands beside them but the time."""
    (mine, my_header), (theirs, their_header) = (read_tensors(run / "last.safetensors") for run in (one, other))
    for header in (my_header, their_header):
        assert header["progress"].pop("seconds") > 0
    tensors = [key for key in mine.keys() | theirs.keys() if key not in mine or key not in theirs]
    tensors += [key for key in mine.keys() & theirs.keys() if not torch.equal(mine[key], theirs[key])]
    said = [key for key in my_header.keys() | their_header.keys() if my_header.get(key) != their_header.get(key)]
    return sorted(tensors) + sorted(said)


def main(corpus: str, run: str, name: str, steps: str, stop_at: str = "0") -> None:
    torch.set_num_threads(1)
    quick()
    trainer._SAVE_EVERY_S = -1.0
    made(Corpus.open(corpus), Path(run), name, stop_at=int(stop_at), max_steps=int(steps), epochs=1000).fit()


if __name__ == "__main__":
    main(*sys.argv[1:])
