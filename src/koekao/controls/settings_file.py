"""The controls from a YAML file, and to one: ``load_controls``, ``dump_controls``, and the presets.

A file says what differs: from neutral, or from the preset that it names (``preset: natural``). Sections are taken key
by key, so ``blinks: {amount: 0.5}`` keeps the preset's other settings of blinks. Presets are such files themselves,
beside this module, to be read and copied. Every mistake is told with file, line and key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from koekao.atomic import write_file
from koekao.controls.settings import PARTS, Adjustment, ControlSettings
from koekao.errors import ConfigError
from koekao.yaml_file import Lines, read_yaml

_FOLDER = Path(__file__).parent / "presets"
PRESETS: tuple[str, ...] = ("natural", "subtle", "expressive", "crisp_lips")


def preset(name: str) -> ControlSettings:
    """The settings of that name.

    Raises:
        ConfigError: no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"preset {name!r}", expected="one of " + ", ".join(PRESETS))
    return load_controls(_FOLDER / f"{name}.yaml")


def load_controls(path: Path | str) -> ControlSettings:
    """The settings of a YAML file.

    Raises:
        ConfigError: no such file, no YAML, a key that there is not or that stands twice, or a value that cannot be, as
            ``file:line``.
    """
    path = Path(path)
    values, lines = read_yaml(path, example="mouth: 1.2", do="check the name of the file of controls")
    below: dict[str, Any] = {}
    if "preset" in values:
        try:
            below = preset(values.pop("preset")).as_dict()
        except (ConfigError, TypeError) as error:
            what, expected = getattr(error, "what", "preset"), "one of " + ", ".join(PRESETS)
            raise ConfigError(what, where=f"{path}:{lines[('preset',)]}", expected=expected) from error
    return _Reading(path, lines).settings(values, below)


def as_yaml(settings: ControlSettings) -> str:
    """All settings, a line each; reads back to the same."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.as_dict().items())


def dump_controls(settings: ControlSettings, path: Path | str) -> None:
    """Write all settings to a YAML file; what stands there is replaced.

    Raises:
        OutputError: it cannot be written.
    """
    write_file(Path(path), as_yaml(settings).encode())


class _Reading:
    """Values of a file on their way to settings, each checked by itself so that its own line can be said."""

    def __init__(self, path: Path, lines: Lines) -> None:
        self._path, self._lines = path, lines

    def settings(self, values: dict[str, Any], below: Mapping[str, Any]) -> ControlSettings:
        known = {each.name: None for each in fields(ControlSettings)}
        made: dict[str, Any] = {}
        for name in dict.fromkeys([*values, *below]):
            if name not in known:
                self._refuse((name,), f"no setting {name!r}", "one of preset, " + ", ".join(known))
            value, base = values.get(name), below.get(name)
            if name in PARTS:
                made[name] = self._part(PARTS[name], (name,), value, base or {}, is_said=name in values)
            elif name in ("regions", "curves"):
                made[name] = self._adjustments(name, value, base or {}, is_said=name in values)
            else:
                made[name] = self._one(ControlSettings, (name,), value) if name in values else base
        return ControlSettings(**made)

    def _adjustments(self, name: str, value: Any, base: Mapping[str, Any], *, is_said: bool) -> dict[str, Adjustment]:
        given = self._keys((name,), value) if is_said else {}
        for key in given:
            self._made(ControlSettings, {name: {key: Adjustment()}}, (name, key), ())
        return {
            key: self._part(Adjustment, (name, key), given.get(key), base.get(key, {}), is_said=key in given)
            for key in dict.fromkeys([*base, *given])
        }

    def _part(self, kind: type, above: tuple[str, ...], value: Any, base: Mapping[str, Any], *, is_said: bool) -> Any:
        given = self._keys(above, value) if is_said else {}
        known = [each.name for each in fields(kind)]
        made = dict(base)
        for key, each in given.items():
            if key not in known:
                self._refuse((*above, key), f"no setting {'.'.join((*above, key))!r}", ", ".join(known))
            said = self._one(kind, (*above, key), each)
            made[key] = {**made.get(key, {}), **said} if isinstance(said, dict) else said
        return kind(**made)

    def _one(self, kind: type, place: tuple[str, ...], value: Any) -> Any:
        """A value once its class has taken it, alone."""
        self._made(kind, {place[-1]: value}, place, place[:-1])
        return value

    def _made(self, kind: type, values: Mapping[str, Any], place: tuple[str, ...], above: tuple[str, ...]) -> None:
        try:
            kind(**values)
        except ConfigError as error:
            where = (*above, *error.what.split(" ")[0].rstrip(":").split("."))  # a key inside the value says more
            self._refuse(where if where in self._lines else place, ".".join((*above, error.what)), error.expected)

    def _keys(self, place: tuple[str, ...], value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._refuse(place, f"{'.'.join(place)} {value!r}", "its keys and values")
        keys: dict[str, Any] = value
        return keys

    def _refuse(self, place: tuple[str, ...], what: str, expected: str) -> None:
        while place not in self._lines:
            place = place[:-1]
        raise ConfigError(what, where=f"{self._path}:{self._lines[place]}", expected=expected)
