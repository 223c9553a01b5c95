"""The law: MediaPipe's categories are read by name however they are written, and a frame without a face is kept."""

from __future__ import annotations

import json
import random
from fractions import Fraction
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
from take_files import categories, curves, mediapipe_rows, named, survives_pickling, write_rows, write_text

VALUES = curves(6)
VALUES[:, 51] = 0
TONGUE = "missing: tongueOut is not in this format, 0"


def frames(time: str = "timestamp", key: str = "blendshapes", category: str = "categoryName") -> list[dict[str, Any]]:
    return [{time: k / 30, key: categories(row, category)} for k, row in enumerate(VALUES)]


@pytest.fixture
def parse(tmp_path: Path) -> Any:
    def reader(document: Any, **options: Any) -> CurveTrack:
        text = document if isinstance(document, str) else json.dumps(document)
        return read_curves(write_text(tmp_path / "a.json", text), **options)

    return reader


@pytest.fixture
def refused(parse: Any, tmp_path: Path) -> Any:
    def reader(document: Any, **options: Any) -> CurvesError:
        with pytest.raises(CurvesError) as caught:
            parse(document, **options)
        assert survives_pickling(caught.value)
        assert caught.value.where.startswith(str(tmp_path / "a.json"))
        return caught.value

    return reader


def place(fault: CurvesError) -> str:
    return fault.where.rpartition("a.json")[2]


@pytest.mark.parametrize("category", ["categoryName", "category_name"])
@pytest.mark.parametrize("key", ["blendshapes", "faceBlendshapes", "face_blendshapes", "categories"])
def test_every_spelling_of_the_keys(parse: Any, key: str, category: str) -> None:
    track = parse(frames(key=key, category=category))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k / 30 for k in range(6)]
    assert (track.format, track.notes, track.stated_fps) == ("mediapipe", (TONGUE,), None)
    assert track.tracked.all()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda c: [c],
        lambda c: [{"categories": c, "headIndex": -1, "headName": ""}],
        lambda c: {one["categoryName"]: one["score"] for one in c},
        lambda c: list(reversed(c)),
    ],
)
def test_categories_as_results_hold_them(parse: Any, wrap: Any) -> None:
    document = frames(key="faceBlendshapes")
    for frame in document:
        frame["faceBlendshapes"] = wrap(frame["faceBlendshapes"])
    assert parse(document).values.tobytes() == VALUES.tobytes()


def test_the_list_may_be_under_any_key(parse: Any) -> None:
    track = parse({"fps": 30, "recording": frames(), "source": "cam"})
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.notes[1] == "ignored 2 keys beside time and blendshapes: fps, source"


def test_names_decide_and_not_the_index_or_the_place(parse: Any) -> None:
    document = frames()
    for k, frame in enumerate(document):
        random.Random(k).shuffle(frame["blendshapes"])
        for i, one in enumerate(frame["blendshapes"]):
            one["index"] = i
    assert parse(document).values.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize(
    ("key", "scale"),
    [
        ("time", 1),
        ("timestamp", 1),
        ("time_s", 1),
        ("timestampMs", 1000),
        ("timestamp_ms", 1000),
        ("time_ms", 1000),
        ("timeUs", 1_000_000),
    ],
)
def test_the_unit_of_the_time_is_in_its_key(parse: Any, key: str, scale: int) -> None:
    document = [{key: k * 33 * scale / 1000, "blendshapes": categories(row)} for k, row in enumerate(VALUES)]
    assert parse(document).time_s.tolist() == pytest.approx([k * 0.033 for k in range(6)], abs=1e-12)


def test_frame_numbers_need_a_rate_and_are_honoured(parse: Any, refused: Any) -> None:
    document = [{"frame": k, "blendshapes": categories(row)} for k, row in zip((0, 1, 2, 5, 6, 7), VALUES)]
    fault = refused(document)
    assert (place(fault), fault.what) == (":frame 0", "the rows have no times, only 'frame'")
    track = parse(document, fps=30)
    assert track.time_s.tolist() == [k / 30 for k in (0, 1, 2, 5, 6, 7)]
    assert [(row, n) for row, n, _ in track.gaps] == [(2, 2)]
    assert track.notes[-1] == "times are frame / 30, as stated"
    for frame in document:
        frame["frame"] += 1
    counted = parse(document, fps=30)
    assert counted.time_s[0] == 0
    assert counted.notes[-1].endswith("; frames count from 1")
    document[0]["frame"] = 1.5
    assert refused(document, fps=30).what == "frame 1.5"


def test_frames_with_nothing_but_curves_need_a_rate(parse: Any, refused: Any) -> None:
    document = [{"blendshapes": categories(row)} for row in VALUES]
    assert refused(document).what == "the rows have no times"
    assert parse(document, fps="29.97").time_s[5] == float(5 * Fraction(1001, 30000))


def test_an_empty_list_is_a_frame_without_a_face(parse: Any) -> None:
    document = frames()
    document[0]["blendshapes"] = []
    document[3]["blendshapes"] = []
    track = parse(document)
    assert np.flatnonzero(~track.tracked).tolist() == [0, 3]
    assert not track.values[~track.tracked].any()
    assert len(track) == 6
    assert not parse([{"time": 0, "faceBlendshapes": [{"categories": []}]}]).tracked.any()


def test_two_faces_are_refused(refused: Any) -> None:
    document = frames(key="faceBlendshapes")
    document[2]["faceBlendshapes"] = [{"categories": document[2]["faceBlendshapes"]}] * 2
    fault = refused(document)
    assert (place(fault), fault.what) == (":frame 2", "2 faces")


