"""``koekao pretrain WAVS OUT``."""

from __future__ import annotations

from dataclasses import replace
from json import dumps
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, json_out, say, table
from koekao.cli.train import plain_values
from koekao.training.pretraining.config import PretrainConfig

if TYPE_CHECKING:
    from koekao.training import Pretrained

_INTERRUPTED = 130
_DEFAULTS = PretrainConfig()


def pretrain(
    wavs: list[Path],
    out: Path,
    /,
    *,
    options: Annotated[PretrainConfig, Parameter(name="*")] = _DEFAULTS,
    overwrite: bool = False,
    json: bool = False,
) -> int | None:
    """Learn from speech without faces, to begin a training with.

    It learns to foretell the sound a little beyond what it has heard. The file that it writes is for koekao train
    CORPUS RUN --trainer stream --init OUT. Ctrl-C ends it after the step it is in and writes what was learnt.

    Args:
        wavs: a folder (all sound in it, at any depth) or sound files.
        out: the file of weights to make.
        overwrite: replace a file that is there.
        json: print nothing but the outcome, as JSON.

    Examples:
        koekao pretrain speech/ speech.safetensors --minutes 5
        koekao train corpus run --init speech.safetensors
    """
    from koekao.cli.progress import PretrainingProgress
    from koekao.training import pretrain as pretrain_on

    config = replace(options, model=plain_values(options.model))
    making = Making()
    with PretrainingProgress(quiet=json) as progress:
        done = pretrain_on(wavs, out, config, overwrite=overwrite, listeners=[progress], on_file=progress.read)
    then = ("koekao", "train", "CORPUS", "RUN", "--trainer", "stream", "--init", out, *_said(config))
    if json:
        json_out(done.as_dict() | making.as_dict([out], *then))
    else:
        _show(done)
        making.say(done.path, *then)
    return _INTERRUPTED if done.interrupted else None


def _show(done: Pretrained) -> None:
    """The errors beside those of the trivial guesses, and what was written."""
    from koekao.training.pretraining.foretelling import AHEAD_FRAMES

    if done.errors is None:
        say("nothing was held out (or nothing long enough), so nothing is known of what was learnt")
    else:
        rows = (
            ("pretrained", done.errors.model),
            ("the frame stays as it is", done.errors.stays),
            ("the mean", done.errors.mean),
        )
        table(
            "Error on speech held out, in spreads of the features",
            ("foretold by", "all", *(f"+{n} frames" for n in AHEAD_FRAMES)),
            [(who, fmean(errors), *errors) for who, errors in rows],
        )
        if not done.errors.learnt:
            say("no better than a trivial guess: give it more minutes, or more speech")
    ended = f"interrupted after {done.steps} of {done.planned_steps}" if done.interrupted else f"{done.steps}"
    say(f"{ended} steps")


def _said(config: PretrainConfig) -> list[str]:
    """The settings of the model, to be said again."""
    return [word for name, value in config.model.items() for word in (f"--model.{name}", dumps(value))]
