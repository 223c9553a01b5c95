"""The copy itself, as it is called: windows out of the map into a batch in one pass of machine code.

Arguments are whole numbers: counts, and addresses of int64 arrays whose columns and entries
:mod:`koekao.batches.numbering` names. What is done with them stands in :mod:`koekao.batches.kernel_source`.

What it gives up: addresses are believed. Whoever makes the table (:mod:`koekao.batches.sources`) has checked that every
window lies inside its take, and every take inside its shard.
"""

from __future__ import annotations

from koekao.compiled import MachineCode

_code = MachineCode(
    "koekao.batches.kernel_source",
    {"fill": 6, "fill_ahead": 14, "permit": 3, "is_made": 3},
    numbers="koekao.batches.numbering",
)

fill = _code["fill"]
"""``fill(table, width, first, count, layout, to)``: copy the windows of rows ``first .. first+count-1`` of the table,
which is ``width`` numbers wide, to rows ``0 .. count-1`` of the arrays at ``to``. Past the end of a take there is 0."""

fill_ahead = _code["fill_ahead"]
"""``fill_ahead(table, width, first_row, end_row, at, n_rows, layout, ring, ring_width, n_places, turn, signals, until,
spins)``: make rows as long as there is leave, one after the other, shared with whoever else does so.

Rows are counted from the beginning of an iteration: row r belongs to its batch ``r // n_rows``, which is made at place
``(turn + r // n_rows) % n_places`` of the ``ring``, addresses of ``[n_places, ring_width]``. The table has rows
``first_row .. end_row-1``, the first of them at its row ``at``. It stops where the batch at place ``until`` is made
(-1: whatever is made), and after ``spins`` looks for leave, or for that batch, when there is nothing to do."""

permit = _code.brief("permit")
"""``permit(signals, place, rows)``: nothing is made of the batch at ``place`` yet; leave to make the first ``rows``."""

is_made = _code.brief("is_made")
"""``is_made(signals, place, n_rows)``: whether (1 or 0) all rows of the batch at ``place`` are made."""
