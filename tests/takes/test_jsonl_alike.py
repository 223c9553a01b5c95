"""The law: reading all lines at once gives what reading line by line gives, to the bit, or leaves the file to it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.formats import jsonl
from koekao.takes.formats.jsonl_alike import rows_alike
from koekao.takes.source import TextFile
from koekao.takes.take import Source
from take_files import curves, jsonl_line, named

NAMES = list(arkit.NAMES)


def outcome(text: str, order: str | None = None) -> tuple[Any, ...]:
    """All that a reader says of a file: its numbers as bytes and its notes, or its error."""
    file = TextFile(path="a.jsonl", text=text, source=Source(path="", size=0, sha256=""))
    try:
        track = jsonl.read_jsonl(file, order=order)
    except CurvesError as error:
        return type(error), str(error)
    return track.time_s.tobytes(), track.values.tobytes(), track.tracked.tobytes(), track.notes


def outcome_line_by_line(text: str, order: str | None = None) -> tuple[Any, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl, "rows_alike", lambda *_: None)
        return outcome(text, order)


def is_read_at_once(text: str) -> bool:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    frame = json.loads(lines[0])
    shapes = frame["blendshapes"]
    return rows_alike(lines, list(frame), list(shapes) if isinstance(shapes, dict) else len(shapes)) is not None


def spelt(times: list[str], rows: list[list[str]], names: list[str] = NAMES) -> list[str]:
    """Lines whose numbers are spelt as given."""
    cells = [", ".join(f'"{name}": {cell}' for name, cell in zip(names, row, strict=True)) for row in rows]
    return [f'{{"timestamp": {t}, "blendshapes": {{{row}}}}}' for t, row in zip(times, cells, strict=True)]


HALFWAY = [1 + 2.0**-53, 0.1 + 2.0**-57, 2.0**-1074 * 0.5, 2.0**53 + 1, 2.0**-1022]
NUMBERS = st.one_of(
    st.floats(0, 1).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**70), 2**70).map(str),
    st.integers(0, 10**60).map(lambda n: f"0.{n:060}"),
    st.integers(0, 10**25).map(lambda n: f"{n}e-25"),
    st.tuples(st.floats(2.0**-1060, 1e30), st.sampled_from(["", "1", "0000000000000000000001"])).map(
        lambda made: format((Decimal(made[0]) + Decimal(np.nextafter(made[0], 2e30))) / 2, "f") + made[1]
    ),  # halfway between two floats, or a little above
    st.sampled_from(["0", "-0", "-0.0", "0e5", "-0e-5", "1E5", "1e+2", "1e-400", "5e-324", "2.4703282292062327e-324"]),
    st.sampled_from(["3.4028234663852886e38", "3.4028234663852887e38", "3.4028235e38", "3.4028236e38", "-1e39"]),
)
NO_NUMBERS = ["NaN", "-Infinity", "1e999", "true", "false", "null", '"0.5"', "[0.5]", "{}", "1" * 400, "1" * 308]
NO_JSON = [
    "",
    ".5",
    "5.",
    "01",
    "+1",
    "1_0",
    "0x1",
    "０.5",
    "1" * 5000,
    "-",
    "1e",
    '"\\ud800"',
    "0.1, 0.2",
    "0.5 ]",
    "\f1",
]
MORE_KEYS = [
    '0.5, "jawOpen": 0.5',
    '0.5, "x": 1',
    '0.5, "JawOpen": 1',
    '0.5, "timestamp": 0.1',
    '1}, "blendshapes": {"a": 1',
]
ODD = st.sampled_from([*NO_NUMBERS, *NO_JSON, *MORE_KEYS, "\t0.5\t"])


@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, min_size=104, max_size=104), NUMBERS)
def test_every_spelling_of_a_number_gives_the_same_float(cells: list[str], time: str) -> None:
    text = "\n".join(spelt(["-1e39", time], [cells[:52], cells[52:]]))
    assert outcome(text) == outcome_line_by_line(text)


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 52), st.one_of(ODD, NUMBERS)), min_size=1, max_size=3),
    st.sampled_from(["\n", "\r\n", "\n\n", "\r", "\n \n", "\u2028", " \n\t"]),
    st.sampled_from(["", "\n", "\r\n\r\n", " ", "x", "}", "\ufeff"]),
    st.booleans(),
)
def test_odd_cells_times_and_line_ends(changes: list[tuple[int, int, str]], end: str, last: str, before: bool) -> None:
    values = curves(3, seed=1).astype(np.float64).tolist()
    times, rows = ["0.0", "0.03", "0.07"], [[repr(cell) for cell in row] for row in values]
    for line, cell, text in changes:
        if cell == 52:
            times[line] = text
        else:
            rows[line][cell] = text
    text = last * before + end.join(spelt(times, rows)) + last
    assert outcome(text) == outcome_line_by_line(text)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4000), st.text(max_size=2)), min_size=1, max_size=3), st.booleans())
def test_wild_characters_anywhere(changes: list[tuple[int, str]], bare: bool) -> None:
    rows = curves(3, seed=2)
    text = list("\n".join(jsonl_line(k / 30, row.tolist() if bare else named(row)) for k, row in enumerate(rows)))
    for place, characters in changes:
        text[place % len(text)] = characters
    order = "apple" if bare else None
    assert outcome("".join(text), order) == outcome_line_by_line("".join(text), order)


LINES = spelt(["0", "0.1", "0.2"], [["0.5"] * 52] * 3)
HIDDEN = {
    "a key twice": [LINES[0], LINES[1].replace('"jawOpen"', '"jawOpen": 0.1, "jawOpen"'), LINES[2]],
    "a frame's key twice": [LINES[0], LINES[1].replace("{", '{"timestamp": 0.05, ', 1), LINES[2]],
    "a key twice, spelt otherwise": [
        LINES[0],
        LINES[1].replace('"jawOpen"', '"jaw\\u004fpen": 1, "jawOpen"'),
        LINES[2],
    ],
    "two frames in a line": [LINES[0], LINES[1] + LINES[2], LINES[2]],
    "a frame in two lines": [LINES[0], *LINES[1].split(", ", 1), LINES[2]],
    "another spelling": [LINES[0], LINES[1].replace("jawOpen", "JawOpen"), LINES[2]],
    "another key": [LINES[0], LINES[1].replace("{", '{"frame": 1, ', 1), LINES[2]],
    "an unknown name": [LINES[0], LINES[1].replace('"jawOpen"', '"_neutral": 0.1, "jawOpen"'), LINES[2]],
    "a name less": [LINES[0], LINES[1].replace('"jawOpen": 0.5, ', ""), LINES[2]],
    "a list among names": [LINES[0], jsonl_line(0.1, [0.5] * 52), LINES[2]],
    "time backward": [LINES[0], LINES[2], LINES[1]],
    "time repeated": [LINES[0], LINES[1], LINES[1]],
    "an empty line": [LINES[0], "", LINES[1], LINES[2]],
    "a comma before the end": [LINES[0], LINES[1].replace("}}", ",}}"), LINES[2]],
    "a remark": [LINES[0], LINES[1] + " // note", LINES[2]],
    "a quote in a name": [line.replace('{"brow', '{"a\\"b": 1, "brow', 1) for line in LINES],
    "a text in every frame": [line.replace("{", '{"note": "jawOpen", ', 1) for line in LINES],
    "a word that is no number": [line.replace('{"brow', '{"_neutral": null, "brow', 1) for line in LINES],
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_a_fast_decoder_might_pass_is_read_line_by_line(what: str) -> None:
    text = "\n".join(HIDDEN[what])
    assert not is_read_at_once(text)
    assert outcome(text) == outcome_line_by_line(text)


def usual(k: int) -> dict[str, float]:
    return named(curves(4)[k])


USUAL = {
    "named": [jsonl_line(k / 30, usual(k)) for k in range(4)],
    "spelt as on the phone": [jsonl_line(k / 30, {arkit.pascal(n): v for n, v in usual(k).items()}) for k in range(4)],
    "in any order": [jsonl_line(k / 30, dict(sorted(usual(k).items(), reverse=k > 1))) for k in range(4)],
    "with more numbers": [jsonl_line(k / 30, usual(k) | {"headYaw": 0.5, "é": 1}) for k in range(4)],
    "with more keys": [json.dumps({"frame": k, "blendshapes": usual(k), "timestamp": k}) for k in range(4)],
    "from another system": [jsonl_line(k / 30, usual(k)) + "\r" for k in range(4)],
    "whole numbers": [jsonl_line(k, dict.fromkeys(NAMES, k)) for k in range(4)],
    "close together": [json.dumps(json.loads(jsonl_line(k, usual(k))), separators=(",", ":")) for k in range(4)],
    "one line": [jsonl_line(0.0, usual(0))],
    "bare": [jsonl_line(k / 30, list(usual(k).values())) for k in range(4)],
    "bare, 61 of them": [jsonl_line(k / 30, [0.01 * k + i for i in range(61)]) for k in range(4)],
}
ORDERS = {"bare": "ifacialmocap", "bare, 61 of them": "unreal"}


@pytest.mark.parametrize("what", USUAL)
def test_the_usual_file_is_read_at_once(what: str) -> None:
    text, order = "\n".join(USUAL[what]), ORDERS.get(what)
    assert is_read_at_once(text)
    read = outcome(text, order)
    assert len(read) == 4 and read == outcome_line_by_line(text, order)


def test_real_takes_are_read_at_once() -> None:
    folder = Path(__file__).parents[3] / "shared" / "data" / "takes"
    if not folder.is_dir():
        pytest.skip("the real takes are not beside the repository")
    text = (folder / "1114_3_15.jsonl").read_text().rstrip("\n")
    assert is_read_at_once(text) and outcome(text) == outcome_line_by_line(text)
