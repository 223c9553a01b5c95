"""The law: columns by name, cells as plain decimal numbers, rows at their timecode; or an error with row and column."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.livelink import read_livelink
from koekao.takes.formats.registry import read_curves
from koekao.takes.source import TextFile
from koekao.takes.take import Source
from take_files import (
    LIVELINK_HEADER,
    NO_PLAIN_NUMBERS,
    curves,
    livelink_rows,
    survives_pickling,
    timecode,
    write_livelink,
    write_rows,
)

VALUES = curves(70)
CODES = [timecode(k * 2) for k in range(70)]


def rows() -> list[list[str]]:
    return livelink_rows(VALUES, CODES)


def parse(table: list[list[str]], **options: object) -> CurveTrack:
    text = "\n".join(",".join(row) for row in table)
    return read_livelink(TextFile(path="a.csv", text=text, source=Source(path="", size=0, sha256="")), **options)


def refused(table: list[list[str]]) -> CurvesError:
    with pytest.raises(CurvesError) as caught:
        parse(table)
    assert survives_pickling(caught.value)
    return caught.value


def test_a_file_of_the_phone_is_read_by_name_and_timecode(tmp_path: Path) -> None:
    track = read_curves(write_livelink(tmp_path / "a.csv", VALUES))
    assert np.abs(track.values - VALUES).max() < 1e-7
    assert np.allclose(track.time_s, np.arange(70) / 30, atol=1e-12)
    assert track.rate_hz == pytest.approx(30)
    assert (track.format, track.stated_clock, track.start_timecode) == ("livelink_csv", Fraction(60), "13:00:00:00.000")
    assert track.tracked.all()
    assert track.notes == ()


def test_the_sides_stay_on_their_sides() -> None:
    values = np.zeros((2, 52), np.float32)
    for k, name in enumerate(("jawLeft", "jawRight", "mouthLeft", "mouthRight")):
        values[:, arkit.INDEX[name]] = (k + 1) / 8
    table = livelink_rows(values, CODES[:2])
    assert table[0][16:19] == ["JawForward", "JawRight", "JawLeft"][:3]
    assert table[1][17:19] == ["0.2500000000", "0.1250000000"]
    assert np.array_equal(parse(table).values, values)


def test_any_order_and_spelling_of_the_columns_gives_the_same_curves() -> None:
    table = rows()
    table[0][1] = "BlendshapeCount"
    places = list(range(2, 63))
    random.Random(3).shuffle(places)
    mixed = [[row[0], row[1], *(row[place] for place in places)] for row in table]
    mixed[0] = [arkit.canonical(name) or name for name in mixed[0]]
    assert np.array_equal(parse(mixed).values, parse(table).values)


@pytest.mark.parametrize("name", arkit.NAMES)
def test_each_missing_column_is_named(name: str) -> None:
    place = LIVELINK_HEADER.index(arkit.pascal(name))
    fault = refused([row[:place] + row[place + 1 :] for row in rows()])
    assert fault.where == "a.csv:1"
    assert fault.what == f"1 columns are missing: {arkit.pascal(name)}"


def test_rotations_may_be_missing_and_further_columns_are_noted() -> None:
    assert np.array_equal(parse([row[:54] for row in rows()]).values, parse(rows()).values)
    table = [[*row, "x"] for row in rows()]
    table[0][-1] = "Comment"
    assert parse(table).notes == ("ignored 1 columns that are no ARKit curve: Comment",)
    without_count = [[row[0], *row[2:]] for row in rows()]
    assert "1 columns are missing: BlendShapeCount" in refused(without_count).what


def test_doubled_columns_are_refused() -> None:
    for place, name, text in (
        (5, "JawOpen", "column 'JawOpen' stands twice"),
        (5, "jawopen", "column 'JawOpen' stands twice"),
        (60, "HeadYaw", "column 'HeadYaw' stands twice"),
        (60, "mouthSmile_L", "'MouthSmileLeft' and 'mouthSmile_L' both name mouthSmileLeft"),
    ):
        table = rows()
        table[0][place] = name
        fault = refused(table)
        assert fault.where == "a.csv:1"
        assert text in fault.what


@pytest.mark.parametrize("cell", NO_PLAIN_NUMBERS)
@pytest.mark.parametrize("name", ["EyeBlinkLeft", "JawLeft", "TongueOut"])
def test_cells_that_are_no_plain_numbers(cell: str, name: str) -> None:
    table = rows()
    table[33][LIVELINK_HEADER.index(name)] = cell
    fault = refused(table)
    assert fault.where == f"a.csv:34:{name}"
    assert fault.what == (repr(cell) if cell else "an empty cell")
    assert "plain decimal number" in fault.expected


@pytest.mark.parametrize("cell", ["0", "1", "-0.25", "+0.5", "1.053", "40", "5.", "1e-05", "2.5E-1", "0.000000000001"])
def test_cells_that_are_plain_numbers(cell: str) -> None:
    table = rows()
    table[2][LIVELINK_HEADER.index("JawOpen")] = cell
    track = parse(table)
    assert track.values[1, arkit.INDEX["jawOpen"]] == np.float32(float(cell))


def test_values_beyond_1_are_kept_and_reported() -> None:
    table = rows()
    table[2][LIVELINK_HEADER.index("JawOpen")] = "1.076"
    table[3][LIVELINK_HEADER.index("JawOpen")] = "-0.2"
    summary = parse(table).summary()
    assert (summary["min"], summary["max"]) == (pytest.approx(-0.2), pytest.approx(1.076))


def test_a_decimal_comma_makes_the_row_ragged() -> None:
    table = rows()
    table[5][7] = "0,5"
    fault = refused(table)
    assert (fault.where, fault.what) == ("a.csv:6", "64 fields")
    assert fault.expected.startswith("63 as in the header")


@pytest.mark.parametrize("fields", [1, 3, 40, 62, 64])
def test_ragged_rows_are_refused(fields: int) -> None:
    table = rows()
    table[70] = (table[70] + ["0.5"])[:fields]
    fault = refused(table)
    assert (fault.where, fault.what) == ("a.csv:71", f"{fields} fields")


def test_untracked_rows_are_rows_without_values() -> None:
    table = rows()
    table[11] = [table[11][0], "0"]
    table[12] = [table[12][0], "0", *[""] * 61]
    table[13] = [table[13][0], *[""] * 62]
    table[14] = [table[14][0], "0", *["0.0"] * 61]
    table[1] = [table[1][0], "0"]
    track = parse(table)
    assert np.flatnonzero(~track.tracked).tolist() == [0, 10, 11, 12, 13]
    assert not track.values[~track.tracked].any()
    assert len(track) == 70
    assert track.gaps == []
    assert np.abs(track.values - VALUES)[track.tracked].max() < 1e-7


@pytest.mark.parametrize(
    ("row", "where", "text"),
    [
        (["0", *["0.5"] * 61], "a.csv:6:BlendShapeCount", "'0' curves, but there are values"),
        (["0", *[""] * 60, "0.5"], None, ""),
        (["0", "0.5", *[""] * 60], "a.csv:6:BrowDownLeft", "an empty cell"),
        (["", *["0.5"] * 61], "a.csv:6:BlendShapeCount", "'' curves, but there are values"),
        (["61", *[""] * 61], "a.csv:6:BrowDownLeft", "an empty cell"),
        (["sixty", *["0.5"] * 61], "a.csv:6:BlendShapeCount", "'sixty'"),
        (["-1", *["0.5"] * 61], "a.csv:6:BlendShapeCount", "'-1'"),
        (["61"], "a.csv:6", "2 fields"),
    ],
)
def test_counts_that_contradict_the_row(row: list[str], where: str | None, text: str) -> None:
    table = rows()
    table[5] = [table[5][0], *row]
    if where is None:  # only a rotation has a value, and rotations are not read
        assert not parse(table).tracked[4]
        return
    fault = refused(table)
    assert text in fault.what
    assert fault.where == where


def test_midnight_is_passed() -> None:
    codes = [timecode(k * 2, 60, 86398) for k in range(70)]
    track = parse(livelink_rows(VALUES, codes))
    assert track.start_timecode.startswith("23:59:58")
    assert np.allclose(track.time_s, np.arange(70) / 30, atol=1e-12)


@pytest.mark.parametrize("place", [1, 35, 69])
def test_repeated_and_backward_times_name_row_and_both_timecodes(place: int) -> None:
    for earlier, how in ((0, "repeats"), (1, "runs backward")):
        table = rows()
        table[place + 1][0] = table[place - earlier][0] if place > earlier else "12:00:00:00.000"
        fault = refused(table)
        assert fault.where == f"a.csv:{place + 2}"
        assert f"{table[place + 1][0]} after {table[place][0]}" in fault.what
        assert how in fault.what or place <= earlier


def test_gaps_are_found_and_do_not_bias_the_rate() -> None:
    table = rows()
    del table[40:45], table[20]
    track = parse(table)
    assert [(row, missing) for row, missing, _ in track.gaps] == [(18, 1), (37, 5)]
    assert track.rate_hz == pytest.approx(30)


def test_a_short_file_notes_the_guess_of_its_clock_and_a_stated_one_wins() -> None:
    table = rows()[:10]
    track = parse(table)
    assert track.stated_clock == 30
    assert track.notes[0].startswith("timecode clock taken as 30 frames a second")
    stated = parse(table, timecode_rate=60)
    assert (stated.stated_clock, stated.notes) == (Fraction(60), ())
    assert np.allclose(stated.time_s, np.arange(9) / 30)


def test_files_without_rows_or_with_another_separator() -> None:
    assert "a header and no rows" in refused(rows()[:1]).what
    fault = refused([[";".join(row)] for row in rows()])
    assert fault.where == "a.csv:1"
    assert "the header begins 'Timecode;BlendShapeCount" in fault.what
    empty = rows()
    empty.insert(4, [""])
    assert "a.csv:5: an empty line between rows" in str(refused(empty))


def test_an_open_quote_swallows_nothing() -> None:
    table = rows()
    table[8][9] = '"0.5'
    assert refused(table).where == f"a.csv:9:{LIVELINK_HEADER[9]}"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 127)), min_size=1, max_size=3))
def test_wild_bytes_raise_nothing_but_curves_errors(changes: list[tuple[int, int]]) -> None:
    text = list("\n".join(",".join(row) for row in rows()[:12]))
    for place, code in changes:
        text[place % len(text)] = chr(code)
    file = TextFile(path="a.csv", text="".join(text), source=Source(path="", size=0, sha256=""))
    try:
        track = read_livelink(file)
    except CurvesError as fault:
        assert fault.where.startswith("a.csv")
    else:
        assert np.isfinite(track.values).all() and (np.diff(track.time_s) > 0).all()


def test_crlf_rows(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.csv", rows(), end="\r\n")
    assert np.array_equal(read_curves(path).values, parse(rows()).values)
