"""``koekao train CORPUS RUN``."""

from __future__ import annotations

import json as json_format
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from koekao.cli.console import json_out, say
from koekao.training.config import TrainConfig

_DEFAULTS = TrainConfig()
_INTERRUPTED = 130


def train(
    corpus: Path,
    run: Path,
    /,
    *,
    config: Annotated[TrainConfig, Parameter(name="*")] = _DEFAULTS,
    resume: bool = False,
    json: bool = False,
) -> int | None:
    """Train a model on a corpus's training takes; the run folder holds all that comes of it.

    Ctrl-C ends the run after the step it is in and saves it; --resume goes on to the bit where it stopped.

    Args:
        corpus: a corpus made by koekao pack.
        run: folder to make (or, with --resume, to go on with).
        resume: go on from the last checkpoint with the settings that the run began with.
        json: print nothing but the outcome, as JSON.
    """
    code = run_training(corpus, run, config, resume=resume, json=json)
    if not code and not json:
        say(f"next: koekao evaluate {run} {corpus}")
        say(f"next: koekao animate {run} SPEECH.wav -o face.csv")
    return code


def run_training(
    corpus: Path, run: Path, config: TrainConfig, *, resume: bool = False, json: bool = False
) -> int | None:
    """Train with progress on the screen; returns the exit code."""
    from koekao.cli.progress import TrainingProgress
    from koekao.corpus import Corpus
    from koekao.training import Trainer

    config = replace(config, model={name: _value(text) for name, text in config.model.items()})
    with TrainingProgress(quiet=json) as progress:
        trainer = Trainer(Corpus.open(corpus), run, config, resume=resume, listeners=[progress])
        reason = trainer.fit()
    if json:
        best = trainer.best or None
        json_out({"run": str(run), "ended": reason, "step": trainer.step, "epochs": trainer.epochs, "best": best})
    elif reason == "interrupted":
        say(f"interrupted at step {trainer.step}; saved. Go on with: koekao train {corpus} {run} --resume")
    else:
        r = f"best mean r {trainer.best['r']:.3f}, at step {trainer.best['step']}" if trainer.best else "not validated"
        say(f"{reason} (step {trainer.step}); {r}; run: {run}")
    return _INTERRUPTED if reason == "interrupted" else None


def _value(text: Any) -> Any:
    """``--model.dim 96`` and ``--model.dilations "[4, 2, 1]"`` mean numbers and lists."""
    try:
        return json_format.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text
