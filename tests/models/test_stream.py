"""The stream model: every frame of a window is that frame of the stream, in any pieces, with a stated look-ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from stepped import assert_a_padded_row_does_not_move, assert_pieces_are_the_whole, three_rows

from koekao.errors import ConfigError, ModelError
from koekao.models import FaceModel, StreamConfig, StreamModel, build, save_model
from koekao.models.front import blurred
from koekao.models.state import reset_rows

Make = Callable[..., FaceModel]


@pytest.fixture
def model(small_model: Make) -> FaceModel:
    """Context 1 + 1 + 2 * (1 + 3) = 10 frames, look-ahead 3."""
    return small_model("stream")


def observed(model: FaceModel, sound: Any, n_frames: int, first_frame: int = 0) -> torch.Tensor:
    rows = torch.from_numpy(sound) if isinstance(sound, np.ndarray) else sound
    return model.observe(rows.reshape(-1, rows.shape[-1]), origin_samples=0, first_frame=first_frame, n_frames=n_frames)


def streamed(model: FaceModel, sound: Any, n_frames: int) -> torch.Tensor:
    return model.step(observed(model, sound, n_frames), model.init_state(1))[0]


@torch.no_grad()
@pytest.mark.parametrize("ahead", [0, 1, 3, 6])
def test_frame_by_frame_as_at_once(small_model: Make, speech: Any, ahead: int) -> None:
    model = small_model("stream", look_ahead_frames=ahead)
    assert model.look_ahead_frames == ahead
    seen = observed(model, speech, 40)
    assert_pieces_are_the_whole(model, seen)


@torch.no_grad()
@pytest.mark.parametrize("ahead", [0, 1, 3, 6])
def test_it_hears_its_context_and_look_ahead_and_not_a_sample_more(small_model: Make, speech: Any, ahead: int) -> None:
    """Frame 30 of 60: noise in frame 30 + look-ahead changes it, in the one after it nothing; the same in the past."""
    model = small_model("stream", look_ahead_frames=ahead)
    base, context = streamed(model, speech, 60)[0, 30], model.config.context_frames
    assert context == 10
    for frame, heard in ((30 + ahead, True), (31 + ahead, False), (31 - context, True), (28 - context, False)):
        changed = speech.copy()  # a column reaches 1024 samples back: what is heard last may begin in the frames before
        changed[model.clock.frame_start(frame) : model.clock.frame_start(frame + 1)] = 0.5
        assert torch.equal(base, streamed(model, changed, 60)[0, 30]) is not heard, frame


@torch.no_grad()
@pytest.mark.parametrize("fps", ["30", "60000/1001", "24"])
def test_a_window_is_the_last_frame_of_its_stream(small_model: Make, speech: Any, fps: str) -> None:
    """Windows of a take with enough past give what a stream gives that ends where they end, at every phase."""
    model = small_model("stream", features={"fps": fps, "n_mels": 24})
    starts, ends = torch.tensor([0, 1, 2, 3, 17]), torch.tensor([20, 25, 26, 27, 41])
    n_samples = model.clock.window_samples(24)
    begins = [model.clock.frame_start(start) for start in starts.tolist()]
    sound = torch.from_numpy(np.stack([speech[begin : begin + n_samples] for begin in begins]))
    last = model(sound, starts, ends - starts)
    for row, end in enumerate(ends.tolist()):
        stream = streamed(model, speech[: model.clock.frame_start(end)], end)
        torch.testing.assert_close(last[row], stream[0, -1], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_short_window_starts_as_a_stream_starts(model: FaceModel, speech: Any) -> None:
    """Windows shorter than the context: silence before them, as before a stream."""
    for valid in (1, 3, 9, 10):
        sound = torch.from_numpy(speech[: model.clock.frame_start(valid)])[None]
        padded = torch.nn.functional.pad(sound, (0, model.clock.window_samples(24) - sound.shape[1]), value=0.3)
        last = model(padded, torch.tensor([0]), torch.tensor([valid]))
        torch.testing.assert_close(last, streamed(model, sound, valid)[:, -1], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_fresh_state_is_that_of_endless_silence(model: FaceModel) -> None:
    """Fed silence it does not move, and gives the same curves from the first frame on."""
    fresh = model.init_state(2)
    curves, after = model.step(observed(model, torch.zeros(2, 16_000), 25), fresh)
    torch.testing.assert_close(curves, curves[:, :1].expand_as(curves), atol=1e-6, rtol=0)
    assert fresh.keys() == after.keys() == {"past_0", "past_1"}
    assert fresh["past_0"].shape == (2, 2, 16) and fresh["past_1"].shape == (2, 6, 16)
    for name in fresh:
        torch.testing.assert_close(after[name], fresh[name], atol=1e-6, rtol=0)
    assert not any(value.requires_grad for value in fresh.values())


@torch.no_grad()
def test_a_reset_row_is_a_fresh_start(model: FaceModel, speech: Any) -> None:
    seen = observed(model, three_rows(speech), 30)
    _, state = model.step(seen[:, :12], model.init_state(3))
    straight, _ = model.step(seen[:, 12:], state)
    reset = reset_rows(state, model.init_state(3), torch.tensor([False, True, False]))
    curves, _ = model.step(seen[:, 12:], reset)
    fresh, _ = model.step(seen[:, 12:], model.init_state(3))
    assert torch.equal(curves[1], fresh[1]) and not torch.equal(curves[1], straight[1])
    assert torch.equal(curves[[0, 2]], straight[[0, 2]])


@torch.no_grad()
def test_a_padded_row_does_not_move(model: FaceModel, speech: Any) -> None:
    """What a row that is not there is fed goes into no state, and the rows beside it do not hear it."""
    seen = observed(model, three_rows(speech), 30)
    assert_a_padded_row_does_not_move(model, seen)


@torch.no_grad()
def test_no_new_frames_change_nothing(model: FaceModel, speech: Any) -> None:
    _, state = model.step(observed(model, speech, 12), model.init_state(1))
    curves, after = model.step(observed(model, speech, 0, 12), state)
    assert curves.shape == (1, 0, 52) and all(torch.equal(after[name], state[name]) for name in state)


def test_somebody_elses_state_is_refused(model: FaceModel, speech: Any) -> None:
    with pytest.raises(ModelError, match=r"temporal state 'past_0' has shape \(2, .*expected 1 rows"):
        model.step(observed(model, speech, 3), model.init_state(2))


def test_gradients_reach_every_weight_through_a_fresh_state_too(model: FaceModel, speech: Any) -> None:
    model.train()
    assert all(value.requires_grad for value in model.init_state(1).values())
    streamed(model, speech, 30).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_training_is_disturbed_and_use_is_not(small_model: Make, speech: Any) -> None:
    model = small_model("stream", noise=0.5, dropout=0.0, band_dropout=0.0)
    assert torch.equal(streamed(model, speech, 10), streamed(model, speech, 10))
    model.train()
    assert not torch.equal(streamed(model, speech, 10), streamed(model, speech, 10))


@pytest.mark.parametrize(("dim", "least", "most"), [(128, 0.15e6, 0.2e6), (256, 0.5e6, 0.7e6), (768, 4.5e6, 5.5e6)])
def test_sizes(dim: int, least: float, most: float) -> None:
    assert least < sum(p.numel() for p in build("stream", {"dim": dim}).parameters()) < most


def test_the_default_is_small_on_disk(tmp_path: Any) -> None:
    save_model(build("stream", {}), tmp_path / "w.safetensors")
    assert (tmp_path / "w.safetensors").stat().st_size < 10e6


def test_bands_are_the_mean_of_those_about_them() -> None:
    """At the edges of those that there are, so that what is alike all over stays as it is."""
    columns = torch.tensor([[0.0, 3, 6, 12], [5, 5, 5, 5]]).reshape(2, 1, 1, 4)
    assert blurred(columns, 3).flatten(1).tolist() == [[1.5, 3, 7, 9], [5, 5, 5, 5]]
    assert torch.equal(blurred(columns, 1), columns)


@pytest.mark.parametrize("blur_bands", [0, 2, -1, 2.5])
def test_a_blur_that_has_no_middle_is_refused(blur_bands: Any) -> None:
    with pytest.raises(ConfigError, match=r"blur_bands .*; expected an odd number"):
        build("stream", {"blur_bands": blur_bands})


@pytest.mark.parametrize("n_mels", [8, 20, 23, 80])
@torch.no_grad()
def test_every_band_is_heard(speech: Any, n_mels: int) -> None:
    torch.manual_seed(0)
    model = build("stream", {"dim": 8, "features": {"n_mels": n_mels}}).eval()
    assert isinstance(model, StreamModel)
    seen = observed(model, speech, 4)
    base, _ = model.step(seen, model.init_state(1))
    for band in (0, n_mels - 1):
        changed = seen.clone()
        changed[..., band] += 1.0
        assert not torch.equal(model.step(changed, model.init_state(1))[0], base), band


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"look_ahead_frames": 2}, "look_ahead_frames 2; expected one of 0, 1, 3, 6"),
        ({"front_frames": -1}, "front_frames -1"),
        ({"dim": 0}, "dim 0"),
        ({"channels": 1.5}, "channels 1.5"),
        ({"dilations": (1, 0)}, r"dilations \(1, 0\)"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"band_dropout": -0.1}, "band_dropout -0.1"),
        ({"noise": float("nan")}, "noise nan"),
        ({"level": -1.0}, "level -1.0"),
        ({"band_shift": -1.0}, "band_shift -1.0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        StreamConfig(**settings)


def test_fewer_bands_than_a_patch_are_refused() -> None:
    with pytest.raises(ConfigError, match="n_mels 7; expected at least 8"):
        build("stream", {"features": {"n_mels": 7}})
