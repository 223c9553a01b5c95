"""Laws that a face model keeps, as functions that raise AssertionError and say what broke them.

koekao's own models keep them, and so must one of your own (:func:`koekao.register_model`) before it is worth training:
a model that breaks one of these works in a notebook and fails live. :func:`assert_model_laws` is all of them; it wants
nothing but the model, trained or not, and takes a few seconds::

    def test_my_model_keeps_the_laws(tmp_path):
        assert_model_laws(koekao.models.build("echo", {}), tmp_path)

An untrained model, whose curves would hardly move, is measured in a copy with statistics of the sound and with a mean
and a spread of curves that keep every curve inside of 0..1, where nothing is cut off.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.animation import Animator, Animators, animate
from koekao.animation.torch_engine import TorchEngine
from koekao.arkit import N_CURVES
from koekao.export.parity import made_sound
from koekao.models import FaceModel, load_model, save_model

TOLERANCE = 1e-5
"""Of any curve, between two ways of computing the same; the order of additions is free."""
CHUNKS = (1, 160, 533, 1600, 16_000)
_SECONDS = 2.4
_LEAST_MOTION = 1e-3

Sound = NDArray[np.float32]


def assert_model_laws(model: FaceModel, folder: Path, *, seed: int = 0) -> None:
    """All laws of this module, over two seconds of made sound; ``folder`` is where weights are written and read."""
    ready = moving(model, seed=seed)
    sound = some_sound(ready, seed=seed)
    assert_moves(ready, sound)
    assert_nothing_ahead_is_heard(ready, sound, seed=seed)
    assert_live_is_offline(ready, sound, seed=seed)
    assert_rows_are_streams(ready, sound, seed=seed)
    assert_same_from_file(ready, sound, Path(folder) / "laws.safetensors")


def some_sound(model: FaceModel, *, seconds: float = _SECONDS, seed: int = 0) -> Sound:
    """``[n]`` float32 at the model's rate: syllables, some voiced, some hissed, with pauses between."""
    rate = model.clock.sample_rate
    return made_sound(round(seconds * rate), rate, np.random.default_rng(seed))


def moving(model: FaceModel, *, seed: int = 0) -> FaceModel:
    """A copy in evaluation mode, on the CPU, whose curves move and stay inside of 0..1."""
    ready = copy.deepcopy(model).cpu().eval()
    sound = some_sound(ready, seed=seed)
    with torch.no_grad():
        ready.fit_features(lambda: [sound])
        for spread in (0.2, 0.02, 0.002):
            ready.set_curve_statistics(np.full(N_CURVES, 0.5, np.float32), np.full(N_CURVES, spread, np.float32))
            curves = animate(ready, sound)
            if curves.min() > 0 and curves.max() < 1:
                break
    return ready


def assert_moves(model: FaceModel, sound: Sound) -> None:
    """A face for every frame of the sound, finite, and another than that of silence."""
    curves = animate(model, sound)
    expected = (model.clock.frames_covering(len(sound)), N_CURVES)
    if curves.shape != expected:
        raise AssertionError(f"curves of shape {curves.shape}, expected {expected}")
    if not np.isfinite(curves).all():
        raise AssertionError(f"frame {int(np.argwhere(~np.isfinite(curves))[0][0])} is no number")
    if not np.abs(curves - animate(model, np.zeros_like(sound))).max() > _LEAST_MOTION:
        raise AssertionError("every curve is what it is in silence: the step does not use what it sees")


def assert_live_is_offline(
    model: FaceModel, sound: Sound, *, chunks: Sequence[int] = CHUNKS, tolerance: float = TOLERANCE, seed: int = 0
) -> None:
    """Any chunks of the sound, and chunks at random, give the curves of the whole sound."""
    whole, rng = animate(model, sound), np.random.default_rng(seed)
    for chunk in (*chunks, 0):
        heard = sound[:3000] if chunk == 1 else sound  # sample by sample is slow
        offline = animate(model, heard) if chunk == 1 else whole
        animator, frames, at = Animator(model), [], 0
        while at < len(heard):
            size = chunk or int(rng.integers(0, 9000))
            frames.append(animator.push(heard[at : at + size]))
            at += size
        name = f"chunks of {chunk} samples" if chunk else "chunks at random"
        _refuse_other(np.concatenate([*frames, animator.finish()]), offline, f"live, in {name},", tolerance)


def assert_nothing_ahead_is_heard(model: FaceModel, sound: Sound, *, seed: int = 0) -> None:
    """What is said after a moment changes no frame whose own interval and declared look-ahead end by it."""
    before, rng = animate(model, sound), np.random.default_rng(seed)
    for moment in (1, 533, len(sound) // 3, len(sound) - 300):
        changed = sound.copy()
        changed[moment:] = rng.uniform(-1, 1, len(sound) - moment)
        safe = max(0, model.clock.frame_at(moment) - model.look_ahead_frames)
        heard = np.flatnonzero((animate(model, changed)[:safe] != before[:safe]).any(1))
        if len(heard):
            late = safe - int(heard[0])
            raise AssertionError(
                f"frame {int(heard[0])} hears sound {late} frames beyond its look_ahead_frames "
                f"{model.look_ahead_frames}: it changes with what is said from sample {moment} on"
            )


def assert_rows_are_streams(model: FaceModel, sound: Sound, *, tolerance: float = TOLERANCE, seed: int = 0) -> None:
    """Rows beside one another, each in its own chunks, are what each is alone; a reset of one begins it anew alone."""
    rng = np.random.default_rng(seed)
    first, second = sound, np.ascontiguousarray(sound[::-1])
    together = Animators(TorchEngine(model), 2)
    frames: list[list[Sound]] = [[], []]
    at, begun = np.zeros(2, np.int64), 0
    while (at < len(sound)).any():
        size = np.minimum(rng.integers(0, 4000, 2), len(sound) - at)
        chunk = np.zeros((2, int(size.max())), np.float32)
        for row, source in enumerate((first, second)):
            chunk[row, : size[row]] = source[at[row] : at[row] + size[row]]
        pushed = together.push(chunk, size)
        for row in range(2):
            frames[row].append(pushed.of(row))
        at += size
        if not begun and at[1] > len(sound) // 2:  # the second begins anew, with what is left of its sound
            together.reset(np.array([False, True]))
            begun, frames[1] = int(at[1]), []
    rest = together.finish()
    alone = animate(model, first), animate(model, second[begun:])
    for row in range(2):
        what = "row 0, beside one that is reset," if row == 0 else "row 1, after its reset,"
        _refuse_other(np.concatenate([*frames[row], rest.of(row)]), alone[row], what, tolerance)


def assert_same_from_file(model: FaceModel, sound: Sound, path: Path) -> None:
    """Written and read, it is the same model to the bit: all that it knows is in its weights, buffers and config."""
    save_model(model, path)
    again, _ = load_model(path)
    if not np.array_equal(animate(again, sound), animate(model, sound)):
        raise AssertionError(f"read from {path} its curves differ: something it knows is no parameter and no buffer")


def _refuse_other(seen: Sound, expected: Sound, what: str, tolerance: float) -> None:
    if seen.shape != expected.shape:
        raise AssertionError(f"{what} gives {len(seen)} frames, the whole sound {len(expected)}")
    apart = np.abs(seen - expected).max(1)
    if not apart.max(initial=0.0) <= tolerance:
        first = int(np.flatnonzero(~(apart <= tolerance))[0])
        raise AssertionError(f"{what} differs by {apart.max():.2g} from the whole sound, first at frame {first}")
