"""``koekao demo``: the whole way from nothing, shortened here; nothing of anybody else's is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import koekao
from koekao.training import open_run


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    shorter = {"_TAKES": 6, "_HELD_OUT": 1, "_SECONDS": 3.0, "_SPEECH_S": 2.0, "_MODEL": {"dim": 16}}
    for name, value in shorter.items():
        monkeypatch.setattr(f"koekao.cli.demo.{name}", value)


def test_it_goes_the_whole_way_and_can_be_repeated(
    short: None, cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = Path("demo")
    said = cli("demo", "--out", out, "--minutes", 0.05)
    assert (said.code, said.err) == (0, "")
    assert [line.strip("─ ") for line in said.out.splitlines() if line.startswith("──") and "of 5" in line] == [
        "1 of 5: synthetic takes",
        "2 of 5: pack",
        "3 of 5: train",
        "4 of 5: evaluate",
        "5 of 5: animate",
    ]
    assert "found 6, packed 6, refused 0" in said.out and "Done in " in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    run = open_run(out / "run").read()
    assert run["config"]["minutes"] == 0.05 and len(run["trained_on"]) == 4
    tracks = [koekao.read_curves(out / f"face.{ending}") for ending in ("csv", "jsonl")]
    assert [len(track) for track in tracks] == [60, 60]
    assert (out / "face.json").is_file() and len(koekao.read_curves(out / "speech.truth.jsonl")) == 60
    (out / "mine.txt").write_text("kept")
    assert cli("demo", "--out", out, "--minutes", 0.02).code == 0
    assert (out / "mine.txt").read_text() == "kept"


def test_a_folder_of_somebody_elses_is_refused(cli: Callable, tmp_path: Path) -> None:
    (tmp_path / "takes").mkdir()
    said = cli("demo", "--out", tmp_path)
    assert (said.code, said.out) == (2, "")
    assert f"{tmp_path}: exists and is not an earlier demo\n  -> choose another folder with --out" in said.err
    assert [file.name for file in tmp_path.iterdir()] == ["takes"]


def test_settings_are_checked_before_anything_is_made(cli: Callable, tmp_path: Path) -> None:
    said = cli("demo", "--out", tmp_path / "demo", "--minutes", 0)
    assert said.code == 2 and "minutes 0.0; expected a number above 0" in said.err
    assert not (tmp_path / "demo").exists()


def test_ctrl_c_in_training_ends_the_demo(short: None, cli: Callable, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("koekao.cli.demo.run_training", lambda *_: 130)
    said = cli("demo", "--out", tmp_path / "demo", "--minutes", 0.02)
    assert said.code == 130 and "4 of 5" not in said.out
