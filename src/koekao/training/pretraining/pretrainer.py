"""The loop of a pretraining: windows of speech drawn by lot, steps, a measurement on what was held out, one file.

Events told to the listeners (JSON values): ``begin`` (of what, how long), ``step`` (loss, learning rate), ``end``.

The file is one of the stream model that every reader of weights can open; its head is fresh and its curves are still
until it is trained on faces. What is there is said in its header, under ``pretraining``.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from koekao.arkit import N_CURVES
from koekao.atomic import refuse_existing
from koekao.errors import ConfigError, RunError, SoundError
from koekao.interrupt import on_interrupt
from koekao.models import StreamModel, save_model
from koekao.takes.unlabelled import find_sounds
from koekao.training.log import Listener
from koekao.training.parts import adamw, build_at, device_named
from koekao.training.pretraining.config import DEFAULT_MINUTES, PretrainConfig
from koekao.training.pretraining.foretelling import (
    AHEAD_FRAMES,
    Errors,
    Foreteller,
    foretelling_loss,
    held_out_errors,
    reach_frames,
)
from koekao.training.pretraining.speech import Speech, read_speech
from koekao.training.schedule import PROBE_STEPS, STOP_SHARE, affordable_steps, mean_step_s, set_learning_rate

UNTRAINED = ("head",)
"""Modules of the model that a pretraining leaves as they were made."""
_TELL_EVERY_STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """What a pretraining came to.

    Attributes:
        path: the file. n_files, seconds: of what it was made.
        n_held_out: files held out whole. n_padded: files that are shorter than a window and were padded.
        steps, planned_steps: done, and of how many.
        errors: on the speech held out, by distance; None where nothing was, or nothing long enough.
        interrupted: whether it was stopped by Ctrl-C.
    """

    path: Path
    n_files: int
    seconds: float
    n_held_out: int
    n_padded: int
    steps: int
    planned_steps: int
    errors: Errors | None
    interrupted: bool

    @property
    def chosen_by(self) -> str:
        """What the weights are, in a line."""
        line = f"pretraining on {self.n_files} files, {self.seconds:.0f} s, {self.steps} steps"
        if self.errors is None:
            return line + "; nothing was held out to measure on"
        means = {name: float(np.mean(values)) for name, values in asdict(self.errors).items()}
        said = f"held-out error {means['model']:.3f}, frame stays {means['stays']:.3f}, mean {means['mean']:.3f}"
        return f"{line}: {said}"

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self) | {"path": str(self.path), "ahead_frames": AHEAD_FRAMES}


def pretrain(
    sounds: str | Path | Sequence[str | Path],
    output: str | Path,
    config: PretrainConfig,
    *,
    overwrite: bool = False,
    listeners: Sequence[Listener] = (),
    on_file: Callable[[Path], None] | None = None,
) -> Pretrained:
    """Pretrain a stream model on ``sounds`` and write it to ``output``.

    Ctrl-C ends it after the step it is in; what was learnt by then is measured and written.

    Raises:
        TakeError: no sound, or a file that cannot be read. ConfigError: settings that cannot be.
        OutputError: ``output`` exists or cannot be written. RunError: the loss is no longer a number.
    """
    made = _Pretrainer(config, listeners)
    output = Path(output)
    refuse_existing(output, overwrite=overwrite)
    places = [sounds] if isinstance(sounds, str | Path) else sounds
    return made.run(find_sounds(places), output, on_file)


class _Pretrainer:
    def __init__(self, config: PretrainConfig, listeners: Sequence[Listener]) -> None:
        self._began_s, self._config, self._listeners = time.monotonic(), config, listeners
        self._stopped = False
        self.device = device_named(config.device)
        self.model = _make_model(config)
        self.foreteller = Foreteller(self.model)
        if config.window_frames <= reach_frames(self.model):
            raise ConfigError(
                f"window_frames {config.window_frames}",
                expected=f"more than {reach_frames(self.model)}, which is how far ahead a frame is foretold",
            )

    def run(self, paths: Sequence[Path], output: Path, on_file: Callable[[Path], None] | None) -> Pretrained:
        config = self._config
        speech = read_speech(paths, self.model, held_out=config.held_out, seed=config.seed, on_file=on_file)
        if all(len(columns) <= reach_frames(self.model) for columns in speech.learnt):
            raise SoundError(
                "no sound is long enough to foretell anything",
                where=paths[0],
                expected=f"more than {reach_frames(self.model)} frames in one of {len(paths)} files",
                do="give longer recordings",
            )
        self.model.to(self.device)
        self.foreteller.to(self.device)
        planned = config.steps or self._affordable_steps(speech)
        self._tell(
            "begin",
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            n_files=speech.n_files,
            n_held_out=speech.n_held_out,
            n_padded=speech.n_shorter_than(config.window_frames),
            seconds=round(speech.seconds, 1),
            steps=planned,
            batch_size=config.batch_size,
            device=str(self.device),
        )
        torch.manual_seed(config.seed)  # for disturbance and dropout, whatever was measured before
        with on_interrupt(self._stop):
            steps = self._train(speech, planned)
        done = Pretrained(
            path=output,
            n_files=speech.n_files,
            seconds=speech.seconds,
            n_held_out=speech.n_held_out,
            n_padded=speech.n_shorter_than(config.window_frames),
            steps=steps,
            planned_steps=planned,
            errors=held_out_errors(self.model, self.foreteller, speech.held_out),
            interrupted=self._stopped,
        )
        said = done.as_dict() | {"untrained": UNTRAINED, "config": config.as_dict()}
        del said["path"]
        still = np.zeros(N_CURVES, np.float32)
        self.model.set_curve_statistics(still, still)
        save_model(self.model, output, chosen_by=done.chosen_by, pretraining=said)
        self._tell("end", step=steps, interrupted=self._stopped)
        return done

    def _affordable_steps(self, speech: Speech) -> int:
        """As many steps as fit into the minutes, measured over a few on copies, so that the run begins untouched."""
        model, foreteller = copy.deepcopy((self.model, self.foreteller))
        steps, moments = self._steps(model, foreteller, speech, 2 * PROBE_STEPS), []
        for _ in steps:
            moments.append(time.perf_counter())
        gone_s = time.monotonic() - self._began_s
        return int(affordable_steps(self._minutes, gone_s=gone_s, a_step_s=mean_step_s(moments)))

    def _train(self, speech: Speech, planned: int) -> int:
        """Step to the end of the plan, or until stopped; how many steps that were."""
        step = 0
        for loss in self._steps(self.model, self.foreteller, speech, planned):
            step += 1
            if step % _TELL_EVERY_STEPS == 0 or step in (1, planned):
                self._tell("step", step=step, loss=round(loss, 6))
            out_of_time = not self._config.steps and time.monotonic() - self._began_s > 60 * self._minutes * STOP_SHARE
            if self._stopped or out_of_time:
                break
        return step

    def _steps(self, model: StreamModel, foreteller: Foreteller, speech: Speech, n_steps: int) -> Iterator[float]:
        """Make ``n_steps`` steps, one each time that the next loss is asked for."""
        config = self._config
        model.train()
        parameters = [*model.parameters(), *foreteller.parameters()]  # the head gets no gradient, so it stays
        optimizer = adamw(parameters, learning_rate=config.learning_rate, weight_decay=config.weight_decay)
        windows = _Windows(speech.learnt, config, model.features.silence.cpu())
        for step in range(n_steps):
            set_learning_rate(optimizer, step, n_steps, peak=config.learning_rate, warmup=config.warmup)
            columns, starts, valid = (each.to(self.device) for each in windows.draw())
            loss = foretelling_loss(model, foreteller, columns, start_frames=starts, valid_frames=valid)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(parameters, config.clip_norm)
            if not torch.isfinite(norm):
                raise RunError(
                    f"the loss of step {step} is {loss.item()}, the norm of its gradient {norm.item()}",
                    expected="finite numbers",
                    do="lower --learning-rate; nothing was written",
                )
            optimizer.step()
            yield loss.item()

    @property
    def _minutes(self) -> float:
        return self._config.minutes or DEFAULT_MINUTES

    def _stop(self) -> None:
        self._stopped = True

    def _tell(self, event: str, **values: Any) -> None:
        for listener in self._listeners:
            listener.tell(event, **values)


class _Windows:
    """Windows of speech, each around a frame that is drawn from all frames of all sounds alike."""

    def __init__(self, sounds: tuple[Tensor, ...], config: PretrainConfig, silence: Tensor) -> None:
        self._sounds, self._batch_size, self._n_frames = sounds, config.batch_size, config.window_frames
        self._ends = np.cumsum([len(columns) for columns in sounds])
        self._silence, self._rng = silence, np.random.default_rng(config.seed)

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """``[B, T, C, M]`` with silence after what is there, ``[B]`` int64 where each starts, and how much is real."""
        windows, starts = [], []
        for place in self._rng.integers(self._ends[-1], size=self._batch_size).tolist():
            number = int(np.searchsorted(self._ends, place, side="right"))
            sound = self._sounds[number]
            middle = place - int(self._ends[number]) + len(sound)
            starts.append(max(0, min(middle - self._n_frames // 2, len(sound) - self._n_frames)))
            windows.append(sound[starts[-1] : starts[-1] + self._n_frames])
        padded = self._silence.repeat(self._batch_size, self._n_frames, windows[0].shape[1], 1)
        for row, window in enumerate(windows):
            padded[row, : len(window)] = window
        return padded, torch.tensor(starts), torch.tensor([len(window) for window in windows])


def _make_model(config: PretrainConfig) -> StreamModel:
    """A fresh stream model at the rates of the corpora to come."""
    settings = {name: value for name, value in config.model.items() if name != "name"}
    torch.manual_seed(config.seed)
    model = build_at("stream", settings, sample_rate=config.sample_rate, fps=config.fps)
    if not isinstance(model, StreamModel):
        raise TypeError(type(model).__name__)
    return model
