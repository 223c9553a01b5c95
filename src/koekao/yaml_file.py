"""A YAML file of settings as plain values, with the line in which each key stands.

Whoever reads settings checks them against its own dataclasses and says ``file:line`` of what is wrong; this is what
they share. The file is read by ``yaml.safe_load``, which makes plain values and nothing else; a key that stands twice
is an error, which YAML would pass over. PyYAML reads YAML 1.1, where ``1e-3`` is a text; to YAML 1.2, JSON and whoever
writes it, it is a number, and so it is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from koekao.errors import ConfigError

_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
Lines = dict[tuple[str, ...], int]
"""Where each key stands: ``("model", "dim")`` -> 7."""


def read_yaml(path: Path, *, example: str, do: str = "check the name") -> tuple[dict[str, Any], Lines]:
    """The values of a file by key, and the line of each key at any depth; an empty file has none.

    Args:
        path: the file.
        example: a line that such a file may have, for the error of one that holds no keys.
        do: what to do where there is no such file.

    Raises:
        ConfigError: no such file, no YAML in UTF-8, no mapping, or a key that stands twice, as ``file:line``.
    """
    import yaml  # only where a file is read

    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise ConfigError("no such file", where=path, do=do) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", where=path, expected="a YAML file in UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(f"is no YAML ({getattr(error, 'problem', error)})", where=where) from error
    except (ValueError, RecursionError) as error:  # a date that is none, brackets inside brackets without end
        expected = "settings as plain values"
        raise ConfigError(f"holds a value that cannot be read ({error})", where=path, expected=expected) from error
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise ConfigError(f"{type(values).__name__}", where=f"{path}:1", expected=f"settings, as `{example}`")
    lines: Lines = {}
    _find_lines(node, (), lines, path)
    return {str(name): _numbers(value) for name, value in values.items()}, lines


def is_a(value: Any, kind: Any) -> bool:
    """Whether a value from YAML is of a field's type; a whole number is also a float, a bool is no number."""
    if get_origin(kind) is Literal:
        return value in get_args(kind) and type(value) in map(type, get_args(kind))
    if isinstance(kind, UnionType):
        return any(is_a(value, each) for each in get_args(kind))
    kind = get_origin(kind) or kind
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def said(kind: Any) -> str:
    """A field's type in words, as what was expected."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if isinstance(kind, UnionType):
        return " or ".join(said(each) for each in get_args(kind))
    kind = get_origin(kind) or kind
    return _WORDS.get(kind, "nothing (null)")


_WORDS: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    dict: "its keys and values",
}


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
