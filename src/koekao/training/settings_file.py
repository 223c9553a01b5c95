"""Settings of a run from a YAML file: what is not in it is at its default, what is said beside it wins.

Every key is one of :class:`~koekao.training.config.TrainConfig`'s; ``model``, ``augment`` and ``losses`` have keys of
their own. A key that there is not, one that stands twice, and a value that cannot be are errors with file, line and
key. How the file itself is read is :mod:`koekao.yaml_file`.

:func:`as_yaml` writes a file that reads back to the same settings: each line a key and JSON, which is YAML.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from koekao.errors import ConfigError
from koekao.training.config import MODELS_OF_TRAINER, TrainConfig, models_of
from koekao.yaml_file import Lines, is_a, read_yaml, said


def read_settings(path: Path) -> dict[str, Any]:
    """The settings that a file holds, by name; each checked by itself.

    Raises:
        ConfigError: no such file, no YAML, no mapping, or a key or value that cannot be, as ``file:line``.
    """
    values, lines = read_yaml(path, example="epochs: 30", do="check --config")
    known = {each.name for each in fields(TrainConfig)}
    types = get_type_hints(TrainConfig)
    for name, value in values.items():
        where = f"{path}:{lines[(name,)]}"
        if name not in known:
            raise ConfigError(f"no setting {name!r}", where=where, expected="one of " + ", ".join(sorted(known)))
        if not is_a(value, types[name]):
            raise ConfigError(f"{name} {value!r}", where=where, expected=said(types[name]))
        _config_of({name: value}, where)
    _check_model(values, lines, path)
    _check_augment(values, lines, path)
    return values


def merged(path: Path | None, given: Mapping[str, Any]) -> TrainConfig:
    """Defaults <- file <- ``given`` (the command line); of ``model`` and ``augment`` each key by itself.

    Raises:
        ConfigError: as :func:`read_settings`, or settings that do not go together.
    """
    settings = read_settings(path) if path else {}
    for name, value in given.items():
        below = settings.get(name)
        settings[name] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return _config_of(settings, path or "")


def as_yaml(config: TrainConfig) -> str:
    """All settings, a line each, in the order of the class."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in config.as_dict().items())


def _config_of(settings: Mapping[str, Any], where: object) -> TrainConfig:
    """The config of ``settings``; an error says where."""
    try:
        return TrainConfig(**settings)
    except ConfigError as error:
        raise ConfigError(error.what, where=where, expected=error.expected, do=error.do) from error


def _check_model(values: Mapping[str, Any], lines: Lines, path: Path) -> None:
    """The keys of ``model`` and of its features, with the line of one that there is not."""
    if not values.get("model"):
        return
    from koekao.models.registry import model_class  # takes torch with it

    trainer = values.get("trainer", TrainConfig().trainer)
    name = values["model"].get("name", MODELS_OF_TRAINER[trainer][0])
    if name not in MODELS_OF_TRAINER[trainer] and name not in models_of(trainer):
        where = f"{path}:{lines['model', 'name']}"
        raise ConfigError(f"model.name {name!r}", where=where, expected="one of " + ", ".join(models_of(trainer)))
    config_type = model_class(name)[0]
    _refuse_unknown(values["model"], ["name", *_names(config_type)], ("model",), lines, path)
    if isinstance(values["model"].get("features"), dict):
        features = get_type_hints(config_type)["features"]
        _refuse_unknown(values["model"]["features"], _names(features), ("model", "features"), lines, path)


def _check_augment(values: Mapping[str, Any], lines: Lines, path: Path) -> None:
    """The effects of ``augment``, each by itself, with the line of one that cannot be."""
    if not values.get("augment"):
        return
    from koekao.training.augmented import effects_of  # takes torch with it

    augment = values["augment"]
    for part in [augment] if isinstance(augment, str) else [{name: each} for name, each in augment.items()]:
        place = ("augment",) if isinstance(part, str) else ("augment", *part)
        try:
            effects_of(part)
        except ConfigError as error:
            where = f"{path}:{lines.get(place, lines[place[:1]])}"
            what = f"{'.'.join(place)}: {error.what}"
            raise ConfigError(what, where=where, expected=error.expected, do=error.do) from error


def _names(kind: Any) -> list[str]:
    return [each.name for each in fields(kind)]


def _refuse_unknown(given: Iterable[str], known: list[str], above: tuple[str, ...], lines: Lines, path: Path) -> None:
    for name in given:
        if name not in known:
            where = f"{path}:{lines.get((*above, name), lines[above[:1]])}"
            raise ConfigError(f"no setting {'.'.join((*above, name))!r}", where=where, expected=", ".join(known))
