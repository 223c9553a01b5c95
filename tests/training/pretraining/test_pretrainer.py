"""A pretraining learns, says what it came to, is decided by its seed, and writes a model that every reader can open."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from koekao.errors import ConfigError, OutputError, SoundError
from koekao.models import StreamModel, load_model
from koekao.takes.synthetic.making import make_take
from koekao.training import PretrainConfig, pretrain, schedule
from koekao.training.pretraining import pretrainer as pretrainer_module
from koekao.training.pretraining.foretelling import AHEAD_FRAMES
from koekao.training.schedule import learning_rate

Config = Callable[..., PretrainConfig]
CALM = {"noise": 0.1, "level": 0.3, "band_shift": 0.0}
"""Less disturbance: what is heard in seconds is learnt in seconds."""


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def tell(self, event: str, **values: Any) -> None:
        self.told.append((event, values))

    def close(self) -> None:
        pass

    def of(self, event: str) -> list[dict[str, Any]]:
        return [values for name, values in self.told if name == event]


@pytest.fixture(scope="module")
def six_voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six files of 5 s."""
    folder = tmp_path_factory.mktemp("six")
    for seed in range(6):
        take = make_take(seed, seconds=5)
        soundfile.write(folder / f"{seed}.wav", take.audio, take.sample_rate)
    return folder


def test_it_learns(config_for_speech: Config, six_voices: Path, tmp_path: Path) -> None:
    """After a few seconds speech that was held out is foretold better than by standing still or by the mean."""
    model = {"dim": 32, "channels": 8, "dilations": [1, 2], "dropout": 0.0, "features": {"n_mels": 20}} | CALM
    config = config_for_speech(steps=250, learning_rate=0.01, batch_size=16, model=model)
    done = pretrain(six_voices, tmp_path / "out", config)
    assert done.errors is not None and done.errors.learnt
    assert sum(done.errors.model) < 0.95 * min(sum(done.errors.stays), sum(done.errors.mean))
    fresh = pretrain(six_voices, tmp_path / "fresh", config_for_speech(steps=1, learning_rate=1e-9, model=model))
    assert fresh.errors is not None and not fresh.errors.learnt
    assert fresh.errors.stays == pytest.approx(done.errors.stays) and fresh.errors.mean == done.errors.mean


