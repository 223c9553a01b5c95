"""``koekao train CORPUS RUN``."""

from __future__ import annotations

import json as json_format
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from cyclopts import Group, Parameter

from koekao.cli.console import Making, command, json_out, say
from koekao.cli.place import Place, expect
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


Switch = Annotated[bool, Parameter(negative=())]
"""Off unless it is said: no --no-resume beside --resume."""
_GROUPS = {
    "What is trained": "trainer model init precision compile device seed num_workers pin_memory prefetch_factor",
    "How long": "epochs minutes max_steps validations patience keep_last plots debug",
    "Batches": "batch_size n_streams window_frames stride initial_stride final_stride schedule dense_ratio hop_frames "
    "clip_s target_frame augment",
    "Learning": "learning_rate weight_decay warmup clip_norm accumulate ema_decay ema_from_step velocity_weight "
    "correlation_weight losses",
}
"""Half a hundred settings in one list would be a wall. What stands in no group here is shown with --resume."""


def _grouped() -> dict[str, Any]:
    """The type of each setting, with the group that help shows it in."""
    types = get_type_hints(TrainConfig)
    groups = {title: Group(title, sort_key=row) for row, title in enumerate(_GROUPS, start=2)}
    return {
        name: Annotated[types[name], Parameter(group=groups[title])]
        for title, names in _GROUPS.items()
        for name in names.split()
    }


_Options.__annotations__ |= _grouped()
_Options.__doc__ = TrainConfig.__doc__  # the help of each option
_DEFAULTS = _Options()


def train(
    corpus: Place,
    run: Path,
    /,
    *,
    options: Annotated[_Options, Parameter(name="*")] = _DEFAULTS,
    config: Path | None = None,
    resume: Switch = False,
    json: Switch = False,
) -> int | None:
    """Train a model on a corpus; all that comes of it is a run.

    Ctrl-C ends the run after the step it is in and saves it; --resume goes on to the bit where it stopped. Several
    processes train one run: torchrun --nproc-per-node 2 -m koekao train CORPUS RUN.

    Args:
        corpus: a corpus made by koekao pack.
        run: folder to make (or, with --resume, to go on with).
        config: a YAML file of settings by their names in Python (batch_size: 32); options win over it, and what a run
            was made with lies in it as config.yaml.
        resume: go on from the last checkpoint with the settings that the run began with.
        json: print nothing but the outcome, as JSON.

    Examples:
        koekao train corpus run
        koekao train corpus run --minutes 5 --model.dim 256
        koekao train corpus run --resume
    """
    expect("corpus", corpus, "the corpus comes first: koekao train CORPUS RUN")
    settings = merged(config, options.said)
    from koekao.training.distributed import goes_on, together

    with together():
        resume = resume or goes_on(run / "run.json")
        return run_training(corpus, run, settings, resume=resume, json=json)


def run_training(
    corpus: Path | str, run: Path, config: TrainConfig, *, resume: bool = False, json: bool = False
) -> int | None:
    """Train with progress on the screen, if there are several processes on that of the first; returns the exit code."""
    from koekao.cli.progress import TrainingProgress
    from koekao.corpus import Corpus
    from koekao.training import Trainer
    from koekao.training.distributed import is_first

    talks, making = is_first(), Making()
    progress = TrainingProgress(quiet=json)
    with progress if talks else nullcontext():
        shown = [] if json or resume else [_Shown(as_yaml(config))]
        trainer = Trainer(Corpus.open(corpus), run, config, resume=resume, listeners=[*shown, progress])
        reason = trainer.fit()
    code = _INTERRUPTED if reason == "interrupted" else None
    if not talks:
        return code
    then = ("koekao", "train", corpus, run, "--resume") if code else ("koekao", "evaluate", run, corpus)
    if json:
        said = {"run": str(run), "ended": reason, "step": trainer.step, "epochs": trainer.epochs}
        json_out(said | {"best": trainer.best or None} | making.as_dict([run], *then))
    elif code:
        say(f"interrupted at step {trainer.step}; saved. Go on with: {command(*then)}")
    else:
        r = f"best mean r {trainer.best['r']:.3f}, at step {trainer.best['step']}" if trainer.best else "not validated"
        say(f"{reason} (step {trainer.step}); {r}")
        making.say(run, *then)
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
