"""What every loss has to do: lead to the truth, and neither see nor pull what does not count."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from judged_frames import passage, spread_of
from torch import Tensor

from koekao.arkit import INDEX
from koekao.lips import CLOSED_BELOW, lip_opening
from koekao.training.loss_weights import DEFAULT_TERMS, LossConfig
from koekao.training.losses import Judge, Passage

MOVING = ("jawOpen", "mouthFunnel", "mouthPressLeft")
SPREAD = spread_of(jawOpen=0.2, mouthFunnel=0.1, mouthPressLeft=0.1)


def only(term: str) -> LossConfig:
    return LossConfig(terms=dict.fromkeys(DEFAULT_TERMS, 0.0) | {term: 1.0})


def toy(seed: int = 0, n_frames: int = 24) -> tuple[Tensor, Tensor]:
    """A prediction and a truth, ``[2, n_frames, 52]``: sines with some closed lips, and noise beside them."""
    generator = torch.Generator().manual_seed(seed)
    target, predicted = torch.zeros(2, n_frames, 52), torch.zeros(2, n_frames, 52)
    time = torch.arange(n_frames)
    for i, name in enumerate(MOVING):
        for stream in range(2):
            target[stream, :, INDEX[name]] = 0.2 * (1 + torch.sin(time * (0.4 + 0.1 * i) + stream)).clamp_min(0.5)
        predicted[..., INDEX[name]] = 0.3 + 0.1 * torch.rand(2, n_frames, generator=generator)
    target[:, 8:12] = 0.0
    return predicted, target


def judged(predicted: Tensor, target: Tensor, **more: Any) -> Passage:
    return passage(predicted, target, **{"spread": SPREAD, "reference": target} | more)


def distance(term: str, predicted: Tensor, target: Tensor) -> float:
    """How far apart two faces are in what the loss is about; for lips that must meet, how far they are from closed."""
    if term == "closure":
        must_close = lip_opening(target) <= CLOSED_BELOW
        return float((lip_opening(predicted)[must_close] - CLOSED_BELOW).clamp_min(0).mean())
    chosen = [INDEX[name] for name in MOVING]
    a, b = predicted[..., chosen], target[..., chosen]
    if term == "velocity":
        a, b = a.diff(dim=1), b.diff(dim=1)
    elif term == "acceleration":
        a, b = a.diff(n=2, dim=1), b.diff(n=2, dim=1)
    elif term == "correlation":
        a, b = ((x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True) for x in (a, b))
    return float((a - b).abs().mean())


@pytest.mark.parametrize("term", DEFAULT_TERMS)
def test_its_gradient_leads_a_prediction_to_the_truth(term: str) -> None:
    """By plain descent, in what the loss is about; the loss itself falls to less than a twentieth."""
    predicted, target = toy()
    predicted.requires_grad_()
    optimizer = torch.optim.Adam([predicted], lr=0.005)
    first = None
    for _ in range(400):
        parts = Judge(only(term)).parts(judged(predicted, target))
        first = first or (parts.total.item(), distance(term, predicted.detach(), target))
        optimizer.zero_grad()
        parts.total.backward()
        optimizer.step()
    assert set(parts.terms) == {term}
    assert parts.total.item() < 0.05 * first[0]
    assert distance(term, predicted.detach(), target) < 0.35 * first[1]


@pytest.mark.parametrize("term", DEFAULT_TERMS)
@pytest.mark.parametrize("anything", [3.0, float("nan"), float("inf"), -float("inf")])
def test_what_is_masked_has_no_value_and_no_gradient(term: str, anything: float) -> None:
    """Whatever stands there, in the truth, in the prediction and in the reference."""
    mask = torch.ones(2, 24, dtype=torch.bool)
    mask[0, 5], mask[1, 20:] = False, False
    gradients, values = [], []
    for there in (0.0, anything):
        predicted, target = toy()
        predicted[~mask], target[~mask] = there, there
        predicted.requires_grad_()
        total = Judge(only(term)).parts(judged(predicted, target, mask=mask)).total
        total.backward()
        assert predicted.grad is not None
        gradients.append(predicted.grad)
        values.append(total.item())
    assert values[0] == values[1] > 0
    assert torch.equal(*gradients) and gradients[1].isfinite().all()
    assert gradients[1][mask].any() and not gradients[1][~mask].any()


@pytest.mark.parametrize("term", DEFAULT_TERMS)
def test_the_mask_takes_out_what_would_count(term: str) -> None:
    """The same frames masked and not: another value, since the prediction is wrong in them."""
    predicted, target = toy()
    mask = torch.ones(2, 24, dtype=torch.bool)
    mask[:, 9:11] = False
    predicted[:, 9:11, INDEX["jawOpen"]] = torch.tensor([0.9, 0.1])
    whole, masked = (Judge(only(term)).parts(judged(predicted, target, mask=m)).total for m in (mask | True, mask))
    assert masked < whole


@pytest.mark.parametrize("term", DEFAULT_TERMS)
def test_nothing_to_judge_is_0_with_a_gradient_of_0(term: str) -> None:
    predicted, target = toy()
    predicted.requires_grad_()
    nowhere = torch.zeros(2, 24, dtype=torch.bool)
    total = Judge(only(term)).parts(judged(predicted, target, mask=nowhere)).total
    total.backward()
    assert total.item() == 0 and predicted.grad is not None and not predicted.grad.any()


@pytest.mark.parametrize("term", DEFAULT_TERMS)
def test_the_truth_itself_costs_nothing(term: str) -> None:
    _, target = toy()
    assert Judge(only(term)).parts(judged(target, target)).total.item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("term", [term for term in DEFAULT_TERMS if term != "closure"])
@pytest.mark.parametrize("anything", [0.7, float("inf")])
def test_curves_that_do_not_move_have_no_weight(term: str, anything: float) -> None:
    """Whatever is predicted for them."""
    predicted, target = toy()
    value = Judge(only(term)).parts(judged(predicted, target)).total.item()
    predicted[:, ::2, INDEX["browInnerUp"]] = anything
    predicted.requires_grad_()
    total = Judge(only(term)).parts(judged(predicted, target)).total
    total.backward()
    assert total.item() == value and predicted.grad is not None and predicted.grad.isfinite().all()
    assert not predicted.grad[..., INDEX["browInnerUp"]].any()
