"""Checkpoints: all that decides the rest of a run, in one file that is there whole or not at all.

Weights, their average, optimiser, the streams' temporal state, the random generator, the position in the data and the
counters. A run of 20 steps and a run of 10, a resume and 10 more are the same run, tensor by tensor.

Of several ranks the first writes for all: the state of everybody's streams in the order of one process, and everybody's
random generator. Any number of ranks can go on from it; those that it has no generator of keep the one they have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from koekao.errors import RunError
from koekao.models import FaceModel
from koekao.models.weights import fit_settings, fit_tensors, load_model, model_header, read_tensors, save_tensors
from koekao.training.distributed import all_rows, is_first, of_ranks, own_rows, rank
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
    """Write a checkpoint; ``progress`` holds JSON values (counters, the loader's position). All ranks must call it."""
    tensors = dict(model.state_dict())
    tensors |= {f"optimizer/{name}": value for name, value in _optimizer_tensors(model, optimizer).items()}
    tensors |= {f"state/{name}": value for name, value in all_rows(task.state).items()}
    if ema is not None:
        tensors |= {f"ema/{name}": value for name, value in ema.average.items()}
    for number, drawn in enumerate(of_ranks(torch.get_rng_state())):
        tensors[_of_rank("random/cpu", number)] = drawn
    if torch.cuda.is_available():
        for number, drawn in enumerate(of_ranks(torch.cuda.get_rng_state())):
            tensors[_of_rank("random/cuda", number)] = drawn
    if is_first():
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
    fit_settings(model, header, path)
    if "progress" not in header:
        raise RunError("lacks 'progress'", where=path, do="train again")
    fit_tensors(model, {name: value for name, value in tensors.items() if "/" not in name}, path)
    try:
        _load_optimizer(model, optimizer, _under("optimizer/", tensors))
        state = _under("state/", tensors)
        task.state = own_rows(state, like=task.state)
        if ema is not None and ema.has_begun(header["progress"]["step"]):
            average = _under("ema/", tensors)
            ema.average = {name: average[name].to(value.device) for name, value in model.named_parameters()}
        on_cpu, on_cuda = (_of_rank(name, rank()) for name in ("random/cpu", "random/cuda"))
        if on_cpu in tensors or is_first():
            torch.set_rng_state(tensors[on_cpu])
        if torch.cuda.is_available() and on_cuda in tensors:
            torch.cuda.set_rng_state(tensors[on_cuda])
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


def _of_rank(name: str, number: int) -> str:
    return f"{name}/{number}" if number else name


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
