"""Long work as it goes: a bar with the time left where somebody watches; of training a line for every validation."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from koekao.cli.console import count, length, where_watched

if TYPE_CHECKING:
    from koekao.corpus import PackProgress


class PackingProgress:
    """A listener of :func:`koekao.corpus.pack`: takes done, times real time, time left."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed}/{task.total} takes{task.fields[said]}"),
            TimeRemainingColumn(),
            **where_watched(),
        )
        self._task = self._bar.add_task("looking for takes", total=None, said="")
        self._reading_s = time.monotonic()
        self._read_s = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    @property
    def times_real_time(self) -> float:
        """How much faster than it was spoken sound is read, checked and written, without what was taken over."""
        return self._read_s / max(1e-9, time.monotonic() - self._reading_s)

    def tell(self, so_far: PackProgress) -> None:
        if self._bar.tasks[0].total is None:  # what is taken over is through by now
            self._reading_s = time.monotonic()
            self._bar.reset(self._task, total=so_far.total, completed=so_far.done, description="packing")
        self._read_s = so_far.seconds - so_far.resumed_s
        self._bar.update(self._task, completed=so_far.done, said=f", {self.times_real_time:,.0f} times real time")


class _StepProgress:
    """A bar of steps, and lines beside it; ``quiet`` keeps the lines away."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.completed}/{task.total} {task.fields[said]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            **where_watched(),
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def close(self) -> None:
        self._bar.stop()

    def _say(self, line: str) -> None:
        if not self._quiet:
            print(line, flush=True)  # not by a console: rich puts above its bar what is printed plainly


class PretrainingProgress(_StepProgress):
    """A listener of :func:`koekao.training.pretraining.pretrainer.pretrain`."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet)
        self._task = self._bar.add_task("looking for sounds", total=None, said="")

    def read(self, path: Path) -> None:
        """Told of each file that was read."""
        self._bar.update(self._task, advance=1, description=f"read {path.name}")

    def tell(self, event: str, **values: Any) -> None:
        if event == "begin":
            self._bar.reset(self._task, total=values["steps"], description="pretraining")
            padded = f", {values['n_padded']} of them shorter than a window and padded" if values["n_padded"] else ""
            self._say(
                f"stream: {count(values['parameters'], 'parameter')} on {count(values['n_files'], 'file')} "
                f"({length(values['seconds'])}){padded}, {values['n_held_out']} held out, {values['device']}"
            )
            self._say(f"{count(values['steps'], 'step')} of {values['batch_size']} windows")
        elif event == "step":
            self._bar.update(self._task, completed=values["step"], said=f"loss {values['loss']:.3f}")


class TrainingProgress(_StepProgress):
    """A listener of :class:`koekao.training.Trainer`."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet)
        self._task: TaskID | None = None
        self._first_step = 1

    def tell(self, event: str, **values: Any) -> None:
        tell = {"begin": self._begin, "step": self._step, "validation": self._validation}.get(event)
        if tell:
            tell(values)

    def _begin(self, values: dict[str, Any]) -> None:
        self._first_step = values["from_step"] + 1
        self._task = self._bar.add_task("training", total=values["steps"], completed=values["from_step"], said="")
        self._say(
            f"{values['trainer']}: {count(values['parameters'], 'parameter')} on {count(values['train_takes'], 'take')}"
            f" ({length(values['train_s'])}), {values['val_takes']} to validate on, {values['device']}"
        )
        if values.get("init"):
            fresh = f"; fresh: {', '.join(values['init']['left'])}" if values["init"]["left"] else ""
            taken = count(values["init"]["parameters"], "parameter")
            self._say(f"begins with {taken} of {values['init']['path']} ({values['init']['chosen_by']}){fresh}")
        self._say(
            f"{count(values['epochs'], 'epoch')}, {count(values['steps'], 'step')} of {values['batch_size']} windows"
            + (f", going on after step {values['from_step']}" if values["from_step"] else "")
        )

    def _step(self, values: dict[str, Any]) -> None:
        if self._task is not None:
            measured = values["step"] > self._first_step
            speed = f", {values['windows_per_s']:,.0f} windows/s" if measured else ""
            self._bar.update(
                self._task,
                completed=values["step"],
                description=f"epoch {values['epoch']}",
                said=f"loss {values['loss']:.3f}{speed}",
            )

    def _validation(self, values: dict[str, Any]) -> None:
        r, mae = (values[name] if values[name] is not None else float("nan") for name in ("r", "mae"))
        best = ", the best so far" if values["best"] else ""
        self._say(f"step {values['step']}: unseen takes r {r:.3f}, mae {mae:.4f}{best}")


class WorkProgress:
    """A bar of so many things done of so many, or of seconds of sound where ``things`` is empty, and the time left."""

    def __init__(self, what: str, things: str = "") -> None:
        self._things = things
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            **where_watched(),
        )
        self._task = self._bar.add_task(what, total=None, said="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def tell(self, done: float, of: float | None, what: str | None = None) -> None:
        """So much is done of so much (None: nobody knows); ``what`` changes the words before the bar."""
        self._bar.update(self._task, completed=done, total=of, said=self._said(done, of), description=what)

    def _said(self, done: float, of: float | None) -> str:
        if not self._things:
            return length(done) if of is None else f"{length(done)} of {length(of)}"
        return f"{done:,.0f} {self._things}" if of is None else f"{done:,.0f}/{of:,.0f} {self._things}"