def test_a_tongue_is_read_where_there_is_one(parse: Any) -> None:
    rows = curves(3)
    document = [{"time": k, "blendshapes": named(row)} for k, row in enumerate(rows)]
    track = parse(document)
    assert track.values.tobytes() == rows.tobytes()
    assert track.notes == ()


@pytest.mark.parametrize("name", [name for name in arkit.NAMES if name != "tongueOut"])
def test_each_other_missing_curve_is_named(refused: Any, name: str) -> None:
    document = frames()
    document[4]["blendshapes"] = [one for one in document[4]["blendshapes"] if one["categoryName"] != name]
    fault = refused(document)
    assert (place(fault), fault.what.split(": ")[1].split(", ")[0]) == (":frame 4", name)


@pytest.mark.parametrize(
    "cell", ["NaN", "Infinity", "1e999", "1e39", "true", "null", '"0.5"', '"0,5"', "[]", "1" + "0" * 400]
)
@pytest.mark.parametrize("name", ["browDownLeft", "noseSneerRight"])
def test_scores_that_are_no_finite_numbers(refused: Any, cell: str, name: str) -> None:
    document = frames()
    document[2]["blendshapes"][arkit.INDEX[name] + 1]["score"] = "HERE"
    assert place(refused(json.dumps(document).replace('"HERE"', cell))) == f":frame 2:{name}"


@pytest.mark.parametrize(
    ("spoil", "at", "text"),
    [
        (
            lambda f: f[1]["blendshapes"].append({"categoryName": "JawOpen", "score": 1}),
            ":frame 1",
            "both name jawOpen",
        ),
        (
            lambda f: f[1]["blendshapes"].append({"categoryName": "jawOpen", "score": 1}),
            ":frame 1",
            "both name jawOpen",
        ),
        (lambda f: f[1]["blendshapes"].append({"index": 3, "score": 1}), ":frame 1", 'no category: {"index": 3'),
        (
            lambda f: f[1]["blendshapes"].append({"categoryName": 5, "score": 1}),
            ":frame 1",
            'no category: {"categoryName": 5',
        ),
        (lambda f: f[1]["blendshapes"].append({"categoryName": "x"}), ":frame 1", 'no category: {"categoryName": "x"}'),
        (lambda f: f[1]["blendshapes"].append(0.5), ":frame 1", "no category: 0.5"),
        (lambda f: f[1].update(blendshapes=[0.5] * 52), ":frame 1", "no category: 0.5"),
        (lambda f: f[1].update(blendshapes=None), ":frame 1", "blendshapes is null"),
        (lambda f: f[1].update(blendshapes=[{"categories": 3}]), ":frame 1", "blendshapes is 3"),
        (lambda f: f[1].update(categories=[]), ":frame 1", "blendshapes under blendshapes, categories"),
        (lambda f: f[1].pop("blendshapes"), ":frame 1", "no blendshapes, only timestamp"),
        (lambda f: f[1].pop("timestamp"), ":frame 1", "no 'timestamp'"),
        (lambda f: f[1].update(timestamp=0), ":frame 1", "timestamp 0.0 after 0.0"),
        (lambda f: f[1].update(timestamp="0.03"), ":frame 1:timestamp", '"0.03"'),
        (lambda f: f.insert(1, None), ":frame 1", "no frame: null"),
        (lambda f: f[0].update(timestamp=1.7e9), ":frame 0", "Unix time"),
    ],
)
def test_what_is_wrong_is_told_with_the_frame(refused: Any, spoil: Any, at: str, text: str) -> None:
    document = frames()
    spoil(document)
    fault = refused(document)
    assert (place(fault), text in fault.what) == (at, True), fault


def test_two_lists_of_frames_are_refused(refused: Any) -> None:
    assert "several lists of frames: a, b" in refused({"a": frames(), "b": frames()}).what


def test_doubled_keys_and_deep_nesting(refused: Any) -> None:
    text = json.dumps(frames()).replace('"score":', '"score": 1, "score":', 1)
    fault = refused(text)
    assert fault.what == '"score" stands twice in one object'
    assert place(fault) == f":1:{text.index('score', text.index('score') + 5)}"
    assert "no usable JSON" in refused("[" * 100_000).what


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 127)), min_size=1, max_size=3))
def test_wild_bytes_raise_nothing_but_curves_errors(tmp_path_factory: Any, changes: list[tuple[int, int]]) -> None:
    text = list(json.dumps(frames()[:2]))
    for at, code in changes:
        text[at % len(text)] = chr(code)
    path = write_text(tmp_path_factory.getbasetemp() / "wild.json", "".join(text))
    try:
        track = read_curves(path, format="mediapipe")
    except CurvesError as fault:
        assert fault.where.startswith(str(path))
    else:
        assert np.isfinite(track.values).all()


def test_a_table_with_milliseconds(tmp_path: Path) -> None:
    track = read_curves(write_rows(tmp_path / "a.csv", mediapipe_rows(VALUES)))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k * 33 / 1000 for k in range(6)]
    assert (track.format, track.notes) == ("mediapipe", (TONGUE,))


def test_a_table_without_the_neutral_face_is_mediapipes_only_if_that_is_said(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.csv", [[row[0], *row[2:]] for row in mediapipe_rows(VALUES)])
    with pytest.raises(CurvesError, match=r"a\.csv:1: 1 of the 52 curves are missing: tongueOut") as caught:
        read_curves(path)
    assert "format='mediapipe'" in caught.value.do
    assert read_curves(path, format="mediapipe").values.tobytes() == VALUES.tobytes()
