"""1 - r against numpy's, and what does not count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from judged_frames import faces, passage, spread_of
from torch import Tensor

from koekao.arkit import INDEX
from koekao.training.losses import LossSums, correlation_by_curve

JAW, FUNNEL = INDEX["jawOpen"], INDEX["mouthFunnel"]
RISE = [0.0, 0.25, 0.5, 0.75] * 2
OTHER = [0.0, 0.5, 0.25, 0.75] * 2


def correlation(predicted: Tensor, target: Tensor, **more: Any) -> LossSums:
    p = passage(predicted, target, **more)
    return correlation_by_curve(p.predicted, p.target, p.spread, p.mask, reset=p.resets)


def test_by_hand() -> None:
    """r of (0, 1, 2, 3) and (0, 2, 1, 3), twice over, is 0.8."""
    loss = correlation(faces(jawOpen=OTHER), faces(jawOpen=RISE))
    assert loss.means[JAW].item() == pytest.approx(0.2, abs=2e-3)
    assert loss.mean().item() == pytest.approx(0.2, abs=2e-3)  # the funnel is still in the truth
    assert loss.counted.nonzero().flatten().tolist() == [JAW]


def test_it_is_blind_to_offset_and_scale_and_sees_the_sign() -> None:
    for factor, expected in ((2.0, 0.0), (0.5, 0.0), (-1.0, 2.0)):
        predicted = faces(jawOpen=[0.3 + factor * x for x in RISE])
        assert correlation(predicted, faces(jawOpen=RISE)).means[JAW].item() == pytest.approx(expected, abs=3e-3)


def test_it_is_numpys_over_the_frames_that_count() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted, target = torch.rand(3, 40, 52, generator=generator), torch.rand(3, 40, 52, generator=generator)
    mask = torch.rand(3, 40, generator=generator) < 0.7
    spread = spread_of(jawOpen=0.2, mouthFunnel=0.3)
    loss = correlation(predicted, target, mask=mask, spread=spread)
    for curve in (JAW, FUNNEL):
        seen, true = ([x[s, mask[s], curve].numpy() for s in range(3)] for x in (predicted, target))
        movement = [x.var() / float(spread[curve]) ** 2 for x in true]
        says = [x / (x + 0.17**2) for x in movement]
        costs = [1 - np.corrcoef(a, b)[0, 1] for a, b in zip(seen, true, strict=True)]
        assert loss.means[curve].item() == pytest.approx(np.average(costs, weights=says), abs=2e-3)
        assert loss.counted[curve].item() == pytest.approx(sum(says), abs=1e-4)


def test_offsets_between_streams_are_no_movement() -> None:
    predicted, target = faces(2, jawOpen=OTHER), faces(2, jawOpen=RISE)
    predicted[1] += 0.5
    assert correlation(predicted, target).means[JAW].item() == pytest.approx(0.2, abs=2e-3)


def test_a_still_prediction_costs_1_and_is_pulled_out_of_it() -> None:
    """With a gradient that is finite, toward the truth."""
    predicted = faces(jawOpen=[0.3] * 8).requires_grad_()
    loss = correlation(predicted, faces(jawOpen=RISE)).mean()
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
    loss.mean().backward()
    assert not loss.counted.any() and loss.mean().item() == 0
    assert predicted.grad is not None and not predicted.grad.any()


def test_a_window_that_begins_a_take_counts() -> None:
    reset = torch.tensor([[True] + [False] * 7])
    assert correlation(faces(jawOpen=OTHER), faces(jawOpen=RISE), reset=reset).counted[JAW]


def test_a_window_says_as_much_as_another_however_far_it_moves() -> None:
    """One that is right and one, of twice the movement, that is opposed: 0 and 2."""
    target, predicted = faces(2, jawOpen=RISE), faces(2, jawOpen=RISE)
    target[1, :, JAW] = 0.9 - 2 * target[1, :, JAW]
    says = [x / (x + 0.17**2) for x in (np.var(RISE) / 0.25, 4 * np.var(RISE) / 0.25)]
    found = correlation(predicted, target).means[JAW].item()
    assert found == pytest.approx(2 * says[1] / sum(says), abs=2e-3) and found == pytest.approx(1, abs=0.1)


def test_a_movement_of_017_spreads_says_half_as_much() -> None:
    """A right window of much movement and an opposed one of 0.17 spreads: 2 * 0.5 / 1.5, nearly."""
    target, predicted = faces(2, jawOpen=RISE), faces(2, jawOpen=RISE)
    target[1, :, JAW] *= -0.17 * 0.5 / float(np.std(RISE))
    target[0, :, JAW] *= 20
    assert correlation(predicted, target).means[JAW].item() == pytest.approx(2 / 3, abs=5e-3)


def test_curves_say_as_much_as_windows_of_them_move() -> None:
    """The jaw moves in three windows, all right, the funnel in one, opposed: a quarter of 2 in all."""
    still = [0.0] * 8
    target = torch.cat([faces(jawOpen=RISE, mouthFunnel=still)] * 2 + [faces(jawOpen=RISE, mouthFunnel=RISE)])
    predicted = target.clone()
    predicted[2, :, FUNNEL] *= -1
    found = correlation(predicted, target, spread=spread_of(jawOpen=0.05, mouthFunnel=0.05))
    assert found.mean().item() == pytest.approx(0.5, abs=1e-2)


def test_a_window_in_which_the_truth_rests_says_nothing() -> None:
    target, predicted = faces(2, jawOpen=RISE), faces(2, jawOpen=OTHER)
    target[1] = 0.3
    assert correlation(predicted, target).means[JAW].item() == pytest.approx(0.2, abs=2e-3)


def test_of_windows_that_do_not_count_nothing_is_seen() -> None:
    """Neither their frames, which may be no numbers, nor their gradient."""
    target, predicted = faces(2, jawOpen=RISE), faces(2, jawOpen=OTHER)
    target[1], mask = float("nan"), torch.ones(2, 8, dtype=torch.bool)
    mask[1, 3:] = False
    predicted.requires_grad_()
    loss = correlation(predicted, target, mask=mask).mean()
    loss.backward()
    assert loss.item() == pytest.approx(0.2, abs=2e-3)
    assert predicted.grad is not None and predicted.grad.isfinite().all() and not predicted.grad[1].any()


def test_the_loss_of_whole_windows_is_the_mean_over_the_curves_that_count() -> None:
    target, predicted = faces(jawOpen=RISE), faces(jawOpen=OTHER)
    mask = torch.ones(1, 8, dtype=torch.bool)
    for spread, expected in ((spread_of(jawOpen=0.1), 0.2), (torch.zeros(52), 0.0)):
        found = correlation(predicted, target, mask=mask, spread=spread)
        assert found.mean().item() == pytest.approx(expected, abs=2e-3)
