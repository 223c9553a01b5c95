"""Weights on disk are the model they came from, to the bit, or an error that names the file; never code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from koekao.errors import ConfigError, ModelError
from koekao.models import MODELS, FaceModel, FrameModel, SequentialModel, StreamModel, build, load_model, save_model
from koekao.models.weights import VERSION, model_header, name_of, read_tensors, save_tensors

Make = Callable[..., FaceModel]
EVERY = pytest.mark.parametrize("name", ["sequential", "frame", "stream", "window"])


@EVERY
def test_round_trip_to_the_bit(small_model: Make, speech: Any, tmp_path: Path, name: str) -> None:
    """Every tensor, the config, and what comes out of the model; statistics are weights like others."""
    model, path = small_model(name, features={"fps": "30000/1001", "n_mels": 24}), tmp_path / "w.safetensors"
    save_model(model, path, chosen_by="hand")
    again, header = load_model(path)
    assert type(again) is type(model) and again.config == model.config and not again.training
    assert header["chosen_by"] == "hand" and header["version"] == VERSION
    before, after = model.state_dict(), again.state_dict()
    assert before.keys() == after.keys() >= {"features.mean", "features.floor", "curve_mean", "curve_spread"}
    assert all(torch.equal(before[key], after[key]) and before[key].dtype == after[key].dtype for key in before)
    sound = torch.from_numpy(speech[:16000])[None]
    assert torch.equal(model(sound), again(sound))


@EVERY
def test_the_header_is_as_it_will_be_read_again(small_model: Make, tmp_path: Path, name: str) -> None:
    """So that it can be compared with the header of a file: no tuple that JSON gives back as a list."""
    model, path = small_model(name), tmp_path / "w.safetensors"
    save_model(model, path)
    assert read_tensors(path)[1] == model_header(model) == json.loads(json.dumps(model_header(model)))
    assert build(name, model_header(model)["config"]).config == model.config


def test_a_model_that_is_not_contiguous_or_shares_memory_is_saved(small_model: Make, tmp_path: Path) -> None:
    save_tensors(tmp_path / "t.safetensors", {"a": torch.arange(6.0).view(2, 3).T}, {"version": 1})
    assert torch.equal(read_tensors(tmp_path / "t.safetensors")[0]["a"], torch.arange(6.0).view(2, 3).T)


def test_an_older_file_stays_where_saving_fails(small_model: Make, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_model(small_model("frame"), path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_model(small_model("frame", seed=1), path, note=object())
    assert path.read_bytes() == before and [entry.name for entry in tmp_path.iterdir()] == [path.name]


def edited(model: FaceModel, path: Path, edit: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """The model's file with its tensors and header changed by ``edit``."""
    tensors, header = dict(model.state_dict()), model_header(model)
    edit(tensors, header)
    save_tensors(path, tensors, header)
    return path


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda t, h: t.pop("curve_mean"), r"curve_mean is no tensor; expected \(52,\)"),
        (lambda t, h: t.update(curve_mean=torch.zeros(51)), r"curve_mean is \(51,\); expected \(52,\)"),
        (lambda t, h: t.update(stranger=torch.zeros(3)), r"stranger is \(3,\); expected no tensor"),
        (lambda t, h: h.update(version=VERSION + 1), rf"version {VERSION + 1}; expected up to {VERSION}"),
        (lambda t, h: h.update(version="one"), "holds no koekao header"),
        (lambda t, h: h.pop("version"), "holds no koekao header"),
        (lambda t, h: h.update(model="oracle"), "unknown model 'oracle'"),
        (lambda t, h: h.pop("model"), "names no model"),
        (lambda t, h: h["config"].update(colour="red"), "names no model .*colour"),
        (lambda t, h: h["config"]["features"].update(colour="red"), "names no model .*colour"),
        (lambda t, h: h["config"].update(dim="wide"), "names no model"),
        (lambda t, h: h.update(config=7), "names no model"),
        (lambda t, h: h["config"].pop("noise"), "the model does not fit: noise is not stated; expected "),
        (lambda t, h: h["config"]["features"].pop("n_fft"), "the model does not fit: features is .*; expected .*n_fft"),
        (lambda t, h: h["config"].update(dim=8), r"does not fit: blocks.* is \(16,\); expected \(8,\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(small_model: Make, tmp_path: Path, edit: Any, said: str) -> None:
    path = edited(small_model("sequential"), tmp_path / "edited.safetensors", edit)
    with pytest.raises(ModelError, match=said) as error:
        load_model(path)
    assert error.value.where == str(path)


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\xff" * 64, b"hello", b"\x10\x00\x00\x00\x00\x00\x00\x00{}", bytes(range(256)) * 16]
)
def test_garbage_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read") as error:
        load_model(path)
    assert error.value.where == str(path)


