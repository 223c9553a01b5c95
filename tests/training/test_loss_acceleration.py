"""Changes of velocity by hand, between frames right after each other."""

from __future__ import annotations

import pytest
import torch
from judged_frames import faces, passage
from torch import Tensor

from koekao.training.losses import acceleration_by_curve


def acceleration(predicted: Tensor, target: Tensor, **more: Tensor) -> Tensor:
    p = passage(predicted, target, **more)
    times = {"reset": p.resets, "gap_frames": p.gaps_frames}
    return acceleration_by_curve(p.predicted, p.target, p.spread, p.mask, **times).mean()


def test_by_hand() -> None:
    """0, 0.5, 0.5, 0 of spread 0.5: velocities 1, 0, -1; accelerations -1, -1; over two curves (1 + 1) / 4."""
    assert acceleration(faces(jawOpen=[0.0, 0.5, 0.5, 0.0]), faces(jawOpen=[0.0] * 4)).item() == pytest.approx(0.5)


def test_it_is_blind_to_offset_and_velocity() -> None:
    assert acceleration(faces(jawOpen=[0.3, 0.5, 0.7]), faces(jawOpen=[0.0] * 3)).item() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(
    "more",
    [
        {"reset": torch.tensor([[False, True, False]])},
        {"reset": torch.tensor([[False, False, True]])},
        {"gap_frames": torch.tensor([[1, 1, 2]])},
        {"gap_frames": torch.tensor([[1, 0, 1]])},
        {"mask": torch.tensor([[False, True, True]])},
        {"mask": torch.tensor([[True, False, True]])},
        {"mask": torch.tensor([[True, True, False]])},
    ],
)
def test_three_frames_must_follow_each_other(more: dict[str, Tensor]) -> None:
    assert acceleration(faces(jawOpen=[0.0, 0.5, 0.0]), faces(jawOpen=[0.0] * 3), **more).item() == 0


def test_the_first_frame_of_a_window_may_begin_a_take() -> None:
    more = {"reset": torch.tensor([[True, False, False]]), "gap_frames": torch.tensor([[7, 1, 1]])}
    assert acceleration(faces(jawOpen=[0.0, 0.5, 0.0]), faces(jawOpen=[0.0] * 3), **more).item() == pytest.approx(2)


@pytest.mark.parametrize("n_frames", [1, 2])
def test_fewer_than_three_frames_have_none(n_frames: int) -> None:
    assert acceleration(faces(jawOpen=[0.5] * n_frames), faces(jawOpen=[0.0] * n_frames)).item() == 0
