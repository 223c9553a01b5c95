"""Where a run's weights begin: from a pretrained file, or from another run's model.

Only weights are taken over. Statistics, of the features and of the curves, are those of the new corpus, as always. What
the file itself says was not trained (``pretraining.untrained`` in its header: the head) stays as the run made it; all
else must fit, and by its meaning: two models whose dilations differ have tensors of the same shapes that mean other
things, so settings are compared before tensors are. Settings that only disturb training, or that come after the
weights, may differ.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import torch

from koekao.errors import ModelError, RunError
from koekao.models import FaceModel
from koekao.models.registry import name_of
from koekao.models.weights import read_tensors
from koekao.training.checkpoint import published_model
from koekao.training.run import Run

_NOT_OF_WEIGHTS = (
    *("dropout", "noise", "emotion_noise", "level", "band_shift", "band_dropout", "tempo", "initial_alpha"),
    "liveliness",
)
_RATES = ("features.sample_rate", "features.fps")


@torch.no_grad()
def begin_from(place: str, model: FaceModel) -> dict[str, Any]:
    """Put the weights of a model file, or of a run's folder, into ``model``; what was taken from where, as JSON values.

    Returns:
        ``path`` and ``sha256`` of the file, what its weights are (``chosen_by``), how many ``parameters`` were taken
        over, and the modules that were ``left`` as they were.

    Raises:
        RunError: there is nothing at ``place``. ModelError: no model, another model, or other settings.
    """
    path = _file_at(Path(place))
    found, header = published_model(path), read_tensors(path)[1]
    name, wanted = name_of(found), name_of(model)
    if name != wanted:
        raise ModelError(f"holds a {name} model", where=path, expected=wanted, do=_DO_OTHER.get(name, _DO_ANOTHER))
    _refuse_other_settings(found, model, path)
    left = tuple(header.get("pretraining", {}).get("untrained", ()))
    weights, taken = dict(found.named_parameters()), 0
    for key, parameter in model.named_parameters():
        if key.partition(".")[0] not in left:
            parameter.copy_(weights[key])
            taken += parameter.numel()
    return {
        "path": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "chosen_by": header.get("chosen_by", "the last step"),
        "parameters": taken,
        "left": list(left),
    }


_DO_ANOTHER = "say --init with a file of that model"
_DO_OTHER = {
    "stream": "say --trainer stream",
    "frame": "say --trainer clips",
    "sequential": "say --trainer sequential",
    "window": "say --trainer sequential --model.name window",
}
"""What to say to train the model that a file holds."""


def _file_at(place: Path) -> Path:
    """The file itself, or the weights that a run would be used with."""
    if place.is_dir():
        return Run(place).weights()
    if not place.is_file():
        raise RunError(
            "there is nothing to begin from",
            where=place,
            expected="a model file or the folder of a run",
            do="check --init, or make one: koekao pretrain WAVS OUT",
        )
    return place


def _refuse_other_settings(found: FaceModel, model: FaceModel, path: Path) -> None:
    """Raise ModelError if anything is set differently that decides what the weights mean."""
    theirs, ours = _flat(asdict(found.config)), _flat(asdict(model.config))
    other = [name for name in sorted(theirs.keys() | ours.keys()) if theirs.get(name) != ours.get(name)]
    other = [name for name in other if name.rpartition(".")[2] not in _NOT_OF_WEIGHTS]
    if not other:
        return
    what = ", ".join(f"{name} {json.dumps(theirs.get(name))}" for name in other)
    expected = ", ".join(f"{name} {json.dumps(ours.get(name))}" for name in other)
    if set(other) & set(_RATES):
        do = "begin from a model that was made at the rates of this corpus (koekao pretrain --fps --sample-rate)"
    else:
        names = dict.fromkeys(name.partition(".")[0] for name in other)
        do = "say " + " ".join(f"--model.{name} {_on_command_line(found.config, name)}" for name in names)
    raise ModelError(f"the model does not fit: {what}", where=path, expected=f"{expected}, as this run has it", do=do)


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """``{"features": {"n_mels": 20}}`` as ``{"features.n_mels": 20}``."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
    return flat


def _on_command_line(config: Any, name: str) -> str:
    """A setting as it is said there; of settings within a setting those that differ from its defaults."""
    value = getattr(config, name, None)
    if is_dataclass(value) and not isinstance(value, type):
        usual = asdict(type(value)())
        value = {part: own for part, own in asdict(value).items() if own != usual[part]}
    return shlex.quote(json.dumps(value))
