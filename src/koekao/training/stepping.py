"""One step of the optimiser from one batch or from several: forward, backward, the mean gradient, clipping.

With ``accumulate`` batches a step, the gradient is the mean of theirs. That is the gradient of one larger batch, to the
rounding of float32, where each loss is a mean over equally many frames: as in clips without a hole, or windows inside
long takes. Elsewhere a batch counts as much as another whatever frames of it were tracked, so a frame of a sparse batch
weighs more than in one large batch; the correlation term, which has its mean over all frames of a batch, is that of
the batches; and the velocity term of the sequential trainer does not see the step from one batch to the next.

Of several ranks each hears its rows of a batch. Their gradients are added up once a step, before anything looks at
them: each rank then clips and steps on the same numbers (:mod:`koekao.training.distributed`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from koekao.batches import Batch
from koekao.models import FaceModel
from koekao.training.distributed import sum_gradients
from koekao.training.precision import Precision

LossesOf = Callable[[FaceModel, Batch], dict[str, Tensor]]


class Stepper:
    """Gathers the gradient of batches and steps on it.

    Args:
        losses_of: terms of the loss of a batch (:meth:`koekao.training.tasks.Task.losses`, compiled or not).
        clip_norm: largest norm of the mean gradient.
    """

    def __init__(
        self,
        model: FaceModel,
        losses_of: LossesOf,
        optimizer: torch.optim.Optimizer,
        *,
        clip_norm: float,
        precision: Precision,
    ) -> None:
        self.model, self.optimizer, self.precision = model, optimizer, precision
        self.n_batches = 0
        self._losses_of, self._clip_norm = losses_of, clip_norm
        self._sums: dict[str, Tensor] = {}

    def loss(self, batch: Batch) -> Tensor:
        """The loss of one batch on the model's device, to be looked at before it is given to :meth:`backward`."""
        with self.precision.autocast():
            losses = self._losses_of(self.model, batch)
            total = torch.stack(list(losses.values())).sum()
        before = self._sums if self.n_batches else {}
        self._sums = {name: value.detach() + before.get(name, 0) for name, value in losses.items()}
        return total

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of a batch to those of this step; the first batch of a step begins anew."""
        if not self.n_batches:
            self.optimizer.zero_grad(set_to_none=True)
        self.precision.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.n_batches += 1

    def sum_over_ranks(self, *wishes: bool) -> tuple[bool, ...]:
        """The gradient of all ranks, in the place of this one's; and whether any of them has each of the wishes."""
        return sum_gradients(self.model.parameters(), *wishes)

    def norm(self) -> Tensor:
        """The norm of the mean gradient before clipping; the gradient is that mean, clipped, thereafter."""
        self.precision.scaler.unscale_(
            self.optimizer
        )  # after the sum over ranks: an overflow on one rank is one on all
        if self.n_batches > 1:
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad /= self.n_batches
        return torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._clip_norm)

    def step(self) -> dict[str, Tensor]:
        """Step on the gradient; the mean of each term of the loss over the batches."""
        self.precision.step(self.optimizer)
        means = {name: value / self.n_batches for name, value in self._sums.items()}
        self.n_batches = 0
        return means
