"""``koekao train CORPUS RUN``."""

from __future__ import annotations

import json as json_format
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from koekao.cli.console import json_out, say
from koekao.cli.place import Place
from koekao.training.config import TrainConfig
from koekao.training.settings_file import as_yaml, merged

_INTERRUPTED = 130


class _Options(TrainConfig):
    """Settings from the command line that know which of them were said, so that a file fills in the others."""

    said: dict[str, Any]

    def __init__(self, **said: Any) -> None:
        said = {name: _value(value) if name == "augment" else plain_values(value) for name, value in said.items()}
        super().__init__(**said)
        object.__setattr__(self, "said", said)


class _Shown:
    """A listener that prints a text when training begins: what fails before that prints its error alone."""

    def __init__(self, text: str) -> None:
        self._text = text

    def tell(self, event: str, **values: Any) -> None:
        if event == "begin":
            print(self._text, end="", flush=True)

    def close(self) -> None:
        pass


_Options.__doc__ = TrainConfig.__doc__  # the help of each option
_DEFAULTS = _Options()


def train(
    corpus: Place,
    run: Path,
    /,
    *,
    options: Annotated[_Options, Parameter(name="*")] = _DEFAULTS,
    config: Path | None = None,
    resume: bool = False,
    json: bool = False,
) -> int | None:
    """Train a model on a corpus's training takes; the run folder holds all that comes of it.

    Ctrl-C ends the run after the step it is in and saves it; --resume goes on to the bit where it stopped. Several
    processes train one run: torchrun --nproc-per-node 2 -m koekao train CORPUS RUN.

    Args:
        corpus: a corpus made by koekao pack.
        run: folder to make (or, with --resume, to go on with).
        config: a YAML file of settings by their names in Python (batch_size: 32); options win over it, and what a run
            was made with lies in it as config.yaml.
        resume: go on from the last checkpoint with the settings that the run began with.
        json: print nothing but the outcome, as JSON.
    """
    settings = merged(config, options.said)
    from koekao.training.distributed import goes_on, is_first, together

    with together():
        resume = resume or goes_on(run / "run.json")
        code = run_training(corpus, run, settings, resume=resume, json=json)
        if not code and not json and is_first():
            say(f"next: koekao evaluate {run} {corpus}")
            say(f"next: koekao animate {run} SPEECH.wav -o face.csv")
    return code


def run_training(
    corpus: Path | str, run: Path, config: TrainConfig, *, resume: bool = False, json: bool = False
) -> int | None:
    """Train with progress on the screen, if there are several processes on that of the first; returns the exit code."""
    from koekao.cli.progress import TrainingProgress
    from koekao.corpus import Corpus
    from koekao.training import Trainer
    from koekao.training.distributed import is_first

    talks = is_first()
    progress = TrainingProgress(quiet=json)
    with progress if talks else nullcontext():
        shown = [] if json or resume else [_Shown(as_yaml(config))]
        trainer = Trainer(Corpus.open(corpus), run, config, resume=resume, listeners=[*shown, progress])
        reason = trainer.fit()
    code = _INTERRUPTED if reason == "interrupted" else None
    if not talks:
        return code
    if json:
        best = trainer.best or None
        json_out({"run": str(run), "ended": reason, "step": trainer.step, "epochs": trainer.epochs, "best": best})
    elif reason == "interrupted":
        say(f"interrupted at step {trainer.step}; saved. Go on with: koekao train {corpus} {run} --resume")
    else:
        r = f"best mean r {trainer.best['r']:.3f}, at step {trainer.best['step']}" if trainer.best else "not validated"
        say(f"{reason} (step {trainer.step}); {r}; run: {run}")
    return code


def plain_values(given: Any) -> Any:
    """``--model.dim 96`` and ``--model.dilations "[4, 2, 1]"`` mean numbers and lists."""
    if isinstance(given, dict):
        return {name: _value(text) for name, text in given.items()}
    return given


def _value(text: Any) -> Any:
    if isinstance(text, dict):
        return plain_values(text)
    try:
        return json_format.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text
