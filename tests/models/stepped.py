"""What holds of every model that steps, whatever it sees: laws that the tests of each hold it to."""

from __future__ import annotations

from typing import Any

import torch

from koekao.models import FaceModel
from koekao.models.state import choose_rows


def three_rows(speech: Any) -> torch.Tensor:
    """``[3, 16000]``: three seconds of speech as three streams."""
    return torch.from_numpy(speech[:48_000]).reshape(3, 16_000)


@torch.no_grad()
def assert_pieces_are_the_whole(model: FaceModel, seen: torch.Tensor) -> None:
    """``seen`` ``[1, 40, ...]`` frame by frame, and in uneven pieces, gives the curves and the state of one step."""
    whole, end = model.step(seen, model.init_state(1))
    for sizes in ([1] * 40, [7, 1, 30, 2]):
        state, parts = model.init_state(1), []
        for piece in seen.split(sizes, 1):
            curves, state = model.step(piece, state)
            parts.append(curves)
        torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)
        for name in end:
            torch.testing.assert_close(state[name], end[name], atol=1e-5, rtol=0)


@torch.no_grad()
def assert_a_padded_row_does_not_move(model: FaceModel, seen: torch.Tensor) -> None:
    """What a row of ``seen`` ``[3, T, ...]`` that is not there is fed goes into no state, and no other row hears it."""
    _, before = model.step(seen[:, :12], model.init_state(3))
    padded = seen[:, 12:].clone()
    padded[1] = 9.0
    active = torch.tensor([True, False, True])
    curves, moved = model.step(padded, before)
    straight, other = model.step(seen[:, 12:], before)
    kept = choose_rows(active, moved, before)
    for name in before:
        assert torch.equal(kept[name][1], before[name][1]) and torch.equal(kept[name][active], other[name][active])
    assert torch.equal(curves[active], straight[active])
