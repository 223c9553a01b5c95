"""The exponential moving average of the weights: what is validated, chosen and published, while the raw ones train on.

After each step ``average = decay * average + (1 - decay) * weights`` (Polyak & Juditsky 1992 averaged them evenly; the
exponential form is that of Tan & Le 2019 and many since). It begins at a given step as a copy of the weights, so it
needs no correction of a bias toward zero; and the decay of the n-th step after that is at most ``(1 + n) / (10 + n)``,
as theirs is, so that what was before the first steps is soon forgotten and a short run is not held back. Only
parameters are averaged: buffers are statistics of the training takes and stay as they are. What it gives up: a second
copy of the weights in memory and in checkpoints.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from koekao.models import FaceModel


class Ema:
    """The average of a model's parameters over the steps of a run.

    Args:
        decay: the largest share of the average that stays at a step, in [0, 1); 0 averages nothing, and
            :meth:`weighted` gives the model as it is.
        from_step: steps after which the average begins.
    """

    def __init__(self, *, decay: float, from_step: int = 0) -> None:
        self.decay, self.from_step = decay, from_step
        self.average: dict[str, Tensor] = {}

    def has_begun(self, step: int) -> bool:
        """Whether there is an average after ``step`` steps."""
        return self.decay > 0 and step >= max(1, self.from_step)

    @torch.no_grad()
    def update(self, model: FaceModel, step: int) -> None:
        """Take in the weights after ``step`` steps."""
        if not self.has_begun(step):
            return
        if not self.average:
            self.average = {name: value.detach().clone() for name, value in model.named_parameters()}
            return
        n = step - max(1, self.from_step)
        decay = min(self.decay, (1 + n) / (10 + n))
        for name, value in model.named_parameters():
            self.average[name].lerp_(value, 1 - decay)

    @torch.no_grad()
    def weighted(self, model: FaceModel) -> FaceModel:
        """A copy of ``model`` with the average in the place of its weights; with its own before the average begins."""
        made = copy.deepcopy(model)
        for name, value in made.named_parameters():
            if name in self.average:
                value.copy_(self.average[name])
        return made
