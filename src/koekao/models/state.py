"""Temporal state: plain tensors ``[B, ...]`` by name, one row a stream.

A row's state is a fact about one stream, so everything here works by row: a reset touches the rows that a mask names
and no other, and a row that is not active keeps its state to the bit. There is no state inside a module.
"""

from __future__ import annotations

import torch
from torch import Tensor

from koekao.errors import ModelError

State = dict[str, Tensor]
"""Tensors whose first dimension is the row. Save and restore it like any dictionary of tensors."""


def reset_rows(state: State, fresh: State, mask: Tensor) -> State:
    """``state`` with the rows where ``mask`` (``[B]`` bool) is true replaced by those of ``fresh``."""
    return choose_rows(mask, fresh, state)


def choose_rows(mask: Tensor, chosen: State, otherwise: State) -> State:
    """Row by row: ``chosen`` where ``mask`` (``[B]`` bool) is true, else ``otherwise``."""
    check_rows(chosen, len(mask))
    check_rows(otherwise, len(mask))
    return {
        name: torch.where(mask.view(-1, *[1] * (value.dim() - 1)), chosen[name], value)
        for name, value in otherwise.items()
    }


def check_rows(state: State, n_rows: int) -> None:
    """Raise ModelError if ``state`` is not that of ``n_rows`` streams: somebody else's state must not be used."""
    for name, value in state.items():
        if value.dim() == 0 or len(value) != n_rows:
            raise ModelError(
                f"temporal state {name!r} has shape {tuple(value.shape)}",
                expected=f"{n_rows} rows, one a stream",
                do="make a new state with init_state for these streams",
            )


def detached(state: State) -> State:
    """The same values with no gradient behind them: where training cuts the past off between steps."""
    return {name: value.detach() for name, value in state.items()}
