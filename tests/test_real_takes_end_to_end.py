"""The whole way on real recordings, by the command line: nothing lost, nothing moved, sides as the phone named them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import koekao
from koekao import arkit
from koekao.cli import main
from koekao.takes import find_takes

DATA = Path(__file__).parents[2] / "shared" / "data"
TAKES, ROM = DATA / "takes", DATA / "curves" / "livelink_rom"
FRAMES = {"1114_2_01": 3295, "1114_2_02": 3360, "1114_2_03": 3356, "1114_2_04": 3377, "1114_3_15": 1472}

needs_takes = pytest.mark.skipif(not TAKES.is_dir(), reason="the real takes are not beside this checkout")
needs_rom = pytest.mark.skipif(not ROM.is_dir(), reason="the real Live Link files are not beside this checkout")


class Said:
    """What a command line printed, which must have gone well."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: object) -> None:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        self.out, err = capsys.readouterr()
        assert (ended.value.code, err) == (0, "")

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _no_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koekao.training.trainer.listeners_of", lambda run_path, log_path: [])


@needs_takes
def test_from_recordings_to_an_animation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, run, face = tmp_path / "corpus", tmp_path / "run", tmp_path / "face.csv"
    said = Said(capsys, "pack", TAKES, corpus, "--test", "1114_3_15")
    assert "found 5, packed 5 (8 min 15 s): 5 as recorded, 0 repaired; refused 0, other files 0" in said.out
    assert "splits: 3 train, 1 val, 1 test" in said.out
    nothing_lost(corpus)

    small = ("--max-steps", 4, "--batch-size", 8, "--model.dim", 16, "--device", "cpu")
    done = Said(capsys, "train", corpus, run, *small, "--json").json
    assert done["step"] == 4

    scores = Said(capsys, "evaluate", run, corpus, "--json").json
    assert scores["takes"] == ["1114_3_15"] and scores["n_frames"] == FRAMES["1114_3_15"]
    assert len(scores["moving"]) == 10 and "jawOpen" in scores["moving"]
    for who in ("model", "ridge", "mean"):
        assert {"r", "mae", "rmse", "by_region", "by_curve"} <= set(scores[who])
        for metric in ("r", "mae", "rmse"):
            values = [scores[who]["by_curve"][name][metric] for name in scores["moving"]]
            assert scores[who][metric] == pytest.approx(np.mean(values), abs=1e-12)
        assert list(scores[who]["by_curve"]) == list(arkit.NAMES)
        assert scores[who]["by_region"]["jaw"]["r"] is not None and scores[who]["by_region"]["brow"]["r"] is None
    assert scores["ridge"]["by_curve"]["jawOpen"]["r"] > 0.5  # the jaw of a real speaker follows the sound

    sound = TAKES / "1114_3_15.wav"
    said = Said(capsys, "animate", run, sound, "-o", face, "--json")
    wanted, track = koekao.animate(run, sound), koekao.read_curves(face)
    n_frames = koekao.open(corpus).clock.frames_covering(koekao.read_sound(sound).samples.size)
    assert said.json["frames"] == len(track) == len(wanted) == n_frames
    assert track.rate_hz == pytest.approx(30, abs=1e-6) and track.gaps == [] and track.tracked.all()
    assert np.abs(track.values - wanted).max() <= 1e-6


def nothing_lost(path: Path) -> None:
    """Every frame and every sample of the files is in the corpus, to the end that both cover."""
    corpus = koekao.open(path)
    assert dict(zip(corpus.names, corpus.n_frames.tolist(), strict=True)) == FRAMES
    for i, files in enumerate(find_takes(TAKES).pairs):
        rows = [json.loads(line)["blendshapes"] for line in files.curves.read_text().splitlines()[::100]]
        wanted = np.array([[row[name] for name in arkit.NAMES] for row in rows], np.float32)
        assert np.array_equal(corpus.curves(i)[::100], wanted)
        sound = koekao.read_sound(files.sound).samples
        assert np.array_equal(corpus.audio(i), sound[: len(corpus.audio(i))])
        assert len(sound) - len(corpus.audio(i)) < 16000 / 10  # the sound ends a little after the last frame


@needs_rom
@pytest.mark.parametrize("path", sorted(ROM.glob("*.csv")), ids=lambda path: path.stem)
def test_a_phones_csv_keeps_its_sides(path: Path) -> None:
    """By column name, with a reader that knows nothing of koekao: the phone writes JawRight before JawLeft."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    track = koekao.read_curves(path)
    assert len(track) == len(rows)
    for name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight", "eyeBlinkLeft", "browDownRight"):
        wanted = np.array([row[name[0].upper() + name[1:]] for row in rows], np.float32)
        assert np.array_equal(track.values[:, arkit.INDEX[name]], wanted)


@needs_rom
def test_inspect_reports_the_real_rate_gaps_and_range(capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "inspect", ROM, "--json").json
    files = {Path(one["file"]).stem: one for one in said["files"]}
    assert {name: (one["rows"], one["gaps"]) for name, one in files.items()} == {
        "alex_rom_3": (4030, 3),
        "alex_rom_4": (3809, 2),
    }
    for one in files.values():
        assert one["rate_hz"] == pytest.approx(30, abs=0.01) and one["clock_fps"] == "60"
        assert one["longest_gap_s"] == pytest.approx(4 / 60, abs=0.002) and one["min"] == 0
        assert len(one["moving"]) == 52
    assert [round(one["max"], 3) for one in files.values()] == [1.003, 1.053]
    table = Said(capsys, "inspect", ROM).out
    assert "alex_rom_4.csv  2:07.0  3809   30.00     60  2 (67 ms)  0.00..1.05      52" in table


@needs_takes
def test_inspect_shows_the_takes(capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys, "inspect", TAKES).out
    assert "1114_2_01.jsonl  1:49.9  1:49.8  3295   30.00     0  0.00..0.88      15" in said
    assert "5 takes, 0 unusable files, 0 problems, 0 other files" in said
