"""Tables that are read as they are and as Markdown, and words of which Markdown reads nothing."""

from __future__ import annotations

from koekao.training.markdown import code, table


def test_words_stand_left_and_numbers_right() -> None:
    made = table(["curve", "r", "what"], [["jawOpen", "0.5", "jaw"], ["x", "-0.125", "a"]], n_left=1, left_last=True)
    assert made == [
        "| curve   |      r | what |",
        "| ------- | -----: | ---- |",
        "| jawOpen |    0.5 | jaw  |",
        "| x       | -0.125 | a    |",
    ]
    assert table(["a", "b"], [["1", "2"]], n_left=1) == ["| a   |   b |", "| --- | --: |", "| 1   |   2 |"]
    assert table(["a", "b"], [["1", "2"]]) == ["| a   | b   |", "| --- | --- |", "| 1   | 2   |"]


def test_a_cell_stays_one_cell() -> None:
    """As names may be whatever a file system lets them be."""
    assert table(["take"], [["a|b\nc"]])[2] == "| a\\|b c |"


def test_words_are_read_as_they_are() -> None:
    assert [code(text) for text in ("a*b", "a`b", "``a`")] == ["`a*b`", "`` a`b ``", "``` ``a` ```"]
