"""The law: any CSV that names its curves is read by those names, cell by cell, or refused with row and column."""

from __future__ import annotations

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
from koekao.takes.formats.named_csv import read_named_csv
from koekao.takes.formats.registry import read_curves
from koekao.takes.source import TextFile
from koekao.takes.take import Source
from take_files import NO_PLAIN_NUMBERS, curves, survives_pickling, table_rows, write_rows

VALUES = curves(20)


def rows(column: str = "time", scale: float = 1 / 32) -> list[list[str]]:
    return table_rows(VALUES, {column: [repr(k * scale) for k in range(20)]}, arkit.NAMES)


def parse(table: list[list[str]], **options: Any) -> CurveTrack:
    text = "\n".join(",".join(row) for row in table)
    file = TextFile(path="a.csv", text=text, source=Source(path="", size=0, sha256=""))
    return read_named_csv(file, format="named_csv", **options)


def refused(table: list[list[str]], **options: Any) -> CurvesError:
    with pytest.raises(CurvesError) as caught:
        parse(table, **options)
    assert survives_pickling(caught.value)
    return caught.value


@pytest.mark.parametrize("spell", [str, arkit.pascal, arkit.underscored])
def test_columns_are_found_by_name_in_any_order_and_spelling(tmp_path: Path, spell: Any) -> None:
    table = rows()
    places = list(range(53))
    random.Random(2).shuffle(places)
    mixed = [[row[place] for place in places] for row in table]
    mixed[0] = [name if name == "time" else spell(name) for name in mixed[0]]
    track = read_curves(write_rows(tmp_path / "a.csv", mixed, end="\r\n"))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k / 32 for k in range(20)]
    assert (track.format, track.notes, track.stated_fps) == ("named_csv", (), None)


@pytest.mark.parametrize(
    ("column", "units"),
    [
        ("Time", 1),
        ("timestamp", 1),
        ("time_s", 1),
        ("seconds", 1),
        ("time_ms", 1000),
        ("timestampMs", 1000),
        ("time_us", 1e6),
    ],
)
def test_the_unit_of_the_time_is_in_its_column(column: str, units: float) -> None:
    assert parse(rows(column, units / 32)).time_s.tolist() == [k / 32 for k in range(20)]


@pytest.mark.parametrize("column", ["frame", "Frame_Number", "frame_idx", "frameIndex"])
def test_frame_numbers_need_a_rate(column: str) -> None:
    table = rows(column, 1)
    assert refused(table).where == "a.csv:1"
    assert refused(table).what == f"the rows have no times, only {column!r}"
    track = parse(table, fps=32)
    assert track.time_s.tolist() == [k / 32 for k in range(20)]
    assert track.notes == (f"times are {column} / 32, as stated",)
    table[4][0] = "2.5"
    assert refused(table, fps=32).where == "a.csv:5"


def test_rows_with_neither_need_a_rate_and_times_win_over_it() -> None:
    bare = [row[1:] for row in rows()]
    assert refused(bare).what == "the rows have no times"
    assert parse(bare, fps=32).time_s.tolist() == [k / 32 for k in range(20)]
    assert parse(rows(), fps=999).time_s.tolist() == [k / 32 for k in range(20)]


def test_columns_without_a_name_and_a_second_time() -> None:
    table = [["7", "8", *row, "9"] for row in rows()]
    table[0] = ["", "", *rows()[0], "Time_"]
    track = parse(table)
    assert track.time_s[19] == 19 / 32  # of two times in the same unit the first
    assert track.notes == ("ignored 1 names that are no ARKit curve: Time_",)


def test_times_win_over_frame_numbers_and_other_columns_are_noted() -> None:
    table = [[str(i), *row, "x"] for i, row in enumerate(rows())]
    table[0][0], table[0][-1] = "frame", "comment"
    track = parse(table)
    assert track.time_s[19] == 19 / 32
    assert track.notes == ("ignored 2 names that are no ARKit curve: frame, comment",)


@pytest.mark.parametrize("name", arkit.NAMES)
def test_each_missing_column_is_named(name: str) -> None:
    place = rows()[0].index(name)
    fault = refused([row[:place] + row[place + 1 :] for row in rows()])
    assert (fault.where, fault.what) == ("a.csv:1", f"1 of the 52 curves are missing: {name}")


def test_doubled_columns_are_refused() -> None:
    for name, text in (("jawOpen", "column 'jawOpen' stands twice"), ("JawOpen_", ""), ("mouthSmile_L", "both name")):
        table = [[*row, "0.5"] for row in rows()]
        table[0][-1] = name
        if text:
            assert text in refused(table).what
        else:
            assert parse(table).notes


@pytest.mark.parametrize("cell", [*NO_PLAIN_NUMBERS, "-1e39"])
@pytest.mark.parametrize("name", ["time", "browDownLeft", "tongueOut"])
def test_cells_that_are_no_plain_numbers(cell: str, name: str) -> None:
    table = rows()
    table[7][table[0].index(name)] = cell
    fault = refused(table)
    assert (fault.where, fault.what) == (f"a.csv:8:{name}", repr(cell) if cell else "an empty cell")


def test_a_row_with_all_curves_empty_had_no_face() -> None:
    table = rows()
    table[3][1:] = [""] * 52
    track = parse(table)
    assert np.flatnonzero(~track.tracked).tolist() == [2]
    assert not track.values[2].any() and len(track) == 20


@pytest.mark.parametrize("fields", [1, 2, 52, 54])
def test_ragged_rows_are_refused(fields: int) -> None:
    table = rows()
    table[20] = (table[20] + ["0.5"])[:fields]
    fault = refused(table)
    assert (fault.where, fault.what) == ("a.csv:21", f"{fields} fields")
    assert fault.expected == "53 as in the header"


def test_times_that_do_not_increase_name_the_row() -> None:
    table = rows()
    table[9][0] = table[8][0]
    fault = refused(table)
    assert (fault.where, fault.what) == ("a.csv:10", "time 0.21875 after 0.21875")
    table[1][0] = "1700000000.5"
    assert "Unix time" in refused(table).what


def test_quotes_semicolons_and_empty_files() -> None:
    quoted = rows()
    quoted[0][3] = '"browInnerUp"'
    assert refused(quoted).what == "a quote in the header"
    swallowed = rows()
    swallowed[5][4] = '"0.5'
    assert refused(swallowed).where.startswith("a.csv:6:")
    assert "columns separated by commas" in refused([[";".join(row)] for row in rows()]).expected
    assert refused(rows()[:1]).what == "a header and no rows"
    hole = rows()
    hole.insert(3, [""])
    assert "a.csv:4: an empty line between rows" in str(refused(hole))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 127)), min_size=1, max_size=3))
def test_wild_bytes_raise_nothing_but_curves_errors(changes: list[tuple[int, int]]) -> None:
    text = list("\n".join(",".join(row) for row in rows()[:8]))
    for at, code in changes:
        text[at % len(text)] = chr(code)
    file = TextFile(path="a.csv", text="".join(text), source=Source(path="", size=0, sha256=""))
    try:
        track = read_named_csv(file, format="named_csv")
    except CurvesError as fault:
        assert fault.where.startswith("a.csv")
    else:
        assert np.isfinite(track.values).all() and (np.diff(track.time_s) > 0).all()
