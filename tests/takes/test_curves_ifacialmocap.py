"""The law: packets are read by name and scaled by 100, at their own times or at a stated rate."""

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
from koekao.takes.formats.ifacialmocap import read_ifacialmocap
from koekao.takes.formats.registry import read_curves
from koekao.takes.source import TextFile
from koekao.takes.take import Source
from take_files import curves, packet, survives_pickling, write_text

VALUES = np.round(curves(6) * 100).astype(np.float32)  # the format's own scale, whole numbers
SCALED = (VALUES.astype(np.float64) / 100).astype(np.float32)


def packets(between: str = "-") -> list[str]:
    return [packet(row, between) for row in VALUES / 100]


def timed(between: str = " ") -> list[str]:
    return [f"{k / 32!r}{between}{one}" for k, one in enumerate(packets())]


def parse(lines: list[str], fps: Any = 60) -> CurveTrack:
    file = TextFile(path="a.txt", text="\n".join(lines), source=Source(path="", size=0, sha256=""))
    return read_ifacialmocap(file, fps=fps)


def refused(lines: list[str], fps: Any = 60) -> CurvesError:
    with pytest.raises(CurvesError) as caught:
        parse(lines, fps)
    assert survives_pickling(caught.value)
    return caught.value


@pytest.mark.parametrize("between", ["-", "&"])
def test_packets_of_both_versions_at_a_stated_rate(tmp_path: Path, between: str) -> None:
    track = read_curves(write_text(tmp_path / "a.txt", "\r\n".join(packets(between)) + "\r\n"), fps=60)
    assert track.values.tobytes() == SCALED.tobytes()
    assert track.time_s.tolist() == [k / 60 for k in range(6)]
    assert (track.format, track.stated_fps, track.notes) == ("ifacialmocap", None, ("times are row / 60, as stated",))
    assert track.tracked.all()


def test_without_times_a_rate_has_to_be_stated() -> None:
    fault = refused(packets(), fps=None)
    assert (fault.where, fault.what) == ("a.txt:1", "the rows have no times")
    assert "fps=30" in fault.do


@pytest.mark.parametrize("between", [" ", "\t", ",", ", "])
def test_seconds_before_the_packets(tmp_path: Path, between: str) -> None:
    track = read_curves(write_text(tmp_path / "a.txt", "\n".join(timed(between))))
    assert track.values.tobytes() == SCALED.tobytes()
    assert track.time_s.tolist() == [k / 32 for k in range(6)]
    assert track.notes == ()


def test_milliseconds_in_json_lines(tmp_path: Path) -> None:
    lines = [json.dumps({"t": 33 * k, "d": one}) for k, one in enumerate(packets())]
    track = read_curves(write_text(tmp_path / "a.jsonl", "\n".join(lines)))
    assert track.format == "ifacialmocap"
    assert track.values.tobytes() == SCALED.tobytes()
    assert track.time_s.tolist() == [33 * k / 1000 for k in range(6)]
    for spoilt, at in (('{"t": 33, "t": 34, "d": "x"}', "a.txt:2:11"), ('{"t": 33}', "a.txt:2"), ("{", "a.txt:2:2")):
        assert refused([lines[0], spoilt]).where == at
    assert refused([lines[0], lines[1].replace("33", "NaN", 1)]).where == "a.txt:2:t"


def test_whole_numbers_before_the_packets_are_not_guessed_at() -> None:
    fault = refused([f"{33 * k} {one}" for k, one in enumerate(packets())])
    assert (fault.where, fault.what) == ("a.txt:1", "0 before the packet")
    assert "milliseconds" in fault.expected


def test_times_in_some_lines_only() -> None:
    assert refused([*timed()[:3], packets()[3]]).where == "a.txt:4"
    assert refused([packets()[0], timed()[1]]).where == "a.txt:2"


def test_times_that_do_not_increase() -> None:
    lines = timed()
    lines[4] = timed()[3]
    fault = refused(lines)
    assert (fault.where, fault.what) == ("a.txt:5", "time 0.09375 after 0.09375")
    assert "Unix time" in refused([f"1700000000.{k} {one}" for k, one in enumerate(packets())]).what


