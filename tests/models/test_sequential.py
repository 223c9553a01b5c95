"""The sequential model: the last frame of a window, and the same frame from a stream heard frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from stepped import assert_pieces_are_the_whole

from koekao.errors import ConfigError, ModelError
from koekao.models import FaceModel, SequentialConfig
from koekao.models.state import choose_rows, reset_rows

Make = Callable[..., FaceModel]


@pytest.fixture
def model(small_model: Make) -> FaceModel:
    return small_model("sequential")


def without_smoothing(model: FaceModel) -> FaceModel:
    """The same model whose smoothing gives the past no weight."""
    with torch.no_grad():
        model.smoothing.logit.fill_(-100.0)
    return model


def windows(model: FaceModel, speech: Any, starts: torch.Tensor, n_frames: int) -> torch.Tensor:
    """Windows of a take, cut as a gather cuts them; zeros past the end."""
    n_samples = model.clock.window_samples(n_frames)
    sound = np.concatenate([speech, np.zeros(n_samples, np.float32)])
    begins = [model.clock.frame_start(start) for start in starts.tolist()]
    return torch.from_numpy(np.stack([sound[begin : begin + n_samples] for begin in begins]))


def observed(model: FaceModel, sound: torch.Tensor, n_frames: int, first_frame: int = 0) -> torch.Tensor:
    return model.observe(sound, origin_samples=0, first_frame=first_frame, n_frames=n_frames)


@torch.no_grad()
@pytest.mark.parametrize("fps", ["30", "60000/1001", "24"])
def test_a_window_is_the_last_frame_of_its_stream(small_model: Make, speech: Any, fps: str) -> None:
    """Windows of a take predict what a stream over the whole take says at their last frames, at every phase."""
    features = {"fps": fps, "n_mels": 24}
    model = without_smoothing(small_model("sequential", features=features))
    n_frames = model.clock.frame_at(len(speech))
    starts = torch.tensor([0, 1, 2, 3, 17, n_frames - 24])
    stream, _ = model.step(observed(model, torch.from_numpy(speech)[None], n_frames), model.init_state(1))
    last = model(windows(model, speech, starts, 24), starts, torch.full((6,), 24))
    torch.testing.assert_close(last, stream[0, starts + 23], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_short_window_predicts_its_last_real_frame(model: FaceModel, speech: Any) -> None:
    """A take of 10 frames in a window of 24: frame 9, as if the window were 10 frames; not frame 23 of zeros."""
    stream, _ = without_smoothing(model).step(observed(model, torch.from_numpy(speech)[None], 24), model.init_state(1))
    for valid in (1, 3, 10, 24):
        sound = torch.from_numpy(speech[: model.clock.frame_start(valid)])[None]
        padded = torch.nn.functional.pad(sound, (0, model.clock.window_samples(24) - sound.shape[1]))
        last = model(padded, torch.tensor([0]), torch.tensor([valid]))
        torch.testing.assert_close(last, stream[:, valid - 1], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_window_alone_starts_at_0_and_is_all_real(model: FaceModel, speech: Any) -> None:
    sound = torch.from_numpy(speech[: model.clock.window_samples(24)])[None]
    assert torch.equal(model(sound), model(sound, torch.tensor([0]), torch.tensor([24])))


@torch.no_grad()
def test_a_row_depends_on_itself_alone(model: FaceModel, speech: Any) -> None:
    starts, valid = torch.tensor([0, 5, 9]), torch.tensor([24, 24, 20])
    sound = windows(model, speech, starts, 24)
    before = model(sound, starts, valid)
    changed = sound.clone()
    changed[1] = 0.7
    after = model(changed, starts, valid)
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.equal(before[1], after[1])


@torch.no_grad()
def test_streams_depend_on_themselves_alone(model: FaceModel, speech: Any) -> None:
    sound = windows(model, speech, torch.tensor([0, 20, 40]), 24)
    changed = sound.clone()
    changed[1] = 0.7
    curves, state = model.step(observed(model, sound, 24), model.init_state(3))
    others, other_state = model.step(observed(model, changed, 24), model.init_state(3))
    assert torch.equal(curves[[0, 2]], others[[0, 2]]) and not torch.equal(curves[1], others[1])
    assert all(torch.equal(state[name][[0, 2]], other_state[name][[0, 2]]) for name in state)


@torch.no_grad()
def test_frame_by_frame_as_at_once(model: FaceModel, speech: Any) -> None:
    seen = observed(model, torch.from_numpy(speech)[None], 40)
    assert_pieces_are_the_whole(model, seen)


@torch.no_grad()
def test_the_state_reaches_back_exactly_the_context(model: FaceModel, speech: Any) -> None:
    """dilations (3, 1): 9 frames. The tenth frame before an output plays no part in it, the ninth does."""
    context = model.config.context_frames
    assert context == 9
    seen = observed(without_smoothing(model), torch.from_numpy(speech)[None], 30)
    base, _ = model.step(seen, model.init_state(1))
    changed = seen.clone()
    changed[:, 5] += 1.0
    after, _ = model.step(changed, model.init_state(1))
    differs = (base != after).any(2)[0]
    assert differs.nonzero().flatten().tolist() == list(range(5, 5 + context))


@torch.no_grad()
def test_a_reset_row_is_a_fresh_start(model: FaceModel, speech: Any) -> None:
    """After a reset the row gives what a new stream gives; the other rows go on bit for bit."""
    seen = observed(model, windows(model, speech, torch.tensor([0, 20, 40]), 30), 30)
    _, state = model.step(seen[:, :12], model.init_state(3))
    straight, _ = model.step(seen[:, 12:], state)
    reset = reset_rows(state, model.init_state(3), torch.tensor([False, True, False]))
    curves, _ = model.step(seen[:, 12:], reset)
    fresh, _ = model.step(seen[:, 12:], model.init_state(3))
    assert torch.equal(curves[1], fresh[1])
    assert torch.equal(curves[[0, 2]], straight[[0, 2]])
    assert not torch.equal(curves[1], straight[1])


@torch.no_grad()
def test_a_frozen_row_was_never_fed(model: FaceModel, speech: Any) -> None:
    seen = observed(model, windows(model, speech, torch.tensor([0, 20]), 30), 30)
    _, before = model.step(seen[:, :10], model.init_state(2))
    _, moved = model.step(seen[:, 10:20], before)
    kept = choose_rows(torch.tensor([True, False]), moved, before)
    assert all(torch.equal(kept[name][1], before[name][1]) for name in before)
    curves, _ = model.step(seen[:, 20:], kept)
    never, _ = model.step(seen[:, 20:], before)
    assert torch.equal(curves[1], never[1]) and not torch.equal(curves[0], never[0])


@torch.no_grad()
def test_a_new_stream_remembers_silence(model: FaceModel) -> None:
    """A stream that begins with sound is one that was silent for ever: the past is the features of no sound."""
    state = model.init_state(2)
    assert state["past"].shape == (2, model.config.context_frames - 1, 2, 80)
    silent = model.observe(torch.zeros(1, 9000), origin_samples=0, first_frame=2, n_frames=1)
    torch.testing.assert_close(state["past"][1, -1], silent[0, 0])


def test_the_state_of_other_streams_is_refused(model: FaceModel, speech: Any) -> None:
    seen = observed(model, torch.from_numpy(speech)[None].expand(3, -1), 4)
    for rows in (1, 2, 4):
        with pytest.raises(ModelError, match=f"'past' has shape \\({rows}, .*expected 3 rows"):
            model.step(seen, model.init_state(rows))


def test_gradients_reach_every_weight_but_statistics(small_model: Make, speech: Any) -> None:
    model = small_model("sequential").train()
    curves, _ = model.step(observed(model, torch.from_numpy(speech)[None], 12), model.init_state(1))
    curves.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


@torch.no_grad()
def test_disturbances_are_for_training_alone(small_model: Make, speech: Any) -> None:
    """In training two passes over one window differ; in use they are the same to the bit, and use no chance."""
    sound = torch.from_numpy(speech[:16000])[None].expand(4, -1)
    for disturbance in ("dropout", "noise", "level", "band_dropout"):
        off = {"dropout": 0.0, "noise": 0.0, "level": 0.0, "band_dropout": 0.0}
        still = small_model("sequential", **off).train()
        assert torch.equal(still(sound), still(sound))
        model = small_model("sequential", **off | {disturbance: 0.4}).train()
        assert not torch.equal(model(sound), model(sound)), disturbance
        torch.testing.assert_close(model.eval()(sound), still(sound))
        before = torch.get_rng_state()
        model(sound)
        assert torch.equal(before, torch.get_rng_state())


@torch.no_grad()
def test_dilations_may_be_none(small_model: Make, speech: Any) -> None:
    """A model of one frame of context is still a model."""
    model = small_model("sequential", dilations=())
    assert model.config.context_frames == 1
    seen = observed(model, torch.from_numpy(speech)[None], 4)
    curves, state = model.step(seen, model.init_state(1))
    assert curves.shape == (1, 4, 52) and state["past"].shape[1] == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dim": 0}, "dim 0"),
        ({"dim": 16.0}, "dim 16.0"),
        ({"dilations": (2, 0)}, r"dilations \(2, 0\)"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"band_dropout": -0.1}, "band_dropout -0.1"),
        ({"noise": float("nan")}, "noise nan"),
        ({"level": -1.0}, "level -1.0"),
        ({"initial_alpha": 0.0}, "initial_alpha 0.0"),
        ({"initial_alpha": 1.0}, "initial_alpha 1.0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SequentialConfig(**settings)
