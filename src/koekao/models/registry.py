"""Models by name: koekao's own, and those that a user registers.

A model of your own is a class and a dataclass of its settings::

    @koekao.register_model("echo", EchoConfig)
    class EchoModel(koekao.models.ColumnModel): ...

From then on ``koekao.train(corpus, run, model={"name": "echo", "dim": 64})`` trains it, and a run that holds it is
evaluated, animated, run live, served and, where torch can draw it as a graph, exported like any other. For the command
line and other processes the code must be found: :mod:`koekao.plugins` says how. :mod:`koekao.testing.model_laws` holds
the laws that any model must keep; ``examples/custom_model.py`` is a whole one.

Which trainer trains it decides what it must have beside :class:`~koekao.models.base.FaceModel`:

- ``stream``: be a :class:`~koekao.models.column_model.ColumnModel`, which gives every frame of a window;
- ``sequential``: a :class:`~koekao.models.smoothing.TemporalSmoothing` called ``smoothing``;
- ``clips``: ``target_frame`` among its settings, the frame of a clip that ``forward`` predicts.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar

from koekao.errors import ConfigError, ModelError
from koekao.features import LogMelConfig
from koekao.models.base import FaceModel
from koekao.models.column_model import ColumnModel
from koekao.models.frame import FrameConfig, FrameModel
from koekao.models.sequential import SequentialConfig, SequentialModel
from koekao.models.stream import StreamConfig, StreamModel
from koekao.models.window import WindowConfig, WindowModel
from koekao.plugins import VARIABLE, load_plugins

MODELS: dict[str, tuple[type[Any], type[FaceModel]]] = {
    "sequential": (SequentialConfig, SequentialModel),
    "frame": (FrameConfig, FrameModel),
    "stream": (StreamConfig, StreamModel),
    "window": (WindowConfig, WindowModel),
}
"""Name -> (config, model). A model of your own comes in by :func:`register_model`."""
TRAINERS = ("stream", "sequential", "clips")

_OWN = tuple(MODELS)
_trainer_of: dict[str, str] = {}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_Model = TypeVar("_Model", bound=type[FaceModel])


def register_model(name: str, config: type[Any], *, trainer: str = "stream") -> Callable[[_Model], _Model]:
    """A decorator that makes a class a model of this name.

    Args:
        name: small letters, digits and ``_``; what ``model.name`` and every file of its weights call it. None of
            koekao's own (stream, sequential, frame, window); a class that is defined again takes its own place.
        config: a dataclass of JSON values with ``features: LogMelConfig``; each setting has a default, and the model is
            made from it alone: ``model(config())``.
        trainer: which trains it: stream, sequential or clips.

    Raises:
        ConfigError: a name that is taken or cannot be, settings that are not of this kind, or a class that lacks what
            the trainer needs.
    """

    def registered(model: _Model) -> _Model:
        where = f"{model.__module__}.{model.__qualname__}"
        _refuse_name(name, model, where)
        _refuse_config(config, where)
        _refuse_model(model, config, trainer, where)
        MODELS[name], _trainer_of[name] = (config, model), trainer
        return model

    return registered


def registered_for(trainer: str) -> tuple[str, ...]:
    """The names of the models, koekao's own not among them, that ``trainer`` trains."""
    load_plugins("koekao.models")
    return tuple(name for name, known in _trainer_of.items() if known == trainer)


def is_registered(name: str) -> bool:
    """Whether ``name`` is a model that somebody registered, and none of koekao's own."""
    return name in _trainer_of


def model_class(name: str) -> tuple[type[Any], type[FaceModel]]:
    """The config and the class of a model.

    Raises:
        ConfigError: there is no model of this name, or a plugin cannot be imported.
    """
    if name not in MODELS:
        load_plugins("koekao.models")
    if name not in MODELS:
        do = f"a model of your own must be imported first: {VARIABLE}=MODULE_OR_FILE.py, or install its package"
        raise ConfigError(f"unknown model {name!r}", expected="one of " + ", ".join(MODELS), do=do)
    return MODELS[name]


def build(name: str, config: Any) -> FaceModel:
    """A fresh model of the registry.

    Args:
        config: the model's config, or a dictionary of its settings.

    Raises:
        ConfigError: no such model, or a setting that it does not have.
    """
    config_type, model_type = model_class(name)
    if not is_dataclass(config):
        try:
            config = config_type(**_as_made(config_type, dict(config)))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"settings of model {name!r} do not fit: {error}") from error
    return model_type(config)


def name_of(model: FaceModel) -> str:
    """The registry's name of a model."""
    for name, (_, model_type) in MODELS.items():
        if type(model) is model_type:
            return name
    raise ModelError(f"{type(model).__name__} is not in the registry", do="register it: koekao.register_model")


def _as_made(config_type: type[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as JSON has them to those that the config has: features are a config, lists are tuples where it says."""
    if isinstance(settings.get("features"), dict):
        settings["features"] = LogMelConfig(**settings["features"])
    tuples = {each.name for each in fields(config_type) if isinstance(each.default, tuple)}
    return {name: tuple(value) if name in tuples else value for name, value in settings.items()}


def _refuse_name(name: str, model: type[FaceModel], where: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a model called {name!r}", where=where, expected="small letters, digits and _")
    if name in MODELS:
        known = MODELS[name][1]
        if name in _OWN or (known.__module__, known.__qualname__) != (model.__module__, model.__qualname__):
            what = f"{name!r} is the name of {known.__module__}.{known.__qualname__}"
            raise ConfigError(what, where=where, do="choose another name")


def _refuse_config(config: type[Any], where: str) -> None:
    if not (isinstance(config, type) and is_dataclass(config)):
        raise ConfigError(f"config {config!r}", where=where, expected="a dataclass of the model's settings")
    where = f"{config.__module__}.{config.__qualname__}"
    try:
        usual = config()
        settings = asdict(usual)
        again = json.loads(json.dumps(settings))
    except (TypeError, ValueError) as error:
        what = f"cannot be made without settings, or they are no JSON values ({error})"
        raise ConfigError(what, where=where, expected="a default for each, and JSON values") from error
    if not isinstance(getattr(usual, "features", None), LogMelConfig):
        do = "add features: LogMelConfig = field(default_factory=LogMelConfig)"
        raise ConfigError("has no setting features", where=where, expected="a LogMelConfig", do=do)
    if config(**_as_made(config, again)) != usual:
        what = "its settings are not the same after JSON"
        raise ConfigError(what, where=where, expected="numbers, texts, lists and tuples of them", do="use plain values")


def _refuse_model(model: type[FaceModel], config: type[Any], trainer: str, where: str) -> None:
    if not (isinstance(model, type) and issubclass(model, FaceModel)):
        raise ConfigError("is no FaceModel", where=where, expected="a subclass of koekao.models.FaceModel")
    if inspect.isabstract(model):
        missing = ", ".join(sorted(model.__abstractmethods__))
        raise ConfigError(f"lacks {missing}", where=where, expected="all that a FaceModel does", do="write them")
    if trainer not in TRAINERS:
        raise ConfigError(f"trainer {trainer!r}", where=where, expected="one of " + ", ".join(TRAINERS))
    if trainer == "stream" and not issubclass(model, ColumnModel):
        do = "derive it from koekao.models.ColumnModel, or name another trainer"
        raise ConfigError("gives no frames of windows", where=where, expected="a ColumnModel", do=do)
    if trainer == "clips" and "target_frame" not in {each.name for each in fields(config)}:
        do = "add target_frame: int = 0"
        raise ConfigError("its settings have no target_frame", where=where, expected="the frame of a clip", do=do)
