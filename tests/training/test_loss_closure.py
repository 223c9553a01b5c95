"""Lips that must meet, by hand."""

from __future__ import annotations

import pytest
import torch
from judged_frames import faces

from koekao.arkit import INDEX
from koekao.training.losses import closure_loss


def all_of(n_frames: int) -> torch.Tensor:
    return torch.ones(1, n_frames, dtype=torch.bool)


def test_by_hand() -> None:
    """Closed in frames 0 and 1; openings 0.15 and 0.25 are 1 and 2 units above 0.05: (1 + 4) / 2. Frame 2 is open."""
    predicted = faces(jawOpen=[0.15, 0.45, 0.9], mouthClose=[0.0, 0.2, 0.0])
    target = faces(jawOpen=[0.0, 0.3, 0.5], mouthClose=[0.0, 0.3, 0.0])
    assert closure_loss(predicted, target, all_of(3)).mean().item() == pytest.approx(2.5, rel=1e-5)


def test_lips_that_meet_are_left_alone_however_firmly() -> None:
    predicted = faces(jawOpen=[0.05, 0.0, 0.4], mouthClose=[0.0, 0.5, 0.4]).requires_grad_()
    loss = closure_loss(predicted, faces(jawOpen=[0.0] * 3), all_of(3)).mean()
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12) and predicted.grad is not None
    assert predicted.grad.abs().max() < 1e-5


def test_where_the_truth_is_open_nothing_is_asked() -> None:
    target = faces(jawOpen=[0.06, 0.5])
    assert closure_loss(faces(jawOpen=[0.9, 0.0]), target, all_of(2)).mean().item() == 0


def test_lips_may_be_closed_by_jaw_lips_or_pressing() -> None:
    """The gradient asks for all that would close them, in the directions that do."""
    predicted = faces(jawOpen=[0.3], mouthRollLower=[0.2], mouthRollUpper=[0.1]).requires_grad_()
    closure_loss(predicted, faces(jawOpen=[0.0]), all_of(1)).mean().backward()
    assert predicted.grad is not None
    pull = {name: round(predicted.grad[0, 0, i].item(), 3) for name, i in INDEX.items() if predicted.grad[0, 0, i]}
    assert pull.pop("jawOpen") == pytest.approx(30) == -pull.pop("mouthClose") == -pull.pop("mouthRollUpper")
    assert pull.pop("mouthPressLeft") == pull.pop("mouthPressRight") == pytest.approx(-15)
    assert set(pull) == {f"mouth{which}{side}" for which in ("LowerDown", "UpperUp") for side in ("Left", "Right")}
    assert set(pull.values()) == {15.0}


def test_it_takes_frames_without_streams() -> None:
    assert closure_loss(faces(jawOpen=[0.15])[0], faces(jawOpen=[0.0])[0], all_of(1)[0]).mean().item() == pytest.approx(
        1
    )
