"""A program for tests: one of several processes that train together, some runs one after the other.

``python ranks.py CORPUS JOBS.json`` under torchrun, or with its environment. A job is a run, its settings, whether it
is resumed, after which step it is interrupted, and what goes wrong on the second rank at step 3: ``nan`` (a weight that
is no number), ``error`` (a fault of its own), ``kill`` and ``stop`` (by a signal), ``kill once`` (only before torchrun
has started it anew), ``cut NAMESPACE WIRE``. What became of it on each rank is written to ``RUN.RANK.txt``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from koekao.corpus import Corpus
from koekao.errors import BatchError, KoekaoError
from koekao.training import TrainConfig, Trainer, heartbeat
from koekao.training.distributed import goes_on, rank, together
from small_runs import StopAt, quick

GOES_WRONG_AT = 3
SIGNALS = {"kill": signal.SIGKILL, "kill once": signal.SIGKILL, "stop": signal.SIGSTOP}


def spoil(made: Trainer, how: str) -> None:
    """Let ``how`` happen on the second rank."""
    hear = made._hear

    def spoilt(batch: Any) -> None:
        if made.step == GOES_WRONG_AT and rank() == 1:
            if how in SIGNALS and not (how == "kill once" and int(os.environ["TORCHELASTIC_RESTART_COUNT"])):
                os.kill(os.getpid(), SIGNALS[how])
            if how in SIGNALS:
                return hear(batch)
            if how.startswith("cut "):
                wire = how.split()[2]
                subprocess.run(["ip", "link", "set", wire, "down"], check=True)
                return hear(batch)
            if how == "error":
                raise BatchError("the disk of this rank is gone")
            with torch.no_grad():
                next(made.model.parameters()).fill_(float("nan"))
        return hear(batch)

    if how:
        made._hear = spoilt


def train(corpus: Corpus, job: dict[str, Any]) -> str:
    stop = StopAt(job.get("stop_at", 0))
    resume = job.get("resume", False) or goes_on(Path(job["run"]) / "run.json")
    made = Trainer(corpus, job["run"], TrainConfig(**job["config"]), resume=resume, listeners=[stop])
    stop.trainer = made
    spoil(made, job.get("spoilt", ""))
    return f"{made.fit()}, {made.n_steps} steps planned, seed {torch.initial_seed()}"


def main(corpus_path: str, jobs_path: str) -> None:
    quick()
    corpus = Corpus.open(corpus_path)
    heartbeat.BEAT_EVERY_S, heartbeat.SILENT_AFTER_S = 0.2, 3.0
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
