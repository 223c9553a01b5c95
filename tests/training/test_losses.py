"""Losses by hand, in units of each curve's spread; what does not count has no value and no gradient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from koekao.training.losses import LARGEST_VELOCITY_GAP_FRAMES, correlation_loss, position_loss, velocity_loss

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
    return velocity_loss(predicted, target, SPREAD, **values | more)


def test_position_by_hand() -> None:
    """Errors 0.5 and 1 of spread 0.5 are 1 and 2 spreads; over two frames and two moving curves (1 + 4) / 4."""
    loss = position_loss(frames(0.5, 1.0), frames(0, 0), SPREAD, torch.tensor([[True, True]]))
    assert loss.item() == pytest.approx(1.25)


def test_a_small_curve_counts_as_much_as_a_large_one() -> None:
    mask = torch.tensor([[True]])
    large = position_loss(frames(0.5, curve=0), frames(0), SPREAD, mask)
    small = position_loss(frames(0.1, curve=1), frames(0), SPREAD, mask)
    assert large.item() == pytest.approx(small.item()) == pytest.approx(0.5)


def test_still_curves_have_no_weight() -> None:
    """Whatever is predicted for a curve of spread 0; it is not divided by 0 either."""
    x = frames(7.0, curve=9).requires_grad_()
    loss = position_loss(x, frames(0), SPREAD, torch.tensor([[True]]))
    loss.backward()
    assert loss.item() == 0 and x.grad is not None and not x.grad.any()
    nothing_moves = position_loss(x, frames(0), torch.zeros(52), torch.tensor([[True]]))
    assert nothing_moves.item() == 0


@pytest.mark.parametrize("value", [3.0, float("nan"), float("inf")])
def test_masked_frames_have_no_value_and_no_gradient(value: float) -> None:
    """Even where the target there is not a number."""
    x = frames(0.5, 0.5).requires_grad_()
    loss = position_loss(x, frames(0, value), SPREAD, torch.tensor([[True, False]]))
    loss.backward()
    assert loss.item() == pytest.approx(0.5)
    assert x.grad is not None and x.grad.isfinite().all() and x.grad[0, 0].any() and not x.grad[0, 1].any()
    y = frames(0.0, 0.5, 0.5).requires_grad_()
    velocity(y, frames(0, 0, value), mask=torch.tensor([[True, True, False]])).backward()
    assert y.grad is not None and y.grad.isfinite().all() and y.grad[0, 1].any() and not y.grad[0, 2].any()


def test_a_batch_without_a_tracked_frame_teaches_nothing() -> None:
    x = frames(0.5, 1.0).requires_grad_()
    nowhere = torch.zeros(1, 2, dtype=torch.bool)
    loss = position_loss(x, frames(0, 0), SPREAD, nowhere) + velocity(x, frames(0, 0), mask=nowhere)
    loss.backward()
    assert loss.item() == 0 and x.grad is not None and not x.grad.any()


def test_position_takes_clips_without_streams() -> None:
    loss = position_loss(frames(0.5, 1.0)[0], frames(0, 0)[0], SPREAD, torch.tensor([True, True]))
    assert loss.item() == pytest.approx(1.25)


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
    loss = velocity(x, frames(0, 0), **more)
    loss.backward()
    assert loss.item() == 0 and x.grad is not None and not x.grad.any()


def test_pairs_at_the_largest_gap_and_after_a_reset_count() -> None:
    """A reset of the first row says nothing about the pair that follows it."""
    gap = torch.tensor([[0, LARGEST_VELOCITY_GAP_FRAMES]])
    loss = velocity(frames(0, 0.5), frames(0, 0), gap_frames=gap, reset=torch.tensor([[True, False]]))
    assert loss.item() == pytest.approx(0.5 / LARGEST_VELOCITY_GAP_FRAMES**2)


def test_streams_are_not_joined() -> None:
    """The last frame of one stream and the first of the next are no pair."""
    x = frames(0, 0, streams=2)
    x[1] += 0.5
    assert velocity(x, frames(0, 0, streams=2)).item() == 0


def test_one_frame_a_stream_has_no_velocity() -> None:
    assert velocity(frames(0.5), frames(0)).item() == 0


# --- correlation


def correlation(predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> float:
    everything = torch.ones(predicted.shape[:2], dtype=torch.bool)
    spread = torch.where(torch.arange(52) == 0, 0.001, 0.0)  # small, so that what stands in for 0 / 0 does not show
    return correlation_loss(predicted, target, spread, everything if mask is None else mask).item()


def test_correlation_by_hand() -> None:
    """(1, 2, 3) against (1, 3, 2): r = 0.5; whatever the size and the offset, opposed 2, and 1 for a still face."""
    target = frames(1, 3, 2)
    assert correlation(frames(1, 2, 3), target) == pytest.approx(0.5, abs=1e-4)
    assert correlation(frames(5.1, 5.2, 5.3), target) == pytest.approx(0.5, abs=1e-4)
    assert correlation(2 * target, target) == pytest.approx(0, abs=1e-4)
    assert correlation(-target, target) == pytest.approx(2, abs=1e-4)
    assert correlation(frames(4, 4, 4), target) == 1


def test_windows_are_centred_by_themselves_and_weighed_by_how_they_move() -> None:
    """Moments of (-1, 1) with (-1, 1) and of (-3, 3) with (3, -3): r = (2 - 18) / sqrt(20 * 20)."""
    predicted = torch.cat([frames(0, 2), frames(10, 16)])
    target = torch.cat([frames(7, 9), frames(6, 0)])
    assert correlation(predicted, target) == pytest.approx(1.8, abs=1e-4)


def test_correlation_counts_moving_curves_and_masked_frames_alone() -> None:
    """Frames that do not count may be no numbers; there is a finite gradient even of a still prediction."""
    mask = torch.tensor([[True, True, True, False]])
    target = frames(1, 3, 2, float("nan"))
    x = frames(1, 2, 3, 7).requires_grad_()
    loss = correlation_loss(x, target, SPREAD, mask)
    loss.backward()
    assert loss.item() == pytest.approx((0.5 + 1) / 2, abs=1e-3)  # the second curve of SPREAD rests: r = 0
    assert x.grad is not None and x.grad.isfinite().all() and x.grad[0, :3, 0].any() and not x.grad[0, 3].any()
    still = frames(1, 1, 1, 1).requires_grad_()
    correlation_loss(still, target, SPREAD, mask).backward()
    assert still.grad is not None and still.grad.isfinite().all()
    assert correlation_loss(x, target, torch.zeros(52), mask).item() == 0
