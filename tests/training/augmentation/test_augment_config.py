"""Settings of augmentation: JSON there and back, and refusals that name the value and what it may be."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields

import pytest

from koekao.errors import ConfigError
from koekao.training.augmentation import AugmentConfig, BandMask, Gain, Noise, Silence, Tilt


@pytest.mark.parametrize(
    "config", [AugmentConfig(), AugmentConfig.usual(), AugmentConfig(silence=Silence(rest=[0.1] * 52))]
)
def test_settings_go_through_json_and_come_back_equal(config: AugmentConfig) -> None:
    assert AugmentConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config


def test_by_default_nothing_is_done_and_usually_everything_sometimes() -> None:
    assert {effect.probability for effect in AugmentConfig().effects().values()} == {0.0}
    assert all(0 < effect.probability <= 0.5 for effect in AugmentConfig.usual().effects().values())


def test_the_order_is_as_stated() -> None:
    order = "mirror time_shift voice formants silence tilt equaliser bands reverb noise gain"
    assert list(AugmentConfig().effects()) == order.split() == [each.name for each in fields(AugmentConfig)]


def test_what_is_not_said_is_at_its_default() -> None:
    config = AugmentConfig.from_dict({"gain": {"probability": 0.25}})
    assert config.gain == Gain(probability=0.25, gain_db=(-6, 6))
    assert config.noise == Noise()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gian": {}}, "AugmentConfig: no 'gian'; expected some of mirror, time_shift, voice"),
        ({"gain": {"db": 3}}, r"gain: no 'db'; expected some of probability, gain_db"),
        ({"gain": 3}, "gain 3; expected its settings by name"),
        ({"gain": {"probability": 1.5}}, r"Gain.probability 1.5; expected a probability in \[0, 1\]"),
        ({"gain": {"probability": float("nan")}}, "Gain.probability nan"),
        ({"gain": {"gain_db": [3, -3]}}, r"Gain.gain_db \[3, -3\]; expected two numbers, low to high, in -60 to 60"),
        ({"gain": {"gain_db": [float("nan"), 3]}}, "Gain.gain_db"),
        ({"gain": {"gain_db": [1, 2, 3]}}, "expected two numbers"),
        ({"gain": {"gain_db": "loud"}}, "Gain.gain_db 'loud'; expected two numbers"),
        ({"gain": {"gain_db": ["soft", "loud"]}}, "gain .*expected numbers"),
        ({"gain": {"gain_db": 3}}, "Gain.gain_db 3; expected two numbers"),
        ({"noise": {"colours": ["brown"]}}, r"Noise.colours \('brown',\); expected some of white, pink, babble"),
        ({"noise": {"colours": []}}, "Noise.colours"),
        ({"silence": {"rest": [0.0] * 51}}, "Silence.rest .*expected 52 finite numbers"),
        ({"silence": {"sound_edge_s": 0}}, "Silence.sound_edge_s 0; expected a number in 0.001 to 5"),
        ({"bands": {"bands": 1.5}}, "BandMask.bands 1.5; expected a whole number"),
        ({"time_shift": {"shift_frames": [-2, 0]}}, "TimeShift.shift_frames"),
        ({"time_shift": {"shift_frames": [0, 2]}}, "TimeShift.shift_frames"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        AugmentConfig.from_dict(settings)


def test_an_effect_in_another_ones_place_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a Tilt"):
        AugmentConfig(tilt=BandMask())


def test_settings_are_frozen_and_can_be_told_apart() -> None:
    with pytest.raises(FrozenInstanceError):
        Tilt().probability = 1.0
    assert len({Tilt(), Tilt(), Tilt(slope_db_per_octave=[-1, 1])}) == 2
