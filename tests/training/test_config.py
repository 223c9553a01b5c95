"""Settings that cannot be are refused where they are made; those that can be decide the batches."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from koekao.arkit import INDEX
from koekao.batches import ClipSpec, StreamSpec
from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.training import TrainConfig
from koekao.training.parts import device_named

CLOCK = Clock(16000, Fraction(30))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trainer": "both"}, "trainer 'both'; expected one of stream, sequential, clips"),
        ({"epochs": 3, "minutes": 1.0}, "epochs and minutes are both given"),
        ({"epochs": 0}, "epochs 0; expected a number above 0"),
        ({"minutes": -1.0}, "minutes -1.0"),
        ({"minutes": float("nan")}, "minutes nan"),
        ({"learning_rate": -0.1}, "learning_rate -0.1; expected 0 or more"),
        ({"learning_rate": float("nan")}, "learning_rate nan"),
        ({"clip_norm": 0.0}, "clip_norm 0.0"),
        ({"clip_norm": -1.0}, "clip_norm -1.0"),
        ({"validations": 0}, "validations 0"),
        ({"max_steps": -1}, "max_steps -1; expected 0 or more"),
        ({"batch_size": -4}, "batch_size -4"),
        ({"n_streams": -1}, "n_streams -1"),
        ({"weight_decay": -0.1}, "weight_decay -0.1"),
        ({"velocity_weight": float("nan")}, "velocity_weight nan"),
        ({"correlation_weight": -1.0}, "correlation_weight -1.0"),
        ({"losses": {"weights": {}}}, "losses names 'weights'; expected some of terms, regions"),
        ({"losses": {"terms": 3}}, "losses.terms 3; expected names and their weights"),
        ({"losses": {"terms": {"closed": 1}}}, "terms names 'closed'"),
        ({"losses": {"terms": {"velocity": 1}}}, "losses.terms names 'velocity'\n  -> say velocity_weight"),
        ({"losses": {"terms": {"correlation": 1}}}, "losses.terms names 'correlation'\n  -> say correlation_weight"),
        ({"losses": {"terms": {"consistency": 1}}}, "the loss consistency for trainer stream; expected some of"),
        ({"trainer": "clips", "losses": {"terms": {"acceleration": 1}}}, "the loss acceleration for trainer clips"),
        ({"losses": {"by_epoch": {"closure": [[0.5, 1], [0, 1]]}}}, "by_epoch closure"),
        ({"losses": {"terms": {"closure": -1}}}, "terms closure -1; expected a number of 0 or more"),
        ({"hop_frames": 0}, "hop_frames 0; expected at least 1"),
        ({"warmup": 1.5}, r"warmup 1.5; expected a share in \[0, 1\]"),
        ({"warmup": float("nan")}, "warmup nan"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TrainConfig(**settings)


def test_each_trainer_is_judged_by_what_its_batches_show() -> None:
    losses = {"terms": {"closure": 0.5}, "regions": {"mouth": 2}, "by_epoch": {"closure": [[0, 0], [1, 1]]}}
    for trainer, expected in (
        ("sequential", {"position": 1, "velocity": 0.1, "closure": 0.5}),
        ("clips", {"position": 1, "closure": 0.5}),
        ("stream", {"position": 1, "velocity": 0.1, "closure": 0.5, "correlation": 0.5}),
    ):
        config = TrainConfig(trainer=trainer, losses=losses).loss_config()  # type: ignore[arg-type]
        assert config.weights_at(epoch=4, n_epochs=5, stride_frames=1) == expected
        assert "closure" not in config.weights_at(epoch=0, n_epochs=5, stride_frames=1)
        assert config.curve_weights()[INDEX["mouthFunnel"]] == 2


def test_settings_survive_json() -> None:
    config = TrainConfig(
        trainer="clips",
        minutes=2.5,
        losses={"terms": {"closure": 0.1}, "by_epoch": {"closure": [[0, 0.5]]}},
        model={"dim": 16, "dilations": [2, 1]},
        seed=7,
        debug=True,
    )
    assert TrainConfig(**json.loads(json.dumps(config.as_dict()))) == config


def test_the_batches_of_the_sequential_trainer() -> None:
    sparse = {"stride": "mixed", "initial_stride": 8, "dense_ratio": 0.25, "schedule": "staged"}
    config = TrainConfig(trainer="sequential", batch_size=12, window_frames=40, seed=5, **sparse)  # type: ignore[arg-type]
    spec = config.spec(5, CLOCK, epochs=9)
    assert isinstance(spec, StreamSpec)
    assert (spec.batch_size, spec.n_streams, spec.window_frames, spec.seed) == (12, 3, 40, 5)
    policy = spec.stride
    assert (policy.mode, policy.initial_stride, policy.dense_ratio) == ("mixed", 8, 0.25)
    assert (policy.max_epochs, policy.schedule) == (9, "staged")
    assert not spec.drop_last  # every window of every take is trained on


def test_the_batches_of_the_stream_trainer() -> None:
    config = TrainConfig(trainer="stream", batch_size=12, window_frames=40, hop_frames=7, seed=5)
    spec = config.spec(5, CLOCK, epochs=9)
    assert isinstance(spec, ClipSpec)
    assert (spec.batch_size, spec.window_frames, spec.stride_frames, spec.seed) == (12, 40, 7, 5)
    assert spec.shuffle and not spec.drop_last


def test_the_stride_goes_over_the_epochs_of_the_run() -> None:
    """Coarse in the first epoch, fine in the last, however many there are."""
    config = TrainConfig(trainer="sequential", stride="progressive", initial_stride=16, final_stride=2)
    for epochs in (2, 7, 100):
        spec = config.spec(3, CLOCK, epochs)
        assert isinstance(spec, StreamSpec)
        assert (spec.stride.stride_at(0), spec.stride.stride_at(epochs - 1)) == (16, 2)


@pytest.mark.parametrize(
    ("batch_size", "n_takes", "expected"),
    [(4, 1, 1), (4, 2, 2), (4, 9, 2), (6, 5, 2), (7, 7, 1), (12, 11, 3), (64, 4, 4), (64, 18, 16), (64, 999, 16)],
)
def test_as_many_streams_as_takes_and_batch_allow(batch_size: int, n_takes: int, expected: int) -> None:
    spec = TrainConfig(trainer="sequential", batch_size=batch_size).spec(n_takes, CLOCK, 1)
    assert isinstance(spec, StreamSpec) and spec.n_streams == expected
    stated = TrainConfig(trainer="sequential", batch_size=batch_size, n_streams=1).spec(n_takes, CLOCK, 1)
    assert isinstance(stated, StreamSpec) and stated.n_streams == 1


def test_the_batches_of_the_clip_trainer() -> None:
    config = TrainConfig(trainer="clips", batch_size=8, clip_s=2.0, seed=3)
    spec = config.spec(5, CLOCK, epochs=9)
    assert isinstance(spec, ClipSpec)
    assert (spec.batch_size, spec.window_frames, spec.seed) == (8, 60, 3)
    assert TrainConfig(trainer="clips").spec(5, CLOCK, 1).window_frames == 300  # the seeds' ten seconds


def test_batch_sizes_of_their_own_where_none_is_given() -> None:
    """0 is not a batch size but the trainer's choice."""
    assert all(TrainConfig(trainer=name).spec(4, CLOCK, 1).batch_size > 0 for name in ("stream", "sequential", "clips"))
    assert (TrainConfig().window_frames, TrainConfig(trainer="sequential").window_frames) == (96, 256)  # the seeds' 256
    assert TrainConfig(learning_rate=0.5).learning_rate == 0.5 and TrainConfig().learning_rate > 0


def test_a_clip_of_no_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"clip_s 0\.001"):
        TrainConfig(trainer="clips", clip_s=0.001).spec(4, CLOCK, 1)


def test_streams_that_do_not_divide_the_batch_are_refused() -> None:
    import numpy as np

    spec = TrainConfig(trainer="sequential", batch_size=4, n_streams=3).spec(4, CLOCK, 1)
    with pytest.raises(ConfigError, match="4 rows in 3 streams"):
        spec.plan(np.array([400, 400]), 0, 1)


def test_devices_by_name() -> None:
    assert device_named("cpu").type == "cpu" and device_named("auto").type in ("cpu", "cuda")
    for name in ("abacus", "cuda:99", "xpu", "meta", ""):
        with pytest.raises(ConfigError, match=f"device '{name}' cannot be used") as error:
            device_named(name)
        assert "say auto, cpu, cuda" in error.value.do
