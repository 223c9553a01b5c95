"""The window model: live is offline, a reset row is a fresh one, windows and packed columns are the stream's frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stepped import assert_a_padded_row_does_not_move, three_rows

from koekao.animation import Animator, animate
from koekao.arkit import INDEX
from koekao.errors import ConfigError, ModelError
from koekao.features import ProsodyConfig
from koekao.models import FaceModel, WindowConfig, WindowModel, build, load_model, save_model
from koekao.models.state import reset_rows

Make = Callable[..., FaceModel]


@pytest.fixture
def model(small_model: Make) -> WindowModel:
    made = small_model("window")
    assert isinstance(made, WindowModel)
    return made


def without_smoothing(model: WindowModel) -> WindowModel:
    with torch.no_grad():
        model.smoothing.logit.fill_(-100.0)
    return model


def observed(model: FaceModel, sound: Any, n_frames: int, first_frame: int = 0) -> torch.Tensor:
    rows = torch.as_tensor(sound)
    return model.observe(rows.reshape(-1, rows.shape[-1]), origin_samples=0, first_frame=first_frame, n_frames=n_frames)


def streamed(model: FaceModel, sound: Any, n_frames: int) -> torch.Tensor:
    seen = observed(model, sound, n_frames)
    return model.step(seen, model.init_state(len(seen)))[0]


@torch.no_grad()
@pytest.mark.parametrize("fps", ["30", "60000/1001", "24"])
def test_frame_by_frame_as_at_once(small_model: Make, speech: Any, fps: str) -> None:
    model = small_model("window", features={"fps": fps, "n_mels": 24})
    seen = observed(model, speech, 64)
    whole, end = model.step(seen, model.init_state(1))
    for sizes in ([1] * 64, [7, 1, 54, 2]):
        state, parts = model.init_state(1), []
        for piece in seen.split(sizes, 1):
            curves, state = model.step(piece, state)
            parts.append(curves)
        torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)
        assert state.keys() == end.keys()
        for name in end:
            torch.testing.assert_close(state[name], end[name], atol=1e-5, rtol=0)


@pytest.mark.parametrize("window_ms", [64.0, 250.0])
def test_live_is_offline_for_any_chunks(small_model: Make, speech: Any, window_ms: float) -> None:
    """Through the animator, which forgets sound: also where prosody reaches back further than mel does."""
    model = small_model("window", emotion={"past_s": 1.0, "window_ms": window_ms})
    offline = animate(model, speech)
    for seed, most in ((0, 300), (1, 4000)):
        rng, live, parts, at = np.random.default_rng(seed), Animator(model), [], 0
        while at < len(speech):
            n = int(rng.integers(0, most))
            parts.append(live.push(speech[at : at + n]))
            at += n
        np.testing.assert_allclose(np.concatenate([*parts, live.finish()]), offline, atol=1e-5)


@torch.no_grad()
def test_it_hears_nothing_after_its_frame(model: WindowModel, speech: Any) -> None:
    assert model.look_ahead_frames == 0
    base, changed = streamed(model, speech, 60), speech.copy()
    changed[model.clock.frame_start(31) :] = 0.5
    after = streamed(model, changed, 60)
    assert torch.equal(base[0, :31], after[0, :31]) and not torch.equal(base[0, 31], after[0, 31])


@torch.no_grad()
def test_emotion_is_heard_long_after_mel_is(model: WindowModel, speech: Any) -> None:
    """K = 5 frames of mel; the long past of 2 s of prosody reaches the frames up to 600 ms after it."""
    without_smoothing(model)
    loud = speech.copy()
    loud[: model.clock.frame_start(10)] *= 0.3
    with_past, other = streamed(model, speech, 60), streamed(model, loud, 60)
    assert not torch.equal(with_past[0, 45], other[0, 45])
    model.routing.gate.fill_(100.0)  # by mel alone
    mel_alone, other = streamed(model, speech, 60), streamed(model, loud, 60)
    assert torch.equal(mel_alone[0, 16:], other[0, 16:])  # frames 10 .. 12 still reach back into the change
    assert not torch.equal(mel_alone[0, 12], other[0, 12])


@torch.no_grad()
def test_the_newest_counts_most_before_training(small_model: Make) -> None:
    """Keys are in the order of time, summaries (now) after them: the places' preference must be in the same order."""
    model = small_model("window")
    mel, emotion = model.hear_mel.places[0, 0], model.hear_emotion.places[0, 0]
    assert len(mel) == 5 * 2 and (mel.diff() > 0).all() and mel[-1] == 0
    assert len(emotion) == 3 + 3 and (emotion[:3].diff() > 0).all() and not emotion[2:].any()


