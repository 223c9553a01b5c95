"""``koekao export``: says what it wrote; the file animates like the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import koekao

pytest.importorskip("onnxscript", reason="the extra onnx is not installed")


def test_it_writes_a_file_that_animates_like_the_run(
    cli: Callable, chain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from koekao.animation import animate
    from koekao.export import onnx_file
    from koekao.runtime import OnnxEngine, load
    from koekao.training import open_run

    path = tmp_path / "face" / "model.onnx"
    done = cli("export", chain.run, "-o", path, "--check-frames", 90)
    assert (done.code, done.err) == (0, "")
    first, second, last = done.out.splitlines()
    model = open_run(chain.run).model()
    assert first.endswith(", 30 fps, look-ahead 3 frames") and last.startswith(f"made {path} (")
    assert last.endswith(f"; next: koekao animate {path} SPEECH.wav -o face.csv")
    assert second.startswith("largest difference from torch over 90 frames: ") and float(second.split()[-1]) <= 1e-4
    sound = koekao.make_take(3, seconds=2).audio.astype(np.float32) / 32768
    assert load(path).look_ahead_frames == model.look_ahead_frames
    np.testing.assert_allclose(animate(OnnxEngine(path), sound), animate(model, sound), atol=1e-4)

    monkeypatch.setattr(onnx_file, "graph_bytes", lambda *_: content)  # made once already
    content = path.read_bytes()
    done = cli("export", chain.run, "--output", path, "--check-frames", 30, "--json")
    told = done.json
    assert (done.code, done.err, told["made"]) == (0, "", [str(path)]) and told["took_s"] > 0
    assert told["next"] == f"koekao animate {path} SPEECH.wav -o face.csv"
    header = OnnxEngine(path).header
    assert (told["output"], told["bytes"], told["model"]) == (str(path), path.stat().st_size, header.model)
    assert (told["fps"], told["sample_rate"], told["look_ahead_frames"]) == ("30", 16000, 3)
    assert told["weights_sha256"] == header.weights_sha256
    assert 0 < told["largest_difference"] <= 1e-4 and told["checked_frames"] == 30


@pytest.mark.parametrize(
    ("run", "output", "told"),
    [
        ("run", "model.pt", "model.pt: unknown ending '.pt'; expected .onnx"),
        ("nothing", "model.onnx", "nothing"),
    ],
)
def test_it_says_what_is_wrong(cli: Callable, chain: Any, tmp_path: Path, run: str, output: str, told: str) -> None:
    said = cli("export", chain.run.parent / run, "-o", tmp_path / output)
    assert (said.code, said.out) == (2, "") and told in said.err.replace("\n  ", " ")
    assert list(tmp_path.iterdir()) == []
