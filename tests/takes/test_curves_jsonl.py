"""The law: curves come in by name and as numbers, or not at all, and the error says in which line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.jsonl import read_jsonl
from koekao.takes.formats.registry import read_curves
from koekao.takes.source import TextFile
from koekao.takes.take import Source
from take_files import NO_FINITE_NUMBERS, curves, jsonl_line, named, survives_pickling, write_jsonl

VALUES = curves(6)


def parse(text: str, order: str | None = None) -> CurveTrack:
    return read_jsonl(TextFile(path="a.jsonl", text=text, source=Source(path="", size=0, sha256="")), order=order)


def lines(values: np.ndarray = VALUES) -> list[str]:
    return [jsonl_line(k / 30, named(row)) for k, row in enumerate(values)]


def refused(text: str, **options: str) -> CurvesError:
    with pytest.raises(CurvesError) as caught:
        parse(text, **options)
    assert survives_pickling(caught.value)
    return caught.value


def test_values_and_times_come_through_exactly(tmp_path: Path) -> None:
    track = read_curves(write_jsonl(tmp_path / "a.jsonl", VALUES))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k / 30 for k in range(6)]
    assert track.tracked.all()
    assert (track.format, track.stated_clock, track.start_timecode, track.notes) == ("jsonl", None, "", ())


@pytest.mark.parametrize("spell", [str, arkit.pascal, arkit.underscored])
def test_curves_are_found_by_name_in_any_order_and_spelling(spell: object) -> None:
    shuffled = []
    for k, row in enumerate(VALUES):
        pairs = list(named(row).items())
        random.Random(k).shuffle(pairs)
        shuffled.append(jsonl_line(k / 30, {spell(name): value for name, value in pairs}))
    assert parse("\n".join(shuffled)).values.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("name", arkit.NAMES)
def test_each_missing_curve_is_named(name: str) -> None:
    text = lines()
    row = named(VALUES[3])
    del row[name]
    text[3] = jsonl_line(0.1, row)
    fault = refused("\n".join(text))
    assert fault.where == "a.jsonl:4"
    assert fault.what == f"1 of the 52 curves are missing: {name}"


def test_a_curve_in_two_spellings_or_twice_is_refused() -> None:
    fault = refused(jsonl_line(0.0, named(VALUES[0]) | {"JawOpen": 0.5}))
    assert "a.jsonl:1: 'jawOpen' and 'JawOpen' both name jawOpen" in str(fault)
    twice = lines()[0].replace('"jawOpen"', '"jawOpen": 0.1, "jawOpen"')
    assert '"jawOpen" stands twice in one object' in str(refused(twice))


def test_unknown_names_are_noted_once() -> None:
    text = [jsonl_line(k / 30, named(row) | {"_neutral": "x", "headYaw": None}) for k, row in enumerate(VALUES)]
    text[2] = text[2].replace('{"timestamp"', '{"frame": 2, "timestamp"')
    track = parse("\n".join(text))
    assert track.notes == (
        "ignored 2 names that are no ARKit curve: _neutral, headYaw",
        "ignored 1 keys beside timestamp and blendshapes: frame",
    )
    assert np.array_equal(track.values, VALUES)


@pytest.mark.parametrize(("cell", "shown"), NO_FINITE_NUMBERS)
@pytest.mark.parametrize("name", ["browDownLeft", "jawOpen", "tongueOut"])
def test_cells_that_are_no_finite_numbers(cell: str, shown: str, name: str) -> None:
    text = lines()
    at = json.dumps(float(VALUES[4, arkit.INDEX[name]]))
    text[4] = text[4].replace(f'"{name}": {at}', f'"{name}": {cell}')
    fault = refused("\n".join(text))
    assert fault.where == f"a.jsonl:5:{name}"
    assert fault.what == shown
    assert "number" in fault.expected


@pytest.mark.parametrize("cell", ["0,5", "1_0", "０.5", ".5", "+1", "0x1", "01", "5.", "", "nan", "1" * 5000])
def test_cells_that_are_no_json(cell: str) -> None:
    text = lines()
    text[1] = text[1].replace('"timestamp": 0.03', f'"timestamp": {cell}, "x": 0.03')
    assert refused("\n".join(text)).where.startswith("a.jsonl:2")


def test_bad_json_names_line_and_column() -> None:
    text = lines()
    text[2] = text[2][:500]
    fault = refused("\n".join(text))
    assert fault.where.startswith("a.jsonl:3:")
    assert 480 < int(fault.where.rpartition(":")[2]) <= 501
    assert fault.what.startswith("no JSON: ")
    assert refused(lines()[0] + lines()[1]).where == f"a.jsonl:1:{len(lines()[0]) + 1}"


def test_brackets_without_end_are_refused() -> None:
    assert "no usable JSON" in refused('{"timestamp": 0, "blendshapes": ' + "[" * 100_000).what


def test_empty_lines_are_allowed_only_at_the_end() -> None:
    assert len(parse("\n".join(lines()) + "\n\n  \n")) == 6
    assert "a.jsonl:2: an empty line between frames" in str(refused("\n\n".join(lines())))


def test_separators_of_other_systems_do_not_end_a_line() -> None:
    text = [line.replace('{"timestamp"', '{"note": "a\u2028b\x85c", "timestamp"') for line in lines()]
    assert len(parse("\n".join(text))) == 6


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        ("true", "timestamp true"),
        ("null", "timestamp null"),
        ('"0.1"', 'timestamp "0.1"'),
        ("NaN", "timestamp NaN"),
        ("1e999", "timestamp Infinity"),
        ("0.0", "timestamp 0.0 after 0.03333"),
        ("0.03333333333333333", "timestamp 0.03333333333333333 after 0.03333333333333333"),
        ("-1", "timestamp -1.0 after 0.03333"),
    ],
)
def test_times_that_are_none_or_do_not_increase(stamp: str, text: str) -> None:
    some = lines()
    some[2] = some[2].replace(json.dumps(2 / 30), stamp, 1)
    fault = refused("\n".join(some))
    assert fault.where == "a.jsonl:3"
    assert text in fault.what


def test_unix_time_is_refused_with_what_to_do() -> None:
    fault = refused(jsonl_line(1.7e9, named(VALUES[0])))
    assert "looks like Unix time" in fault.what
    assert "subtract" in fault.do
    assert parse(jsonl_line(999_999.0, named(VALUES[0]))).time_s[0] == 999_999


def test_times_before_0_are_kept_as_stated() -> None:
    assert parse(jsonl_line(-0.5, named(VALUES[0]))).time_s[0] == -0.5


@pytest.mark.parametrize(
    "text", ["[1]", "3", '"x"', "{}", '{"timestamp": 0}', '{"blendshapes": {}}', '{"time": 0, "blendshapes": {}}']
)
def test_lines_that_are_no_frames(text: str) -> None:
    assert "a.jsonl:1: no frame: " in str(refused(text))


@pytest.mark.parametrize("shapes", ["3", "null", '"x"', "true"])
def test_blendshapes_that_are_none(shapes: str) -> None:
    assert f"blendshapes is {shapes}" in refused(f'{{"timestamp": 0, "blendshapes": {shapes}}}').what


@pytest.mark.parametrize("order", ["apple", "lam", "unity", "vrm", "ifacialmocap", "livelink_udp", "unreal"])
def test_a_bare_list_is_read_by_the_stated_order(order: str) -> None:
    names = arkit.ORDERS[order]
    text = "\n".join(jsonl_line(k / 30, arkit.from_canonical(row, names).tolist()) for k, row in enumerate(VALUES))
    assert parse(text, order).values.tobytes() == VALUES.tobytes()


def test_a_bare_list_without_a_fitting_order_is_refused() -> None:
    text = jsonl_line(0.0, VALUES[0].tolist())
    fault = refused(text)
    assert (fault.where, fault.what) == ("a.jsonl:1", "a list of 52 values without names, and no order is stated")
    assert "for 52 values: apple, lam, unity, vrm, ifacialmocap;" in fault.expected
    assert all(order in fault.expected for order in arkit.ORDERS)
    assert "and order 'unreal' has 61" in refused(text, order="unreal").what
    assert "1 of the 52 curves are missing: tongueOut" in refused(text, order="mediapipe").what
    assert "unknown curve order 'me'" in refused(text, order="me").what
    assert "none has 51 values" not in refused(jsonl_line(0.0, [0.5] * 52), order="beat").expected
    assert "none has 7 values" in refused(jsonl_line(0.0, [0.5] * 7), order="apple").expected
    assert "a list of 0 values" in refused(jsonl_line(0.0, []), order="apple").what


def test_names_in_the_file_win_over_a_stated_order() -> None:
    assert np.array_equal(parse("\n".join(lines()), "ifacialmocap").values, VALUES)


def test_names_that_no_terminal_can_print_are_replaced() -> None:
    text = lines()[0].replace('"jawOpen"', '"\\ud800": 1, "jawOpen"')
    (note,) = parse(text).notes
    assert note.encode() == b"ignored 1 names that are no ARKit curve: ?"


def test_many_unknown_names_are_counted_not_listed() -> None:
    row = named(VALUES[0]) | {f"x{i}": 0.0 for i in range(500)}
    (note,) = parse(jsonl_line(0.0, row)).notes
    assert note.startswith("ignored 500 names") and note.endswith("x11 and 488 more")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 127)), min_size=1, max_size=3), st.booleans())
def test_wild_bytes_raise_nothing_but_curves_errors(changes: list[tuple[int, int]], cut: bool) -> None:
    text = list("\n".join(lines(VALUES[:3])))
    for place, code in changes:
        text[place % len(text)] = chr(code)
    if cut:
        del text[changes[0][0] % len(text) :]
    if not "".join(text).strip():
        return
    try:
        track = parse("".join(text))
    except CurvesError as fault:
        assert fault.where.startswith("a.jsonl:")
    else:
        assert np.isfinite(track.values).all()
