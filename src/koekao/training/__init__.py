"""Trainers, losses, metrics, checkpoints and runs.

Names are imported when they are first used: the settings of a run (:class:`TrainConfig`) are asked for without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from koekao.training.config import TrainConfig as TrainConfig
    from koekao.training.evaluation import Evaluation as Evaluation
    from koekao.training.evaluation import evaluate as evaluate
    from koekao.training.pretraining.config import PretrainConfig as PretrainConfig
    from koekao.training.pretraining.pretrainer import Pretrained as Pretrained
    from koekao.training.pretraining.pretrainer import pretrain as pretrain
    from koekao.training.run import Run as Run
    from koekao.training.run import open_run as open_run
    from koekao.training.trainer import Trainer as Trainer

_HOMES = {
    "Evaluation": "koekao.training.evaluation",
    "PretrainConfig": "koekao.training.pretraining.config",
    "Pretrained": "koekao.training.pretraining.pretrainer",
    "Run": "koekao.training.run",
    "TrainConfig": "koekao.training.config",
    "Trainer": "koekao.training.trainer",
    "evaluate": "koekao.training.evaluation",
    "pretrain": "koekao.training.pretraining.pretrainer",
    "open_run": "koekao.training.run",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'koekao.training' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
