"""Fault 41: a pickle where koekao reads numbers. It is refused, and what it would have done is not done."""

from __future__ import annotations

import io
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forged import pack_ten
from killed import parts
from small_faces import face

from koekao.corpus import Corpus, pack_column
from koekao.errors import KoekaoError
from koekao.models import load_model
from koekao.runtime import OnnxEngine
from koekao.takes import read_curves, read_sound
from koekao.training import open_run
from koekao.training.beginning import begin_from
from koekao.training.checkpoint import load_checkpoint
from koekao.training.ridge import Ridge


class Canary:
    """Sings, if it is ever unpickled, by making a file."""

    def __init__(self, song: Path) -> None:
        self.song = song

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.song, "unpickled")


def as_torch(canary: Canary) -> bytes:
    out = io.BytesIO()
    torch.save({"curve_mean": torch.zeros(52), "more": canary}, out)
    return out.getvalue()


def as_numpy(canary: Canary, save: Callable[..., None]) -> bytes:
    out = io.BytesIO()
    save(out, np.array([canary], object))
    return out.getvalue()


KINDS: dict[str, Callable[[Canary], bytes]] = {
    "pickle": pickle.dumps,
    "torch.save": as_torch,
    "npz": lambda canary: as_numpy(canary, np.savez),
    "npy": lambda canary: as_numpy(canary, np.save),
}


def checkpoint(path: Path) -> None:
    model, optimizer, task = parts()
    load_checkpoint(path, model=model, optimizer=optimizer, task=task)


def of_a_corpus(file: str) -> Callable[[Path], Any]:
    """Everything that is asked of a corpus in which ``file`` is what it should not be."""

    def read(path: Path) -> None:
        folder = pack_ten(path.parent / "c")
        corpus = Corpus.open(folder)
        pack_column(corpus, "x", (1,), {}, lambda i: np.zeros((int(corpus.n_frames[i]), 1), np.float32))
        place = next(folder.glob(file))
        shutil.copyfile(path, place)
        assert Corpus.verify(corpus)
        opened = Corpus.open(folder)
        assert opened.take(0).sources and opened.column("x").frames(0) is not None
        raise opened.verify()[0]

    return read


def run_of(file: str) -> Callable[[Path], Any]:
    def read(path: Path) -> None:
        folder = path.parent / "run"
        folder.mkdir()
        (folder / "run.json").write_text('{"version": 1}')
        shutil.copyfile(path, folder / file)
        run = open_run(folder)
        run.baseline() if file.startswith("ridge") else run.model()

    return read


PLACES: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "weights": ("w.safetensors", load_model),
    "checkpoint": ("last.safetensors", checkpoint),
    "baseline": ("ridge.safetensors", Ridge.load),
    "weights to begin from": ("w.safetensors", lambda path: begin_from(str(path), face("stream"))),
    "best of a run": ("x", run_of("best.safetensors")),
    "last of a run": ("x", run_of("last.safetensors")),
    "ridge of a run": ("x", run_of("ridge.safetensors")),
    "exported model": ("m.onnx", OnnxEngine),
    "corpus header": ("x", of_a_corpus("corpus.json")),
    "index": ("x", of_a_corpus("takes.arrow")),
    "sources": ("x", of_a_corpus("sources.arrow")),
    "shard": ("x", of_a_corpus("shard-00000.arrow")),
    "column header": ("x", of_a_corpus("columns/*/column.json")),
    "column": ("x", of_a_corpus("columns/*/shard-00000.arrow")),
    "sound": ("a.wav", read_sound),
    "sound by another name": ("a.flac", read_sound),
    "curves": ("a.jsonl", read_curves),
    "curves by another name": ("a.csv", read_curves),
    "curves in glTF": ("a.glb", read_curves),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_fault_41_a_pickle_is_refused_and_never_run(tmp_path: Path, place: str, kind: str) -> None:
    if place == "exported model":
        pytest.importorskip("onnxruntime")
    song, (name, read) = tmp_path / "song", PLACES[place]
    (tmp_path / name).write_bytes(KINDS[kind](Canary(song)))
    with pytest.raises(KoekaoError) as error:
        read(tmp_path / name)
    assert str(tmp_path) in error.value.where
    assert not song.exists()


@pytest.mark.parametrize("kind", ["pickle", "npz", "npy", "torch.save"])
def test_fault_41_the_canary_does_sing(tmp_path: Path, kind: str) -> None:
    """Opened by what trusts it, each of these files runs what it holds."""
    song = tmp_path / "song"
    data = io.BytesIO(KINDS[kind](Canary(song)))
    if kind == "pickle":
        pickle.load(data)  # noqa: S301 - made on the line before
    elif kind == "torch.save":
        torch.load(data, weights_only=False)
    else:
        found = np.load(data, allow_pickle=True)
        found["arr_0"] if kind == "npz" else found
    assert song.exists()
