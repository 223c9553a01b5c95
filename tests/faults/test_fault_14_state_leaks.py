"""Fault 14: what one take left behind is heard in the next. A row is reset, and one take after another is it alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_faces import SETTINGS, animators, face, speech, windows_of

from koekao.models import SequentialModel
from koekao.training.loss_weights import LossConfig
from koekao.training.losses import Judge
from koekao.training.tasks import SequentialTask

ONE, OTHER = speech(7), speech(8)


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_14_one_take_after_another_is_the_take_alone_to_the_bit(name: str) -> None:
    """In every row that is reset, finished or broken off; rows that are not reset go on."""
    rows = animators(name, 3)
    rows.push(np.stack([OTHER[:20_000]] * 3))
    rows.finish(np.array([True, False, False]))  # one take was over, one was broken off, one goes on
    rows.reset(np.array([True, True, False]))
    sound = np.stack([ONE[:16_000], ONE[:16_000], OTHER[20_000:36_000]])
    after = [rows.push(sound), rows.finish()]
    alone = animators(name, 3)
    alone.push(np.stack([np.zeros(20_000, np.float32)] * 2 + [OTHER[:20_000]]), np.array([0, 0, 20_000]))
    fresh = [alone.push(sound), alone.finish()]
    for row in range(3):
        seen, expected = (np.concatenate([part.of(row) for part in parts]) for parts in (after, fresh))
        assert len(expected) >= 28 and expected.std(0).max() > 0.01
        if row < 2:
            np.testing.assert_array_equal(seen, expected)
        else:  # its beginning was stepped beside other rows there and by itself here
            np.testing.assert_allclose(seen, expected, atol=1e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_14_without_the_reset_the_take_before_is_heard(name: str) -> None:
    """The fault is one that these models can have."""
    used, fresh = animators(name, 1), animators(name, 1)
    used.push(OTHER[None, :20_000])
    n = len(used.push(ONE[None, :16_000]).of(0))
    assert not np.array_equal(used.push(ONE[None, 16_000:20_000]).of(0), fresh.push(ONE[None, :20_000]).of(0)[n:])


@torch.no_grad()
def test_fault_14_in_training_a_take_that_begins_is_one_that_stands_alone() -> None:
    """Where the batch says ``reset``, within it and at its beginning; the neighbour stream does not notice."""
    model = face("sequential")
    assert isinstance(model, SequentialModel)

    def after(*batches: tuple[list[list[int]], list[list[bool]]]) -> torch.Tensor:
        task, outputs = SequentialTask(model, 2, Judge(LossConfig())), []
        for starts, resets in batches:
            output, task.state = task.predict(model, windows_of(model, starts, resets))
            outputs.append(output)
        return torch.cat(outputs, 1)

    begun = [[0, 3, 6, 9], [20, 23, 26, 29]], [[True, False, False, False]] * 2
    goes_on = [[False] * 4] * 2
    within = [[12, 15, 5, 8], [32, 35, 38, 41]]
    seen = after(begun, (within, [[False, False, True, False], goes_on[1]]))
    alone = after(begun, (within, [[True, False, True, False], goes_on[1]]))
    leaking = after(begun, (within, goes_on))
    assert torch.equal(seen[0, 6:], alone[0, 6:]) and not torch.equal(seen[0, 6:], leaking[0, 6:])
    assert torch.equal(seen[1], leaking[1])
    at_once = after(begun, (within, [[True, False, False, False], goes_on[1]]))
    first = after((within, [[True, False, False, False], [True, False, False, False]]))
    assert torch.equal(at_once[0, 4:], first[0]) and not torch.equal(leaking[0, 4:], first[0])
