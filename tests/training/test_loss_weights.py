"""Weights by name, region, curve, epoch and stride."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from koekao.arkit import NAMES, REGIONS
from koekao.errors import ConfigError
from koekao.training.loss_weights import DEFAULT_TERMS, LossConfig


def test_the_default_is_what_the_trainer_does() -> None:
    assert LossConfig().weights_at(epoch=0, n_epochs=10, stride_frames=32) == {"position": 1.0, "velocity": 0.1}
    assert LossConfig().curve_weights() == [1.0] * 52


def test_losses_that_are_not_named_keep_their_default() -> None:
    config = LossConfig(terms={"correlation": 0.5, "velocity": 0})
    assert config.weights_at(epoch=0, n_epochs=1, stride_frames=1) == {"position": 1.0, "correlation": 0.5}
    assert set(config.as_dict()["terms"]) == set(DEFAULT_TERMS)


def test_a_curve_is_weighed_by_its_name_or_else_by_its_region() -> None:
    weights = dict(zip(NAMES, LossConfig(regions={"mouth": 2, "eye": 0}, curves={"mouthPucker": 3}).curve_weights()))
    assert weights["mouthFunnel"] == 2 and weights["mouthPucker"] == 3 and weights["jawOpen"] == 1
    assert all(weights[name] == 0 for name in REGIONS["eye"])


def test_epochs_by_hand() -> None:
    """Nothing in the first half of 11 epochs, then a rise to 1 at the end: epoch 5 is 0, epoch 8 is 0.6."""
    config = LossConfig(terms={"correlation": 2}, by_epoch={"correlation": ((0.5, 0), (1, 1))})
    weights = [config.weights_at(epoch=e, n_epochs=11, stride_frames=1).get("correlation") for e in (0, 5, 8, 10, 99)]
    assert weights == [None, None, pytest.approx(1.2), 2.0, 2.0]
    assert config.weights_at(epoch=0, n_epochs=1, stride_frames=1).get("correlation") is None


def test_strides_by_hand() -> None:
    """1 up to stride 4, nothing from 8 on; epoch and stride multiply."""
    config = LossConfig(by_stride={"velocity": ((4, 1), (8, 0))}, by_epoch={"velocity": ((0, 0.5),)})
    weights = [config.weights_at(epoch=0, n_epochs=9, stride_frames=s).get("velocity") for s in (1, 4, 6, 8, 32)]
    assert weights == [pytest.approx(0.05), pytest.approx(0.05), pytest.approx(0.025), None, None]


def test_it_is_json_and_back() -> None:
    config = LossConfig(
        terms={"closure": 0.3}, regions={"brow": 0.5}, curves={"jawOpen": 2}, by_stride={"closure": ((1, 1), (8, 0.5))}
    )
    assert LossConfig(**json.loads(json.dumps(config.as_dict()))) == config


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"terms": {"postion": 1}}, "terms names 'postion'; expected names of position, velocity"),
        ({"regions": {"lips": 1}}, "regions names 'lips'"),
        ({"curves": {"JawOpen": 1}}, "curves names 'JawOpen'"),
        ({"by_epoch": {"jaw": ((0, 1),)}}, "by_epoch names 'jaw'"),
        ({"terms": {"position": -1}}, "terms position -1; expected a number of 0 or more"),
        ({"terms": {"position": float("nan")}}, "terms position nan"),
        ({"regions": {"jaw": float("inf")}}, "regions jaw inf"),
        ({"terms": {"position": "1"}}, "terms position '1'"),
        ({"by_epoch": {"position": ()}}, "expected one point or more, rising"),
        ({"by_epoch": {"position": ((0.5, 1), (0.5, 2))}}, "rising"),
        ({"by_epoch": {"position": ((0, 1), (30, 2))}}, "shares of the epochs"),
        ({"by_stride": {"position": ((1, -1),)}}, "expected a number of 0 or more"),
        ({"by_stride": {"position": 3}}, "expected points, as"),
        ({"terms": {"position": 0, "velocity": 0}}, "every loss has weight 0"),
        ({"regions": dict.fromkeys(REGIONS, 0)}, "every curve has weight 0"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        LossConfig(**settings)
    assert said in str(error.value)


def test_settings_are_read_without_torch() -> None:
    code = "import koekao.training.loss_weights, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
