"""The law: weights are in the order of the file's own names, times are its times, and metadata only has to agree."""

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
from koekao.outputs import write_curves
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.named_json import read_named_json
from koekao.takes.formats.registry import read_curves
from koekao.takes.take import Source
from take_files import NO_FINITE_NUMBERS, curves, named_json, survives_pickling, write_text

VALUES = curves(6)
TONGUE = "missing: tongueOut is not in this format, 0"


def parse(document: Any, fps: Fraction | None = None) -> CurveTrack:
    text = document if isinstance(document, str) else json.dumps(document)
    source = Source(path="a.json", size=len(text), sha256="")
    return read_named_json(CurveFile(data=text.encode("utf-8", "surrogatepass"), source=source), fps=fps)


def refused(document: Any, **options: Any) -> CurvesError:
    with pytest.raises(CurvesError) as caught:
        parse(document, **options)
    assert survives_pickling(caught.value)
    return caught.value


def lam() -> dict[str, Any]:
    metadata = {"fps": 30, "frame_count": 6, "blendshape_names": list(arkit.NAMES)}
    return {"metadata": metadata, **named_json(VALUES)}


def test_values_and_times_come_through_exactly(tmp_path: Path) -> None:
    track = read_curves(write_text(tmp_path / "a", json.dumps(named_json(VALUES, fps=29))))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k / 29 for k in range(6)]
    assert (track.format, track.stated_fps, track.stated_clock, track.notes) == ("named_json", None, None, ())
    assert track.tracked.all()


def test_what_koekao_writes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_curves(path, VALUES, fps=Fraction(30000, 1001))
    track = read_curves(path)
    assert np.abs(track.values - VALUES).max() < 1e-6
    assert track.stated_fps == pytest.approx(30000 / 1001)
    assert track.time_s[5] == pytest.approx(5 * 1001 / 30000, abs=1e-6)


@pytest.mark.parametrize("spell", [str, arkit.pascal, arkit.underscored])
def test_the_order_is_the_files_own(spell: Any) -> None:
    places = list(range(52))
    random.Random(1).shuffle(places)
    mixed = named_json(VALUES[:, places], [spell(arkit.NAMES[place]) for place in places])
    assert parse(mixed).values.tobytes() == VALUES.tobytes()


def test_keys_stand_in_any_order_and_frames_may_be_first() -> None:
    document = lam()
    document["frames"] = [{"time": frame["time"], "weights": frame["weights"]} for frame in document["frames"]]
    turned = dict(reversed(document.items()))
    assert next(iter(turned)) == "frames"
    assert parse(turned).values.tobytes() == VALUES.tobytes()


def test_beat_has_no_tongue_and_that_is_said() -> None:
    track = parse(named_json(VALUES[:, :51], arkit.NAMES[:51]))
    assert np.array_equal(track.values[:, :51], VALUES[:, :51])
    assert not track.values[:, 51].any()
    assert track.notes == (TONGUE,)
    places = [50, *range(50)]
    again = parse(named_json(VALUES[:, places], [arkit.NAMES[place] for place in places]))
    assert np.array_equal(again.values, track.values)


@pytest.mark.parametrize("name", [name for name in arkit.NAMES if name != "tongueOut"])
def test_each_other_missing_curve_is_named(name: str) -> None:
    keep = [i for i, known in enumerate(arkit.NAMES) if known != name]
    fault = refused(named_json(VALUES[:, keep], [arkit.NAMES[i] for i in keep]))
    assert (fault.where, fault.what) == ("a.json:names", f"1 of the 52 curves are missing: {name}")


def test_doubled_names_are_refused() -> None:
    values = np.concatenate([VALUES, VALUES[:, :1]], 1)
    assert "both name jawOpen" in refused(named_json(values, [*arkit.NAMES, "JawOpen"])).what
    assert refused(named_json(values, [*arkit.NAMES, "jawOpen"])).what == '"jawOpen" stands twice'
    assert (
        refused(named_json(np.concatenate([values, VALUES[:, :1]], 1), [*arkit.NAMES, "x", "x"])).what
        == '"x" stands twice'
    )


def test_unknown_names_and_keys_are_noted() -> None:
    document = named_json(np.concatenate([VALUES, VALUES[:, :1]], 1), [*arkit.NAMES, "headYaw"])
    document |= {"creator": "x", "metadata": {"fps": 30, "device": "y"}}
    document["frames"][3]["rotation"] = [0, 0, 0]
    assert parse(document).notes == (
        "ignored 1 names that are no ARKit curve: headYaw",
        "ignored 2 keys of the document: creator, metadata.device",
        "ignored 1 keys beside weights and time: rotation",
    )


def test_a_stated_rate_is_kept_and_not_believed() -> None:
    document = lam()
    document["metadata"]["fps"] = 59.94
    track = parse(document, fps=Fraction(24))
    assert track.stated_fps == Fraction(60000, 1001)
    assert track.rate_hz == pytest.approx(30)


def test_frames_without_times_need_a_rate() -> None:
    document = lam()
    for frame in document["frames"]:
        del frame["time"]
    track = parse(document)
    assert track.time_s.tolist() == [k / 30 for k in range(6)]
    assert track.notes == ("times are row / 30, as stated",)
    assert parse(document, fps=Fraction(60)).time_s[1] == 1 / 60
    del document["metadata"]
    assert parse(document, fps=Fraction(60)).time_s[5] == 5 / 60
    fault = refused(document)
    assert (fault.where, fault.what) == ("a.json:frame 0", "the rows have no times")
    assert "fps=30" in fault.do


