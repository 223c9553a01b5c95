"""``koekao check``: a table, a page and a file for programs; nothing that cannot be used is left out."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from koekao import arkit
from koekao.outputs.folder import write_take
from koekao.takes.doctor import health
from koekao.takes.doctor.sync import Sync
from koekao.takes.synthetic.making import make_take


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """A folder with ``fine`` and ``quiet``, whose sound is silent, 9 s each."""
    folder = tmp_path / "takes"
    for seed, name in enumerate(("fine", "quiet")):
        take = make_take(seed, seconds=9)
        write_take(folder, name, take.audio * (name == "fine"), take.sample_rate, take.curves, take.fps)
    return folder


def livelink(path: Path, n: int = 300) -> Path:
    rows = [",".join(arkit.ORDERS["livelink_csv"])]
    values = 0.5 + 0.4 * np.sin(np.arange(n)[:, None] / 5 + np.arange(52))
    for k, row in enumerate(values):
        code = f"10:00:{k // 30:02}:{2 * k % 60:02}.000"
        rows.append(",".join([code, "61", *(f"{value:.6f}" for value in row), *["0.0"] * 9]))
    path.write_text("\n".join(rows) + "\n")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_takes(cli: Callable, takes: Path, tmp_path: Path) -> None:
    said = cli("check", takes, "-o", tmp_path / "out", "--no-sync")
    assert (said.code, said.err) == (0, "")
    assert said.row("take") == ["take", "length", "rows/s", "lost", "findings"]
    assert said.row("fine")[:5] == ["fine", "0:09.0", "30.00", "0.0%", "0"]
    assert ["quiet", "0:09.0", "30.00", "0.0%", "1"] in [line.split() for line in said.out.splitlines()]
    assert "\nquiet\n  problem: the sound is silent throughout" in said.out
    report = tmp_path / "out" / "report.html"
    made = rf"made the report {re.escape(str(report))} in [\d.]+ s; next: koekao pack {re.escape(str(takes))} CORPUS"
    assert re.fullmatch(made, said.out.splitlines()[-1])
    assert "18.0 s that can be used; takes: 1 with problems, 1 fine\n" in said.out
    assert max(map(len, said.out.splitlines()[:6])) <= 80
    assert names(tmp_path / "out") == ["report.html", "report.json"]
    assert report.read_text().count("<tbody") == 2


def test_the_json_is_what_is_in_the_file(cli: Callable, takes: Path, tmp_path: Path, monkeypatch) -> None:
    measured = Sync(sync_ms=61.5, drift_ms_per_min=-2.5, confidence=0.9, sync_error_ms=3.0, drift_error_ms_per_min=1.0)
    monkeypatch.setattr(health, "estimate_sync", lambda *_: measured)
    said = cli("check", takes, "--output", tmp_path, "--json")
    assert (said.code, said.err) == (0, "")
    assert said.out == (tmp_path / "report.json").read_text()
    first = said.json["takes"][0]
    keys = ("name", "sync_ms", "drift_ms_per_min", "confidence", "sync_error_ms", "drift_error_ms_per_min")
    assert [first[key] for key in keys] == ["fine", 61.5, -2.5, 0.9, 3.0, 1.0]
    assert [finding["name"] for finding in first["findings"]] == ["out_of_sync"]
    told = cli("check", takes, "-o", tmp_path)
    assert "  look: the sound comes 62 ms late against the curves\n" in told.out and "+62 ms" in told.out
    assert "61.5" not in cli("check", takes, "-o", tmp_path, "--no-sync", "--json").out


def test_it_writes_here_unless_told_where(cli: Callable, takes: Path, tmp_path: Path, monkeypatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert cli("check", takes).out.splitlines()[-1].startswith("made the report report.html in ")
    assert names(here) == ["report.html", "report.json"]
    before = (here / "report.html").read_bytes()
    assert cli("check", takes).code == 0
    assert (here / "report.html").read_bytes() == before


def test_a_file_that_cannot_be_used_is_told_everywhere_and_hides_no_other(
    cli: Callable, takes: Path, tmp_path: Path
) -> None:
    (takes / "quiet.jsonl").write_text('{"timestamp": x\n')
    shutil.copy(takes / "fine.wav", takes / "alone.wav")
    said = cli("check", takes, "-o", tmp_path, "--no-sync")
    place = f"{takes}/quiet.jsonl:1:15: no JSON"
    assert said.code == 2 and "Traceback" not in said.err
    assert place in said.out and "takes: 1 unusable, 1 to look at, 1 fine" in said.out
    told = {take["name"]: take for take in json.loads((tmp_path / "report.json").read_text())["takes"]}
    assert list(told) == ["alone", "fine", "quiet"]
    assert (told["quiet"]["usable"], told["quiet"]["curves"]) == (False, None)
    assert told["quiet"]["errors"][0].startswith(place) and told["quiet"]["sound"]["duration_s"] == 9
    assert place in (tmp_path / "report.html").read_text()
    assert cli("check", takes, "-o", tmp_path, "--no-sync", "--json").code == 2


def test_a_lone_live_link_file_is_checked_for_what_it_has(cli: Callable, tmp_path: Path) -> None:
    said = cli("check", livelink(tmp_path / "face.csv"), "-o", tmp_path, "--json")
    assert said.code == 0
    (take,) = said.json["takes"]
    assert (take["name"], take["sound"], take["sync_ms"], take["confidence"]) == ("face", None, None, None)
    assert (take["curves"]["stated_clock"], take["curves"]["rate_hz"]) == ("60", pytest.approx(30))
    alone = cli("check", tmp_path / "face", "-o", tmp_path)
    assert "note: 30.00 rows a second on a timecode of 60" in alone.out and "next" not in alone.out
    (tmp_path / "report.json").unlink()
    assert cli("check", tmp_path, "-o", tmp_path / "out").code == 0


def test_a_report_among_the_takes_is_no_take(cli: Callable, takes: Path) -> None:
    for _ in range(2):
        said = cli("check", takes, "-o", takes, "--no-sync", "--json")
        assert [take["name"] for take in said.json["takes"]] == ["fine", "quiet"]


def test_other_files_are_not_written_over(cli: Callable, takes: Path, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"accounts": 1998}')
    said = cli("check", takes, "-o", tmp_path)
    assert said.code == 2 and "exists already and is no report of koekao check" in said.err
    assert (tmp_path / "report.json").read_text() == '{"accounts": 1998}'
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "nowhere: there is no such take"),
        ((".", "--plots", "-1"), "--plots -1; expected 0 or more"),
        ((".", "--rows-fps", "fast"), "fast"),
    ],
)
def test_what_cannot_be_is_said(cli: Callable, takes: Path, tmp_path: Path, monkeypatch, words, said: str) -> None:
    monkeypatch.chdir(takes)
    outcome = cli("check", *words, "-o", tmp_path / "out")
    assert outcome.code == 2 and said in outcome.err and "Traceback" not in outcome.err
    assert not (tmp_path / "out").exists()


def test_only_so_many_are_plotted(cli: Callable, takes: Path, tmp_path: Path) -> None:
    cli("check", takes, "-o", tmp_path, "--no-sync", "--plots", 1)
    made = (tmp_path / "report.html").read_text()
    assert made.count('class="wave"') == 1 and made.count("<tbody") == 2 and "the worst 1 are plotted" in made


def test_as_a_command_of_its_own(process: Callable, takes: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    for ending in (".wav", ".jsonl"):
        shutil.copy(takes / f"fine{ending}", takes / f"{name}{ending}")
    said = process("check", takes, "-o", tmp_path / "out", "--no-sync")
    assert (said.code, said.err) == (0, "")
    assert "caf\\udce9" in said.out
    told = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["takes"]
    assert [take["name"] for take in told] == ["caf\\udce9", "fine", "quiet"]
    assert "caf\\udce9" in (tmp_path / "out" / "report.html").read_text("utf-8")
