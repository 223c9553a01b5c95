"""Temporal state is by row: a reset touches the rows that a mask names, and no other by a single bit."""

from __future__ import annotations

import pytest
import torch

from koekao.errors import ModelError
from koekao.models.state import State, check_rows, choose_rows, detached, reset_rows


def state_of(value: float, rows: int = 3) -> State:
    """Of every kind: numbers by row, a tensor by row, booleans, whole numbers."""
    return {
        "past": torch.full((rows, 4, 2), value),
        "level": torch.full((rows,), value + 0.1),
        "started": torch.full((rows,), value > 0),
        "age": torch.full((rows,), int(value)),
    }


def test_a_reset_is_a_fresh_start_of_the_named_rows_alone() -> None:
    used, fresh = state_of(7.25), state_of(0.0)
    after = reset_rows(used, fresh, torch.tensor([False, True, False]))
    assert after.keys() == used.keys()
    for name in used:
        assert torch.equal(after[name][1], fresh[name][1])
        assert torch.equal(after[name][[0, 2]], used[name][[0, 2]])
        assert after[name].dtype == used[name].dtype


def test_the_states_given_are_left_as_they_were() -> None:
    used, fresh = state_of(7.0), state_of(0.0)
    reset_rows(used, fresh, torch.tensor([True, True, True]))
    assert all(torch.equal(used[name], state_of(7.0)[name]) for name in used)
    assert all(torch.equal(fresh[name], state_of(0.0)[name]) for name in fresh)


def test_nan_in_a_row_that_is_left_behind_does_not_come_along() -> None:
    broken = {"past": torch.full((2, 3), float("nan"))}
    after = choose_rows(torch.tensor([True, False]), {"past": torch.ones(2, 3)}, broken)
    assert torch.equal(after["past"][0], torch.ones(3))
    assert after["past"][1].isnan().all()


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_the_state_of_other_streams_is_refused(rows: int) -> None:
    """One row would broadcast to all streams without a word; it names the tensor and both numbers."""
    with pytest.raises(ModelError, match=r"'past' has shape \(\d, 4, 2\); expected 3 rows"):
        check_rows(state_of(1.0, rows), 3)
    for chosen, otherwise in ((state_of(0.0, rows), state_of(1.0)), (state_of(1.0), state_of(0.0, rows))):
        with pytest.raises(ModelError, match="expected 3 rows, one a stream"):
            choose_rows(torch.tensor([True, False, True]), chosen, otherwise)


def test_a_state_without_rows_is_refused() -> None:
    with pytest.raises(ModelError, match=r"'level' has shape \(\)"):
        check_rows({"level": torch.tensor(1.0)}, 1)
    check_rows({}, 5)


def test_detached_keeps_values_and_no_gradient() -> None:
    value = torch.ones(2, 3, requires_grad=True) * 2
    kept = detached({"past": value})
    assert torch.equal(kept["past"], value)
    assert value.requires_grad and not kept["past"].requires_grad
