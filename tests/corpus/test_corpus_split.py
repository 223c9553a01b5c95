"""Law: a unit (take or speaker) is in one split, whatever the order of the listing, and patterns mean what they say."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koekao.corpus.split import assign
from koekao.errors import ConfigError

NAMES = [f"s{i % 3}/t{i:02}" for i in range(30)]
SPEAKERS = [f"p{i % 10}" for i in range(30)]


@given(
    st.lists(st.text(max_size=5), min_size=1, max_size=60, unique=True),
    st.randoms(use_true_random=False),
    st.integers(0, 10),
    st.sampled_from(["take", "speaker"]),
)
def test_a_unit_is_in_one_split_whatever_the_order(names: list[str], rng: random.Random, seed: int, by: str) -> None:
    takes = [(name, f"p{len(name)}{i % 7}") for i, name in enumerate(names)]
    splits = dict(zip(takes, assign(*zip(*takes), by=by, val=0.2, test=0.2, seed=seed)))
    shuffled = rng.sample(takes, len(takes))
    assert dict(zip(shuffled, assign(*zip(*shuffled), by=by, val=0.2, test=0.2, seed=seed))) == splits
    units = {take[by == "speaker"] for take in takes}
    seen = {(take[by == "speaker"], split) for take, split in splits.items()}
    assert len(seen) == len(units), "a unit stands in two splits"
    assert "train" in splits.values()
    counts = [sum(split == held for _, split in seen) for held in ("val", "test")]
    assert counts == ([max(1, round(0.2 * len(units)))] * 2 if len(units) >= 5 else [0, 0])


def test_the_seed_decides_and_one_more_take_moves_few() -> None:
    first = assign(NAMES, SPEAKERS, val=0.3)
    assert first == assign(NAMES, SPEAKERS, val=0.3)
    assert first != assign(NAMES, SPEAKERS, val=0.3, seed=1)
    more = assign([*NAMES, "new"], [*SPEAKERS, "new"], val=0.3)
    assert sum(a != b for a, b in zip(first, more)) <= 1


def test_the_drawn_order_is_frozen() -> None:
    held = [name for name, split in zip(NAMES, assign(NAMES, SPEAKERS, val=0.1, seed=0)) if split == "val"]
    assert held == ["s0/t00", "s1/t01", "s0/t12"], "corpora packed again would be split differently"


@pytest.mark.parametrize(("n", "val"), [(1, 0), (4, 0), (5, 1), (10, 1), (30, 3)])
def test_a_small_corpus_is_all_for_training_and_from_five_takes_one_is_held_out(n: int, val: int) -> None:
    assert assign(NAMES[:n], SPEAKERS[:n]).count("val") == val


def test_patterns_hold_out_exactly_what_they_match() -> None:
    splits = assign(NAMES, SPEAKERS, val=["s0/*"], test=["s1/t01", "s1/t0[47]"])
    by_split = {split: {n for n, s in zip(NAMES, splits) if s == split} for split in ("train", "val", "test")}
    assert by_split["val"] == {name for name in NAMES if name.startswith("s0/")}
    assert by_split["test"] == {"s1/t01", "s1/t04", "s1/t07"}
    assert assign(["t[1]", "t1", "t2"], ["a"] * 3, val="t[1]") == ["val", "val", "train"], "as a name and as a pattern"
    speakers = assign(NAMES, SPEAKERS, by="speaker", val=["p3"])
    assert {s for s, split in zip(SPEAKERS, speakers) if split == "val"} == {"p3"}


def test_a_share_is_drawn_from_what_the_patterns_left() -> None:
    splits = assign(NAMES, SPEAKERS, val=0.1, test=["s0/*"])
    assert (splits.count("val"), splits.count("test")) == (3, 10)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"val": 1.0}, ["val=1.0", "below 1"]),
        ({"test": -0.1}, ["test=-0.1"]),
        ({"val": float("nan")}, ["val=nan"]),
        ({"val": 0.5, "test": 0.5}, ["all 30 takes are held out"]),
        ({"val": ["*"]}, ["all 30 takes are held out"]),
        ({"val": ["s0/t00"], "test": ["s0/*"]}, ["s0/t00", "for val and for test"]),
        ({"val": ["s0/t00", "s9/t0?"]}, ["val: no take matches 's9/t0?'", "did you mean s"]),
        ({"val": ["pp3"], "by": "speaker"}, ["no speaker matches 'pp3'", "p3"]),
    ],
)
def test_what_cannot_be_split_is_said(held: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        assign(NAMES, SPEAKERS, **held)  # type: ignore[arg-type]
    for word in words:
        assert word in str(caught.value)
