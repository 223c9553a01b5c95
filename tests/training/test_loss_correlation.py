"""1 - r against numpy's, and what does not count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from judged_frames import faces, passage, spread_of
from torch import Tensor

from koekao.arkit import INDEX
from koekao.training.losses import CurveLosses, correlation_by_curve

JAW, FUNNEL = INDEX["jawOpen"], INDEX["mouthFunnel"]
RISE = [0.0, 0.25, 0.5, 0.75] * 2
OTHER = [0.0, 0.5, 0.25, 0.75] * 2


def correlation(predicted: Tensor, target: Tensor, **more: Any) -> CurveLosses:
    p = passage(predicted, target, **more)
    return correlation_by_curve(p.predicted, p.target, p.spread, p.mask, reset=p.resets)


def test_by_hand() -> None:
    """r of (0, 1, 2, 3) and (0, 2, 1, 3), twice over, is 0.8."""
    loss = correlation(faces(jawOpen=OTHER), faces(jawOpen=RISE))
    assert loss.value[JAW].item() == pytest.approx(0.2, abs=2e-3)
    assert loss.shares().sum().item() == pytest.approx(0.2, abs=2e-3)  # the funnel is still in the truth
    assert loss.counted.nonzero().flatten().tolist() == [JAW]


def test_it_is_blind_to_offset_and_scale_and_sees_the_sign() -> None:
    for factor, expected in ((2.0, 0.0), (0.5, 0.0), (-1.0, 2.0)):
        predicted = faces(jawOpen=[0.3 + factor * x for x in RISE])
        assert correlation(predicted, faces(jawOpen=RISE)).value[JAW].item() == pytest.approx(expected, abs=2e-3)


def test_it_is_numpys_over_the_frames_that_count() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted, target = torch.rand(3, 40, 52, generator=generator), torch.rand(3, 40, 52, generator=generator)
    mask = torch.rand(3, 40, generator=generator) < 0.7
    spread = spread_of(jawOpen=0.2, mouthFunnel=0.3)
    loss = correlation(predicted, target, mask=mask, spread=spread)
    for curve in (JAW, FUNNEL):
        r = [np.corrcoef(predicted[s, mask[s], curve], target[s, mask[s], curve])[0, 1] for s in range(3)]
        assert loss.value[curve].item() == pytest.approx(1 - np.mean(r), abs=1e-3)


def test_offsets_between_streams_are_no_movement() -> None:
    predicted, target = faces(2, jawOpen=OTHER), faces(2, jawOpen=RISE)
    predicted[1] += 0.5
    assert correlation(predicted, target).value[JAW].item() == pytest.approx(0.2, abs=2e-3)


def test_a_still_prediction_costs_1_and_is_pulled_out_of_it() -> None:
    """With a gradient that is finite, toward the truth."""
    predicted = faces(jawOpen=[0.3] * 8).requires_grad_()
    loss = correlation(predicted, faces(jawOpen=RISE)).shares().sum()
    loss.backward()
    assert loss.item() == pytest.approx(1) and predicted.grad is not None and predicted.grad.isfinite().all()
    moved = predicted.detach() - 0.001 * predicted.grad
    assert np.corrcoef(moved[0, :, JAW], RISE)[0, 1] > 0.999


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ([0.3] * 8, {}),
        ([0.3, 0.38] * 4, {}),
        (RISE, {"mask": torch.tensor([[True] * 7 + [False]])}),
        (RISE, {"reset": torch.tensor([[False] * 5 + [True] + [False] * 2])}),
        (RISE, {"spread": spread_of(mouthFunnel=0.1)}),
    ],
    ids=["a still truth", "less than 0.1 spreads", "seven frames", "two takes", "a curve without spread"],
)
def test_what_does_not_count(target: list[float], more: dict[str, Tensor]) -> None:
    predicted = faces(jawOpen=OTHER).requires_grad_()
    loss = correlation(predicted, faces(jawOpen=target), **more)
    loss.shares().sum().backward()
    assert not loss.counted.any() and loss.shares().sum().item() == 0
    assert predicted.grad is not None and not predicted.grad.any()


def test_a_window_that_begins_a_take_counts() -> None:
    reset = torch.tensor([[True] + [False] * 7])
    assert correlation(faces(jawOpen=OTHER), faces(jawOpen=RISE), reset=reset).counted[JAW]


def test_windows_that_do_not_count_do_not_water_the_others_down() -> None:
    target = faces(2, jawOpen=RISE)
    target[1] = 0.3
    assert correlation(faces(2, jawOpen=OTHER), target).value[JAW].item() == pytest.approx(0.2, abs=2e-3)
