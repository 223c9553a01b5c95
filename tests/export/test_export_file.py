"""What is published: one plain file, the same every time, only where it passed; and it needs no torch."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from exported_faces import exported_face, exported_file

pytest.importorskip("onnxscript", reason="the extra onnx is not installed")

import onnx

from koekao.animation.torch_engine import TorchEngine
from koekao.errors import ConfigError, ModelError, OutputError
from koekao.export import export_onnx, onnx_file
from koekao.export.onnx_file import graph_bytes, header_of, weights_hash
from koekao.export.parity import largest_difference, made_sound
from koekao.models import FaceModel, build
from koekao.runtime import OnnxEngine

FACE = "stream 29.97 fps, look-ahead 3"


def small_model() -> FaceModel:
    return copy.deepcopy(exported_face(FACE))


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Its file, which another process may have drawn."""
    return exported_file(FACE, tmp_path_factory).read_bytes()


@pytest.fixture
def exported(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    return path


@pytest.fixture
def without_the_work(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The graph as it was made once."""
    monkeypatch.setattr(onnx_file, "graph_bytes", lambda model, header: content)
    yield


def test_the_same_model_gives_the_same_file_and_prints_nothing(
    content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    model = small_model()
    assert graph_bytes(model, header_of(model)) == content
    assert capfd.readouterr() == ("", "")


def test_the_file_names_its_dimensions_and_nothing_of_this_machine(content: bytes) -> None:
    graph = onnx.load_model_from_string(content).graph
    dims = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert dims["sound"] == ["B", "S"] and dims["curves"] == ["B", "T", 52]
    assert dims["state.next_frame"] == dims["next.next_frame"] == ["B"]
    assert dims["state.past_0"] == dims["next.past_0"] == ["B", 2, 16]
    assert {name.partition(".")[0] for name in dims} == {"sound", "curves", "state", "next"}
    for told in (b"site-packages", str(Path.home()).encode() + b"/", b".py", b"torch.export", b"stack_trace"):
        assert told not in content, told


def test_a_file_that_passes_replaces_what_was_there(without_the_work: None, tmp_path: Path) -> None:
    path = tmp_path / "there" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(b"before")
    done = export_onnx(small_model(), path, check_frames=50)
    assert (done.path, done.checked_frames) == (path, 50) and 0 < done.largest_difference < 1e-5
    assert path.stat().st_size == done.n_bytes and list(path.parent.iterdir()) == [path]


def test_curves_that_differ_are_not_published(without_the_work: None, tmp_path: Path) -> None:
    """The graph of one model, the weights of another: as wrong as a wrong operator would be."""
    path, other = tmp_path / "model.onnx", small_model()
    path.write_bytes(b"before")
    with torch.no_grad():
        other.curve_mean[3] += 3e-4
    with pytest.raises(OutputError, match=r"differ from torch's by up to 0\.0003; expected at most 0\.0001 over 40"):
        export_onnx(other, path, check_frames=40)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


def test_what_is_no_number_is_not_published(
    without_the_work: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OnnxEngine, "step", lambda self, sound, state: _broken(self, sound, state))
    with pytest.raises(OutputError, match="by up to inf"):
        export_onnx(small_model(), tmp_path / "model.onnx", check_frames=40)
    assert list(tmp_path.iterdir()) == []


_STEP = OnnxEngine.step


def _broken(engine: OnnxEngine, sound: Any, state: Any) -> Any:
    curves, after = _STEP(engine, sound, state)
    curves[:, :, 7] = np.nan
    return curves, after


def test_the_walk_is_as_long_as_it_is_said_in_steps_of_all_sizes() -> None:
    engine = TorchEngine(small_model())
    steps: list[tuple[int, int]] = []
    frames: set[tuple[int, ...]] = set()

    class Told:
        clock, look_ahead_frames, init_state = engine.clock, engine.look_ahead_frames, staticmethod(engine.init_state)

        def step(self, sound: Any, state: Any) -> Any:
            curves, after = engine.step(sound, state)
            steps.append(curves.shape[:2])
            frames.add(tuple(state["next_frame"]))
            return curves, after

    assert largest_difference(Told(), engine, 300, np.random.default_rng(0)) < 1e-6
    assert sum(rows * n for rows, n in steps) == 2 * (300 + 3), "the end of the sound, too"
    assert {rows for rows, _ in steps} >= {1} and {n for _, n in steps} >= {1, 3}
    assert max(n for _, n in steps) >= 50 and any(len(set(pair)) == 2 for pair in frames)


@pytest.mark.parametrize("frame", [0, 100, 299])
def test_one_wrong_frame_of_one_row_is_found(frame: int) -> None:
    engine = TorchEngine(small_model())

    class Wrong:
        clock, look_ahead_frames, init_state = engine.clock, engine.look_ahead_frames, staticmethod(engine.init_state)

        def step(self, sound: Any, state: Any) -> Any:
            curves, after = engine.step(sound, state)
            for row, first in enumerate(state["next_frame"]):
                if first <= frame < first + curves.shape[1]:
                    curves[row, frame - first, 51] += 0.25
                    break
            return curves, after

    assert largest_difference(Wrong(), engine, 300, np.random.default_rng(0)) == pytest.approx(0.25, abs=1e-5)


def test_the_sound_of_the_walk_is_speech_like() -> None:
    sound = made_sound(160_000, 16_000, np.random.default_rng(4))
    assert (sound.shape, sound.dtype) == ((160_000,), np.float32) and 0.2 < np.abs(sound).max() <= 1
    loud = np.abs(sound[: 160_000 // 800 * 800]).reshape(-1, 800).max(1)
    assert 0.1 < (loud < 1e-4).mean() < 0.6 and (loud > 0.05).mean() > 0.1


def test_a_window_model_is_refused() -> None:
    model = build("window", {"dim": 16, "width": 8, "heads": 2})
    with pytest.raises(ModelError, match=r"a window model cannot be exported.*expected a model of stream, sequential"):
        export_onnx(model, "never.onnx")
    assert not Path("never.onnx").exists()


def test_settings_and_packages_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="check_frames 0"):
        export_onnx(small_model(), tmp_path / "model.onnx", check_frames=0)
    for package in ("onnxscript", "onnx", "onnxruntime"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(ConfigError, match=rf"{package} is not installed\n  -> pip install \"koekao\[onnx\]\""):
                export_onnx(small_model(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_hash_is_of_all_that_was_learnt() -> None:
    model, hashes = small_model(), set()
    hashes.add(weights_hash(model))
    assert weights_hash(small_model()) in hashes
    for name, tensor in model.state_dict().items():
        before = tensor.clone()
        tensor.view(-1)[0] += 1
        hashes.add(weights_hash(model))
        tensor.copy_(before)
        assert name and weights_hash(model) in hashes
    assert len(hashes) == 1 + len(model.state_dict())


def test_it_runs_in_a_process_without_torch(exported: Path) -> None:
    """Imported, loaded and run: neither torch nor anything that koekao needs beside numpy is there."""
    code = f"""
import sys
import numpy as np
import koekao.runtime
live = koekao.runtime.load({str(exported)!r})
made = [live.push(np.full(2000, 0.1, np.float32)), live.finish()]
assert sum(map(len, made)) == 4, made
print(*sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert {"numpy", "onnxruntime", "koekao"} <= loaded
    unwanted = {"torch", "numba", "llvmlite", "pyarrow", "soundfile", "soxr", "rich", "scipy", "safetensors", "onnx"}
    assert loaded & (unwanted | {"onnxscript", "cyclopts", "yaml", "msgspec", "matplotlib"}) == set()