@torch.no_grad()
def test_a_voice_unlike_any_in_training_stays_within_five_spreads(model: WindowModel, speech: Any) -> None:
    """The first refresh of a stream, or a value that never changed in training, is any number of spreads away."""
    model.emotion.mean.fill_(1e6)
    far = streamed(model, speech, 20)
    model.emotion.mean.fill_(2e6)
    assert torch.equal(far, streamed(model, speech, 20))


@torch.no_grad()
@pytest.mark.parametrize(("gate", "name"), [(100.0, "moments"), (-100.0, "columns")])
def test_the_gate_decides_whom_a_curve_hears(model: WindowModel, speech: Any, gate: float, name: str) -> None:
    model.routing.gate.fill_(gate)
    model.routing.gate[INDEX["jawOpen"]] = -gate
    before = streamed(model, speech, 20)
    getattr(model, name).first.bias.add_(1.0)  # of the branch that none but jawOpen hears
    changed = (streamed(model, speech, 20) != before).any(1)[0]
    assert changed.nonzero().flatten().tolist() == [INDEX["jawOpen"]]


@torch.no_grad()
def test_a_window_that_begins_a_take_is_the_last_frame_of_its_stream(model: WindowModel, speech: Any) -> None:
    """Whole windows, takes shorter than a window, and shorter than the context."""
    stream = streamed(without_smoothing(model), speech, 40)
    n_samples = model.clock.window_samples(40)
    for valid in (1, 3, 10, 40):
        real = speech[: model.clock.frame_start(valid)]
        sound = torch.from_numpy(np.pad(real, (0, n_samples - len(real))))[None]
        last = model(sound, torch.tensor([0]), torch.tensor([valid]))
        torch.testing.assert_close(last, stream[:, valid - 1], atol=1e-5, rtol=0)
    alone = torch.from_numpy(speech[: model.clock.frame_start(24)])[None]
    assert torch.equal(model(alone), model(alone, torch.tensor([0]), torch.tensor([24])))


