"""The parts of a run, made from its settings: model, batches, task and optimiser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from koekao.batches import Loader
from koekao.batches.spec import Spec, StreamSpec
from koekao.corpus import Corpus
from koekao.errors import ConfigError
from koekao.models import ColumnModel, FaceModel, TemporalSmoothing, WindowModel, build
from koekao.training.augmented import Augmented, changes_sound, effects_of
from koekao.training.compiling import compiled
from koekao.training.config import MODELS_OF_TRAINER, TrainConfig, models_of
from koekao.training.distributed import device_of_rank, shared_out
from koekao.training.ema import Ema
from koekao.training.losses import Judge
from koekao.training.precision import Precision
from koekao.training.stepping import Stepper
from koekao.training.take_mel import COLUMN, TakeMel, has_packed, has_packed_mel
from koekao.training.tasks import ClipTask, SequentialTask, StreamTask, Task

_DEVICES = ("cpu", "cuda", "mps")


def device_named(name: str) -> torch.device:
    """``auto`` is CUDA where there is one, else the CPU; of several ranks on a machine each has its GPU.

    Raises:
        ConfigError: no such device, or none here.
    """
    has_cuda, reason = torch.cuda.is_available(), ""
    if name == "auto":
        name = "cuda" if has_cuda else "cpu"
    name = device_of_rank(name)
    try:
        device = torch.device(name)
        if device.type not in _DEVICES:
            reason = "nobody has run koekao there"
        elif device.type == "cuda" and not has_cuda:
            reason = "there is no CUDA here"
        else:
            return torch.zeros(0, device=device).device
    except RuntimeError as error:
        reason = str(error).splitlines()[0].split(". ")[0]
    raise ConfigError(f"device {name!r} cannot be used ({reason})", do="say auto, cpu, cuda or cuda:0")


def make_model(config: TrainConfig, corpus: Corpus) -> FaceModel:
    """The trainer's model, or another that it can train (``model.name``), at the corpus's rates, with the run's seed.

    Raises:
        ConfigError: this trainer cannot train that model, or the model's settings do not fit.
    """
    settings, own = dict(config.model), MODELS_OF_TRAINER[config.trainer]
    name = settings.pop("name", own[0])
    if name not in own and name not in (possible := models_of(config.trainer)):
        raise ConfigError(f"model {name!r} for trainer {config.trainer}", expected="one of " + ", ".join(possible))
    torch.manual_seed(config.seed)
    if config.trainer == "clips":
        settings = {"target_frame": config.target_frame} | settings
    model = build_at(name, settings, sample_rate=corpus.sample_rate, fps=str(corpus.fps))
    if config.trainer == "sequential" and not isinstance(getattr(model, "smoothing", None), TemporalSmoothing):
        expected = "a koekao.models.TemporalSmoothing called smoothing"
        raise ConfigError(f"model {name!r} for trainer sequential has no smoothing", expected=expected)
    return model


def build_at(name: str, settings: Mapping[str, Any], *, sample_rate: int, fps: str) -> FaceModel:
    """A fresh model that hears and shows at these rates, unless its own features' settings say others.

    Raises:
        ConfigError: the model's settings do not fit.
    """
    features = settings.get("features", {})
    if not isinstance(features, dict):
        raise ConfigError(f"model.features {features!r}", expected="names and their values")
    rates = {"sample_rate": sample_rate, "fps": fps}
    return build(name, {**settings, "features": rates | features})


@dataclass
class Parts:
    """What a step needs: batches in, a judgement of the model, and an optimiser that acts on it."""

    model: FaceModel
    loader: Loader
    task: Task
    optimizer: torch.optim.Optimizer
    stepper: Stepper
    ema: Ema
    augmented: Augmented | None


def make_parts(config: TrainConfig, takes: Corpus, model: FaceModel, spec: Spec, *, epochs: int = 1) -> Parts:
    """Everything around ``model`` for training on ``takes`` in batches of ``spec``, over ``epochs`` epochs.

    Of several ranks each has its share of a batch.
    """
    spec, device = shared_out(spec), model.curve_mean.device
    effects = effects_of(config.augment)
    in_windows = config.trainer == "stream"
    hears = in_windows and changes_sound(effects)
    if in_windows:
        columns = (COLUMN, "arkit") if has_packed_mel(takes, model.features) else ("arkit",)
        spec = replace(spec, columns=("wav", "arkit") if hears else columns)  # else raw sound is not read
    if isinstance(model, WindowModel) and not changes_sound(effects) and _has_packed_both(takes, model):
        spec = replace(spec, columns=(COLUMN, model.emotion.name, "blendshapes"))
    loader = Loader(
        takes,
        spec,
        num_workers=config.num_workers,
        prefetch_factor=config.prefetch_factor if config.num_workers else None,
        device=device if device.type == "cuda" and config.pin_memory and not config.augment else None,
    )
    stride_at = spec.stride.stride_at if isinstance(spec, StreamSpec) else lambda epoch: spec.stride_frames
    judge = Judge(config.loss_config(), n_epochs=epochs, stride_at=stride_at)
    task = _task(config, takes, model, spec, judge)
    optimizer = adamw([*model.parameters()], learning_rate=config.learning_rate, weight_decay=config.weight_decay)
    precision = Precision(config, device)
    losses_of = compiled(task.losses, device) if config.compile else task.losses
    return Parts(
        model=model,
        loader=loader,
        task=task,
        optimizer=optimizer,
        stepper=Stepper(model, losses_of, optimizer, clip_norm=config.clip_norm, precision=precision),
        ema=Ema(decay=config.ema_decay or 0.0, from_step=config.ema_from_step),
        augmented=Augmented(effects, takes.clock, config.seed, features=model.features if hears else None)
        if config.augment
        else None,
    )


def _has_packed_both(takes: Corpus, model: WindowModel) -> bool:
    """Whether the corpus has the columns of both the model's branches; with one alone the sound must be read anyway."""
    emotion = has_packed(takes, model.emotion.name, model.emotion.raw_settings())
    return emotion and has_packed_mel(takes, model.features)


def _task(config: TrainConfig, takes: Corpus, model: FaceModel, spec: Spec, judge: Judge) -> Task:
    if config.trainer == "sequential" and isinstance(spec, StreamSpec):
        return SequentialTask(model, spec.n_streams, judge)
    if config.trainer == "clips":
        if model.config.target_frame >= spec.window_frames:
            seen = f"target_frame {model.config.target_frame} of clips of {spec.window_frames} frames"
            raise ConfigError(seen, expected="a frame of the clip", do="say longer --clip-s, or an earlier frame")
        return ClipTask(model, judge)
    if config.trainer == "stream" and isinstance(model, ColumnModel):
        return StreamTask(model, TakeMel(takes, model.features) if spec.columns == ("arkit",) else None, judge)
    raise TypeError(f"no task of trainer {config.trainer} for {type(model).__name__}")


def adamw(
    parameters: Sequence[torch.nn.Parameter], *, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW; offsets, norms and smoothing weights are not decayed."""
    matrices = [parameter for parameter in parameters if parameter.dim() > 1]
    others = [parameter for parameter in parameters if parameter.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate)
