"""An exported model gives what torch gives: in any chunks, in rows at any frames, with states that change hands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxscript", reason="the extra onnx is not installed")

from exported_faces import FACES, SPEECH, exported_face, exported_file
from koekao.animation import Animator, Animators, animate
from koekao.animation.torch_engine import TorchEngine
from koekao.arkit import NAMES
from koekao.export.onnx_file import weights_hash
from koekao.models import FaceModel, build
from koekao.runtime import OnnxEngine, load


@dataclass
class Case:
    """A model, and what was exported of it."""

    model: FaceModel
    path: Path
    torch: TorchEngine
    onnx: OnnxEngine


@pytest.fixture(scope="module", params=FACES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    path, model = exported_file(request.param, tmp_path_factory), exported_face(request.param)
    return Case(model, path, TorchEngine(model), OnnxEngine(path))


@pytest.mark.parametrize("seed", range(2))
def test_any_chunking_gives_the_curves_of_torch(case: Case, seed: int) -> None:
    rng, live, made, at = np.random.default_rng(seed), load(case.path), [], 0
    while at < len(SPEECH):
        size = int(rng.choice([1, 160, 533, 534, 3000, 16_000]))
        made.append(live.push(SPEECH[at : at + size]))
        at += size
    made.append(live.finish())
    expected = animate(case.model, SPEECH)
    assert np.ptp(expected, axis=0).max() > 0.02, "a still face would say nothing"
    np.testing.assert_allclose(np.concatenate(made), expected, atol=1e-4)
    np.testing.assert_allclose(animate(OnnxEngine(case.path, threads=2), SPEECH), expected, atol=1e-4)


@pytest.mark.parametrize(("n_rows", "n_frames"), [(1, 1), (2, 1), (1, 2), (5, 3), (2, 40), (3, 7)])
def test_a_step_of_rows_at_any_frames(case: Case, n_rows: int, n_frames: int) -> None:
    """Also far into a stream, where frame times no longer fit float32, and from states of any values."""
    rng, clock = np.random.default_rng(n_rows * 100 + n_frames), case.onnx.clock
    frames = rng.permutation([0, 1, 50, 1_000_003, 10**9 + 7])[:n_rows].astype(np.int64)
    state = {}
    for name, fresh in case.torch.init_state(n_rows).items():
        noise = rng.normal(0, 0.3, fresh.shape).astype(np.float32)
        state[name] = {"int64": frames, "bool": noise[..., :] > 0}.get(str(fresh.dtype), fresh + noise)
    first = [int(frame) + case.model.look_ahead_frames for frame in frames]
    samples = max(clock.frame_start(frame + n_frames) - clock.frame_start(frame) for frame in first)
    sound = rng.normal(0, 0.2, (n_rows, samples)).astype(np.float32)
    expected, after = case.torch.step(sound, state)
    curves, mine = case.onnx.step(sound, state)
    assert (curves.shape, curves.dtype) == ((n_rows, n_frames, 52), np.float32)
    assert 0 <= curves.min() <= curves.max() <= 1
    np.testing.assert_allclose(curves, expected, atol=1e-4)
    assert list(mine) == list(after)
    for name, value in after.items():
        assert (mine[name].shape, mine[name].dtype) == (value.shape, value.dtype), name
        np.testing.assert_allclose(mine[name], value, atol=1e-3, err_msg=name)
    for exact in ("next_frame", "sound"):
        np.testing.assert_array_equal(mine[exact], after[exact])


def test_a_state_goes_from_torch_to_onnx_and_back(case: Case) -> None:
    sounds = np.stack([SPEECH[:40_000], SPEECH[20_000:60_000]])
    uneven = np.array([9000, 14_000])
    turns = [Animators(engine, 2) for engine in (case.torch, case.onnx, case.torch, case.onnx)]
    curves: list[list[Any]] = [[], []]
    at = np.zeros(2, np.int64)
    for i, animators in enumerate(turns):
        if i:
            animators.load_state_dict(turns[i - 1].state_dict())
        chunk = np.zeros((2, uneven.max()), np.float32)
        for row in range(2):
            part = sounds[row, at[row] : at[row] + uneven[row]]
            chunk[row, : len(part)] = part
        n_samples = np.minimum(uneven, sounds.shape[1] - at)
        ready = animators.push(chunk, n_samples)
        at += n_samples
        for row in range(2):
            curves[row].append(ready.of(row))
    ready = turns[-1].finish()
    for row in range(2):
        made = np.concatenate([*curves[row], ready.of(row)])
        np.testing.assert_allclose(made, animate(case.model, sounds[row, : at[row]]), atol=1e-4)


def test_a_reset_and_a_copy_begin_as_the_first_time(case: Case) -> None:
    live = Animator(case.onnx)
    first = live.push(SPEECH[:20_000])
    live.reset()
    np.testing.assert_array_equal(live.push(SPEECH[:20_000]), first)
    np.testing.assert_array_equal(load(case.path).push(SPEECH[:20_000]), first)
    for name, value in case.torch.init_state(3).items():
        np.testing.assert_allclose(case.onnx.init_state(3)[name], value, atol=1e-6, err_msg=name)


def test_the_header_says_what_the_model_is(case: Case) -> None:
    header, model = case.onnx.header, case.model
    assert (header.clock, header.look_ahead_frames) == (model.clock, model.look_ahead_frames)
    assert header.first_samples == model.clock.frame_start(model.look_ahead_frames)
    assert (header.koekao, len(header.weights_sha256)) == ("0.1.0", 64)
    assert header.weights_sha256 == weights_hash(model)
    assert build(header.model, header.config).config == model.config
    assert list(header.fresh) == list(case.torch.init_state(1))
    assert f'"curves": ["{NAMES[0]}", "{NAMES[1]}"' in header.as_text()


def test_liveliness_is_in_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It moves more than the same model does without it."""
    name = "stream 59.94 fps, no look-ahead, lively"
    kind, settings = FACES[name]
    plain = build(kind, settings | {"liveliness": 0.0})
    plain.load_state_dict(exported_face(name).state_dict())
    lively = animate(OnnxEngine(exported_file(name, tmp_path_factory)), SPEECH)
    assert np.abs(np.diff(lively, axis=0)).sum() > 1.1 * np.abs(np.diff(animate(plain, SPEECH), axis=0)).sum()
