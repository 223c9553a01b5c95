"""The weights of models on disk: one safetensors file that says what it is.

The file's header holds the model's name and config as JSON, so that weights are never loaded into something they were
not made for, and the SHA-256 of the file, so that a bit that has flipped on a disk is an error and no other face. The
hash is that of the file with zeros in the hash's own place, so every byte counts. No pickle anywhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from koekao.atomic import write_file
from koekao.errors import ConfigError, ModelError
from koekao.models.base import FaceModel
from koekao.models.registry import build, name_of

FORMAT, VERSION = "koekao-model", 1

_SEAL = b'\\"sha256\\": \\"%b\\"'
"""How the hash stands in a file: JSON in a string of JSON. It is the header's first field, so the first such is it."""
_UNSEALED = b"0" * 64
_COPY_AGAIN = "copy it again, or train again"
_DO_SAME = "use the weights with the model and version they were trained with"


def save_model(model: FaceModel, path: Path, **more: Any) -> None:
    """Write weights and config to ``path``, whole or not at all. ``more`` (JSON values) goes into the header."""
    save_tensors(path, dict(model.state_dict()), model_header(model) | more)


def model_header(model: FaceModel) -> dict[str, Any]:
    """What a file must say to be loaded again."""
    config = json.loads(json.dumps(asdict(model.config)))  # as it will be read again: tuples become lists
    return {"format": FORMAT, "version": VERSION, "model": name_of(model), "config": config}


def save_tensors(path: Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """A safetensors file with a JSON header and a hash, published whole."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"sha256": _UNSEALED.decode()} | header)
    data = safetensors.torch.save(plain, {"koekao": text})
    write_file(path, data.replace(_SEAL % _UNSEALED, _SEAL % _hash(data), 1))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the header of a file written by :func:`save_tensors`.

    Raises:
        ModelError: missing, damaged (be it by a single bit), not koekao's, or newer than this koekao.
    """
    if not Path(path).is_file():
        raise ModelError("no such file", where=path, do="train a run first, or check the path")
    try:
        data = Path(path).read_bytes()  # and not a map, which would change, or be a SIGBUS, with the file
        tensors = safetensors.torch.load(data)
        header = json.loads(_metadata(data).get("koekao", "null"))
    except (safetensors.SafetensorError, ValueError, OSError, RecursionError) as error:
        raise ModelError(f"cannot be read ({error})", where=path, do=_COPY_AGAIN) from error
    if not isinstance(header, dict) or not isinstance(header.get("version"), int):
        raise ModelError("holds no koekao header", where=path, expected="a file written by koekao")
    if header["version"] > VERSION:
        raise ModelError(
            f"version {header['version']}", where=path, expected=f"up to {VERSION}", do="install a newer koekao"
        )
    _refuse_changed(path, data, header.pop("sha256", None))
    return tensors, header


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _metadata(data: bytes) -> dict[str, str]:
    """What stands beside the tensors of a safetensors file: 8 bytes of length, then JSON with ``__metadata__``."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]).get("__metadata__") or {}


def _refuse_changed(path: Path, data: bytes, stated: object) -> None:
    """Raise ModelError unless the file is, byte for byte, the one that was written."""
    if not isinstance(stated, str) or not stated.isascii() or len(stated) != len(_UNSEALED):
        raise ModelError("holds no SHA-256", where=path, expected="a file written by koekao", do=_COPY_AGAIN)
    seen = _hash(data.replace(_SEAL % stated.encode(), _SEAL % _UNSEALED, 1)).decode()
    if seen != stated:
        what = f"its content has changed: SHA-256 {seen[:12]}..."
        raise ModelError(what, where=path, expected=f"{stated[:12]}...", do=_COPY_AGAIN)


def load_model(path: Path) -> tuple[FaceModel, dict[str, Any]]:
    """The model in a file, ready to use (in evaluation mode), and the file's header.

    Raises:
        ModelError: unreadable, or the tensors do not fit the model that the header names.
    """
    tensors, header = read_tensors(path)
    try:
        model = build(header["model"], header["config"])
    except KeyError as error:
        raise ModelError(f"names no model that this koekao can build: {error}", where=path) from error
    except ConfigError as error:
        what = f"names no model that this koekao can build: {error.what}"
        raise ModelError(what, where=path, expected=error.expected, do=error.do) from error
    fit_settings(model, header, path)
    fit_tensors(model, {k: v for k, v in tensors.items() if "/" not in k}, path)
    return model.eval(), header


def fit_settings(model: FaceModel, header: dict[str, Any], where: object) -> None:
    """Refuse weights whose file states other settings than the model's, or not all: they would mean something else.

    Raises:
        ModelError: naming the first such setting.
    """
    stated = header.get("config", {})
    for name, value in model_header(model)["config"].items():
        if name not in stated or stated[name] != value:
            seen = json.dumps(stated[name]) if name in stated else "not stated"
            raise ModelError(
                f"the model does not fit: {name} is {seen}", where=where, expected=json.dumps(value), do=_DO_SAME
            )


def fit_tensors(model: nn.Module, tensors: dict[str, Tensor], where: object) -> None:
    """Put ``tensors`` into ``model``.

    Raises:
        ModelError: one is missing, unknown or of another shape; the first such is named.
    """
    wanted = model.state_dict()
    for name in sorted(wanted.keys() | tensors.keys()):
        seen = tuple(tensors[name].shape) if name in tensors else "no tensor"
        expected = tuple(wanted[name].shape) if name in wanted else "no tensor"
        if seen != expected:
            raise ModelError(
                f"the model does not fit: {name} is {seen}",
                where=where,
                expected=str(expected),
                do=_DO_SAME,
            )
    model.load_state_dict(tensors)
