"""Real recordings come in whole: nothing lost, nothing moved, nothing on the wrong side."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao import arkit
from koekao.takes import find_takes, load_take, probe_sound, read_curves

DATA = Path(__file__).parents[3] / "shared" / "data"
TAKES, ROM = DATA / "takes", DATA / "curves" / "livelink_rom"
FRAMES = {"1114_2_01": 3295, "1114_2_02": 3360, "1114_2_03": 3356, "1114_2_04": 3377, "1114_3_15": 1472}

needs_takes = pytest.mark.skipif(not TAKES.is_dir(), reason="the real takes are not beside this checkout")
needs_rom = pytest.mark.skipif(not ROM.is_dir(), reason="the real Live Link files are not beside this checkout")


@needs_takes
def test_the_five_takes_are_found() -> None:
    found = find_takes(TAKES)
    assert [pair.name for pair in found.pairs] == list(FRAMES)
    assert {pair.speaker for pair in found.pairs} == {"1114"}
    assert (found.problems, found.ignored) == ((), ())


@needs_takes
@pytest.mark.parametrize("name", FRAMES)
def test_a_take_loses_nothing(name: str) -> None:
    (files,) = (pair for pair in find_takes(TAKES).pairs if pair.name == name)
    take = load_take(files)
    rows = [json.loads(line)["blendshapes"] for line in files.curves.read_text().splitlines()]
    wanted = np.array([[row[curve] for curve in arkit.NAMES] for row in rows], np.float32)
    assert take.n_frames == FRAMES[name] == len(rows)
    assert take.valid.all()
    assert take.curves.tobytes() == wanted.tobytes()
    samples, rate = soundfile.read(files.sound, dtype="int16")
    assert rate == take.sample_rate
    assert take.n_samples == take.clock.frame_start(take.n_frames)
    assert np.array_equal(take.audio, samples[: take.n_samples])
    assert 0 <= len(samples) - take.n_samples < 534
    (repair,) = take.repairs
    left_ms = (len(samples) - take.n_samples) / 16
    assert repair == f"note: {left_ms:.0f} ms of sound at the end, less than a frame, not used"


@needs_rom
@pytest.mark.parametrize(
    ("name", "rows", "gaps", "largest"), [("alex_rom_3", 4030, 3, 1.003), ("alex_rom_4", 3809, 2, 1.053)]
)
def test_a_phone_recording_is_read_by_name_and_by_its_clock(name: str, rows: int, gaps: int, largest: float) -> None:
    path = ROM / f"{name}.csv"
    track = read_curves(path)
    assert (len(track), track.stated_clock) == (rows, Fraction(60))
    assert track.rate_hz == pytest.approx(30.004, abs=0.001)
    assert [missing for _, missing, _ in track.gaps] == [1] * gaps
    assert track.n_untracked == 0
    summary = track.summary()
    assert (summary["min"], summary["max"]) == (0.0, pytest.approx(largest, abs=5e-4))
    with path.open(newline="") as file:
        table = list(csv.DictReader(file))
    for curve in arkit.NAMES:
        wanted = np.array([float(row[arkit.pascal(curve)]) for row in table], np.float32)
        assert np.array_equal(track.values[:, arkit.INDEX[curve]], wanted), curve
    assert not np.array_equal(track.values[:, arkit.INDEX["jawLeft"]], track.values[:, arkit.INDEX["jawRight"]])
    assert track.start_timecode == table[0]["Timecode"]
    last = table[-1]["Timecode"].split(":")
    first = table[0]["Timecode"].split(":")
    stated = [int(h) * 3600 + int(m) * 60 + int(s) + float(f) / 60 for h, m, s, f in (first, last)]
    assert track.time_s[-1] == pytest.approx(stated[1] - stated[0], abs=1e-9)


@needs_takes
def test_sound_headers_are_probed() -> None:
    info = probe_sound(TAKES / "1114_2_01.wav")
    assert (info.sample_rate, info.channels, info.n_samples, info.subtype) == (16000, 1, 1757712, "PCM_16")
    assert not info.is_float