@pytest.mark.parametrize("metadata", [None, {"koekao": "7"}, {"koekao": "[1]"}, {"else": "{}"}])
def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path: Path, metadata: Any) -> None:
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, metadata)
    with pytest.raises(ModelError, match="holds no koekao header"):
        load_model(path)


def test_a_header_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, {"koekao": "{half"})
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(path)


def test_every_truncation_is_refused(small_model: Make, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_model(small_model("frame", features={"n_mels": 4}), path)
    whole = path.read_bytes()
    for end in range(0, len(whole), max(1, len(whole) // 100)):
        path.write_bytes(whole[:end])
        with pytest.raises(ModelError, match="cannot be read"):
            load_model(path)


def test_a_file_without_a_hash_is_refused(small_model: Make, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    for header in ({"version": 1}, {"version": 1, "sha256": 7}, {"version": 1, "sha256": "é" * 64}):
        safetensors.torch.save_file({"a": torch.zeros(1)}, path, {"koekao": json.dumps(header)})
        with pytest.raises(ModelError, match="holds no SHA-256"):
            read_tensors(path)


class Canary:
    """Sings, if it is ever unpickled, by making a file."""

    def __init__(self, song: Path) -> None:
        self.song = song

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.song, "unpickled")


@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_a_pickle_is_refused_and_never_run(tmp_path: Path, how: str) -> None:
    """A pickle under the name of weights stays shut."""
    path, song = tmp_path / "w.safetensors", tmp_path / "song"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Canary(song)))
    else:
        torch.save({"curve_mean": torch.zeros(52), "more": Canary(song)}, path)
    with pytest.raises(ModelError, match="cannot be read") as error:
        load_model(path)
    assert error.value.where == str(path)
    assert not song.exists()
    pickle.loads(pickle.dumps(Canary(song)))  # noqa: S301 - made on this line
    assert song.exists()  # the canary does sing


@pytest.mark.parametrize("place", ["nowhere.safetensors", "."])
def test_no_file_is_an_error(tmp_path: Path, place: str) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load_model(tmp_path / place)


def test_the_registry_builds_by_name() -> None:
    assert set(MODELS) == {"sequential", "frame", "stream", "window"}
    assert isinstance(build("sequential", {"dim": 8, "dilations": [2, 1]}), SequentialModel)
    assert isinstance(build("frame", {"features": {"fps": "24"}}), FrameModel)
    assert isinstance(build("stream", {"dim": 8, "dilations": [1, 2]}), StreamModel)
    for name, (config, model) in MODELS.items():
        made = build(name, config())
        assert type(made) is model and name_of(made) == name


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        ("sequentail", {}, "unknown model 'sequentail'; expected one of sequential, frame, stream"),
        ("sequential", {"depth": 3}, "settings of model 'sequential' do not fit: .*depth"),
        ("frame", {"features": {"mels": 3}}, "settings of model 'frame' do not fit: .*mels"),
        ("sequential", {"dilations": 4}, "settings of model 'sequential' do not fit"),
        ("sequential", {"dim": "wide"}, "dim 'wide'"),
        ("sequential", {"dropout": "much"}, "settings of model 'sequential' do not fit"),
        ("sequential", [3, 4], "settings of model 'sequential' do not fit"),
        ("sequential", {"features": {"fps": "-1"}}, "frame rate '-1'"),
    ],
)
def test_what_the_registry_cannot_build(name: str, config: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(name, config)


def test_a_model_outside_the_registry_has_no_name(small_model: Make, tmp_path: Path) -> None:
    class Other(SequentialModel):
        pass

    model = Other(small_model("sequential").config)
    with pytest.raises(ModelError, match="Other is not in the registry"):
        save_model(model, tmp_path / "w.safetensors")