@pytest.mark.parametrize("spell", [str, arkit.pascal, arkit.underscored])
def test_any_order_and_spelling(spell: Any) -> None:
    lines = []
    for k, row in enumerate(VALUES):
        items = [f"{spell(name)}&{int(v)}" for name, v in zip(arkit.NAMES, row)]
        random.Random(k).shuffle(items)
        lines.append("|".join(items) + "|=head#0,0,0,0,0,0|rightEye#0,0,0|leftEye#0,0,0|")
    assert parse(lines).values.tobytes() == SCALED.tobytes()


def test_the_end_of_a_packet_over_tcp_and_missing_heads() -> None:
    ends = [one + "___iFacialMocap" for one in packets()]
    assert parse(ends).values.tobytes() == SCALED.tobytes()
    bare = [one.partition("=")[0] for one in packets()]
    assert parse([one + "___iFacialMocap" for one in bare]).values.tobytes() == SCALED.tobytes()
    assert parse(bare).values.tobytes() == SCALED.tobytes()


def test_a_face_that_was_lost() -> None:
    lines = ["trackingStatus-1|hapihapi-0|" + one for one in packets()]
    lines[2] = lines[2].replace("trackingStatus-1", "trackingStatus-0")
    track = parse(lines)
    assert np.flatnonzero(~track.tracked).tolist() == [2]
    assert not track.values[2].any()
    assert track.notes == ("times are row / 60, as stated",)


def test_other_names_are_noted() -> None:
    assert parse(["FM_SAD-3|" + one for one in packets()]).notes[0] == "ignored 1 names that are no ARKit curve: FM_SAD"


def test_values_beyond_100_and_below_0_are_kept() -> None:
    lines = packets()
    lines[0] = lines[0].replace("|jawOpen-", "|jawOpen-1000.5|x-", 1)
    lines[1] = lines[1].replace("|jawOpen-", "|jawOpen--3|x-", 1)
    values = parse(lines).values[:2, arkit.INDEX["jawOpen"]]
    assert values.tolist() == [np.float32(10.005), np.float32(-0.03)]


@pytest.mark.parametrize("name", arkit.NAMES)
def test_each_missing_curve_is_named(name: str) -> None:
    lines = packets()
    items = lines[3].split("|")
    lines[3] = "|".join(item for item in items if arkit.canonical(item.partition("-")[0]) != name)
    fault = refused(lines)
    assert (fault.where, fault.what) == ("a.txt:4", f"1 of the 52 curves are missing: {name}")


def test_doubled_names_are_refused() -> None:
    assert refused(["jawOpen-1|" + one for one in packets()]).what == "'jawOpen' stands twice"
    assert "both name jawOpen" in refused(["JawOpen-1|" + one for one in packets()]).what


@pytest.mark.parametrize(
    "cell",
    ["", " ", "nan", "inf", "1e999", "1e39", "1_0", "０", "٣", "5 ", "0x1", "1e", ".", "--1", "text", "0,5", "True"],
)
@pytest.mark.parametrize("name", ["mouthSmile_R", "jawOpen", "mouthLeft"])
def test_values_that_are_no_plain_numbers(name: str, cell: str) -> None:
    lines = packets()
    items = [f"{name}-{cell}" if item.startswith(name + "-") else item for item in lines[4].split("|")]
    lines[4] = "|".join(items)
    fault = refused(lines)
    assert (fault.where, fault.what) == (f"a.txt:5:{name}", repr(cell) if cell else "an empty cell")


@pytest.mark.parametrize("line", ["hello", "a-1|b|c-2", "a-1|=head#0|b-1|=head#0", "mouthSmile_R:5|x-1", "|", "0.1"])
def test_what_is_no_packet(line: str) -> None:
    fault = refused([packets()[0], line])
    assert (fault.where, fault.what[:10]) == ("a.txt:2", "no packet:")


def test_empty_lines_between_packets_are_refused() -> None:
    fault = refused([packets()[0], "", packets()[1]])
    assert (fault.where, fault.what) == ("a.txt:2", "an empty line between packets")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 127)), min_size=1, max_size=3))
def test_wild_bytes_raise_nothing_but_curves_errors(changes: list[tuple[int, int]]) -> None:
    text = list("\n".join(timed()))
    for at, code in changes:
        text[at % len(text)] = chr(code)
    try:
        track = parse("".join(text).split("\n"))
    except CurvesError as fault:
        assert fault.where.startswith("a.txt:")
    else:
        assert np.isfinite(track.values).all()
