"""Smoothing: y = a^g * y_before + (1 - a^g) * x by row, from hand-computed numbers."""

from __future__ import annotations

import pytest
import torch

from koekao.errors import ModelError
from koekao.models import TemporalSmoothing

ALPHA = 0.25


@pytest.fixture
def smoothing() -> TemporalSmoothing:
    return TemporalSmoothing(ALPHA)


def frames(*values: float) -> torch.Tensor:
    """One stream, its 52 curves all the same."""
    return torch.tensor(values).reshape(1, -1, 1).expand(1, -1, 52)


def test_the_weight_is_what_it_was_asked_to_be(smoothing: TemporalSmoothing) -> None:
    torch.testing.assert_close(smoothing.alpha, torch.full((52,), ALPHA))
    assert [name for name, _ in smoothing.named_parameters()] == ["logit"]


def test_a_stream_by_hand(smoothing: TemporalSmoothing) -> None:
    """The first frame passes; then 0.25 * 1 + 0.75 * 0 = 0.25; then 0.25 * 0.25 + 0.75 * 1 = 0.8125."""
    y, state = smoothing.step(frames(1, 0, 1), smoothing.init_state(1))
    torch.testing.assert_close(y, frames(1, 0.25, 0.8125))
    torch.testing.assert_close(state["previous"], frames(0.8125)[:, 0])
    assert state["started"].all()


def test_the_first_frame_passes_to_the_bit(smoothing: TemporalSmoothing) -> None:
    x = torch.rand(4, 1, 52)
    y, _ = smoothing.step(x, smoothing.init_state(4))
    assert torch.equal(y, x)


def test_each_curve_has_its_own_weight(smoothing: TemporalSmoothing) -> None:
    with torch.no_grad():
        smoothing.logit[3] = torch.logit(torch.tensor(0.9))
    y, _ = smoothing.step(frames(1, 0), smoothing.init_state(1))
    torch.testing.assert_close(y[0, 1, 3], torch.tensor(0.9))
    torch.testing.assert_close(y[0, 1, 4], torch.tensor(ALPHA))


@pytest.mark.parametrize("gap", [1, 2, 3, 32])
def test_a_gap_of_g_frames_weighs_the_past_by_alpha_to_the_g(smoothing: TemporalSmoothing, gap: int) -> None:
    y, _ = smoothing.step(frames(1, 0), smoothing.init_state(1), gap_frames=torch.tensor([[0, gap]]))
    torch.testing.assert_close(y[:, 1], torch.full((1, 52), ALPHA**gap))


def test_a_gap_over_a_still_input_is_so_many_steps(smoothing: TemporalSmoothing) -> None:
    """Three frames of one value, step by step, are one step of gap 3 with that value."""
    slow, _ = smoothing.step(frames(1, 0.5, 0.5, 0.5), smoothing.init_state(1))
    fast, _ = smoothing.step(frames(1, 0.5), smoothing.init_state(1), gap_frames=torch.tensor([[0, 3]]))
    torch.testing.assert_close(fast[:, 1], slow[:, 3])


def test_in_pieces_as_at_once(smoothing: TemporalSmoothing) -> None:
    x = torch.rand(3, 7, 52)
    whole, end = smoothing.step(x, smoothing.init_state(3))
    state, parts = smoothing.init_state(3), []
    for piece in x.split([1, 2, 4], 1):
        y, state = smoothing.step(piece, state)
        parts.append(y)
    assert torch.equal(torch.cat(parts, 1), whole)
    assert all(torch.equal(state[name], end[name]) for name in end)


def test_no_frames_leave_the_state_as_it_is(smoothing: TemporalSmoothing) -> None:
    _, state = smoothing.step(torch.rand(2, 3, 52), smoothing.init_state(2))
    y, after = smoothing.step(torch.rand(2, 0, 52), state)
    assert y.shape == (2, 0, 52)
    assert all(torch.equal(after[name], state[name]) for name in state)


