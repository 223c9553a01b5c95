"""What the listeners of a run are told of its batches and steps, and which takes the step at hand has heard.

Of several ranks the first tells, of the rows of all: it knows them from the plan, and nothing is sent for it. The plan
is asked for some dozens of batches at a time, since one costs it half as much as all of those.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from koekao.batches import Batch, Loader
from koekao.batches.spec import Plan
from koekao.corpus import Corpus
from koekao.training.distributed import alone
from koekao.training.log import Listener
from koekao.windows.rows import NO_TAKE, Rows

_BATCHES_AT_A_TIME = 64


class Telling:
    """Tells ``listeners``; see :class:`koekao.training.trainer.Trainer` for the events.

    Attributes:
        step_takes: names of the takes in the batches since the last step.
    """

    def __init__(self, listeners: Sequence[Listener], takes: Corpus) -> None:
        self._listeners, self._takes = [*listeners], takes
        self._windows, self._since_s = 0, time.perf_counter()
        self.step_takes: set[str] = set()
        self._asked: tuple[Plan, int, Rows] | None = None

    def join(self, *listeners: Listener) -> None:
        """Tell these too, from now on."""
        self._listeners += listeners

    def tell(self, event: str, **values: Any) -> None:
        """Any event, to all."""
        for listener in self._listeners:
            listener.tell(event, **values)

    def heard(self, batch: Batch, loader: Loader, *, number: int, step: int) -> None:
        """Batch ``number`` of the loader is about to be heard: which takes are in it, and which begin."""
        names, begun = batch["file_names"], batch["reset"] if "reset" in batch else torch.zeros(0)
        if not alone():
            rows, of_take = self._rows_of_all(loader.plan, number), self._takes.names
            names = ["" if take == NO_TAKE else of_take[take] for take in rows.take.tolist()]
            begun = torch.from_numpy(rows.reset) if "reset" in batch else begun
        if begun.any():
            self.tell("reset", step=step, rows={row: names[row] for row in begun.nonzero().flatten().tolist()})
        self.step_takes |= {name for name in names if name}
        self._windows += len(names) - names.count("")

    def _rows_of_all(self, plan: Plan, number: int) -> Rows:
        """The rows of a batch as all ranks have it."""
        first = number - number % _BATCHES_AT_A_TIME
        if self._asked is None or self._asked[0] is not plan or self._asked[1] != first:
            self._asked = plan, first, plan.batches(first, min(_BATCHES_AT_A_TIME, plan.n_batches - first))
        return self._asked[2][(number - first) * plan.batch_size :][: plan.batch_size]

    def stepped(self, losses: dict[str, Tensor], *, step: int, epoch: int, learning_rate: float) -> None:
        """The losses of a step, and how many windows a second there were since it was last told of one."""
        now_s = time.perf_counter()
        speed = self._windows / max(1e-9, now_s - self._since_s)
        self._since_s, self._windows = now_s, 0
        self.tell(
            "step",
            step=step,
            epoch=epoch,
            **{f"loss_{name}": round(value.item(), 6) for name, value in losses.items()},
            loss=round(sum(value.item() for value in losses.values()), 6),
            learning_rate=learning_rate,
            windows_per_s=round(speed, 1),
        )

    def close(self) -> None:
        """Nothing more will be told."""
        for listener in self._listeners:
            listener.close()
