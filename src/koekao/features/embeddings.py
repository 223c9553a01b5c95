"""A speech network of the user's own as a backend: wav2vec2, HuBERT, WavLM and their like, from a folder.

Weights are read by transformers from a local folder (``config.json``, ``preprocessor_config.json``, safetensors);
nothing is fetched, no code from the folder is run, and no pickle is opened. Such networks hear both ways within what
they are given, so they are given the last 4 s and their newest 300 ms are averaged: causal, with a past.
The licence of the weights is theirs; look at it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.errors import ConfigError, ModelError
from koekao.features.encoded import PastEncoder

_ONLY_FOR_TRAINING = "masked_spec_embed"
_NEEDED = ("config.json", "preprocessor_config.json")


class Embedding(PastEncoder):
    """The last hidden layer of a network, averaged over the newest ``newest_s`` of ``past_s`` seconds.

    Args:
        folder: as ``save_pretrained`` of the model and of its feature extractor write it.

    Raises:
        ConfigError: transformers is not installed, or the folder lacks a file.
        ModelError: a folder that transformers cannot read, or a network that takes no raw sound.
    """

    name = "hf"

    def __init__(self, folder: str | Path, *, past_s: float = 4.0, newest_s: float = 0.3) -> None:
        folder = Path(folder)
        weights = _files_of(folder)
        try:
            from transformers import AutoFeatureExtractor, AutoModel
        except ImportError as fault:
            what = "the hf backend needs transformers, which is not installed"
            raise ConfigError(what, do='pip install "koekao[hf]"') from fault
        from safetensors import SafetensorError

        how = {"local_files_only": True, "trust_remote_code": False}
        read = {**how, "use_safetensors": True, "output_loading_info": True}
        try:
            self._prepare: Any = AutoFeatureExtractor.from_pretrained(str(folder), **how)
            model, info = AutoModel.from_pretrained(str(folder), **read)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"transformers cannot read it ({error})", where=folder) from error
        _refuse_invented(info, folder)
        self._model: Any = model.eval()
        if self._model.main_input_name != "input_values":
            what = f"a network that takes {self._model.main_input_name}"
            raise ModelError(what, where=folder, expected="input_values: raw sound, as wav2vec2 or HuBERT take it")
        self.past_s, self._newest_s, self._hash = past_s, newest_s, _hash_of(weights)
        self.names = tuple(f"hidden_{i}" for i in range(self._model.config.hidden_size))

    def settings(self) -> Mapping[str, Any]:
        return {"weights_sha256": self._hash, "newest_s": self._newest_s, "kind": self._model.config.model_type}

    @torch.no_grad()
    def encode(self, sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        given = self._prepare(sound, sampling_rate=sample_rate, return_tensors="pt")
        hidden = self._model(given.input_values).last_hidden_state[0]
        n_newest = max(1, round(len(hidden) * self._newest_s * sample_rate / len(sound)))
        values: NDArray[np.float32] = hidden[-n_newest:].mean(0).float().numpy()
        return values


def _refuse_invented(info: Mapping[str, Any], folder: Path) -> None:
    """What a file lacks transformers fills with random numbers and a warning; a random network is no backend."""
    lacking = sorted({*info["missing_keys"]} - {_ONLY_FOR_TRAINING})
    lacking += sorted(str(mismatch[0]) for mismatch in info["mismatched_keys"])
    if lacking:
        what = f"lacks weights of the network, or has them in another shape: {', '.join(lacking[:5])}"
        raise ModelError(what, where=folder, expected="all weights of the config", do="save the whole model again")


def _files_of(folder: Path) -> list[Path]:
    """Everything that the answers depend on, in the order of the names."""
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    weights = sorted(folder.glob("*.safetensors"))
    if missing or not weights:
        lacking = ", ".join([*missing, *([] if weights else ["*.safetensors"])])
        do = "save the model and its feature extractor there with save_pretrained(folder)"
        raise ConfigError(f"holds no {lacking}", where=folder, expected="a folder that transformers wrote", do=do)
    return [*(folder / name for name in _NEEDED), *weights]


def _hash_of(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