def test_a_reset_row_starts_anew_and_the_others_do_not_notice(smoothing: TemporalSmoothing) -> None:
    x, reset = torch.rand(3, 6, 52), torch.zeros(3, 6, dtype=torch.bool)
    reset[1, 3] = True
    y, _ = smoothing.step(x, smoothing.init_state(3), reset=reset)
    plain, _ = smoothing.step(x, smoothing.init_state(3))
    fresh, _ = smoothing.step(x[1:2, 3:], smoothing.init_state(1))
    assert torch.equal(y[[0, 2]], plain[[0, 2]])
    assert torch.equal(y[1, :3], plain[1, :3])
    assert torch.equal(y[1, 3:], fresh[0])
    assert not torch.equal(y[1, 3:], plain[1, 3:])


def test_a_reset_before_the_first_frame_of_a_used_state(smoothing: TemporalSmoothing) -> None:
    _, used = smoothing.step(torch.rand(2, 3, 52), smoothing.init_state(2))
    x = torch.rand(2, 2, 52)
    y, _ = smoothing.step(x, used, reset=torch.tensor([[True, False], [False, False]]))
    assert torch.equal(y[0, 0], x[0, 0])
    assert not torch.equal(y[1, 0], x[1, 0])


def test_a_row_that_is_not_active_was_never_fed(smoothing: TemporalSmoothing) -> None:
    """Its state does not move by a bit, its input passes, and what follows goes on from before."""
    _, before = smoothing.step(torch.rand(2, 3, 52), smoothing.init_state(2))
    x, active = torch.rand(2, 3, 52), torch.tensor([[True, True, True], [False, False, False]])
    x[1] = float("nan")  # whatever stands in a padding row
    y, after = smoothing.step(x, before, active=active)
    assert all(torch.equal(after[name][1], before[name][1]) for name in before)
    assert y[1].isnan().all()
    alone, _ = smoothing.step(x[:1], {name: value[:1] for name, value in before.items()})
    assert torch.equal(y[:1], alone)
    never, _ = smoothing.step(torch.rand(1, 1, 52), smoothing.init_state(1), active=torch.tensor([[False]]))
    assert never.shape == (1, 1, 52)


def test_a_row_that_was_never_active_has_not_started(smoothing: TemporalSmoothing) -> None:
    _, state = smoothing.step(torch.rand(1, 2, 52), smoothing.init_state(1), active=torch.tensor([[False, False]]))
    assert not state["started"].any()
    x = torch.rand(1, 1, 52)
    assert torch.equal(smoothing.step(x, state)[0], x)


def test_a_row_depends_on_its_own_input_alone(smoothing: TemporalSmoothing) -> None:
    x = torch.rand(3, 4, 52)
    other = x.clone()
    other[1] = float("nan")
    y, _ = smoothing.step(x, smoothing.init_state(3))
    z, _ = smoothing.step(other, smoothing.init_state(3))
    assert torch.equal(y[[0, 2]], z[[0, 2]])


def test_the_state_given_is_left_as_it_was(smoothing: TemporalSmoothing) -> None:
    state = smoothing.init_state(2)
    smoothing.step(torch.rand(2, 3, 52), state)
    assert torch.equal(state["previous"], torch.zeros(2, 52)) and not state["started"].any()


def test_the_weight_learns(smoothing: TemporalSmoothing) -> None:
    """Where the past is right and the present is noise, more of the past lowers the error."""
    y, _ = smoothing.step(frames(1, 0), smoothing.init_state(1))
    (1 - y[:, 1]).square().sum().backward()
    assert smoothing.logit.grad is not None and (smoothing.logit.grad < 0).all()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_the_state_of_other_streams_is_refused(smoothing: TemporalSmoothing, rows: int) -> None:
    with pytest.raises(ModelError, match="expected 3 rows, one a stream"):
        smoothing.step(torch.rand(3, 1, 52), smoothing.init_state(rows))
