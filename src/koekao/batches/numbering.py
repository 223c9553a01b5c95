"""The numbers in which the gather is told what to do: columns and entries of its int64 arrays.

A row is described by a line of whole numbers in a table (where its sound and frames lie in memory, how much of them is
real, and what else a batch says of it), a batch by the addresses of its arrays. So one call fills any number of rows of
any number of columns, without a Python object a row, and threads may share the rows of a table out among themselves.
"""

from __future__ import annotations

from enum import IntEnum


class Sound(IntEnum):
    """What becomes of the sound on its way: left out, converted from int16 to float32 in [-1, 1), or copied."""

    LEFT_OUT = 0
    INT16_TO_FLOAT32 = 1
    COPIED = 2


AT_SOUND, SAMPLES, VALID_FRAMES, TAKE_ID, START_FRAME, GAP_FRAMES, IS_DENSE, RESET = range(8)
"""Columns of the table (int64): address of the window's first sample, how many samples there are, what a batch says."""
FIRST_FRAME_COLUMN = 8
"""From here on one column for each frame column: the address of the window's first frame in it."""

TO_SOUND, TO_VALID_FRAMES, TO_TAKE_ID, TO_START_FRAME, TO_GAP_FRAMES, TO_IS_DENSE, TO_RESET = range(7)
"""Entries of a batch's addresses (int64); 0 where it has no such array. Its frame columns follow."""
FIRST_TO_FRAMES = 7

IN_SOUND, IN_SAMPLE_BYTES, IN_SAMPLES, IN_FRAMES, IN_COLUMNS = range(5)
"""Entries of the layout (int64): a :class:`Sound`, bytes of a delivered sample, samples and frames a window, number of
frame columns; then the bytes of a frame in each of these."""
FIRST_FRAME_BYTES = 5

LINES, LINE_BYTES, N_ROWS, TOGETHER, BY_TURNS, LAYOUT, TO = range(7)
"""Entries of an order (int64): where the table's line of the first row lies, bytes of a line, rows of a batch, how many
of them may be made together where they overlap, and how many where they lie apart, where the layout lies, and where the
addresses of the batch lie, or those of all places of a ring, one after the other."""
FIRST_ROW, END_ROW, TO_BYTES, N_PLACES, TURN, SIGNALS, LEAVE, UNTIL, LOOKS, IS_MADE = range(7, 17)
"""More of them, for batches that are made ahead: rows that the table has, counted from the beginning of an iteration;
bytes of one place's addresses, places of the ring, turn of the first batch, where the signals lie; how many rows there
is leave for; the place whose batch is waited for (-1: none), how often leave is looked for in vain, and the answer:
whether that batch is made."""
N_ORDERED = 17

PERMITTED, CLAIMED, FIRST_MADE, APART = 0, 8, 16, 8
"""Entries of the signals between threads (int64), each in a cache line of its own: rows that may be made, rows that
somebody has begun, and from ``FIRST_MADE`` on, for each place of a ring, how many rows of its batch are made."""
