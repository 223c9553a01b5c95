"""Losses by hand, in units of each curve's spread; what does not count has no value and no gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from judged_frames import loss
from torch import Tensor

from koekao.training.losses import LARGEST_VELOCITY_GAP_FRAMES, position_by_curve, velocity_by_curve

SPREAD = torch.zeros(52)
SPREAD[0], SPREAD[1] = 0.5, 0.1


def frames(*values: float, curve: int = 0, streams: int = 1) -> Tensor:
    """``[streams, R, 52]``, one curve as given and the others 0."""
    x = torch.zeros(streams, len(values), 52)
    x[:, :, curve] = torch.tensor(values)
    return x


def velocity(predicted: Tensor, target: Tensor, **more: Any) -> Tensor:
    shape = predicted.shape[:2]
    values: dict[str, Any] = {
        "mask": torch.ones(shape, dtype=torch.bool),
        "reset": torch.zeros(shape, dtype=torch.bool),
        "gap_frames": torch.ones(shape, dtype=torch.int64),
    }
    return loss(velocity_by_curve(predicted, target, SPREAD, **values | more))


def position(predicted: Tensor, target: Tensor, mask: Tensor, spread: Tensor = SPREAD) -> Tensor:
    return loss(position_by_curve(predicted, target, spread, mask))


def test_position_by_hand() -> None:
    """Errors 0.5 and 1 of spread 0.5 are 1 and 2 spreads; over two frames and two moving curves (1 + 4) / 4."""
    value = position(frames(0.5, 1.0), frames(0, 0), torch.tensor([[True, True]]))
    assert value.item() == pytest.approx(1.25)


def test_a_small_curve_counts_as_much_as_a_large_one() -> None:
    mask = torch.tensor([[True]])
    large = position(frames(0.5, curve=0), frames(0), mask)
    small = position(frames(0.1, curve=1), frames(0), mask)
    assert large.item() == pytest.approx(small.item()) == pytest.approx(0.5)


def test_still_curves_have_no_weight() -> None:
    """Whatever is predicted for a curve of spread 0; it is not divided by 0 either."""
    x = frames(7.0, curve=9).requires_grad_()
    value = position(x, frames(0), torch.tensor([[True]]))
    value.backward()
    assert value.item() == 0 and x.grad is not None and not x.grad.any()
    nothing_moves = position(x, frames(0), torch.tensor([[True]]), torch.zeros(52))
    assert nothing_moves.item() == 0


@pytest.mark.parametrize("value", [3.0, float("nan"), float("inf")])
def test_masked_frames_have_no_value_and_no_gradient(value: float) -> None:
    """Even where the target there is not a number."""
    x = frames(0.5, 0.5).requires_grad_()
    found = position(x, frames(0, value), torch.tensor([[True, False]]))
    found.backward()
    assert found.item() == pytest.approx(0.5)
    assert x.grad is not None and x.grad.isfinite().all() and x.grad[0, 0].any() and not x.grad[0, 1].any()
    y = frames(0.0, 0.5, 0.5).requires_grad_()
    velocity(y, frames(0, 0, value), mask=torch.tensor([[True, True, False]])).backward()
    assert y.grad is not None and y.grad.isfinite().all() and y.grad[0, 1].any() and not y.grad[0, 2].any()


def test_a_batch_without_a_tracked_frame_teaches_nothing() -> None:
    x = frames(0.5, 1.0).requires_grad_()
    nowhere = torch.zeros(1, 2, dtype=torch.bool)
    value = position(x, frames(0, 0), nowhere) + velocity(x, frames(0, 0), mask=nowhere)
    value.backward()
    assert value.item() == 0 and x.grad is not None and not x.grad.any()


def test_position_takes_clips_without_streams() -> None:
    value = position(frames(0.5, 1.0)[0], frames(0, 0)[0], torch.tensor([True, True]))
    assert value.item() == pytest.approx(1.25)


def test_velocity_by_hand() -> None:
    """The prediction rises by 0.5 and 0, the truth by 0 and 0: 1 and 0 spreads a frame, over two curves: 1 / 4."""
    assert velocity(frames(0, 0.5, 0.5), frames(0, 0, 0)).item() == pytest.approx(0.25)


def test_velocity_is_blind_to_an_offset() -> None:
    assert velocity(frames(0.3, 0.8, 0.4), frames(0.1, 0.6, 0.2)).item() == pytest.approx(0, abs=1e-12)


def test_velocity_is_a_frame() -> None:
    """The same change over a gap of 2 frames is half the velocity, a quarter of the loss."""
    at_once = velocity(frames(0, 0.5), frames(0, 0))
    slowly = velocity(frames(0, 0.5), frames(0, 0), gap_frames=torch.tensor([[0, 2]]))
    assert slowly.item() == pytest.approx(at_once.item() / 4) == pytest.approx(0.125)


@pytest.mark.parametrize(
    "more",
    [
        {"reset": torch.tensor([[False, True]])},
        {"gap_frames": torch.tensor([[1, LARGEST_VELOCITY_GAP_FRAMES + 1]])},
        {"gap_frames": torch.tensor([[1, 0]])},
        {"mask": torch.tensor([[False, True]])},
        {"mask": torch.tensor([[True, False]])},
    ],
)
def test_pairs_that_do_not_follow_each_other_do_not_count(more: dict[str, Tensor]) -> None:
    """Across a reset, over more than 4 frames, and where one of the two was not tracked: no value, no gradient."""
    x = frames(0, 0.5).requires_grad_()
    value = velocity(x, frames(0, 0), **more)
    value.backward()
    assert value.item() == 0 and x.grad is not None and not x.grad.any()


def test_pairs_at_the_largest_gap_and_after_a_reset_count() -> None:
    """A reset of the first row says nothing about the pair that follows it."""
    gap = torch.tensor([[0, LARGEST_VELOCITY_GAP_FRAMES]])
    value = velocity(frames(0, 0.5), frames(0, 0), gap_frames=gap, reset=torch.tensor([[True, False]]))
    assert value.item() == pytest.approx(0.5 / LARGEST_VELOCITY_GAP_FRAMES**2)


def test_streams_are_not_joined() -> None:
    """The last frame of one stream and the first of the next are no pair."""
    x = frames(0, 0, streams=2)
    x[1] += 0.5
    assert velocity(x, frames(0, 0, streams=2)).item() == 0


def test_one_frame_a_stream_has_no_velocity() -> None:
    assert velocity(frames(0.5), frames(0)).item() == 0
