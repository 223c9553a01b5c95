"""The sum of the losses, and its parts by name and by region."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from judged_frames import faces, passage, spread_of

from koekao.errors import BatchError, ConfigError
from koekao.training.loss_weights import LossConfig
from koekao.training.losses import Judge, closure_loss, position_by_curve, velocity_by_curve


def random_passage(**more: Any) -> Any:
    generator = torch.Generator().manual_seed(0)
    predicted, target, reference = (0.4 * torch.rand(2, 16, 52, generator=generator) for _ in range(3))
    target[:, 3:6] = 0
    more = {"spread": spread_of(jawOpen=0.2, mouthFunnel=0.1, browInnerUp=0.1), "reference": reference} | more
    return passage(predicted, target, **more)


ALL = LossConfig(terms={"acceleration": 0.01, "closure": 0.2, "correlation": 0.5, "consistency": 0.3})


def test_by_default_it_is_what_the_trainer_minimises() -> None:
    p = random_passage()
    times = {"reset": p.resets, "gap_frames": p.gaps_frames}
    position = position_by_curve(p.predicted, p.target, p.spread, p.mask).mean()
    velocity = velocity_by_curve(p.predicted, p.target, p.spread, p.mask, **times).mean()
    parts = Judge(LossConfig()).parts(p)
    assert parts.terms["position"].item() == pytest.approx(position.item())
    assert parts.terms["velocity"].item() == pytest.approx(0.1 * velocity.item())
    assert parts.total.item() == pytest.approx((position + 0.1 * velocity).item())


def test_the_parts_add_up() -> None:
    p = random_passage()
    parts = Judge(ALL).parts(p)
    assert set(parts.terms) == {"position", "velocity", "acceleration", "closure", "correlation", "consistency"}
    assert all(part.item() > 0 for part in parts.terms.values())
    assert parts.total.item() == pytest.approx(sum(part.item() for part in parts.terms.values()), rel=1e-6)
    by_region = sum(part.item() for part in parts.regions().values())
    assert by_region + parts.terms["closure"].item() == pytest.approx(parts.total.item(), rel=1e-6)
    assert parts.terms["closure"].item() == pytest.approx(
        0.2 * closure_loss(p.predicted, p.target, p.mask).mean().item()
    )
    assert {region for region, part in parts.regions().items() if part.item()} == {"jaw", "mouth", "brow"}


def test_regions_by_hand() -> None:
    """Errors of 1 and 2 spreads: jaw (1 · 1) / (1 + 3), mouth (3 · 4) / (1 + 3) where the mouth counts three times."""
    p = passage(faces(jawOpen=[0.5], mouthFunnel=[0.2]), faces(jawOpen=[0.0], mouthFunnel=[0.0]))
    parts = Judge(LossConfig(terms={"velocity": 0}, regions={"mouth": 3})).parts(p)
    assert parts.total.item() == pytest.approx(3.25, rel=1e-5)
    assert parts.regions()["jaw"].item() == pytest.approx(0.25) and parts.regions()["mouth"].item() == pytest.approx(3)
    even = Judge(LossConfig(terms={"velocity": 0})).parts(p)
    assert even.total.item() == pytest.approx(2.5, rel=1e-5)


def test_a_curve_of_weight_0_is_not_taught() -> None:
    p = random_passage()
    p.predicted.requires_grad_()
    Judge(LossConfig(terms={"correlation": 1}, curves={"jawOpen": 0})).parts(p).total.backward()
    taught = p.predicted.grad.abs().sum((0, 1)).nonzero().flatten().tolist()
    assert taught == [i for i, spread in enumerate(spread_of(mouthFunnel=1, browInnerUp=1)) if spread]


def test_weights_follow_epoch_and_stride() -> None:
    config = LossConfig(by_epoch={"velocity": ((0, 0), (1, 1))}, by_stride={"position": ((1, 1), (32, 0.5))})
    p, judge = random_passage(), Judge(config, n_epochs=5, stride_at=[32, 24, 16, 8, 1].__getitem__)
    first = judge.parts(p)
    judge.begin(4)
    last = judge.parts(p)
    assert set(first.terms) == {"position"} and set(last.terms) == {"position", "velocity"}
    assert first.total.item() == pytest.approx(last.terms["position"].item() / 2)


def test_an_epoch_without_any_loss_teaches_nothing() -> None:
    config = LossConfig(terms={"velocity": 0}, by_epoch={"position": ((0, 0), (1, 1))})
    p = random_passage()
    p.predicted[0, 0, 0] = float("nan")
    p.predicted.requires_grad_()
    parts = Judge(config, n_epochs=5).parts(p)
    parts.total.backward()
    assert parts.total.item() == 0 and list(parts.terms) == ["position"] and not p.predicted.grad.any()


def test_regions_have_no_gradient_and_the_total_has() -> None:
    p = random_passage()
    p.predicted.requires_grad_()
    parts = Judge(ALL).parts(p)
    assert parts.total.requires_grad and not any(part.requires_grad for part in parts.regions().values())


def test_consistency_without_a_reference_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no second prediction") as error:
        Judge(ALL).parts(random_passage(reference=None))
    assert "set its weight to 0" in error.value.do


@pytest.mark.parametrize(
    ("name", "shape"),
    [("target", (2, 15, 52)), ("mask", (2, 15)), ("spread", (51,)), ("reset", (16, 2)), ("gap_frames", (2,))],
)
def test_shapes_that_do_not_fit_are_an_error(name: str, shape: tuple[int, ...]) -> None:
    """Broadcasting would make something of most of them."""
    p = random_passage()
    with pytest.raises(BatchError, match=f"{name} .* beside predicted"):
        passage(**{"predicted": p.predicted, "target": p.target, name: torch.zeros(shape)})


def test_frames_without_streams_are_an_error() -> None:
    with pytest.raises(BatchError, match=r"expected \[streams, frames, 52\]"):
        passage(torch.zeros(16, 52), torch.zeros(16, 52), mask=torch.ones(16, dtype=torch.bool))
