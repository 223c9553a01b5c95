"""How fast a run learns at which step, and how many epochs fit into its time."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from koekao.training.schedule import MOST_EPOCHS, epochs_within, learning_rate


def test_the_learning_rate_by_hand() -> None:
    """10 warm-up steps of 100, then half a cosine over 90."""
    rate = [learning_rate(step, 100, peak=2.0, warmup=0.1) for step in range(101)]
    assert rate[0] == pytest.approx(0.2) and rate[4] == pytest.approx(1.0) and rate[9] == 2.0
    assert rate[10] == 2.0 and rate[55] == pytest.approx(1.0) and rate[40] == pytest.approx(1.5)
    assert rate[99] == pytest.approx(1 + math.cos(math.pi * 89 / 90)) and 0 < rate[99] < 0.001
    assert rate[100] == 0


@given(st.integers(1, 10**6), st.floats(0, 1), st.integers(0, 2 * 10**6))
@example(1, 0.0, 0)
@example(1, 1.0, 0)
@example(5, 0.0, 4)
def test_the_learning_rate_is_in_range_at_any_step(n_steps: int, warmup: float, step: int) -> None:
    """Above 0 within the run, never above the peak, 0 (and not negative) after it."""
    rate = learning_rate(step, n_steps, peak=0.5, warmup=warmup)
    assert 0 <= rate <= 0.5
    assert rate > 0 or step >= n_steps


@given(st.integers(2, 500), st.floats(0, 0.5))
def test_the_learning_rate_rises_and_then_falls(n_steps: int, warmup: float) -> None:
    rates = [learning_rate(step, n_steps, peak=1.0, warmup=warmup) for step in range(n_steps)]
    top = rates.index(1.0)
    assert rates[: top + 1] == sorted(rates[: top + 1]) and rates[top:] == sorted(rates[top:], reverse=True)


@given(lengths=st.lists(st.integers(0, 50), min_size=1, max_size=60), budget=st.floats(-10, 3000))
def test_the_most_epochs_that_fit(lengths: list[int], budget: float) -> None:
    """The run fits, a run of one more epoch does not; if not even one fits it is one."""

    def steps_of_run(epochs: int) -> int:
        whole, rest = divmod(epochs, len(lengths))
        return whole * sum(lengths) + sum(lengths[:rest])

    epochs = epochs_within(budget, steps_of_run)
    assert 1 <= epochs <= MOST_EPOCHS
    assert epochs == 1 or steps_of_run(epochs) <= budget
    assert epochs == MOST_EPOCHS or steps_of_run(epochs + 1) > budget


def test_epochs_by_hand() -> None:
    assert epochs_within(100, lambda epochs: 10 * epochs) == 10
    assert epochs_within(99.9, lambda epochs: 10 * epochs) == 9
    assert epochs_within(10, lambda epochs: 10 * epochs) == 1
    assert epochs_within(-5, lambda epochs: 10 * epochs) == 1
    assert epochs_within(math.inf, lambda epochs: 10 * epochs) == 2000


def test_few_plans_are_made_to_find_them() -> None:
    """Each question costs the plans of all those epochs, so there are some twenty and not thousands."""
    asked = []
    epochs_within(15_000, lambda epochs: asked.append(epochs) or 10 * epochs)
    assert len(asked) < 25 and max(asked) <= 2048