@pytest.mark.parametrize("k", [0, 1, 5])
def test_times_in_some_frames_only_are_refused(k: int) -> None:
    document = named_json(VALUES)
    del document["frames"][k]["time"]
    assert refused(document).where == f"a.json:frame {k}"
    if k == 0:
        fault = refused(document, fps=Fraction(30))
        assert (fault.where, fault.what) == ("a.json:frame 1", "a time, and the first frame has none")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("frame_count", 7, "7"),
        ("frame_count", 6.0, "6.0"),
        ("frame_count", True, "true"),
        ("frame_count", None, "null"),
        ("blendshape_names", list(arkit.NAMES[:51]), '["browDownLeft"'),
        ("blendshape_names", list(reversed(arkit.NAMES)), '["tongueOut"'),
        ("fps", 0, "0"),
        ("fps", -30, "-30"),
        ("fps", "30", '"30"'),
        ("fps", True, "true"),
        ("fps", None, "null"),
        ("fps", float("nan"), "NaN"),
        ("fps", 1e999, "Infinity"),
    ],
)
def test_metadata_that_disagrees_is_refused(key: str, value: Any, shown: str) -> None:
    document = lam()
    document["metadata"][key] = value
    fault = refused(document)
    assert fault.where == f"a.json:metadata.{key}"
    assert fault.what.startswith(shown)


@pytest.mark.parametrize(("cell", "shown"), NO_FINITE_NUMBERS)
@pytest.mark.parametrize("name", ["browDownLeft", "jawOpen", "tongueOut"])
def test_cells_that_are_no_finite_numbers(cell: str, shown: str, name: str) -> None:
    document = named_json(VALUES)
    document["frames"][4]["weights"][arkit.INDEX[name]] = "HERE"
    fault = refused(json.dumps(document).replace('"HERE"', cell))
    assert (fault.where, fault.what) == (f"a.json:frame 4:{name}", shown)


@pytest.mark.parametrize("cell", ["0,5", "1_0", "０.5", ".5", "+1", "0x1", "01", "5.", "nan", "1" * 5000])
def test_cells_that_are_no_json_are_told_with_line_and_column(cell: str) -> None:
    document = named_json(VALUES)
    document["frames"][4]["time"] = "HERE"
    text = json.dumps(document, indent=1)
    line = text[: text.index('"HERE"')].count("\n") + 1
    fault = refused(text.replace('"HERE"', cell))
    assert fault.where.startswith(f"a.json:{line}:") or cell == "1" * 5000


@pytest.mark.parametrize("cell", ["NaN", "1e999", "true", "null", '"0.1"', "[]"])
def test_times_that_are_no_finite_numbers(cell: str) -> None:
    document = named_json(VALUES)
    document["frames"][2]["time"] = "HERE"
    assert refused(json.dumps(document).replace('"HERE"', cell)).where == "a.json:frame 2:time"


def test_times_that_do_not_increase() -> None:
    for time in (1 / 30, 0.0, -1.0):
        document = named_json(VALUES)
        document["frames"][2]["time"] = time
        fault = refused(document)
        assert (fault.where, fault.what) == ("a.json:frame 2", f"time {time!r} after {1 / 30!r}")
    document["frames"][0]["time"] = 1.7e9
    assert "Unix time" in refused(document).what


@pytest.mark.parametrize("n", [0, 51, 53])
def test_weights_too_few_or_too_many(n: int) -> None:
    document = named_json(VALUES)
    document["frames"][5]["weights"] = [0.5] * n
    fault = refused(document)
    assert (fault.where, fault.what, fault.expected[:2]) == ("a.json:frame 5", f"{n} weights", "52")


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda d: d.update(names="jawOpen"), "a.json:names"),
        (lambda d: d.update(names=[1, 2]), "a.json:names"),
        (lambda d: d.update(frames={}), "a.json:frames"),
        (lambda d: d.update(frames=[]), "a.json:frames"),
        (lambda d: d.update(metadata=[]), "a.json:metadata"),
        (lambda d: d["frames"].insert(1, 5), "a.json:frame 1"),
        (lambda d: d["frames"].insert(1, {"time": 0.01}), "a.json:frame 1"),
        (lambda d: d["frames"].insert(1, {"time": 0.01, "weights": {}}), "a.json:frame 1"),
        (lambda d: d.pop("names"), "a.json"),
    ],
)
def test_what_is_no_such_document(spoil: Any, where: str) -> None:
    document = named_json(VALUES)
    spoil(document)
    assert refused(document).where == where


def test_doubled_keys_deep_nesting_and_half_characters() -> None:
    text = json.dumps(named_json(VALUES), indent=0)
    again = text.replace('"time": 0.0', '"time": 0.0,\n"time": 0.0', 1)
    fault = refused(again)
    assert fault.what == '"time" stands twice in one object'
    line = again.split("\n").index('"time": 0.0') + 1
    assert fault.where == f"a.json:{line}:1"
    assert "no usable JSON" in refused('{"names": ' + "[" * 100_000).what
    assert "no usable JSON" in refused('{"names": [], "frames": ' + '{"a":' * 100_000).what
    half = named_json(np.concatenate([VALUES, VALUES[:, :1]], 1), [*arkit.NAMES, "\ud800"])
    assert parse(half).notes == ("ignored 1 names that are no ARKit curve: ?",)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 127)), min_size=1, max_size=3), st.booleans())
def test_wild_bytes_raise_nothing_but_curves_errors(changes: list[tuple[int, int]], cut: bool) -> None:
    text = list(json.dumps(lam()))
    for place, code in changes:
        text[place % len(text)] = chr(code)
    if cut:
        del text[changes[0][0] % len(text) :]
    try:
        track = parse("".join(text))
    except CurvesError as fault:
        assert fault.where.startswith("a.json")
    else:
        assert np.isfinite(track.values).all()
