"""What is refused before the first step of a run: takes that nothing can be learnt from, settings that do not fit them,
and ranks that were given something else than the first.
"""

from __future__ import annotations

import json
from typing import Any

from koekao.corpus import Corpus
from koekao.errors import RunError
from koekao.training.augmented import effects_of
from koekao.training.config import TrainConfig
from koekao.training.distributed import decided, rank, shared_out


def refuse_untrainable(corpus: Corpus, config: TrainConfig) -> None:
    """Raise what is wrong with training on ``corpus`` by these settings.

    Raises:
        RunError: no take to train on, none to validate on though ``patience`` waits for it, or no frame to validate on.
        ConfigError: batches that the ranks cannot share, or augmentation that cannot be. PlanError: no window fits.
    """
    train_takes, val_takes = corpus.select(split="train"), corpus.select(split="val")
    if not len(train_takes):
        raise RunError("has no training take", where=corpus.place, do="pack it with fewer takes held out")
    if config.patience and not len(val_takes):
        raise RunError(
            f"patience {config.patience}, and no validation take",
            where=corpus.place,
            do="hold takes out with `koekao pack --val`, or say --patience 0",
        )
    if len(val_takes) and not any(val_takes.valid(i).any() for i in range(len(val_takes))):
        raise RunError("no frame of the validation takes was tracked", where=corpus.place, do="hold out other takes")
    spec = config.spec(len(train_takes), corpus.clock, 1)
    spec.plan(train_takes.n_frames, 0, 1)
    shared_out(spec)
    effects_of(config.augment)


def refuse_other_than_first(corpus: Corpus, config: TrainConfig) -> None:
    """Raise RunError where this rank was given another corpus or other settings than the first; all ranks must call."""
    mine: dict[str, Any] = json.loads(json.dumps({"corpus": corpus.id, **config.as_dict()}))
    for name, value in decided(mine).items():
        if mine[name] != value:
            raise RunError(
                f"{name} {mine[name]!r}, and on rank 0 {value!r}",
                where=f"rank {rank()}",
                do="start all ranks with the same corpus and settings",
            )
