"""Law: names and labels read like the tuples of str that they stand for, whole or selected."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koekao.corpus.names import Labels, Names, Words

NAMES = tuple(f"s{i // 7}/tÄ{i:03}" for i in range(40))
SPEAKERS = tuple(f"p{i % 3}" for i in range(40))
ROWS = np.array([0, 3, 4, 17, 39])


def pairs() -> list[tuple[Words, tuple[str, ...]]]:
    names = Names(pa.array(NAMES))
    labels = Labels.of(pa.array(SPEAKERS).dictionary_encode())
    some = tuple(NAMES[row] for row in ROWS), tuple(SPEAKERS[row] for row in ROWS)
    selected = [(names.at(ROWS), some[0]), (labels.at(ROWS), some[1])]
    twice = [(names.at(ROWS).at(np.array([1, 4])), (NAMES[3], NAMES[39])), (labels.at(ROWS[:0]), ())]
    pickled = [(pickle.loads(pickle.dumps(words)), truth) for words, truth in selected]  # noqa: S301
    return [(names, NAMES), (labels, SPEAKERS), *selected, *twice, *pickled]


@pytest.mark.parametrize(("words", "truth"), pairs())
def test_they_read_like_a_tuple(words: Words, truth: tuple[str, ...]) -> None:
    n = len(truth)
    assert len(words) == n and tuple(words) == truth and list(words) == list(truth)
    assert words == truth and truth == words and (words != truth) is False and words == words[:]
    assert words != (*truth, "z") and words != list(truth) and hash(words) == hash(truth)
    assert [words[i] for i in range(-n, n)] == [truth[i] for i in range(-n, n)]
    assert all(type(word) is str for word in words)
    for wrong in (n, -n - 1, 10**30):
        with pytest.raises(IndexError):
            words[wrong]
    for name in (*NAMES, *SPEAKERS, "", "z", "s0"):
        assert (name in words, words.count(name)) == (name in truth, truth.count(name))
        if name in truth:
            assert words.index(name) == truth.index(name)
        else:
            with pytest.raises(ValueError):
                words.index(name)
    assert 3 not in words and None not in words
    assert list(reversed(words)) == list(reversed(truth))
    assert words + truth == truth + truth and words * 2 == truth * 2
    assert words[np.int64(n - 1)] == truth[n - 1] if n else True


@given(st.slices(50))
def test_a_slice_is_a_tuple(piece: slice) -> None:
    for words, truth in pairs()[:4]:
        assert words[piece] == truth[piece] and type(words[piece]) is tuple


def test_long_ones_are_read_in_pieces() -> None:
    truth = tuple(f"{i:06}" for i in range(10_000))
    assert tuple(Names(pa.array(truth))) == truth
    assert tuple(Names(pa.array(truth)).at(np.arange(1, 10_000))) == truth[1:]


def test_names_are_found_among_many() -> None:
    names = Names(pa.array(NAMES)).at(ROWS)
    assert names.among([NAMES[3], NAMES[5], "\udc80", "z"]).tolist() == [False, True, False, False, False]
    assert names.among([]).tolist() == [False] * 5
    near = Names(pa.array(NAMES)).near("s2/t", most=4)
    assert near == NAMES[12:16] and names.near("z", most=2) == (NAMES[17], NAMES[39])


def test_labels_are_looked_for_at_once() -> None:
    labels = Labels.of(pa.array(SPEAKERS).dictionary_encode())
    assert labels.where("p1").tolist() == [speaker == "p1" for speaker in SPEAKERS]
    assert not labels.where("p9").any()
    assert "p2" not in labels.at(np.array([0, 1])), "a word of takes that were left out"


def test_few_are_shown_of_many() -> None:
    assert repr(Names(pa.array(["a", "b"]))) == "('a', 'b')"
    assert repr(Names(pa.array(NAMES))).endswith("... 40 in all)")
