"""Law: an order is a bijection that depends on nothing but its name, and looks like chance."""

from __future__ import annotations

import time

import numpy as np
import pytest

from koekao.windows.keyed import Permutation, draw_below, keys, mix64, window_generator


@pytest.mark.parametrize("n", [*range(1, 70), 255, 256, 257, 1000, 4097, 65536, 100_003])
def test_every_entry_comes_once(n: int) -> None:
    order = Permutation(n, "test", 0)(np.arange(n))
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(n))


def test_nothing_is_ordered_too() -> None:
    assert Permutation(0, "test")(np.arange(0)).tolist() == []


def test_golden_order() -> None:
    assert Permutation(10, "golden", 0)(np.arange(10)).tolist() == [8, 2, 1, 0, 5, 4, 7, 3, 6, 9]
    assert [Permutation(n, "golden", 0)(np.arange(n)).tolist() for n in (2, 3, 4, 5)] == [
        [1, 0],
        [1, 0, 2],
        [2, 0, 1, 3],
        [4, 2, 1, 0, 3],
    ]
    assert Permutation(17, "golden", 0)(np.arange(17)).tolist() == [
        *(13, 6, 10, 0, 3, 5, 12, 9, 16, 7, 11, 15, 1, 14, 8, 4, 2),
    ]
    assert Permutation(1_000_000_007, "golden", 0)(np.arange(4)).tolist() == [
        741285495,
        999310506,
        494526147,
        691176653,
    ]
    assert draw_below(np.array([1, 10, 1000, 2**32]), "golden", 1).tolist() == [0, 5, 385, 3500378294]
    assert keys(2, "golden", 3).tolist() == [5861572948222016188, 9714856833091887471]
    assert mix64(np.array([1], np.uint64)).tolist() == [0x5692161D100B05E5]  # SplitMix64's finaliser at 1


def test_the_answer_has_the_shape_of_the_question() -> None:
    order = Permutation(5, "shape")
    all_five = order(np.arange(5))
    assert [int(order(np.int64(i))) for i in range(5)] == all_five.tolist()
    assert order(np.int64(3)).shape == ()
    assert np.array_equal(order(np.array([[0, 1], [4, 4]], np.int32)), all_five[[[0, 1], [4, 4]]])


def test_asking_does_not_change_the_question() -> None:
    index = np.arange(7)
    Permutation(7, "test")(index)
    assert index.tolist() == list(range(7))


@pytest.mark.parametrize("n", [1, 2, 7, 65_535, 65_536, 65_537, 200_000])
def test_all_entries_at_once_are_those_by_place(n: int) -> None:
    order = Permutation(n, "test")
    assert order.all().dtype == np.int32
    assert np.array_equal(order.all(), order(np.arange(n)))


def test_other_names_give_other_orders() -> None:
    orders = [
        tuple(Permutation(n, *what)(np.arange(50)).tolist())
        for n, *what in ((50, "a", 0, 0), (50, "a", 0, 1), (50, "a", 1, 0), (50, "b", 0, 0), (51, "a", 0, 0))
    ]
    assert len(set(orders)) == len(orders)


def test_an_entry_of_a_billion_is_found_at_once_and_without_memory() -> None:
    began = time.perf_counter()
    order = Permutation(10**9, "test")
    entries = order(np.array([0, 10**9 - 1, 123_456_789]))
    assert time.perf_counter() - began < 0.5
    assert len(set(entries.tolist())) == 3
    assert ((entries >= 0) & (entries < 10**9)).all()


def test_every_place_gets_every_entry_about_as_often() -> None:
    n, trials = 10, 3000
    counts = np.zeros((n, n))
    for trial in range(trials):
        counts[np.arange(n), Permutation(n, "chance", trial)(np.arange(n))] += 1
    expected = trials / n
    chi_square = ((counts - expected) ** 2 / expected).sum(axis=1)
    assert chi_square.max() < 40, chi_square  # 9 degrees of freedom: above 40 once in 100 000


def test_neighbours_do_not_stay_neighbours() -> None:
    order = Permutation(100_000, "test")(np.arange(100_000))
    steps = np.abs(np.diff(order))
    assert 0.32 < steps.mean() / 100_000 < 0.35  # a third, for chance
    assert (steps == 1).sum() < 20


def test_draws_lie_below_their_widths_and_spread_evenly() -> None:
    widths = np.tile(np.array([1, 2, 7, 1000]), 20_000)
    drawn = draw_below(widths, "test", 5)
    assert drawn.dtype == np.int64
    assert ((drawn >= 0) & (drawn < widths)).all()
    sevens = np.bincount(drawn[widths == 7], minlength=7)
    assert sevens.min() > 20_000 / 7 * 0.93 and sevens.max() < 20_000 / 7 * 1.07
    assert not np.array_equal(drawn, draw_below(widths, "test", 6))
    assert np.array_equal(drawn, draw_below(widths, "test", 5))


def test_what_is_drawn_for_a_window_depends_on_the_window_alone() -> None:
    whole = np.int64(0), np.int32(1), np.uint8(2), np.int64(3)
    assert window_generator(0, 1, 2, 3).integers(0, 2**32, 3).tolist() == [838706108, 149449906, 3604674852]
    assert window_generator(*whole).random() == window_generator(0, 1, 2, 3).random()
    others = [(1, 1, 2, 3), (0, 2, 2, 3), (0, 1, 3, 3), (0, 1, 2, 4), (0, 12, 3, 0), (0, 1, 23, 0)]
    assert len({window_generator(*window).random() for window in [(0, 1, 2, 3), *others]}) == 7