@torch.no_grad()
def test_windows_of_packed_columns_are_frames_of_the_stream(model: WindowModel, speech: Any) -> None:
    """At any start: columns hold what came before the window. A take's first frames have silence before them."""
    stream, sound = streamed(without_smoothing(model), speech, 80), torch.from_numpy(speech)[None]
    mel = model.features.raw(sound, first_frame=0, n_frames=80)[0]
    prosody = model.emotion.whole(sound, 80)[0]
    starts, valid = torch.tensor([0, 0, 0, 13, 50]), torch.tensor([1, 4, 24, 24, 20])
    frames = starts[:, None] + torch.arange(24)
    frames = frames.clamp_max(79)
    last = model.of_columns(mel[frames], prosody[frames], valid)
    torch.testing.assert_close(last, stream[0, starts + valid - 1], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_reset_row_is_a_fresh_start(model: WindowModel, speech: Any) -> None:
    seen = observed(model, three_rows(speech), 30)
    _, state = model.step(seen[:, :12], model.init_state(3))
    straight, _ = model.step(seen[:, 12:], state)
    reset = reset_rows(state, model.init_state(3), torch.tensor([False, True, False]))
    curves, after = model.step(seen[:, 12:], reset)
    fresh, fresh_after = model.step(seen[:, 12:], model.init_state(3))
    assert torch.equal(curves[1], fresh[1]) and not torch.equal(curves[1], straight[1])
    assert torch.equal(curves[[0, 2]], straight[[0, 2]])
    assert all(torch.equal(after[name][1], fresh_after[name][1]) for name in after)


@torch.no_grad()
def test_a_padded_row_does_not_move(model: WindowModel, speech: Any) -> None:
    seen = observed(model, three_rows(speech), 30)
    assert_a_padded_row_does_not_move(model, seen)


@torch.no_grad()
def test_the_state_holds_the_emotion_stream_by_row(model: WindowModel, speech: Any) -> None:
    state = model.init_state(2)
    assert {"emotion_past", "emotion_summaries", "emotion_bands_db", "emotion_f0_ln_hz", "frame"} < state.keys()
    assert all(len(value) == 2 for value in state.values())
    _, state = model.step(observed(model, three_rows(speech)[:2], 20), state)
    assert state["frame"].tolist() == [20, 20] and state["emotion_past"][0].any()


@torch.no_grad()
def test_no_new_frames_change_nothing(model: WindowModel, speech: Any) -> None:
    _, state = model.step(observed(model, speech, 12), model.init_state(1))
    curves, after = model.step(observed(model, speech, 0, 12), state)
    assert curves.shape == (1, 0, 52) and all(torch.equal(after[name], state[name]) for name in state)


def test_somebody_elses_state_is_refused(model: WindowModel, speech: Any) -> None:
    with pytest.raises(ModelError, match=r"temporal state 'mel_past' has shape \(2, .*expected 1 rows"):
        model.step(observed(model, speech, 3), model.init_state(2))


def test_gradients_reach_every_weight(model: WindowModel, speech: Any) -> None:
    streamed(model.train(), speech, 30).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_training_is_disturbed_and_use_is_not(small_model: Make, speech: Any) -> None:
    off = dict.fromkeys(("dropout", "noise", "level", "band_dropout", "emotion_noise"), 0.0)
    still = small_model("window", **off).train()
    assert torch.equal(streamed(still, speech, 10), streamed(still, speech, 10))
    for name in (*off, "band_shift"):
        model = small_model("window", **off | {name: 0.4}).train()
        assert not torch.equal(streamed(model, speech, 10), streamed(model, speech, 10)), name
        torch.testing.assert_close(streamed(model.eval(), speech, 10), streamed(still, speech, 10))


def test_both_streams_know_their_statistics(model: WindowModel, speech: Any) -> None:
    raw = model.emotion.whole(torch.from_numpy(speech)[None], 90)
    torch.testing.assert_close(model.emotion.mean, raw.mean((0, 1)), atol=1e-3, rtol=1e-3)
    assert model.features.mean.any()


def test_it_comes_back_from_its_file(model: WindowModel, speech: Any, tmp_path: Path) -> None:
    save_model(model, tmp_path / "w.safetensors")
    loaded, _ = load_model(tmp_path / "w.safetensors")
    assert loaded.config == model.config
    np.testing.assert_array_equal(animate(loaded, speech), animate(model, speech))


@pytest.mark.parametrize(("dim", "least", "most"), [(256, 0.3e6, 0.5e6), (512, 0.9e6, 1.2e6), (1200, 4e6, 5e6)])
def test_sizes(dim: int, least: float, most: float) -> None:
    assert least < sum(p.numel() for p in build("window", {"dim": dim}).parameters()) < most


def test_the_default_is_small_on_disk(tmp_path: Path) -> None:
    save_model(build("window", {}), tmp_path / "w.safetensors")
    assert (tmp_path / "w.safetensors").stat().st_size < 10e6


def test_emotion_is_at_the_rates_of_mel() -> None:
    config = build("window", {"features": {"fps": "24"}, "emotion": {"past_s": 5.0}}).config
    assert config.emotion == ProsodyConfig(fps="24", past_s=5.0)
    assert WindowConfig(emotion=asdict(config.emotion), features=config.features) == config
    with pytest.raises(ConfigError, match="emotion at 16000 Hz and 30 fps; expected those of the features"):
        build("window", {"features": {"fps": "24"}, "emotion": {"fps": "30"}})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mel_frames": 0}, "mel_frames 0"),
        ({"emotion_frames": 1.5}, "emotion_frames 1.5"),
        ({"dim": 0}, "dim 0"),
        ({"width": 10, "heads": 4}, "width 10 for 4 heads"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"band_dropout": -0.1}, "band_dropout -0.1"),
        ({"noise": float("nan")}, "noise nan"),
        ({"emotion_noise": -1.0}, "emotion_noise -1.0"),
        ({"initial_alpha": 1.0}, "initial_alpha 1.0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        WindowConfig(**settings)
