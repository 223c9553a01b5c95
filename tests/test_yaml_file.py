"""A settings file as values and lines; what training and controls make of it has tests of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from koekao.errors import ConfigError
from koekao.yaml_file import is_a, read_yaml, said


def test_values_come_with_the_line_of_each_key(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1e-3\nb:\n  c: [1e2, x]\n\n  d: {e: true}\n5: six\n")
    values, lines = read_yaml(path, example="a: 1")
    assert values == {"a": 0.001, "b": {"c": [100.0, "x"], "d": {"e": True}}, "5": "six"}
    assert lines == {("a",): 1, ("b",): 2, ("b", "c"): 3, ("b", "d"): 5, ("b", "d", "e"): 5, ("5",): 6}


def test_the_reader_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file\n  -> look again"):
        read_yaml(tmp_path / "none.yaml", example="a: 1", do="look again")
    (tmp_path / "a.yaml").write_text("3\n")
    with pytest.raises(ConfigError, match="int; expected settings, as `a: 1`"):
        read_yaml(tmp_path / "a.yaml", example="a: 1")
    (tmp_path / "a.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(ConfigError, match="in UTF-8"):
        read_yaml(tmp_path / "a.yaml", example="a: 1")


@pytest.mark.parametrize(
    ("value", "kind", "is_one"),
    [
        (1, float, True),
        (True, float, False),
        (True, int, False),
        (1, bool, False),
        (1.5, int, False),
        (None, int | None, True),
        ("a", Literal["a", "b"], True),
        (1, Literal[True], False),
        ({}, dict[str, int], True),
    ],
)
def test_types_are_those_of_the_field(value: object, kind: object, is_one: bool) -> None:
    assert is_a(value, kind) == is_one


def test_types_in_words() -> None:
    assert said(float | None) == "a number or nothing (null)"
    assert said(Literal["a", "b"]) == "one of a, b"
