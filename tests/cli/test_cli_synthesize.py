"""``koekao synthesize``: takes that pack as they are, the same for the same seed, over nobody's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from koekao.takes import find_takes, read_curves


def test_takes_are_made_and_counted(cli: Callable, tmp_path: Path) -> None:
    said = cli("synthesize", tmp_path / "takes", "--takes", 3, "--seconds", 1.5, "--voices", 3, "--seed", 7)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"made {tmp_path / 'takes'} (3 synthetic takes, 4.5 s) in ")
    assert said.out.endswith(f"; next: koekao pack {tmp_path / 'takes'} CORPUS\n")
    found = find_takes(tmp_path / "takes")
    assert len(found.pairs) == 3 and not found.problems and len({pair.speaker for pair in found.pairs}) == 3


def test_the_same_seed_makes_the_same_files(cli: Callable, tmp_path: Path) -> None:
    made = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert cli("synthesize", tmp_path / name, "--takes", 1, "--seconds", 1, "--seed", seed).code == 0
        made[name] = [file.read_bytes() for file in sorted((tmp_path / name).iterdir())]
    assert made["a"] == made["b"] != made["c"]


def test_rates_and_format(cli: Callable, tmp_path: Path) -> None:
    words = ("--takes", 1, "--seconds", 3, "--fps", "24", "--sample-rate", 48000, "--format", "livelink_csv", "--json")
    said = cli("synthesize", tmp_path / "takes", *words)
    assert said.json.items() >= {"folder": str(tmp_path / "takes"), "takes": 1, "seconds": 3.0}.items()
    (curves,) = (tmp_path / "takes").glob("*.csv")
    assert (len(read_curves(curves)), read_curves(curves).stated_clock) == (72, 24)
    assert cli("inspect", curves.with_suffix(".wav"), "--json").json["sample_rate"] == 48000


def test_a_folder_with_something_in_it_is_left_alone(cli: Callable, two_takes: Path) -> None:
    before = {file: file.read_bytes() for file in two_takes.iterdir()}
    said = cli("synthesize", two_takes, "--takes", 1, "--seconds", 1)
    assert (said.code, said.out) == (2, "")
    assert f"{two_takes}: is not empty\n  -> choose another folder, or say --overwrite" in said.err
    assert {file: file.read_bytes() for file in two_takes.iterdir()} == before
    assert cli("synthesize", two_takes, "--takes", 1, "--seconds", 1, "--overwrite").code == 0
    assert len(find_takes(two_takes).pairs) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--takes", "0"], "0 takes; expected at least 1"),
        (["--takes", "-1"], "-1 takes; expected at least 1"),
        (["--seconds", "0"], "takes of 0.0..0.0 s"),
        (["--seconds", "nan"], "takes of nan..nan s"),
        (["--fps", "0"], "frame rate '0'"),
        (["--voices", "0"], "0 voices"),
        (["--sample-rate", "100"], "sample rate"),
    ],
)
def test_settings_that_cannot_be_leave_nothing(cli: Callable, tmp_path: Path, words: list[str], said: str) -> None:
    outcome = cli("synthesize", tmp_path / "takes", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err and "Traceback" not in outcome.err
    assert not (tmp_path / "takes").exists()


def test_a_file_in_the_way(cli: Callable, tmp_path: Path) -> None:
    (tmp_path / "takes").write_text("x")
    said = cli("synthesize", tmp_path / "takes", "--takes", 1)
    assert said.code == 2 and f"{tmp_path / 'takes'}: is a file; expected a folder" in said.err
