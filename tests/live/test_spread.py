"""Quantiles of a histogram against those of the numbers themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from koekao.live.spread import Spread


def test_quantiles_are_right_to_five_per_cent() -> None:
    values, spread = np.random.default_rng(0).lognormal(1, 1.5, 20_000), Spread()
    for value in values:
        spread.add(float(value))
    assert len(spread) == 20_000
    for share in (0.01, 0.5, 0.9, 0.99, 1.0):
        assert spread.quantile(share) == pytest.approx(np.quantile(values, share), rel=0.06)


def test_the_ends() -> None:
    spread = Spread()
    assert math.isnan(spread.quantile(0.5))
    for value in (0.0, -1.0, 1e9):
        spread.add(value)
    assert spread.quantile(0.0) == pytest.approx(0.01) and spread.quantile(1.0) > 50_000
