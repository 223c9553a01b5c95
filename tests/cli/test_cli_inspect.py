"""``koekao inspect``: a corpus, a folder of takes, a file of curves, a sound; all of it, bad files too."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import koekao
from koekao.arkit import NAMES


def test_a_corpus(cli: Callable, chain) -> None:
    said = cli("inspect", chain.corpus)
    assert (said.code, said.err) == (0, "")
    assert f"{chain.corpus}: 4 takes\n" in said.out
    assert said.row("aoi_0003")[1:5] == ["aoi", "test", "0:10.0", "300"]
    assert "40.0 s: 1,200 frames at 30 fps, 16000 Hz int16, " in said.out
    assert "train 20.0 s; val 10.0 s; test 10.0 s\n" in said.out
    curves = np.concatenate([koekao.open(chain.corpus).curves(i) for i in range(4)])
    name, *numbers, share = said.row("jawOpen")
    jaw = curves[:, NAMES.index("jawOpen")].astype(float)
    assert (name, share) == ("jawOpen", "100%")
    assert [float(n) for n in numbers] == pytest.approx([jaw.min(), jaw.max(), jaw.mean(), jaw.std()], abs=6e-4)


def test_a_corpus_as_json(cli: Callable, chain) -> None:
    said = cli("inspect", chain.corpus, "--json").json
    corpus = koekao.open(chain.corpus)
    assert (said["id"], said["n_takes"], said["n_frames"]) == (corpus.id, 4, 1200)
    assert [take["name"] for take in said["takes"]] == list(corpus.names)
    assert [curve["name"] for curve in said["curves"]] == list(NAMES)


def test_a_folder_of_takes(cli: Callable, chain) -> None:
    said = cli("inspect", chain.takes)
    assert (said.code, said.err) == (0, "")
    assert said.row("file") == ["file", "sound", "curves", "rows", "rows/s", "gaps", "range", "moving"]
    assert said.row("ken_0000.jsonl")[1:6] == ["0:10.0", "0:10.0", "300", "30.00", "0"]
    assert "4 takes, 0 unusable files, 0 problems, 0 other files\n" in said.out


def test_bad_files_in_a_folder_do_not_hide_the_others(cli: Callable, two_takes: Path) -> None:
    (two_takes / "take.jsonl").write_text('{"timestamp": x\n')
    (two_takes / "alone.wav").write_bytes((two_takes / "good.wav").read_bytes())
    (two_takes / "notes.md").write_text("x")
    said = cli("inspect", two_takes)
    assert said.code == 2
    assert said.row("good.jsonl")[1:5] == ["0:02.0", "0:02.0", "60", "30.00"]
    assert f"koekao: {two_takes}/take.jsonl:1:15: no JSON" in said.err and "Traceback" not in said.err
    assert f"{two_takes}/alone.wav: sound without curves; expected alone.jsonl or alone.csv or alone.json" in said.out
    assert "2 takes, 1 unusable file, 1 problem, 1 other file\n" in said.out
    as_json = cli("inspect", two_takes, "--json")
    assert (as_json.code, as_json.err, as_json.json["takes"], as_json.json["other_files"]) == (2, "", 2, 1)
    assert [Path(one["file"]).name for one in as_json.json["files"]] == ["good.jsonl"]
    assert [problem.split(":")[0] for problem in as_json.json["problems"]] == [
        f"{two_takes}/take.jsonl",
        f"{two_takes}/alone.wav",
    ]


def test_a_truncated_sound_is_found_without_packing(cli: Callable, two_takes: Path) -> None:
    sound = two_takes / "take.wav"
    sound.write_bytes(sound.read_bytes()[:-100])
    said = cli("inspect", two_takes)
    assert said.code == 2 and f"{sound}:byte 40: truncated" in said.err


def test_curves_without_sound_are_shown_all_the_same(cli: Callable, two_takes: Path) -> None:
    for sound in two_takes.glob("*.wav"):
        sound.unlink()
    said = cli("inspect", two_takes)
    assert said.code == 0
    assert said.row("file") == ["file", "curves", "rows", "rows/s", "gaps", "range", "moving"]
    assert f"{two_takes}: no take (2 problems" in said.out


def test_one_file_of_curves_with_gaps_and_untracked_rows(cli: Callable, tmp_path: Path) -> None:
    path = tmp_path / "face.csv"
    values = np.zeros((41, 52), np.float32)
    values[:, NAMES.index("jawOpen")] = np.linspace(0, 1.04, 41)
    values[:, NAMES.index("mouthSmileLeft")] = np.linspace(0.5, 0.1, 41)
    koekao.write_curves(path, values, Fraction(60))
    lines = path.read_text().splitlines()
    lines[8] = lines[8].split(",")[0] + ",0"
    path.write_text("\n".join(lines[:10] + lines[13:]) + "\n")
    said = cli("inspect", path)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == str(path)
    assert lines[1].split() == ["curves", "rows", "rows/s", "clock", "gaps", "lost", "range", "moving"]
    assert lines[3].split() == ["0:00.7", "38", "60.00", "60", "1", "(67", "ms)", "1", "0.00..1.04", "2"]
    assert "curves that move: jawOpen, mouthSmileLeft\n" in said.out
    one = cli("inspect", path, "--json").json
    assert (one["file"], one["rows"], one["gaps"], one["untracked"]) == (str(path), 38, 1, 1)
    assert one["moving"] == ["jawOpen", "mouthSmileLeft"] and one["sound_s"] is None


def test_every_ending_of_curves_and_a_rate_for_rows_without_times(cli: Callable, tmp_path: Path) -> None:
    values = np.linspace(0, 0.9, 12, dtype=np.float32)[:, None].repeat(52, 1)
    koekao.write_curves(tmp_path / "a.json", values, Fraction(60))
    assert cli("inspect", tmp_path / "a.json", "--json").json["rate_hz"] == pytest.approx(
        60, rel=1e-5
    )  # written to the microsecond
    packets = ["|".join(f"{name}-{k}" for name in NAMES) + "|=head#0,0,0,0,0,0|" for k in range(12)]
    (tmp_path / "b.TXT").write_text("\n".join(packets))
    said = cli("inspect", tmp_path / "b.TXT")
    assert said.code == 2
    assert f"koekao: {tmp_path}/b.TXT:1: the rows have no times" in said.err and "fps=30" in said.err
    one = cli("inspect", tmp_path / "b.TXT", "--fps", "60", "--json").json
    assert (one["rows"], one["rate_hz"], one["max"]) == (12, pytest.approx(60), pytest.approx(0.11))
    assert one["notes"] == ["times are row / 60, as stated"]
    for ending in (".gltf", ".glb"):
        (tmp_path / f"c{ending}").write_bytes(b"glTF")
        assert f"c{ending}:byte 4: a GLB header cut off" in cli("inspect", tmp_path / f"c{ending}").err


def test_a_sound(cli: Callable, chain) -> None:
    path = chain.takes / "ken_0000.wav"
    said = cli("inspect", path)
    assert said.out == f"{path}: 10.0 s, 160,000 samples at 16000 Hz, 1 channel, PCM_16\n"
    as_json = cli("inspect", path, "--json").json
    assert (as_json["file"], as_json["duration_s"], as_json["n_samples"]) == (str(path), 10.0, 160000)


def test_many_takes_are_cut_short_unless_all_are_asked_for(
    cli: Callable, chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koekao.cli.inspect.MOST_TAKES", 3)
    said = cli("inspect", chain.corpus)
    assert "ken_0002" not in said.out and "... and 1 take more: --all-takes\n" in said.out
    assert "ken_0002" in cli("inspect", chain.corpus, "--all-takes").out
