"""Trainers, losses, metrics, checkpoints and runs."""

from koekao.training.config import TrainConfig
from koekao.training.evaluation import Evaluation, evaluate
from koekao.training.run import Run, open_run
from koekao.training.trainer import Trainer

__all__ = ["Evaluation", "Run", "TrainConfig", "Trainer", "evaluate", "open_run"]
