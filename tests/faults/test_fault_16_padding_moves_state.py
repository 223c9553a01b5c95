"""Fault 16: rows that only fill up a batch move the state of their stream. A frozen row is one that was never fed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small_faces import SETTINGS, animators, face, speech, windows_of

from koekao.models import SequentialModel
from koekao.training.loss_weights import LossConfig
from koekao.training.losses import Judge
from koekao.training.tasks import SequentialTask

BEGUN = [[0, 3, 6, 9], [20, 23, 26, 29]], [[True, False, False, False]] * 2
GOES_ON = [[12, 15, 18, 21], [32, 35, 38, 41]], [[False] * 4] * 2


def padded(batch: dict[str, Any], stream: int, first: int, gap: int = 0) -> dict[str, Any]:
    """From window ``first`` on the stream has no more: rows of nothing, and what lies in their memory is no sound."""
    batch["valid_frames"].view(2, 4)[stream, first:] = 0
    batch["gap_frames"].view(2, 4)[stream, first:] = gap
    batch["audio"].view(2, 4, -1)[stream, first:] = float("nan")
    return batch


@torch.no_grad()
@pytest.mark.parametrize("first", [0, 1, 2, 3])
@pytest.mark.parametrize("gap", [0, 3])
def test_fault_16_in_training_padding_rows_leave_state_and_neighbours_alone(first: int, gap: int) -> None:
    """Whatever is said of them: by a gap of 0, as loaders say it, the state would stay of itself."""
    model = face("sequential")
    assert isinstance(model, SequentialModel)
    task, whole = (SequentialTask(model, 2, Judge(LossConfig())) for _ in range(2))
    for one in (task, whole):
        _, one.state = one.predict(model, windows_of(model, *BEGUN))
    before = {name: value.clone() for name, value in task.state.items()}
    output, after = task.predict(model, padded(windows_of(model, *GOES_ON), 1, first, gap))
    full, full_after = whole.predict(model, windows_of(model, *GOES_ON))
    assert output.isfinite().all()
    assert torch.equal(output[1, :first], full[1, :first])
    frozen = before["previous"][1] if not first else full[1, first - 1]
    assert torch.equal(after["previous"][1], frozen)
    torch.testing.assert_close(output[0], full[0], atol=1e-6, rtol=0)  # fewer rows are multiplied in another order
    torch.testing.assert_close(after["previous"][0], full_after["previous"][0], atol=1e-6, rtol=0)


@torch.no_grad()
def test_fault_16_a_batch_of_nothing_moves_nothing() -> None:
    model = face("sequential")
    assert isinstance(model, SequentialModel)
    task = SequentialTask(model, 2, Judge(LossConfig()))
    _, task.state = task.predict(model, windows_of(model, *BEGUN))
    nothing = padded(padded(windows_of(model, *GOES_ON), 0, 0), 1, 0)
    _, after = task.predict(model, nothing)
    assert all(torch.equal(after[name], task.state[name]) for name in task.state)


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_16_a_live_row_that_gets_nothing_stays_to_the_bit(name: str) -> None:
    """While others are stepped, whatever lies in its place in the array; and goes on as if nothing had been."""
    rows, alone = animators(name, 2), animators(name, 2)
    sound = np.stack([speech(7)[:8000], speech(8)[:8000]])
    for one in (rows, alone):
        one.push(sound)
    before = rows.state_dict()
    rubbish = np.stack([speech(7)[8000:12_000], np.full(4000, np.nan, np.float32)])
    ready = rows.push(rubbish, np.array([4000, 0]))
    assert ready.n_ready[1] == 0 and ready.n_ready[0] > 0
    after = rows.state_dict()
    for key, value in before.items():
        if key != "waiting":  # is as wide as the longest
            np.testing.assert_array_equal(after[key][1], value[1])
    rest = speech(8)[8000:16_000]
    both = np.stack([rest, rest])
    only = np.array([0, 8000])
    np.testing.assert_array_equal(rows.push(both, only).of(1), alone.push(both, only).of(1))
