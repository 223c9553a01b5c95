"""Streams of a few frames in which named curves move, for the losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from koekao.arkit import INDEX
from koekao.training.loss_weights import LossConfig
from koekao.training.losses import Judge, LossSums, Passage

SPREADS = {"jawOpen": 0.5, "mouthFunnel": 0.1}


def spread_of(**spreads: float) -> Tensor:
    """``[52]``, 0 of all curves that are not named."""
    spread = torch.zeros(52)
    for name, value in (spreads or SPREADS).items():
        spread[INDEX[name]] = value
    return spread


def faces(n_streams: int = 1, **values: Any) -> Tensor:
    """``[n_streams, R, 52]``, all 0 but the curves named, each with R values."""
    n_frames = max(len(column) for column in values.values())
    curves = torch.zeros(n_streams, n_frames, 52)
    for name, column in values.items():
        curves[:, :, INDEX[name]] = torch.tensor(column)
    return curves


def passage(predicted: Tensor, target: Tensor, **more: Any) -> Passage:
    """All frames count and follow each other unless ``more`` says otherwise."""
    more = {"spread": spread_of(), "mask": torch.ones(predicted.shape[:2], dtype=torch.bool)} | more
    return Passage(predicted=predicted, target=target, **more)


def judge(**terms: float) -> Judge:
    """Of position, and of what is named by its weight."""
    return Judge(LossConfig(terms={"velocity": 0.0} | terms))


def loss(losses: LossSums) -> Tensor:
    """The mean over the curves that count, unweighted."""
    return losses.mean()
