"""An animator gives every frame of the sound once, in order, and keeps no more sound than frames to come need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from koekao.animation import Animator, animate
from koekao.errors import ModelError, SoundError
from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

BOTH = pytest.mark.parametrize("name", ["sequential", "frame"])
SETTINGS: dict[str, dict[str, Any]] = {
    "sequential": {"dim": 16, "dilations": (3, 1)},
    "frame": {"dim": 16, "future_frames": 3},
}
SPEECH = as_float(make_take(5, seconds=3).audio)


@pytest.fixture(scope="module")
def model_of() -> Callable[..., FaceModel]:
    def make(name: str, fps: str = "30", **settings: Any) -> FaceModel:
        torch.manual_seed(3)
        model = build(name, SETTINGS[name] | {"features": {"fps": fps, "n_mels": 24}} | settings)
        model.features.fit([SPEECH])
        rng = np.random.default_rng(0)
        model.set_curve_statistics(rng.random(52, np.float32), np.full(52, 0.2, np.float32))
        return model.eval()

    return make


@BOTH
@pytest.mark.parametrize("fps", ["24", "30", "60000/1001"])
@pytest.mark.parametrize("n_samples", [0, 1, 266, 267, 533, 534, 1066, 1067, 8000, 16001])
def test_every_frame_that_begins_within_the_sound(model_of: Any, name: str, fps: str, n_samples: int) -> None:
    model = model_of(name, fps)
    curves = animate(model, SPEECH[:n_samples])
    begun = sum(model.clock.frame_start(k) < n_samples for k in range(100))
    assert curves.shape == (begun, 52) == (model.clock.frames_covering(n_samples), 52)
    assert curves.dtype == np.float32 and np.isfinite(curves).all()
    assert (curves >= 0).all() and (curves <= 1).all()


def test_curves_are_limited_to_what_rigs_take(model_of: Any) -> None:
    model = model_of("sequential")
    model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, 50, np.float32))
    curves = animate(model, SPEECH[:16000])
    assert curves.min() == 0 and curves.max() == 1


@BOTH
def test_a_frame_comes_as_soon_as_its_sound_is_there(model_of: Any, name: str) -> None:
    """Frame k comes with the last sample of frame k + look-ahead, not one sample earlier or later."""
    model = model_of(name)
    animator, clock = Animator(model), model.clock
    assert animator.latency_frames == 1 + model.look_ahead_frames
    end = clock.frame_start(animator.latency_frames)
    assert animator.push(SPEECH[: end - 1]).shape == (0, 52)
    assert animator.push(SPEECH[end - 1 : end]).shape == (1, 52)
    assert animator.push(SPEECH[end : end + 1]).shape == (0, 52)
    assert animator.push(SPEECH[:0]).shape == (0, 52)
    assert (animator.next_frame, animator.heard_samples) == (1, end + 1)
    assert animator.finish().shape == (animator.latency_frames, 52)


@BOTH
def test_long_sound_is_made_in_blocks_without_a_seam(model_of: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = animate(model_of(name), SPEECH)
    monkeypatch.setattr("koekao.animation.animators.BLOCK_S", 1)
    np.testing.assert_allclose(animate(model_of(name), SPEECH), whole, atol=1e-5)


@BOTH
def test_kept_sound_does_not_grow(model_of: Any, name: str) -> None:
    """After each push no more samples are kept than the frames to come may hear, however long it has gone on."""
    model = model_of(name)
    animator, kept, first = Animator(model), [], model.clock.frame_start(model.look_ahead_frames)
    for size in (1600, 8000, 100, 32_000) * 10:
        animator.push(np.resize(SPEECH, size))
        state = animator.state_dict()
        waiting, past = animator._one._waiting[0], state["engine.sound"]
        assert len(waiting) < (first if animator.next_frame == 0 else 0) + 535
        for array in (waiting, *animator._one._state.values()):  # no view of what was heard before
            assert array.base is None or array.base.nbytes <= array.nbytes + 8
        kept.append(past.shape)
    assert len(set(kept)) == 1
    bound = model.features.past_samples + model.clock.frame_start(model.past_frames + animator.latency_frames + 1)
    assert kept[0][1] <= bound
    assert animator.heard_samples == 417_000


def test_a_model_in_training_is_used_as_in_use(model_of: Any) -> None:
    model = model_of("sequential", dropout=0.5).train()
    np.testing.assert_array_equal(animate(model, SPEECH[:8000]), animate(model, SPEECH[:8000]))


def test_tensors_and_read_only_views_and_doubles_are_sound_too(model_of: Any) -> None:
    model, expected = model_of("sequential"), animate(model_of("sequential"), SPEECH[:8000])
    view = SPEECH[:8000].copy()
    view.setflags(write=False)
    for sound in (view, view.astype(np.float64), np.repeat(view, 2)[::2]):
        np.testing.assert_allclose(animate(model, sound), expected, atol=1e-6)
    animator = Animator(model)
    of_tensor = animator.push(torch.from_numpy(view.copy()))
    np.testing.assert_allclose(np.concatenate([of_tensor, animator.finish()]), expected, atol=1e-6)


def test_sound_after_the_end_is_an_error(model_of: Any) -> None:
    animator = Animator(model_of("sequential"))
    animator.push(SPEECH[:1000])
    assert animator.finish().shape == (1, 52)
    with pytest.raises(ModelError, match=r"sound after finish\(\)") as error:
        animator.push(SPEECH[:1000])
    assert "reset" in error.value.do
    assert animator.finish().shape == (0, 52)
    animator.reset()
    np.testing.assert_array_equal(animator.push(SPEECH[:8000]), Animator(model_of("sequential")).push(SPEECH[:8000]))


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((2, 800), np.float32),  # stereo must not become one channel of twice the length
        ((800, 2), np.float32),
        ((1, 800), np.float32),
        ((), np.float32),
        ((800,), np.int16),  # nor int16 a sound that is 32768 times too loud
    ],
)
def test_sound_of_another_shape_or_kind_is_refused(model_of: Any, shape: Any, dtype: Any) -> None:
    animator = Animator(model_of("sequential"))
    with pytest.raises(ModelError, match=r"expected \[n_samples\] float32"):
        animator.push(np.zeros(shape, dtype))
    assert animator.heard_samples == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_sample_that_is_not_finite_is_refused_and_not_heard(model_of: Any, value: float) -> None:
    """One NaN in the state would be all the stream ever says; the place is told in samples of the stream."""
    model = model_of("sequential")
    animator = Animator(model)
    first = animator.push(SPEECH[:4000])
    broken = SPEECH[4000:8000].copy()
    broken[123] = value
    with pytest.raises(SoundError, match="not finite") as error:
        animator.push(broken)
    assert error.value.where == "row 0, sample 4123"
    rest = [animator.push(SPEECH[4000:8000]), animator.finish()]
    np.testing.assert_allclose(np.concatenate([first, *rest]), animate(model, SPEECH[:8000]), atol=1e-5)
