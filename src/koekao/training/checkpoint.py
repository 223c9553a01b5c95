"""Checkpoints: all that decides the rest of a run, in one file that is there whole or not at all.

Weights, their average, optimiser, the streams' temporal state, the random generator, the position in the data and the
counters. A run
of 20 steps and a run of 10, a resume and 10 more are the same run, tensor by tensor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from koekao.errors import ModelError, RunError
from koekao.models import FaceModel
from koekao.models.weights import fit_tensors, load_model, model_header, read_tensors, save_tensors
from koekao.training.ema import Ema
from koekao.training.tasks import Task


def save_checkpoint(
    path: Path,
    *,
    model: FaceModel,
    optimizer: torch.optim.Optimizer,
    task: Task,
    progress: dict[str, Any],
    ema: Ema | None = None,
) -> None:
    """Write a checkpoint; ``progress`` holds JSON values (counters, the loader's position)."""
    tensors = dict(model.state_dict())
    tensors |= {f"optimizer/{name}": value for name, value in _optimizer_tensors(model, optimizer).items()}
    tensors |= {f"state/{name}": value for name, value in task.state.items()}
    if ema is not None:
        tensors |= {f"ema/{name}": value for name, value in ema.average.items()}
    tensors["random/cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random/cuda"] = torch.cuda.get_rng_state()
    save_tensors(path, tensors, model_header(model) | {"progress": progress})


def load_checkpoint(
    path: Path, *, model: FaceModel, optimizer: torch.optim.Optimizer, task: Task, ema: Ema | None = None
) -> dict[str, Any]:
    """Put everything back where it was; returns ``progress``.

    Raises:
        RunError: there is no checkpoint, or it lacks a part. ModelError: it does not fit the model.
    """
    if not path.is_file():
        raise RunError("holds no checkpoint to resume from", where=path.parent, do="train without --resume")
    tensors, header = read_tensors(path)
    if header.get("config") != model_header(model)["config"] or "progress" not in header:
        raise ModelError(
            "was saved by a model with other settings",
            where=path,
            do="resume with the settings that the run began with",
        )
    fit_tensors(model, {name: value for name, value in tensors.items() if "/" not in name}, path)
    try:
        _load_optimizer(model, optimizer, _under("optimizer/", tensors))
        state = _under("state/", tensors)
        task.state = {name: state[name].to(value.device) for name, value in task.state.items()}
        if ema is not None and ema.has_begun(header["progress"]["step"]):
            average = _under("ema/", tensors)
            ema.average = {name: average[name].to(value.device) for name, value in model.named_parameters()}
        torch.set_rng_state(tensors["random/cpu"])
        if torch.cuda.is_available() and "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random/cuda"])
    except KeyError as error:
        raise RunError(f"lacks {error}", where=path, do="train again") from error
    return dict(header["progress"])


def published_model(path: Path) -> FaceModel:
    """The model that a file of weights publishes; of a checkpoint the average of the weights, where there is one.

    Raises:
        ModelError: unreadable, or the tensors do not fit the model that the header names.
    """
    model, _ = load_model(path)
    average = _under("ema/", read_tensors(path)[0])
    if average:
        fit_tensors(model, dict(model.state_dict()) | average, path)
    return model


def _optimizer_tensors(model: FaceModel, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's tensors as ``<parameter>/<what>``."""
    return {
        f"{name}/{what}": value
        for name, parameter in model.named_parameters()
        for what, value in optimizer.state.get(parameter, {}).items()
    }


def _load_optimizer(model: FaceModel, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        found = _under(f"{name}/", tensors)
        if found:
            optimizer.state[parameter] = {
                what: value if what == "step" else value.to(parameter.device) for what, value in found.items()
            }


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
