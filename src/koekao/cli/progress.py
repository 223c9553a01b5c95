"""Training as it goes: a bar where somebody watches, a plain line now and then where nobody does."""

from __future__ import annotations

import time
from typing import Any, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from koekao.cli.console import ERRORS, OUT

_PLAIN_EVERY_S = 10.0


class TrainingProgress:
    """A listener of :class:`koekao.training.Trainer`."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("loss {task.fields[loss]:.3f}  {task.fields[speed]:,.0f} windows/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=ERRORS,
            disable=not ERRORS.is_terminal,
        )
        self._task: TaskID | None = None
        self._steps, self._said_s = 0, 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def close(self) -> None:
        self._bar.stop()

    def tell(self, event: str, **values: Any) -> None:
        say = {"begin": self._begin, "step": self._step, "validation": self._validation}.get(event)
        if say:
            say(values)

    def _begin(self, values: dict[str, Any]) -> None:
        self._steps = values["steps"]
        self._task = self._bar.add_task(
            "training", total=self._steps, completed=values["from_step"], loss=float("nan"), speed=0.0
        )
        OUT.print(
            f"{values['trainer']}: {values['parameters']:,} parameters on {values['train_takes']} takes "
            f"({values['train_s']:.0f} s), {values['val_takes']} to validate on; {values['epochs']} epochs, "
            f"{values['steps']} steps of {values['batch_size']} windows on {values['device']}"
        )

    def _step(self, values: dict[str, Any]) -> None:
        if self._task is not None:
            self._bar.update(
                self._task,
                completed=values["step"],
                description=f"epoch {values['epoch']}",
                loss=values["loss"],
                speed=values["windows_per_s"],
            )
        if not ERRORS.is_terminal and time.monotonic() - self._said_s > _PLAIN_EVERY_S:
            self._said_s = time.monotonic()
            OUT.print(
                f"step {values['step']}/{self._steps}, epoch {values['epoch']}: loss {values['loss']:.3f}, "
                f"{values['windows_per_s']:,.0f} windows/s"
            )

    def _validation(self, values: dict[str, Any]) -> None:
        shown = {name: values[name] if values[name] is not None else float("nan") for name in ("r", "mae")}
        best = ", the best so far" if values["best"] else ""
        OUT.print(f"step {values['step']}: unseen takes r {shown['r']:.3f}, mae {shown['mae']:.4f}{best}")
