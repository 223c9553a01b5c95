"""The page and the JSON: everything is in them, nothing is fetched, and no name can do harm."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from spoiled import RATE, SPOILED, good, without_rows

from koekao.arkit import NAMES
from koekao.errors import OutputError, SoundError
from koekao.takes.doctor.health import Health, examine
from koekao.takes.doctor.page import page
from koekao.takes.doctor.report import Examined, is_report, refuse_other_files, report_text
from koekao.takes.doctor.subjects import Subject, find_subjects
from koekao.takes.doctor.sync import Sync

HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
TAKE_KEYS = [
    "name", "level", "usable", "sound_file", "curves_file", "length_s", "curves_longer_s", "sync_ms",
    "drift_ms_per_min", "confidence", "sync_error_ms", "drift_error_ms_per_min", "sync_why", "sound",
    "curves", "findings", "errors",
]  # fmt: skip
SOUND_KEYS = [
    "duration_s", "sample_rate_hz", "channels", "subtype", "peak", "dc_offset", "silent_share", "silent_channels",
    "noise_dbfs", "speech_dbfs", "snr_db", "clipped_runs", "clipped_samples", "clipped_share", "notes",
]  # fmt: skip
CURVES_KEYS = [
    "format", "rows", "start_s", "end_s", "duration_s", "rate_hz", "stated_fps", "stated_clock", "nominal_hz",
    "rate_off", "jitter_ms", "gaps", "longest_gap_s", "gaps_s", "missing_rows", "untracked_rows", "untracked_share",
    "lost_share", "lost", "min", "max", "outside_share", "far_outside_share", "moving", "dead", "stuck", "frozen",
    "asymmetry", "still_sides", "sides", "notes",
]  # fmt: skip


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[Examined]:
    """A good take, three spoiled ones, a lone sound, and a broken file."""
    folder = tmp_path_factory.mktemp("takes")
    good().write(folder, "good")
    for name in ("clipped", "gaps", "stuck"):
        SPOILED[name](good()).write(folder, name)
    good().write(folder, "broken").with_suffix(".jsonl").write_text("nonsense\n")
    soundfile.write(folder / "alone.wav", good().sound, RATE)
    return [Examined.of(examine(subject, sync=False)) for subject in find_subjects(folder)]


def renamed(one: Examined, **more: object) -> Examined:
    return Examined.of(replace(one.health, **more))


def tree_of(takes: list[Examined], **more: int) -> ElementTree.Element:
    return ElementTree.fromstring(page(takes, place=Path("takes"), **more).removeprefix("<!DOCTYPE html>\n"))


def bodies(tree: ElementTree.Element) -> list[ElementTree.Element]:
    return list(tree.iter(f"{HTML}tbody"))


def text_of(element: ElementTree.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def test_the_page_is_well_formed_and_has_a_row_a_take_worst_first(takes: list[Examined]) -> None:
    rows = bodies(tree_of(takes))
    names = [row.find(f".//{HTML}th").text for row in rows]
    assert names == ["broken", "clipped", "alone", "gaps", "stuck", "good"]
    assert [row.get("data-level") for row in rows] == ["unusable", "problem", "look", "look", "look", "fine"]
    for row, one in zip(rows, sorted(takes, key=lambda one: one.badness)):
        for finding in one.findings:
            assert " ".join(finding.what.split()) in text_of(row) and finding.do in text_of(row)


def test_nothing_is_fetched_and_only_its_own_script_runs(takes: list[Examined]) -> None:
    made = page(takes, place=Path("takes"))
    assert not re.search(r"""(src|href|action|data)\s*=\s*["']|url\(|@import|<link|<img|<iframe""", made)
    assert set(re.findall(r"https?://[^\"\s]+", made)) == {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in made and made.count("<script") == 1
    assert not re.search(r"\son\w+\s*=", made)


def test_names_are_text_and_nothing_else(takes: list[Examined]) -> None:
    bad = '<script>alert("1")</script>&$title\x01\udc80 onload=x'
    made = page([renamed(takes[0], name=bad)], place=Path("<b>$heading"))
    tree = ElementTree.fromstring(made.removeprefix("<!DOCTYPE html>\n"))
    made.encode()
    (row,) = bodies(tree)
    assert row.find(f".//{HTML}th").text == '<script>alert("1")</script>&$title\ufffd\\udc80 onload=x'
    assert made.count("<script") == 1
    assert tree.find(f".//{HTML}h1").text == "<b>$heading"


def test_each_take_has_a_plot_of_sound_and_curves(takes: list[Examined]) -> None:
    rows = {row.find(f".//{HTML}th").text: row for row in bodies(tree_of(takes))}
    for name, sounds, lines in (("good", 1, 8), ("alone", 1, 0), ("broken", 1, 0)):
        paths = [path.get("class").split()[0] for path in rows[name].iter(f"{SVG}path")]
        assert (paths.count("wave"), paths.count("line")) == (sounds, lines), name
    titles = [
        path.find(f"{SVG}title").text for path in rows["good"].iter(f"{SVG}path") if path.get("class")[:4] == "line"
    ]
    assert titles[0] == "jawOpen" and set(titles) <= set(NAMES)
    for svg in rows["good"].iter(f"{SVG}svg"):
        assert svg.get("aria-label") or svg.get("aria-hidden")
        for path in svg.iter(f"{SVG}path"):
            assert re.fullmatch(r"[MHVhvlz\d. -]+", path.get("d"))


def test_a_line_of_a_plot_ends_where_the_curve_does(takes: list[Examined]) -> None:
    (one,) = (one for one in takes if one.health.name == "good")
    (row,) = bodies(tree_of([one]))
    lines = [path.get("d") for path in row.iter(f"{SVG}path") if path.get("class") == "line a"]
    start, steps = re.match(r"M([\d.]+) \d+h\.1", lines[0]), lines[0][lines[0].index("h.1") + 3 :]
    across = sum(float(n) for n in re.findall(r"h(\d+)", steps)) + len(re.findall(r"l1", steps))
    values = one.health.plotted.curves[0]
    assert float(start[1]) + across == 239.5
    y = int(re.match(r"M[\d.]+ (\d+)", lines[0])[1]) + sum(int(n) for n in re.findall(r"l1 ?(-?\d+)", steps))
    assert y == 88 - round(25 * float(values[-1]))


def test_gaps_are_hatched_and_findings_marked_where_they_are(takes: list[Examined]) -> None:
    rows = {row.find(f".//{HTML}th").text: row for row in bodies(tree_of(takes))}
    (lost,) = (i for i in rows["gaps"].iter(f"{HTML}i") if i.get("class") == "lost")
    left, width = map(float, re.findall(r"([\d.]+)%", lost.get("style")))
    assert (left, width) == (pytest.approx(100 * 99 / 360, abs=0.01), pytest.approx(100 * 13 / 360, abs=0.01))
    (mark,) = (i for i in rows["stuck"].iter(f"{HTML}i") if i.get("class") == "mark look")
    assert float(re.search(r"[\d.]+", mark.get("style"))[0]) == pytest.approx(100 * 100 / 360, abs=0.01)
    assert not [i for i in rows["good"].iter(f"{HTML}i") if i.get("class") in ("lost", "mark look")]


def test_of_many_takes_the_worst_are_plotted_and_all_have_a_row(takes: list[Examined]) -> None:
    rows = bodies(tree_of(takes, most_plots=2))
    assert [row.find(f".//{HTML}div[@class='plot']") is not None for row in rows] == [True, True] + [False] * 4


def test_a_take_costs_less_than_15_kilobytes(takes: list[Examined]) -> None:
    few, many = (page(takes * n, place=Path("takes"), most_plots=1000) for n in (1, 21))
    assert (len(many.encode()) - len(few.encode())) / (20 * len(takes)) < 15_000


def test_sync_is_shown_with_its_confidence_or_as_unsure(takes: list[Examined]) -> None:
    sure = Sync(sync_ms=-80.0, drift_ms_per_min=3.0, confidence=0.75, sync_error_ms=5.0)
    unsure = Sync(sync_ms=None, drift_ms_per_min=None, confidence=0.2, why="a mouth that stands still")
    tree = tree_of([renamed(takes[2], sync=sure), renamed(takes[3], sync=unsure), renamed(takes[4], sync=None)])
    cells = {row.find(f".//{HTML}th").text: row.find(f".//{HTML}td[@class='sync']") for row in bodies(tree)}
    first, second, third = (cells[one.health.name] for one in takes[2:5])
    assert text_of(first) == "-80 ms 0.75" and first.get("data-key") == "-80.000"
    circle = first.find(f".//{SVG}circle")
    assert float(circle.get("cx")) == pytest.approx(42 - 38 * 80 / 200, abs=0.1)
    assert text_of(second) == "unsure 0.20" and second.get("data-key") == ""
    assert text_of(third) == "-"
    histogram = list(tree.find(f".//{HTML}div[@class='histogram']"))
    assert [i.get("title") for i in histogram if i.get("style") != "height:0%"] == ["-80 ms: 1"]
    assert "a mouth that stands still" in text_of(tree) and "sure for 1 of 3" in text_of(tree)


def test_the_summary_counts(takes: list[Examined]) -> None:
    tree = tree_of(takes)
    tiles = [text_of(tile) for tile in tree.find(f".//{HTML}ul[@class='tiles']")]
    assert tiles == ["6 takes", "1.0 minutes", "1 unusable", "1 with problems", "3 to look at", "1 fine"]
    shares = [text_of(item) for item in tree.find(f".//{HTML}details/{HTML}ul")]
    assert len(shares) == 52 and shares[NAMES.index("jawOpen")] == "jawOpen 4/4"
    assert shares[NAMES.index("eyeWideLeft")] == "eyeWideLeft 0/4"


def test_the_json_has_its_keys_and_is_strict(takes: list[Examined]) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    told = json.loads(report_text(takes), parse_constant=refuse)
    assert list(told) == ["format", "version", "summary", "takes"]
    assert (told["format"], told["version"]) == ("koekao-check", 1)
    assert list(told["summary"]) == ["takes", "hours", "levels", "findings", "takes_with_curves", "moves_in_takes"]
    assert told["summary"]["levels"] == {"unusable": 1, "problem": 1, "look": 3, "fine": 1}
    by_name = {take["name"]: take for take in told["takes"]}
    for take in told["takes"]:
        assert list(take) == TAKE_KEYS
        assert take["sound"] is None or list(take["sound"]) == SOUND_KEYS
        assert take["curves"] is None or list(take["curves"]) == CURVES_KEYS
        for finding in take["findings"]:
            assert list(finding) == ["name", "level", "what", "do", "at_s"]
    assert (by_name["alone"]["curves"], by_name["alone"]["sync_ms"]) == (None, None)
    assert not by_name["broken"]["usable"] and "nonsense" in by_name["broken"]["errors"][0]
    assert by_name["gaps"]["curves"]["lost"] == [pytest.approx([99 / 30, 112 / 30])]


def test_numbers_that_are_none_are_null() -> None:
    sync = Sync(sync_ms=float("nan"), drift_ms_per_min=float("inf"), confidence=0.0)
    health = Health(
        name="x", sound_path=None, curves_path=None, sound=None, curves=None, sync=sync, errors=(SoundError("gone"),)
    )
    (take,) = json.loads(report_text([Examined.of(health)]))["takes"]
    assert (take["sync_ms"], take["drift_ms_per_min"], take["length_s"]) == (None, None, None)
    tree_of([Examined.of(replace(health, sync=None))])


def test_a_face_that_nobody_saw_is_a_page_too(tmp_path: Path) -> None:
    one = without_rows(good(seconds=1), 1, 29)
    place = replace(one, sound=np.zeros(1)).write(tmp_path, "tiny")
    (row,) = bodies(tree_of([Examined.of(examine(Subject(name="tiny", curves=place.with_suffix(".jsonl"))))]))
    assert row.get("data-level") == "problem"


def test_only_our_own_reports_are_written_over(tmp_path: Path, takes: list[Examined]) -> None:
    (tmp_path / "report.json").write_text(report_text(takes))
    (tmp_path / "report.html").write_text(page(takes, place=tmp_path))
    assert is_report(tmp_path / "report.json") and is_report(tmp_path / "report.html")
    refuse_other_files(tmp_path)
    (tmp_path / "report.html").write_text("<html>the accounts of 1998</html>")
    with pytest.raises(OutputError, match="is no report of koekao check"):
        refuse_other_files(tmp_path)
    with pytest.raises(OutputError, match="is not a folder"):
        refuse_other_files(tmp_path / "report.json")
