"""The engine over a file: files that are none, or another's, are refused by name; what runs keeps the bookkeeping.

The graph here is made by hand: one frame a step, whose every curve is the loudest sample of the step.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

import onnxruntime
from onnx import TensorProto, helper

from koekao.animation import Animators
from koekao.clock import Clock
from koekao.errors import ConfigError, ModelError
from koekao.runtime import Header, OnnxEngine, load

CLOCK = Clock(16000, Fraction(30))
KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
PAST = 64


def header() -> Header:
    return Header(
        model="stream",
        config={},
        koekao="0.1.0",
        clock=CLOCK,
        look_ahead_frames=0,
        first_samples=0,
        weights_sha256="",
        fresh={"next_frame": np.array(0, np.int64), "sound": np.full(PAST, 0.5, np.float32)},
    )


def graph_of(**more: Any) -> Any:
    """The graph; ``more`` renames (``sound="noise"``) or retypes (``sound=("int64", "B", "S")``) a value of it."""
    values = {
        "sound": ("float32", "B", "S"),
        "state.next_frame": ("int64", "B"),
        "state.sound": ("float32", "B", PAST),
        "curves": ("float32", "B", "T", 52),
        "next.next_frame": ("int64", "B"),
        "next.sound": ("float32", "B", PAST),
    } | {name: kind for name, kind in more.items() if isinstance(kind, tuple)}
    renamed = {name: more[name] if isinstance(more.get(name), str) else name for name in values}
    made = {name: helper.make_tensor_value_info(renamed[name], KINDS[k], list(d)) for name, (k, *d) in values.items()}
    axes, one = [helper.make_tensor("axes", TensorProto.INT64, [1], [1])], helper.make_tensor("one", 7, [1], [1])
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [1, 1, 52])
    nodes = [
        helper.make_node("ReduceMax", [renamed["sound"], "axes"], ["loudest"], keepdims=1),
        helper.make_node("Unsqueeze", ["loudest", "axes"], ["a_frame"]),
        helper.make_node("Expand", ["a_frame", "shape"], [renamed["curves"]]),
        helper.make_node("Add", [renamed["state.next_frame"], "one"], [renamed["next.next_frame"]]),
        helper.make_node("Identity", [renamed["state.sound"]], [renamed["next.sound"]]),
    ]
    names = list(made)
    return helper.make_graph(
        nodes, "made", [made[n] for n in names[:3]], [made[n] for n in names[3:]], initializer=[*axes, one, shape]
    )


def model_bytes(said: str | None = None, graph: Any = None) -> bytes:
    model = helper.make_model(graph or graph_of(), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    if said != "none":
        helper.set_model_props(model, {"koekao": said or header().as_text()})
    return model.SerializeToString()


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        return path

    return write


def test_frames_come_as_the_bookkeeping_says(put: Callable[[bytes], Path]) -> None:
    live = load(put(model_bytes()))
    sound = np.linspace(0, 1, 1600, dtype=np.float32)
    made = np.concatenate([live.push(sound[:533]), live.push(sound[533:1000])])
    assert made.shape == (1, 52) and (live.clock, live.look_ahead_frames, live.next_frame) == (CLOCK, 0, 1)
    np.testing.assert_allclose(made, sound[532], atol=1e-6)
    assert live.push(sound[1000:1067]).shape == (1, 52)
    np.testing.assert_allclose(live.push(sound[1067:]), sound[-1], atol=1e-6)


def test_many_rows_and_their_state(put: Callable[[bytes], Path]) -> None:
    engine = OnnxEngine(put(model_bytes()), threads=2)
    fresh = engine.init_state(3)
    assert fresh["next_frame"].tolist() == [0, 0, 0] and (fresh["sound"] == 0.5).all()
    fresh["sound"][1] = 9
    assert (engine.init_state(3)["sound"] == 0.5).all(), "each state is its own"
    rows = Animators(engine, 3)
    ready = rows.push(np.stack([np.full(600, v, np.float32) for v in (0.1, 0.2, 0.3)]), np.array([600, 0, 600]))
    assert ready.n_ready.tolist() == [1, 0, 1] and rows.next_frame.tolist() == [1, 0, 1]
    np.testing.assert_allclose(ready.curves[:, 0, 0], [0.1, 0, 0.3], atol=1e-6)


FOREIGN = {
    "no model": (lambda: b"no model at all", "no graph that onnxruntime can run ("),
    "empty": (lambda: b"", "no graph that onnxruntime can run ("),
    "sound": (lambda: b"RIFF" + bytes(1000), "no graph that onnxruntime can run ("),
    "truncated": (lambda: model_bytes()[:-200], "model.onnx: no "),
    "an operator of nobody": (
        lambda: model_bytes(graph=helper.make_graph([helper.make_node("Sing", [], ["y"])], "g", [], [])),
        "no graph that onnxruntime can run (",
    ),
    "no header": (lambda: model_bytes("none"), "no koekao header among its metadata"),
    "newer": (
        lambda: model_bytes(header().as_text().replace('"version": 1', '"version": 9')),
        "format version 9; expected up to 1\n  -> install a newer koekao",
    ),
    "sound missing": (
        lambda: model_bytes(graph=graph_of(sound="noise")),
        "inputs of the graph: noise is tensor(float) of 2 dimensions; expected missing",
    ),
    "curves missing": (
        lambda: model_bytes(graph=graph_of(curves="faces")),
        "outputs of the graph: curves is missing; expected tensor(float) of 3 dimensions",
    ),
    "state missing": (
        lambda: model_bytes(graph=graph_of(**{"next.sound": "sound.next"})),
        "outputs of the graph: next.sound is missing",
    ),
    "state that the header does not know": (
        lambda: model_bytes(json.dumps(json.loads(header().as_text()) | {"state": _without_nothing()})),
        "inputs of the graph: state.more is missing; expected tensor(float) of 2 dimensions",
    ),
    "another type": (
        lambda: model_bytes(
            graph=graph_of(**{"state.next_frame": ("int64", "B", 1), "next.next_frame": ("int64", "B", 1)})
        ),
        "inputs of the graph: state.next_frame is tensor(int64) of 2 dimensions; expected tensor(int64) of 1",
    ),
}


def _without_nothing() -> list[dict[str, Any]]:
    return [*json.loads(header().as_text())["state"], {"name": "more", "dtype": "float32", "shape": [3]}]


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_that_is_no_model_of_koekao_is_refused_by_name(put: Callable[[bytes], Path], kind: str) -> None:
    content, told = FOREIGN[kind]
    path = put(content())
    with pytest.raises(ModelError) as refused:
        OnnxEngine(path)
    assert str(refused.value).startswith(f"{path}: ") and told in str(refused.value)
    assert "\n  -> " in str(refused.value)


def test_it_reads_no_file_that_the_model_names(
    put: Callable[[bytes], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights of ONNX may lie in other files; a forged one could name any. koekao's lie in the one file."""
    (tmp_path / "secret").write_bytes(np.full(52, 7, np.float32).tobytes())
    graph = graph_of()
    outside = helper.make_tensor("secret", TensorProto.FLOAT, [1, 1, 52], np.zeros(52), raw=False)
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "secret"), ("offset", "0"), ("length", "208")):
        entry = outside.external_data.add()
        entry.key, entry.value = key, value
    graph.initializer.append(outside)
    graph.node[2].output[0] = "shown"
    graph.node.append(helper.make_node("Add", ["shown", "secret"], ["curves"]))
    path = put(model_bytes(graph=graph))
    monkeypatch.chdir(tmp_path)
    assert onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"]), "onnxruntime would"
    with pytest.raises(ModelError, match="no graph that onnxruntime can run"):
        OnnxEngine(path)


def test_no_file_no_threads_no_onnxruntime(
    put: Callable[[bytes], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=r"nothing\.onnx: cannot be read \(No such file or directory\)"):
        load(tmp_path / "nothing.onnx")
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="0 threads"):
        load(put(model_bytes()), threads=0)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"onnxruntime is not installed\n  -> install it: pip install"):
        load(put(model_bytes()))


def test_it_is_soon_ready(put: Callable[[bytes], Path]) -> None:
    """Loading must not do more than it says; the whole start is measured by benchmarks/export.py."""
    path = put(model_bytes())
    load(path)
    began_s = time.perf_counter()
    load(path)
    assert time.perf_counter() - began_s < 1
