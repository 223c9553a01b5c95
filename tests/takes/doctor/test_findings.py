"""Each finding fires on a take that was spoiled for it, with its numbers, and is silent on good ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spoiled import RATE, SPOILED, Recording, good, holding, livelink, loud, swap, with_value, without_rows

from koekao.takes.doctor.finding import LEVELS, Finding
from koekao.takes.doctor.findings import findings_of, worst
from koekao.takes.doctor.health import examine
from koekao.takes.doctor.subjects import find_subjects
from koekao.takes.doctor.sync import Sync

DATA = Path(__file__).parents[4] / "shared" / "data"
PROBLEMS = {"silent", "clipped", "mostly_lost", "scale_0_to_100", "nothing_moves", "lengths_differ"}
NOTES = {"channels", "short"}
AND_ALSO = {"mostly_lost": {"gaps"}}
"""What else is rightly found on some of them."""


def names(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.name for finding in findings}


@pytest.fixture
def found(health_of: Callable) -> Callable[..., tuple[Finding, ...]]:
    def of(thing: Recording | Path, **more: str) -> tuple[Finding, ...]:
        return findings_of(health_of(thing, **more))

    return of


@pytest.mark.parametrize("seed", range(4))
def test_a_good_take_is_fine(found: Callable, seed: int) -> None:
    assert found(good(seed)) == ()


@pytest.mark.skipif(not (DATA / "takes").is_dir(), reason="the real takes are not beside this checkout")
def test_real_takes_are_fine() -> None:
    for subject in find_subjects(DATA / "takes"):
        assert findings_of(examine(subject, sync=False)) == (), subject.name


@pytest.mark.skipif(not (DATA / "curves").is_dir(), reason="the real Live Link files are not beside this checkout")
def test_real_phone_recordings_have_notes_and_no_sound() -> None:
    for subject in find_subjects(DATA / "curves" / "livelink_rom"):
        told = {finding.name: finding.level for finding in findings_of(examine(subject))}
        assert told == {"no_sound": "look", "clock_is_not_rate": "note", "gaps": "note", "outside": "note"}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_take_is_told_for_what_it_is_and_nothing_else(found: Callable, name: str) -> None:
    told = found(SPOILED[name](good()))
    assert names(told) == {name} | AND_ALSO.get(name, set())
    (finding,) = (one for one in told if one.name == name)
    assert finding.level == ("problem" if name in PROBLEMS else "note" if name in NOTES else "look")
    assert finding.what and finding.do
    assert worst(told) == ("fine" if finding.level == "note" else finding.level)


def test_the_worst_comes_first(found: Callable) -> None:
    one = good()
    told = found(with_value(replace(one, sound=0 * one.sound), 1.05))
    assert [finding.level for finding in told] == ["problem", "note"]
    assert [LEVELS.index(finding.level) for finding in told] == sorted(LEVELS.index(f.level) for f in told)


def test_findings_say_their_numbers_and_times(found: Callable) -> None:
    (gap,) = found(without_rows(good(), 100, 12))
    assert gap.what == "rows are missing once (12 in all, the longest gap 433 ms)"
    assert gap.at_s == pytest.approx((99 / 30,))
    (stuck,) = found(holding(good(), ["mouthFunnel"], 100, 170))
    assert stuck.what == "mouthFunnel keeps one value for 5.6 s"
    assert stuck.at_s == pytest.approx((100 / 30,))


def test_when_is_said_for_the_first_three_times() -> None:
    def when(*at_s: float) -> str:
        return Finding(name="x", level="look", what="x", do="x", at_s=at_s).when

    assert when() == ""
    assert when(3.333) == " at 0:03.3"
    assert when(0.0, 59.97, 61.0) == " at 0:00.0, 1:00.0, 1:01.0"
    assert when(*range(7)) == " at 0:00.0, 0:01.0, 0:02.0 and later"
    assert when(-0.5) == " at -0:00.5"


def test_a_single_row_that_fell_out_is_a_note(found: Callable) -> None:
    assert [(one.name, one.level) for one in found(without_rows(good(), 100, 1))] == [("gaps", "note")]


def test_a_little_clipping_is_worth_a_look(found: Callable) -> None:
    one = good()
    sound = one.sound.copy()
    sound[50000:50004] = 1.0
    (finding,) = found(replace(one, sound=sound))
    assert (finding.name, finding.level, finding.at_s) == ("clipped", "look", (50000 / RATE,))
    assert names(found(loud(one, 0.99 / np.abs(one.sound).max()))) == set()


@pytest.mark.parametrize("which", [("eyeLookIn",), ("jaw",), ("jaw", "mouth")])
def test_swapped_sides_are_suspected(found: Callable, which: tuple[str, ...]) -> None:
    told = found(swap(good(), *which))
    assert names(told) == {"sides_swapped"}
    assert all("swapped" in finding.what for finding in told)


@pytest.mark.parametrize(("value", "level"), [(1.05, "note"), (-0.05, "note"), (1.2, "look"), (40.0, "look")])
def test_values_outside_are_told_by_how_far(found: Callable, value: float, level: str) -> None:
    (finding,) = found(with_value(good(), value))
    assert (finding.name, finding.level) == ("outside", level)
    assert f"{value:.4g}" in finding.what


def test_untracked_rows(found: Callable, tmp_path: Path) -> None:
    few = livelink(tmp_path / "few.csv", good().values, step=1, clock=30, untracked=[50, 51])
    many = livelink(tmp_path / "many.csv", good().values, step=1, clock=30, untracked=range(50, 150))
    assert {one.name: one.level for one in found(few)} == {"untracked": "note", "no_sound": "look"}
    told = {one.name: one for one in found(many)}
    assert {name: one.level for name, one in told.items()} == {
        "mostly_lost": "problem",
        "untracked": "look",
        "no_sound": "look",
    }
    assert told["untracked"].what == "no face in 100 of 360 rows (27.78 %)"
    nobody = livelink(tmp_path / "nobody.csv", good().values, step=1, clock=30, untracked=range(360))
    assert {"no_face", "mostly_lost"} <= names(found(nobody))


def synced(**values: Any) -> Sync:
    return Sync(**({"sync_ms": None, "drift_ms_per_min": None, "confidence": 0.9} | values))


@pytest.mark.parametrize(
    ("sync", "told"),
    [
        (synced(), {}),
        (synced(why="the mouth does not move", confidence=0.0), {}),  # which another finding tells
        (
            synced(why="no offset stands out", confidence=0.2),
            {"sync_unsure": "how late or early the sound comes is not sure: no offset stands out"},
        ),
        (synced(sync_ms=44.0), {}),
        (synced(sync_ms=46.0), {"out_of_sync": "the sound comes 46 ms late against the curves"}),
        (synced(sync_ms=-120.0), {"out_of_sync": "the sound comes 120 ms early against the curves"}),
        (synced(drift_ms_per_min=84.0), {}),  # over 12 s it is half a frame
        (synced(drift_ms_per_min=100.0, drift_error_ms_per_min=60.0), {}),
        (
            synced(drift_ms_per_min=100.0, drift_error_ms_per_min=5.0),
            {"drift": "the sound comes 100.0 ms later every minute, 20 ms over the take"},
        ),
        (
            synced(drift_ms_per_min=-100.0),
            {"drift": "the sound comes 100.0 ms earlier every minute, 20 ms over the take"},
        ),
    ],
)
def test_sync_is_told_where_it_is_noticed(health_of: Callable, sync: Sync, told: dict[str, str]) -> None:
    health = replace(health_of(good()), sync=sync)
    assert {finding.name: finding.what for finding in findings_of(health)} == told


def test_a_file_that_cannot_be_used_is_a_problem_with_its_place(found: Callable, tmp_path: Path) -> None:
    place = good(seconds=9).write(tmp_path, "take")
    place.with_suffix(".jsonl").write_text("nonsense\n")
    (finding,) = found(place)
    assert (finding.name, finding.level) == ("unusable", "problem")
    assert finding.what.startswith(f"{place}.jsonl:1") and "\n" not in finding.what and finding.do
