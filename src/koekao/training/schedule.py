"""How long a run is and how fast it learns: epochs that fit into a time, and the learning rate of a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

MOST_EPOCHS = 2000
PLANNED_SHARE, STOP_SHARE = 0.9, 0.97
"""Of the minutes of a run: planned to be used, and where it stops all the same."""
PROBE_STEPS = 8
"""A step's time is the mean over this many, after as many that warm up."""


def affordable_steps(minutes: float, *, gone_s: float, a_step_s: float) -> float:
    """How many steps fit into what is left of the minutes after ``gone_s``; at least 1."""
    return max(1.0, (60 * minutes * PLANNED_SHARE - gone_s) / a_step_s)


def mean_step_s(moments: Sequence[float]) -> float:
    """Seconds a step, of the moments at which ``2 * PROBE_STEPS`` were done."""
    return (moments[-1] - moments[PROBE_STEPS - 1]) / PROBE_STEPS


def learning_rate(step: int, n_steps: int, *, peak: float, warmup: float) -> float:
    """The learning rate of ``step`` (from 0): a linear warm-up over the share ``warmup``, then a cosine to 0."""
    warmup_steps = max(1, round(warmup * n_steps))
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, n_steps - warmup_steps))
    return peak * 0.5 * (1 + math.cos(math.pi * progress))


def set_learning_rate(optimizer: torch.optim.Optimizer, step: int, n_steps: int, *, peak: float, warmup: float) -> None:
    """Let ``optimizer`` make its next step at the :func:`learning_rate` of ``step``."""
    rate = learning_rate(step, n_steps, peak=peak, warmup=warmup)
    for group in optimizer.param_groups:
        group["lr"] = rate


def epochs_within(n_steps: float, steps_of_run: Callable[[int], int]) -> int:
    """The most epochs whose run is at most ``n_steps`` long; at least 1, at most 2000.

    Args:
        steps_of_run: the steps of a whole run of that many epochs; does not fall as epochs rise.
    """
    fits, too_many = 1, 2
    while too_many <= MOST_EPOCHS and steps_of_run(too_many) <= n_steps:
        fits, too_many = too_many, 2 * too_many
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if steps_of_run(middle) <= n_steps else (fits, middle)
    return min(fits, MOST_EPOCHS)
