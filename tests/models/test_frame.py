"""The frame model: each frame from the sound around it and nothing else, whatever clip or stream it lies in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from koekao.errors import ConfigError
from koekao.models import FaceModel, FrameConfig

Make = Callable[..., FaceModel]


def clip(model: FaceModel, speech: Any, start: int, n_frames: int) -> torch.Tensor:
    begin = model.clock.frame_start(start)
    return torch.from_numpy(speech[begin : begin + model.clock.window_samples(n_frames)])[None]


def stream(model: FaceModel, speech: Any, first_frame: int, n_frames: int) -> torch.Tensor:
    sound = torch.from_numpy(speech)[None]
    seen = model.observe(sound, origin_samples=0, first_frame=first_frame, n_frames=n_frames)
    return model.step(seen, model.init_state(1))[0]


@torch.no_grad()
@pytest.mark.parametrize("fps", ["30", "60000/1001", "24"])
@pytest.mark.parametrize("target", [0, 4])
def test_a_clip_is_that_frame_of_its_stream(small_model: Make, speech: Any, fps: str, target: int) -> None:
    """What is learnt from clips holds for every frame of a stream, for clips that start at every phase."""
    settings = {"target_frame": target, "past_frames": min(target, 2), "features": {"fps": fps, "n_mels": 24}}
    model = small_model("frame", **settings)
    for start in (0, 1, 2, 3, 31):
        of_clip = model(clip(model, speech, start, 16), torch.tensor([start]))
        torch.testing.assert_close(of_clip, stream(model, speech, start + target, 1)[:, 0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_seeds_target_is_the_first_frame_by_default(speech: Any, small_model: Make) -> None:
    """Sound before the clip's first frame is not heard even where there is some, for training has none."""
    assert FrameConfig().target_frame == 0
    model = small_model("frame", target_frame=0, past_frames=0)
    sound = clip(model, speech, 20, 16)
    torch.testing.assert_close(model(sound, torch.tensor([20])), stream(model, speech, 20, 1)[:, 0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_frame_hears_its_look_ahead_and_not_a_sample_more(small_model: Make, speech: Any) -> None:
    model = small_model("frame")  # one frame of past, three of future
    assert (model.past_frames, model.look_ahead_frames) == (1, 3)
    base = stream(model, speech, 10, 1)
    for frame, heard in ((14, False), (13, True), (9, True), (8, False)):
        changed = speech.copy()
        changed[model.clock.frame_start(frame) : model.clock.frame_start(frame + 1)] = 0.5
        assert torch.equal(base, stream(model, changed, 10, 1)) is not heard, frame


@torch.no_grad()
def test_sound_past_the_end_is_silence(small_model: Make, speech: Any) -> None:
    model = small_model("frame")
    end = model.clock.frame_start(12)
    quiet = speech.copy()
    quiet[end:] = 0
    torch.testing.assert_close(stream(model, speech[:end], 10, 2), stream(model, quiet, 10, 2))


@torch.no_grad()
def test_a_row_depends_on_itself_alone(small_model: Make, speech: Any) -> None:
    model = small_model("frame")
    starts = torch.tensor([0, 7, 31])
    sound = torch.cat([clip(model, speech, start, 16) for start in starts.tolist()])
    before = model(sound, starts)
    changed = sound.clone()
    changed[1] = 0.7
    after = model(changed, starts)
    assert torch.equal(before[[0, 2]], after[[0, 2]]) and not torch.equal(before[1], after[1])


@torch.no_grad()
def test_streams_side_by_side_are_streams_alone(small_model: Make, speech: Any) -> None:
    model = small_model("frame")
    rows = torch.from_numpy(speech[:32000]).reshape(2, -1)
    together = model.observe(rows, origin_samples=0, first_frame=0, n_frames=20)
    for row in range(2):
        alone = model.observe(rows[row : row + 1], origin_samples=0, first_frame=0, n_frames=20)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_frames_have_no_memory(small_model: Make, speech: Any) -> None:
    model = small_model("frame")
    assert model.init_state(3) == {}
    torch.testing.assert_close(stream(model, speech, 0, 30)[:, 10:20], stream(model, speech, 10, 10), atol=1e-5, rtol=0)


def test_gradients_reach_every_weight(small_model: Make, speech: Any) -> None:
    model = small_model("frame").train()
    model(clip(model, speech, 0, 16)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target_frame": -1}, "target_frame -1"),
        ({"future_frames": -1}, "future_frames -1"),
        ({"target_frame": 2, "past_frames": 3}, "past_frames 3"),
        ({"dim": 3}, "dim 3"),
        ({"dropout": 1.0}, "dropout 1.0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        FrameConfig(**settings)
