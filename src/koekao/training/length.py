"""How long a run is: the epochs it was asked for, or as many as fit into its minutes.

For those the pace is measured here, over a few steps of a copy of the model, so that the run itself begins untouched.
"""

from __future__ import annotations

import copy
import itertools
import time

import torch

from koekao.batches import to_device
from koekao.batches.spec import Spec
from koekao.corpus import Corpus
from koekao.models import FaceModel
from koekao.training.config import DEFAULT_EPOCHS, TrainConfig
from koekao.training.distributed import decided
from koekao.training.parts import make_parts
from koekao.training.schedule import PROBE_STEPS, affordable_steps, epochs_within, mean_step_s


def length_of_run(config: TrainConfig, takes: Corpus, model: FaceModel, *, began_s: float) -> tuple[int, int]:
    """Epochs and steps of a new run; the learning rate falls to 0 over these steps.

    Args:
        began_s: when the run began (``time.monotonic()``); what has passed since counts towards its minutes.
    """
    epochs, affordable = config.epochs or DEFAULT_EPOCHS[config.trainer], float("inf")
    if config.minutes is not None and not config.debug:
        a_step_s = seconds_a_step(config, takes, model, config.spec(len(takes), takes.clock, 1))
        gone_s = time.monotonic() - began_s
        affordable = decided(affordable_steps(config.minutes, gone_s=gone_s, a_step_s=a_step_s))
        epochs = epochs_within(affordable, lambda epochs: steps_of_run(config, takes, epochs))
    return epochs, int(min(steps_of_run(config, takes, epochs), affordable, config.max_steps or float("inf")))


def seconds_a_step(config: TrainConfig, takes: Corpus, model: FaceModel, spec: Spec) -> float:
    """Measured over a few batches and a copy of the model, so that the run itself begins untouched; all ranks step."""
    random_state = torch.get_rng_state()
    parts = make_parts(config, takes, copy.deepcopy(model).train(), spec)
    moments = []
    for batch in itertools.islice(itertools.chain.from_iterable(itertools.repeat(parts.loader)), 2 * PROBE_STEPS):
        batch = parts.augmented(batch, epoch=0) if parts.augmented else batch
        parts.stepper.backward(parts.stepper.loss(to_device(batch, model.curve_mean.device)))
        parts.stepper.norm()
        parts.stepper.step()
        moments.append(time.perf_counter())
    torch.set_rng_state(random_state)
    return config.accumulate * mean_step_s(moments)


def steps_of_run(config: TrainConfig, takes: Corpus, epochs: int) -> int:
    """Steps of a whole run of ``epochs`` epochs; the stride, and with it an epoch's length, changes on the way."""
    spec = config.spec(len(takes), takes.clock, epochs)
    batches = (spec.plan(takes.n_frames, epoch, 1).n_batches for epoch in range(epochs))
    return sum(-(-n // config.accumulate) for n in batches)
