"""Two answers for the same frames: the one from the longer past stays as it is."""

from __future__ import annotations

import pytest
import torch
from judged_frames import faces, spread_of

from koekao.training.losses import consistency_by_curve

ALL = torch.ones(1, 2, dtype=torch.bool)


def test_by_hand() -> None:
    """Differences 0.5 and 1 of spread 0.5 are 1 and 2 spreads; over two frames and two curves (1 + 4) / 4."""
    loss = consistency_by_curve(faces(jawOpen=[0.5, 1.0]), faces(jawOpen=[0.0, 0.0]), spread_of(), ALL)
    assert loss.mean().item() == pytest.approx(1.25)


def test_the_reference_is_not_taught() -> None:
    predicted, reference = (faces(jawOpen=values).requires_grad_() for values in ([0.5, 1.0], [0.0, 0.0]))
    consistency_by_curve(predicted, reference, spread_of(), ALL).mean().backward()
    assert reference.grad is None and predicted.grad is not None and predicted.grad[0, :, :].any()
