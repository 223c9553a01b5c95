"""The training loop, one for all trainers.

Events told to the listeners (JSON values): ``begin`` (what is trained on what, how long), ``reset`` (step, and the take
names of the streams that begin a take, by row), ``step`` (loss by term, learning rate, windows/s), ``validation``
(scores on whole unseen takes, and the ``picture`` of one, if any), ``saved``, ``end`` (why).

Of several ranks (:mod:`koekao.training.distributed`) all step, and the first does what is done once: statistics,
baseline, validation, files, events. What decides how a run goes on is decided for all ranks at the same step.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from koekao.animation import animate
from koekao.atomic import write_file
from koekao.batches import Batch, to_device
from koekao.corpus import Corpus
from koekao.errors import RunError
from koekao.interrupt import on_interrupt
from koekao.models import save_model
from koekao.training.account import Account
from koekao.training.beginning import begin_from
from koekao.training.checkpoint import load_checkpoint, save_checkpoint
from koekao.training.config import DEBUG_BATCHES, TrainConfig
from koekao.training.distributed import (
    alone,
    anywhere,
    decided,
    is_first,
    launch_id,
    rank,
    refuse_strangers,
    same_as_first,
)
from koekao.training.evaluation import score_takes
from koekao.training.kept import keep
from koekao.training.length import length_of_run
from koekao.training.log import Listener, listeners_of
from koekao.training.parts import Parts, device_named, make_model, make_parts
from koekao.training.refusals import refuse_other_than_first, refuse_untrainable
from koekao.training.ridge import Ridge
from koekao.training.run import Run, fingerprints
from koekao.training.schedule import STOP_SHARE, set_learning_rate
from koekao.training.settings_file import as_yaml
from koekao.training.statistics import fit_statistics
from koekao.training.telling import Telling

_SAVE_EVERY_S = 60.0
_TELL_EVERY_STEPS = 10


class Trainer:
    """Trains one run.

    Args:
        corpus: its ``train`` takes are trained on, its ``val`` takes (if any) choose the best weights.
        run_path: folder of the run; must not hold a run unless ``resume``.
        config: all settings; with ``resume`` those that the run began with count.
        resume: go on from the run's last checkpoint.
        listeners: told events beside the log file, on the first rank.

    Raises:
        RunError: a run is there already, or none to resume, or the corpus is another one, has no training take, or no
            frame to validate on, or nothing is there to begin from; or several processes that have not joined.
        ModelError: the model to begin from (``config.init``) is another one.
    """

    def __init__(
        self,
        corpus: Corpus,
        run_path: str | Path,
        config: TrainConfig,
        *,
        resume: bool = False,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._began_s = self._saved_s = time.monotonic()
        refuse_strangers()
        self.run, self.corpus = Run(Path(run_path)), corpus
        self.train_takes, self.val_takes = corpus.select(split="train"), corpus.select(split="val")
        self._record = self.run.read_to_resume(corpus) if resume else {}
        if not resume:
            self.run.refuse_existing()
        self.config = TrainConfig(**self._record["config"]) if resume else config
        refuse_untrainable(corpus, self.config)
        self.device = device_named(self.config.device)
        self.model = make_model(self.config, corpus)
        self._init = begin_from(self.config.init, self.model) if self.config.init and not resume else None
        self.model.to(self.device)
        self._account = Account(self.run, corpus, self.config, self.model)
        self._telling = Telling(listeners if is_first() else (), self.train_takes)
        self.step = self.epoch = self.epochs = self.n_steps = 0
        self.best: dict[str, Any] = {}
        self.stop_reason = ""
        self._asked_to_stop = self._save_is_due = False
        self._seconds_before = 0.0
        self._validated_step = self._saved_step = self._session_steps = self._session_batches = 0
        self._validations_without_best = 0

    def fit(self) -> str:
        """Train to the end of the plan, or until stopped; returns why it ended.

        Raises:
            RunError: loss or gradient is no longer a number; the weights have not been touched by it. Or another rank
                has ended, or was given something else to train.
        """
        if is_first():
            self.run.path.mkdir(parents=True, exist_ok=True)
            self._telling.join(*listeners_of(self.run.path, self.run.log), self._account)
        try:
            with on_interrupt(self.stop):
                self.parts = self._prepare()
                self._telling.tell("begin", **self._description())
                if not self._record:
                    self._save()  # before the record, so that whatever has one can be resumed
                self._write_record()
                self._train()
                self._finish()
        finally:
            self._telling.close()
        return self.stop_reason

    def stop(self) -> None:
        """End the run after the step it is in, and save it, as Ctrl-C does; for listeners and other threads.

        Of several ranks after the next, if this step's gradients were on their way already.
        """
        self._asked_to_stop = True

    def _prepare(self) -> Parts:
        """Statistics and baseline (of a new run), the length of the run, its parts, and where it stands."""
        resumed = bool(self._record)
        refuse_other_than_first(self.corpus, self.config)
        if not resumed and is_first():
            fit_statistics(self.model, self.train_takes)
            features = copy.deepcopy(self.model.features).cpu()
            Ridge.fit(self.train_takes, features, self.model.look_ahead_frames).save(self.run.ridge)
        same_as_first(self.model)
        if resumed:
            self.epochs, self.n_steps = self._record["epochs"], self._record["steps_planned"]
        else:
            self.epochs, self.n_steps = length_of_run(self.config, self.train_takes, self.model, began_s=self._began_s)
        spec = self.config.spec(len(self.train_takes), self.corpus.clock, self.epochs)
        parts = make_parts(self.config, self.train_takes, self.model, spec, epochs=self.epochs)
        torch.manual_seed(self.config.seed + rank())  # for dropout, whatever has been drawn since the model was made
        if resumed:
            progress = load_checkpoint(
                self.run.last, model=self.model, optimizer=parts.optimizer, task=parts.task, ema=parts.ema
            )
            self._validations_without_best = progress.get("validations_without_best", 0)
            parts.stepper.precision.load_state_dict(progress.get("precision", {}))
            self.step = self._saved_step = progress["step"]
            self.epoch, self.best = progress["epoch"], progress["best"]
            self._seconds_before, self._validated_step = progress["seconds"], progress["validated_step"]
            parts.loader.load_state_dict(progress["loader"])
        return parts

    def _train(self) -> None:
        self.stop_reason = self._reason_to_stop(*anywhere(*self._wishes()))
        if self.stop_reason:  # resumed at its end, or interrupted before it began
            return
        for epoch in range(self.epoch, self.epochs):
            self.epoch = epoch
            self.parts.loader.set_epoch(epoch)
            self.parts.task.judge.begin(epoch)
            first = self.parts.loader.state_dict()["batch"]  # 0, but where a run goes on inside an epoch
            for number, batch in enumerate(self.parts.loader, start=first + 1):
                self._telling.heard(batch, self.parts.loader, number=number - 1, step=self.step)
                self._hear(batch)
                if not self._step_is_due(is_last=number == len(self.parts.loader)):
                    continue
                self.stop_reason = self._reason_to_stop(*self._step())
                if self.stop_reason:
                    return
                if self._save_is_due:
                    self._save()
            if self.step - self._validated_step >= self.n_steps / self.config.validations:
                self._validate()
                self.stop_reason = self._patience_over()
                if self.stop_reason:
                    return
        self.stop_reason = "all epochs done"

    def _hear(self, batch: Batch) -> None:
        """The gradient of one batch, added to those of the step."""
        self.model.train()
        batch = self.parts.augmented(batch, epoch=self.epoch) if self.parts.augmented else batch
        loss = self.parts.stepper.loss(to_device(batch, self.device))
        self._refuse_nan(loss, "loss")
        self.parts.stepper.backward(loss)
        self._session_batches += 1

    def _step_is_due(self, *, is_last: bool) -> bool:
        """After ``accumulate`` batches, at an epoch's end, and where a debugged run ends."""
        full = self.parts.stepper.n_batches >= self.config.accumulate
        return full or is_last or (self.config.debug and self._session_batches >= DEBUG_BATCHES)

    def _step(self) -> tuple[bool, ...]:
        """Step on the gradient of the batches heard; the wishes of all ranks, which were asked with it."""
        peak, warmup = self.config.learning_rate, self.config.warmup
        set_learning_rate(self.parts.optimizer, self.step, self.n_steps, peak=peak, warmup=warmup)
        wishes_of_all = self.parts.stepper.sum_over_ranks(*self._wishes())
        norm = self.parts.stepper.norm()
        if not self.parts.stepper.precision.may_overflow:
            self._refuse_nan(norm, "norm of the gradient")
        losses = self.parts.stepper.step()
        self._telling.step_takes = set()
        self.step += 1
        self.parts.ema.update(self.model, self.step)
        self._session_steps += 1
        if self.step % _TELL_EVERY_STEPS == 0 or self._session_steps == 1:
            rate = self.parts.optimizer.param_groups[0]["lr"]
            self._telling.stepped(losses, step=self.step, epoch=self.epoch, learning_rate=rate)
        return self._wishes() if alone() else wishes_of_all

    def _refuse_nan(self, value: Tensor, what: str) -> None:
        if not torch.isfinite(value):
            takes = ", ".join(sorted(self._telling.step_takes))
            raise RunError(
                f"the {what} of step {self.step} is {value.item()}, on {takes}",
                where=self.run.path,
                expected="a finite number",
                do="look at these takes, or lower --learning-rate; this step has not touched the weights, and "
                f"{self.run.last.name} holds the run as it was at step {self._saved_step}",
            )

    def _wishes(self) -> tuple[bool, bool, bool]:
        """Of this rank: to stop at once, to stop because the time is over, to save."""
        limit_s = float("inf") if self.config.minutes is None else 60 * self.config.minutes * STOP_SHARE
        save_is_due = time.monotonic() - self._saved_s > _SAVE_EVERY_S
        return self._asked_to_stop, self._seconds() > limit_s, save_is_due

    def _reason_to_stop(self, is_asked: bool, is_over: bool, save_is_due: bool) -> str:
        self._save_is_due = save_is_due
        if is_asked:
            return "interrupted"
        if self.config.debug and self._session_batches >= DEBUG_BATCHES:
            return f"debug: {DEBUG_BATCHES} batches"
        if self.config.max_steps and self.step >= self.config.max_steps:
            return f"{self.step} steps done"
        if self.step and is_over:
            return f"{self.config.minutes:g} minutes are over"
        return self._patience_over()

    def _patience_over(self) -> str:
        if self.config.patience and self._validations_without_best >= self.config.patience:
            return f"no better in {self.config.patience} validations"
        return ""

    def _finish(self) -> None:
        """Leave a run that can be used and gone on with."""
        interrupted = self.stop_reason == "interrupted"
        if not interrupted and self._validated_step != self.step:
            self._validate()
        if not interrupted and not len(self.val_takes) and is_first():
            published = self.parts.ema.weighted(self.model)
            save_model(published, self.run.best, chosen_by="the last step: there are no validation takes")
        self._save()
        self._write_record()
        self._telling.tell(
            "end", step=self.step, epoch=self.epoch, reason=self.stop_reason, seconds=round(self._seconds(), 1)
        )

    def _validate(self) -> None:
        """Animate the validation takes as a user would; the weights with the highest mean r are the best."""
        self._validated_step = self.step
        if not len(self.val_takes):
            return
        if is_first():
            self._score()
        self.best, self._validations_without_best = decided((self.best, self._validations_without_best))

    def _score(self) -> None:
        model = self.parts.ema.weighted(self.model).cpu()
        scores = score_takes(self._account.watching(lambda audio: animate(model, audio)), self.val_takes)
        values = {name: scores.average(name) for name in ("r", "mae", "velocity_ratio")}
        is_best = not self.best or (values["r"] or 0.0) > self.best["r"]
        self._validations_without_best = 0 if is_best else self._validations_without_best + 1
        if is_best:
            self.best = {"step": self.step, "r": values["r"] or 0.0}
            save_model(model, self.run.best, chosen_by=f"mean r of the validation takes at step {self.step}")
        drawn = self._account.validated(scores, step=self.step, is_best=is_best)
        self._telling.tell("validation", step=self.step, epoch=self.epoch, best=is_best, **values, **drawn)

    def _save(self) -> None:
        progress = {
            "step": self.step,
            "epoch": self.epoch,
            "best": self.best,
            "validated_step": self._validated_step,
            "validations_without_best": self._validations_without_best,
            "seconds": self._seconds(),
            "loader": self.parts.loader.state_dict(),
            "precision": self.parts.stepper.precision.state_dict(),
        }
        parts = self.parts
        save_checkpoint(
            self.run.last,
            model=self.model,
            optimizer=parts.optimizer,
            task=parts.task,
            progress=progress,
            ema=parts.ema,
        )
        if is_first():
            keep(self.run.last, self.step, self.config.keep_last)
        self._saved_s, self._saved_step = time.monotonic(), self.step
        self._telling.tell("saved", step=self.step, epoch=self.epoch)

    def _write_record(self) -> None:
        self._record = {
            "config": self.config.as_dict(),
            "corpus": {"path": self.corpus.place, "id": self.corpus.id},
            "launch": launch_id(),
            "epochs": self.epochs,
            "steps_planned": self.n_steps,
            "step": self.step,
            "best": self.best,
            "stopped": self.stop_reason,
            "trained_on": self._record.get("trained_on") or fingerprints(self.train_takes),
            "init": self._record.get("init", self._init),
        }
        if not is_first():
            return
        write_file(self.run.settings, as_yaml(self.config).encode())
        self.run.write(self._record)

    def _description(self) -> dict[str, Any]:
        plan = self.parts.loader.plan
        return {
            "trainer": self.config.trainer,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "train_takes": len(self.train_takes),
            "train_s": round(self.train_takes.seconds, 1),
            "val_takes": len(self.val_takes),
            "epochs": self.epochs,
            "steps": self.n_steps,
            "from_step": self.step,
            "batch_size": plan.batch_size,
            "padded_takes": plan.grid.padded_takes,
            "skipped_takes": plan.grid.skipped_takes,
            "device": str(self.device),
            "init": self._init,
        }

    def _seconds(self) -> float:
        """Wall time of the run, sessions before a resume included."""
        return self._seconds_before + time.monotonic() - self._began_s
