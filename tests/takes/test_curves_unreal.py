"""The law: a curve table is turned into rows at the times of its keys, and its seconds are told from its frames."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.registry import read_curves
from koekao.takes.formats.unreal import read_unreal_csv
from koekao.takes.source import TextFile
from koekao.takes.take import Source
from take_files import curves, survives_pickling, unreal_rows, write_rows, write_text

VALUES = curves(8)
TIMES = [f"{k / 32:.6f}" for k in range(8)]  # as the engine prints them


def rows(first: str = "---", times: list[str] = TIMES) -> list[list[str]]:
    return unreal_rows(VALUES, times, first)


def table(times: list[str] = TIMES) -> list[dict[str, Any]]:
    return [{"Name": row[0], **dict(zip(times, map(float, row[1:])))} for row in rows(times=times)[1:]]


def parse(lines: list[list[str]], fps: Any = None) -> CurveTrack:
    text = "\n".join(",".join(row) for row in lines)
    return read_unreal_csv(TextFile(path="a.csv", text=text, source=Source(path="", size=0, sha256="")), fps=fps)


def refused(lines: list[list[str]], **options: Any) -> CurvesError:
    with pytest.raises(CurvesError) as caught:
        parse(lines, **options)
    assert survives_pickling(caught.value)
    return caught.value


def refused_json(folder: Path, document: Any, **options: Any) -> CurvesError:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(CurvesError) as caught:
        read_curves(write_text(folder / "a.json", text), **options)
    return caught.value


@pytest.mark.parametrize("first", ["---", "Name", ""])
def test_a_table_as_csv(tmp_path: Path, first: str) -> None:
    track = read_curves(write_rows(tmp_path / "a.csv", rows(first), end="\r\n"))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k / 32 for k in range(8)]
    assert (track.format, track.notes, track.stated_fps) == ("unreal", (), None)


def test_a_table_as_json(tmp_path: Path) -> None:
    track = read_curves(write_text(tmp_path / "a.json", json.dumps(table())))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k / 32 for k in range(8)]
    assert (track.format, track.notes) == ("unreal", ())


@pytest.mark.parametrize("spell", [str, arkit.pascal, arkit.underscored])
def test_any_order_and_spelling_of_the_curves(tmp_path: Path, spell: Any) -> None:
    lines = rows()
    for row in lines[1:]:
        row[0] = spell(arkit.canonical(row[0]))
    body = lines[1:]
    random.Random(5).shuffle(body)
    assert parse([lines[0], *body]).values.tobytes() == VALUES.tobytes()
    entries = [{**entry, "Name": spell(arkit.canonical(entry["Name"]))} for entry in table()]
    random.Random(6).shuffle(entries)
    turned = [dict(reversed(entry.items())) for entry in entries]
    for document in (entries, [{"Name": e["Name"], **e} for e in entries]):
        assert read_curves(write_text(tmp_path / "a", json.dumps(document))).values.tobytes() == VALUES.tobytes()
    fault = refused_json(tmp_path, turned)  # keys from the last to the first: time runs backward
    assert "after" in fault.what


@pytest.mark.parametrize("times", [[f"{k:.6f}" for k in range(8)], [str(k) for k in range(8)]])
def test_whole_numbers_are_frames_and_need_a_rate(tmp_path: Path, times: list[str]) -> None:
    fault = refused(rows(times=times))
    assert (fault.where, fault.what) == ("a.csv:1", "the rows have no times, only 'frame'")
    track = parse(rows(times=times), fps=32)
    assert track.time_s.tolist() == [k / 32 for k in range(8)]
    assert track.notes == ("times are frame / 32, as stated",)
    assert "fps=30" in refused_json(tmp_path, table(times)).do
    path = write_text(tmp_path / "a.json", json.dumps(table(times)))
    assert read_curves(path, fps=32).time_s.tolist() == [k / 32 for k in range(8)]


def test_seconds_that_the_engine_cut_to_whole_numbers_are_refused(tmp_path: Path) -> None:
    text = '[{"Name": "JawOpen", "0": 0.1, "0": 0.2, "1": 0.3}]'
    fault = refused_json(tmp_path, text, fps=30)
    assert fault.what == '"0" stands twice in one object'
    assert fault.where.endswith(f"a.json:1:{text.rindex(chr(34) + '0' + chr(34)) + 1}")


@pytest.mark.parametrize("name", arkit.NAMES)
def test_each_missing_curve_is_named(name: str) -> None:
    fault = refused([row for row in rows() if arkit.canonical(row[0]) != name])
    assert (fault.where, fault.what) == ("a.csv", f"1 of the 52 curves are missing: {name}")


def test_doubled_and_unknown_curves(tmp_path: Path) -> None:
    lines = [*rows(), ["HeadYaw", *["x"] * 8]]
    assert parse(lines).notes == ("ignored 1 names that are no ARKit curve: HeadYaw",)
    assert "both name jawOpen" in refused([*rows(), ["jawOpen", *["0.5"] * 8]]).what
    assert "both name jawOpen" in refused_json(tmp_path, [*table(), {**table()[0], "Name": "jawOpen"}]).what


def test_a_curve_with_keys_of_its_own_is_refused(tmp_path: Path) -> None:
    lines = rows()
    lines[9] = lines[9][:5]
    fault = refused(lines)
    assert (fault.where, fault.what) == ("a.csv:10", "5 fields")
    assert "bake all curves" in fault.expected
    document = table()
    del document[8][TIMES[3]]
    fault = refused_json(tmp_path, document)
    assert fault.where.endswith("a.json:" + document[8]["Name"])
    assert "bake all curves" in fault.do
    document[8]["0.1"] = 0.5  # as many keys as the others, and another one
    assert "bake all curves" in refused_json(tmp_path, document).do


@pytest.mark.parametrize(
    "cell", ["", " ", "nan", "inf", "1e999", "1e39", "1_0", "０.5", '"0.5"', "0x1", "True", "text"]
)
@pytest.mark.parametrize("name", ["EyeBlinkLeft", "TongueOut"])
def test_cells_that_are_no_plain_numbers(cell: str, name: str) -> None:
    lines = rows()
    row = next(i for i, one in enumerate(lines) if one[0] == name)
    lines[row][4] = cell
    fault = refused(lines)
    assert (fault.where, fault.what) == (f"a.csv:{row + 1}:{TIMES[3]}", repr(cell) if cell else "an empty cell")


@pytest.mark.parametrize("cell", ["NaN", "1e999", "1e39", "true", "null", '"0.5"', "[]"])
def test_json_values_that_are_no_finite_numbers(tmp_path: Path, cell: str) -> None:
    document = table()
    document[5][TIMES[3]] = "HERE"
    fault = refused_json(tmp_path, json.dumps(document).replace('"HERE"', cell))
    name = document[5]["Name"]
    assert fault.where.endswith((f"a.json:{name}:{TIMES[3]}", f"a.json:{TIMES[3]}:{arkit.canonical(name)}"))


@pytest.mark.parametrize("time", ["x", "", "nan", "1_0", "1e999", "0.031250", "-1"])
def test_times_that_are_none_or_do_not_increase(tmp_path: Path, time: str) -> None:
    times = [*TIMES[:4], time, *TIMES[5:]]
    assert refused(rows(times=times)).where in ("a.csv:1:key 4",)
    if time not in TIMES:
        assert refused_json(tmp_path, table(times)).where.endswith("a.json:key 4")


def test_empty_tables(tmp_path: Path) -> None:
    assert "52 of the 52 curves are missing" in refused(rows()[:1]).what
    assert "the header begins '---'" in refused([["---"]]).what
    assert "52 of the 52" not in refused_json(tmp_path, [{"Name": row[0]} for row in rows()[1:]]).what
    for entry in (5, {"0.0": 1}, {"Name": 3, "0.0": 1}):
        assert refused_json(tmp_path, [*table(), entry]).where.endswith("a.json:entry 52")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 127)), min_size=1, max_size=3))
def test_wild_bytes_raise_nothing_but_curves_errors(changes: list[tuple[int, int]]) -> None:
    text = list("\n".join(",".join(row) for row in rows()))
    for at, code in changes:
        text[at % len(text)] = chr(code)
    file = TextFile(path="a.csv", text="".join(text), source=Source(path="", size=0, sha256=""))
    try:
        track = read_unreal_csv(file)
    except CurvesError as fault:
        assert fault.where.startswith("a.csv")
    else:
        assert np.isfinite(track.values).all() and (np.diff(track.time_s) > 0).all()
