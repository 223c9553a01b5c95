"""A program for tests: one of several processes that train together, some runs one after the other.

``python ranks.py CORPUS JOBS.json`` under torchrun, or with its environment. A job is a run, its settings, whether it
is resumed, after which step it is interrupted, and what goes wrong on the second rank at step 3: ``nan`` (a weight that
is no number), ``error`` (a fault of its own). What became of it on each rank is written to ``RUN.RANK.txt``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from stop_at import StopAt

from koekao.corpus import Corpus
from koekao.errors import BatchError, KoekaoError
from koekao.training import TrainConfig, Trainer, ridge, trainer
from koekao.training.distributed import rank, together
from koekao.training.log import JsonLines

GOES_WRONG_AT = 3


def spoil(made: Trainer, how: str) -> None:
    """Let ``how`` happen on the second rank."""
    hear = made._hear

    def spoilt(batch: Any) -> None:
        if made.step == GOES_WRONG_AT and rank() == 1:
            if how == "error":
                raise BatchError("the disk of this rank is gone")
            with torch.no_grad():
                next(made.model.parameters()).fill_(float("nan"))
        hear(batch)

    if how:
        made._hear = spoilt


def train(corpus: Corpus, job: dict[str, Any]) -> str:
    stop = StopAt(job.get("stop_at", 0))
    made = Trainer(corpus, job["run"], TrainConfig(**job["config"]), resume=job.get("resume", False), listeners=[stop])
    stop.trainer = made
    spoil(made, job.get("spoilt", ""))
    return f"{made.fit()}, {made.n_steps} steps planned, seed {torch.initial_seed()}"


def quick() -> None:
    """A small baseline, every step told, no TensorBoard."""
    ridge.PAST_FRAMES = 1
    trainer._TELL_EVERY_STEPS = 1
    trainer.listeners_of = lambda run_path, log_path: [JsonLines(log_path)]


def main(corpus_path: str, jobs_path: str) -> None:
    quick()
    corpus = Corpus.open(corpus_path)
    with together():
        for job in json.loads(Path(jobs_path).read_text("utf-8")):
            try:
                said = train(corpus, job)
            except KoekaoError as error:
                said = f"{type(error).__name__}: {error}"
                if job.get("spoilt") == "error":
                    Path(f"{job['run']}.{rank()}.txt").write_text(said, "utf-8")
                    raise
            Path(f"{job['run']}.{rank()}.txt").write_text(said, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