def test_the_file_is_a_model_that_says_what_it_is(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    done = pretrain(voices, tmp_path / "out.safetensors", config_for_speech(seed=3))
    model, header = load_model(tmp_path / "out.safetensors")
    assert isinstance(model, StreamModel) and model.config.dim == 16 and model.config.features.n_mels == 20
    assert header["chosen_by"] == done.chosen_by
    assert done.chosen_by.startswith("pretraining on 4 files, 12 s, 4 steps: held-out error ")
    said = header["pretraining"]
    assert said["untrained"] == ["head"] and said["config"]["seed"] == 3 and said["ahead_frames"] == [*AHEAD_FRAMES]
    assert (said["n_files"], said["n_held_out"], said["steps"]) == (4, 1, 4)
    assert model.features.std.min() > 0 and model.features.mean.std() > 0.1
    curves, _ = model.step(
        model.observe(torch.randn(1, 4000), origin_samples=0, first_frame=0, n_frames=5), model.init_state(1)
    )
    assert not curves.any(), "a face that was never seen is still"


def test_the_head_is_as_it_was_made(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    models = []
    for steps in (1, 6):
        pretrain(voices, tmp_path / "out", config_for_speech(steps=steps, weight_decay=0.9), overwrite=True)
        models.append(dict(load_model(tmp_path / "out")[0].named_parameters()))
    for name, value in models[0].items():
        assert torch.equal(value, models[1][name]) is name.startswith("head"), name


def test_the_seed_decides_all_of_it(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    """The same seed, the same bytes, whatever was drawn before; another seed, other weights."""
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        torch.rand(seed + len(name))
        pretrain(voices, tmp_path / name, config_for_speech(seed=seed))
    one, again, other = ((tmp_path / name).read_bytes() for name in ("one", "again", "other"))
    assert one == again != other


def test_windows_are_drawn_from_all_sounds_and_anew_at_every_step(
    config_for_speech: Config, voices: Path, tmp_path: Path
) -> None:
    drawn: list[tuple[Any, ...]] = []
    draw = pretrainer_module._Windows.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pretrainer_module._Windows, "draw", lambda self: drawn.append(made := draw(self)) or made
        )  # ours, told of
        pretrain(voices, tmp_path / "out", config_for_speech(steps=12))
    starts = [tuple(starts.tolist()) for _, starts, _ in drawn]
    valid = {n for _, _, real in drawn for n in real.tolist()}
    assert len(set(starts)) == 12 and valid <= {15, 32} and 32 in valid
    for columns, _, real in drawn:
        for window, n in zip(columns, real.tolist()):
            assert (window[n:] == window[n:][:1]).all(), "silence after a short file"
            assert window[:n].std() > 0.1


def test_minutes_become_steps_that_leave_the_run_untouched(
    config_for_speech: Config, voices: Path, tmp_path: Path
) -> None:
    heard = Heard()
    done = pretrain(voices, tmp_path / "by_time", config_for_speech(steps=None, minutes=0.02), listeners=[heard])
    assert 1 <= done.steps <= done.planned_steps == heard.of("begin")[0]["steps"]
    if done.steps == done.planned_steps:
        pretrain(voices, tmp_path / "by_steps", config_for_speech(steps=done.steps))
        timed, counted = (dict(load_model(tmp_path / name)[0].state_dict()) for name in ("by_time", "by_steps"))
        assert all(torch.equal(value, counted[name]) for name, value in timed.items())


def test_it_tells_its_way(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    heard, read = Heard(), []
    pretrain(voices, tmp_path / "out", config_for_speech(steps=11), listeners=[heard], on_file=read.append)
    assert [event for event, _ in heard.told] == ["begin", "step", "step", "step", "end"]
    assert [values["step"] for values in heard.of("step")] == [1, 10, 11]
    begin = heard.of("begin")[0]
    assert (begin["n_files"], begin["n_held_out"], begin["seconds"], begin["steps"]) == (4, 1, 12.5, 11)
    assert {path.name for path in read} == {"a.wav", "b.wav", "c.wav", "short.wav"}


def test_the_learning_rate_is_that_of_the_schedule(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    asked = []

    def asking(step: int, n_steps: int, **how: float) -> float:
        asked.append((step, n_steps, how))
        return learning_rate(step, n_steps, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "learning_rate", asking)
        pretrain(voices, tmp_path / "out", config_for_speech(warmup=0.5, learning_rate=0.002))
    assert asked == [(step, 4, {"peak": 0.002, "warmup": 0.5}) for step in range(4)]


def test_interrupted_it_writes_what_it_has(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    class Impatient(Heard):
        def tell(self, event: str, **values: Any) -> None:
            if event == "step":
                os.kill(os.getpid(), signal.SIGINT)

    done = pretrain(voices, tmp_path / "out", config_for_speech(steps=100), listeners=[Impatient()])
    assert done.interrupted and done.steps == 1 and done.planned_steps == 100
    assert load_model(tmp_path / "out")[1]["pretraining"]["interrupted"] is True


def test_a_file_that_cannot_be_read_is_named(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    shutil.copytree(voices, tmp_path / "voices")
    whole = (tmp_path / "voices" / "b.wav").read_bytes()
    (tmp_path / "voices" / "b.wav").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SoundError, match=r"b\.wav"):
        pretrain(tmp_path / "voices", tmp_path / "out", config_for_speech())
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_written_over(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        pretrain(voices, tmp_path / "out", config_for_speech())
    assert (tmp_path / "out").read_text() == "mine"


def test_sounds_too_short_to_teach_anything(config_for_speech: Config, voices: Path, tmp_path: Path) -> None:
    """15 frames are enough with a look-ahead of 3 and 6 frames beyond; with half of them held out they are not."""
    done = pretrain(voices / "short.wav", tmp_path / "out", config_for_speech(held_out=0))
    assert (done.n_files, done.n_padded, done.errors) == (1, 1, None)
    assert "nothing was held out" in done.chosen_by
    with pytest.raises(SoundError, match="no sound is long enough to foretell anything; expected more than 9 frames"):
        pretrain(voices / "short.wav", tmp_path / "other", config_for_speech(held_out=0.5))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"minutes": 1.0, "steps": 4}, "minutes and steps are both given"),
        ({"steps": 0}, "steps 0; expected at least 1"),
        ({"steps": None, "minutes": 0.0}, "minutes 0.0; expected a number above 0"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"learning_rate": float("nan")}, "learning_rate nan"),
        ({"warmup": 1.5}, "warmup 1.5"),
        ({"held_out": 1.0}, r"held_out 1.0; expected a share in \[0, 1\)"),
        ({"weight_decay": -1.0}, "weight_decay -1.0"),
        ({"window_frames": 9}, "window_frames 9; expected more than 9"),
        ({"model": {"name": "window"}}, "model 'window' cannot be pretrained; expected stream"),
        ({"model": {"depth": 3}}, "settings of model 'stream' do not fit"),
        ({"model": {"features": 3}}, "model.features 3"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"fps": "0"}, "frame rate '0'"),
    ],
)
def test_impossible_settings_are_refused(
    config_for_speech: Config, voices: Path, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        pretrain(voices, tmp_path / "out", config_for_speech(**settings))
    assert not (tmp_path / "out").exists()


def test_windows_lie_about_frames_that_are_drawn_alike(config_for_speech: Config) -> None:
    """Of a sound of 40 frames and windows of 10: the middle is heard most, both ends alike, and a short one whole."""
    sounds = torch.arange(40.0)[:, None, None], -torch.ones(6, 1, 1)
    config = config_for_speech(batch_size=4000, window_frames=10)
    columns, starts, valid = pretrainer_module._Windows(sounds, config, torch.zeros(1)).draw()
    of_long = valid == 10
    assert of_long.float().mean().item() == pytest.approx(40 / 46, abs=0.02)
    assert starts[of_long].float().mean().item() == pytest.approx(15, abs=0.5)
    assert {int(starts[of_long].min()), int(starts[of_long].max())} == {0, 30}
    assert torch.equal(columns[of_long][:, 0, 0, 0], starts[of_long].float())
    short = columns[~of_long]
    assert (starts[~of_long] == 0).all() and (valid[~of_long] == 6).all()
    assert (short[:, :6] == -1).all() and (short[:, 6:] == 0).all()
