"""The copy itself, as it is called: windows out of the map into a batch in one pass of machine code.

What is to be done is said in whole numbers: counts, and addresses of int64 arrays whose columns and entries
:mod:`koekao.batches.numbering` names. How it is done stands in :mod:`koekao.batches.kernel_source`.

What it gives up: addresses are believed. Whoever makes the table (:mod:`koekao.batches.sources`) has checked that every
window lies inside its take, and every take inside its shard.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from koekao.batches import numbering
from koekao.compiled import MachineCode

_code = MachineCode(
    "koekao.batches.kernel_source",
    {"fill": 1, "fill_ahead": 1, "permit": 1, "look": 1},
    numbers="koekao.batches.numbering",
)

fill = _code["fill"]
"""``fill(order.at)``: copy the windows of ``N_ROWS`` lines of the table to a batch, with 0 past the end of a take."""

fill_ahead = _code["fill_ahead"]
"""``fill_ahead(order.at)``: give the leave that the order gives, then make rows as long as there is some, one after the
other, shared with whoever else does so.

Rows are counted from the beginning of an iteration: row r belongs to its batch ``r // N_ROWS``, which is made at place
``(TURN + r // N_ROWS) % N_PLACES`` of the ring. It is over when the batch at place ``UNTIL`` is made, which ``IS_MADE``
then says, and after ``LOOKS`` looks for leave, or for that batch, when there is nothing to do."""

permit = _code.brief("permit")
"""``permit(order.at)``: give leave for the first ``LEAVE`` rows of an iteration; nothing of them is made yet."""

look = _code.brief("look")
"""``look(order.at)``: let ``IS_MADE`` say whether the batch at place ``UNTIL`` is made."""


class Order:
    """What the gather is to do: numbers that stay where they are from call to call.

    A call with fourteen arguments took three microseconds and more, where a batch takes forty; one that finds them in
    memory takes a third of one, and only what is new must be said.

    Attributes:
        say: the numbers, by the entries that :mod:`koekao.batches.numbering` names; 0 where nothing was said.
        at: where they lie.
        held: what must not be freed as long as its addresses stand in the order.
    """

    def __init__(self) -> None:
        self.held: Any = None
        self._numbers = np.zeros(numbering.N_ORDERED, np.int64)
        self.say = memoryview(self._numbers)  # type: ignore[arg-type]  # which is faster than the array
        self.at = ctypes.c_int64(self._numbers.ctypes.data)  # so is a number that need not be made one of C's each time
