"""Law: a row of chance belongs to its seed, its purpose and its number, and to nothing that was asked before."""

from __future__ import annotations

import numpy as np

from koekao.controls.keyed import KeyedChance


def test_a_row_is_the_same_however_it_is_asked_for() -> None:
    whole = KeyedChance(7, 1, 3).rows(-64, 64 + 10_000)
    again = KeyedChance(7, 1, 3)
    for first, n in ((9_000, 5), (-3, 7), (60, 10), (0, 1), (9_000, 5)):
        np.testing.assert_array_equal(again.rows(first, n), whole[64 + first : 64 + first + n])


def test_another_seed_or_another_purpose_is_another_chance() -> None:
    """Or blinks would come when the eyes move."""
    drawn = [KeyedChance(seed, purpose, 3).rows(0, 100) for seed, purpose in ((7, 1), (7, 2), (8, 1))]
    assert all(not (one == other).any() for i, one in enumerate(drawn) for other in drawn[:i])
