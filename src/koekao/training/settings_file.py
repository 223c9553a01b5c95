"""Settings of a run from a YAML file: what is not in it is at its default, what is said beside it wins.

Every key is one of :class:`~koekao.training.config.TrainConfig`'s; ``model``, ``augment`` and ``losses`` have keys of
their own. A key that there is not, one that stands twice, and a value that cannot be are errors with file, line and
key. The file is read by ``yaml.safe_load``, which makes plain values and nothing else. PyYAML reads YAML 1.1, where
``1e-3`` is a text; to YAML 1.2, JSON and whoever writes it, it is a number, and so it is here.

:func:`as_yaml` writes a file that reads back to the same settings: each line a key and JSON, which is YAML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from koekao.errors import ConfigError
from koekao.training.config import MODELS_OF_TRAINER, TrainConfig

_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
Lines = dict[tuple[str, ...], int]
"""Where each key stands: ``("model", "dim")`` -> 7."""


def read_settings(path: Path) -> dict[str, Any]:
    """The settings that a file holds, by name; each checked by itself.

    Raises:
        ConfigError: no such file, no YAML, no mapping, or a key or value that cannot be, as ``file:line``.
    """
    values, lines = _read(path)
    known = {each.name for each in fields(TrainConfig)}
    types = get_type_hints(TrainConfig)
    for name, value in values.items():
        where = f"{path}:{lines[(name,)]}"
        if name not in known:
            raise ConfigError(f"no setting {name!r}", where=where, expected="one of " + ", ".join(sorted(known)))
        if not _is_a(value, types[name]):
            raise ConfigError(f"{name} {value!r}", where=where, expected=_said(types[name]))
        _config_of({name: value}, where)
    _check_model(values, lines, path)
    _check_augment(values, lines, path)
    return values


def merged(path: Path | None, said: Mapping[str, Any]) -> TrainConfig:
    """Defaults <- file <- ``said`` (the command line); of ``model`` and ``augment`` each key by itself.

    Raises:
        ConfigError: as :func:`read_settings`, or settings that do not go together.
    """
    settings = read_settings(path) if path else {}
    for name, value in said.items():
        below = settings.get(name)
        settings[name] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return _config_of(settings, path or "")


def as_yaml(config: TrainConfig) -> str:
    """All settings, a line each, in the order of the class."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in config.as_dict().items())


def _read(path: Path) -> tuple[dict[str, Any], Lines]:
    import yaml  # only where a file is read

    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise ConfigError("no such file", where=path, do="check --config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", where=path, expected="a YAML file in UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(f"is no YAML ({getattr(error, 'problem', error)})", where=where) from error
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise ConfigError(f"{type(values).__name__}", where=f"{path}:1", expected="settings, as `epochs: 30`")
    lines: Lines = {}
    _find_lines(node, (), lines, path)
    return {str(name): _numbers(value) for name, value in values.items()}, lines


def _find_lines(node: Any, above: tuple[str, ...], lines: Lines, path: Path) -> None:
    if not hasattr(node, "value") or not isinstance(node.value, list) or node.id != "mapping":
        return
    for key, value in node.value:
        name, line = (*above, str(key.value)), key.start_mark.line + 1
        if name in lines:
            raise ConfigError(
                f"{'.'.join(name)} stands twice", where=f"{path}:{line}", expected=f"once; it is in line {lines[name]}"
            )
        lines[name] = line
        _find_lines(value, name, lines, path)


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


def _is_a(value: Any, kind: Any) -> bool:
    """Whether a value from YAML is of a field's type; a whole number is also a float, a bool is no number."""
    if get_origin(kind) is Literal:
        return value in get_args(kind) and type(value) in map(type, get_args(kind))
    if isinstance(kind, UnionType):
        return any(_is_a(value, each) for each in get_args(kind))
    kind = get_origin(kind) or kind
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _said(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if isinstance(kind, UnionType):
        return " or ".join(_said(each) for each in get_args(kind))
    kind = get_origin(kind) or kind
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a text",
        dict: "its keys and values",
    }
    return names.get(kind, "nothing (null)")


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
    from koekao.models.weights import MODELS  # takes torch with it

    possible = MODELS_OF_TRAINER[values.get("trainer", TrainConfig().trainer)]
    name = values["model"].get("name", possible[0])
    if name not in possible:
        where = f"{path}:{lines['model', 'name']}"
        raise ConfigError(f"model.name {name!r}", where=where, expected="one of " + ", ".join(possible))
    config_type = MODELS[name][0]
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
