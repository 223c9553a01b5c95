"""What the doctor measures is what is there: numbers that can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from spoiled import RATE, Recording, good, livelink, swap, with_value, without_rows

from koekao.arkit import INDEX, NAMES
from koekao.errors import CurvesError, SoundError
from koekao.takes.doctor.health import examine
from koekao.takes.doctor.sides import PAIRS
from koekao.takes.doctor.sound_health import SILENT_DBFS, clipped_runs, level_dbfs
from koekao.takes.doctor.spans import Span, runs, spread
from koekao.takes.doctor.subjects import find_subjects
from koekao.takes.doctor.traces import N_SLICES, SHOWN, trace


def sound(samples: np.ndarray, rate: int = RATE) -> Recording:
    return replace(good(seconds=2), sound=np.asarray(samples, np.float64), rate=rate)


def test_level_clipping_and_offset_of_a_hand_made_sound(health_of: Callable) -> None:
    samples = 0.5 * np.sin(2 * np.pi * 400 * np.arange(2 * RATE) / RATE) + 0.02
    samples[:RATE] = 0
    samples[20000:20005] = 1.0
    samples[21000:21003] = -1.0
    samples[22000:22002] = 1.0  # two samples can be a peak that just fits
    found = health_of(sound(samples)).sound
    assert (found.duration_s, found.sample_rate_hz, found.channels, found.subtype) == (2.0, RATE, 1, "PCM_16")
    assert (found.clipped_runs, found.clipped_samples) == (2, 8)
    assert found.clipped_s == (20000 / RATE, 21000 / RATE)
    assert found.clipped_share == 8 / (2 * RATE)
    assert found.peak == 1.0
    assert found.dc_offset == pytest.approx(0.01, abs=1e-3)
    assert found.silent_share == 0.5
    assert (found.noise_dbfs, found.speech_dbfs) == (-100, pytest.approx(10 * np.log10(0.125), abs=0.2))
    assert found.snr_db == found.speech_dbfs - found.noise_dbfs


def test_a_constant_is_no_sound() -> None:
    assert (level_dbfs(np.full(1000, 0.3, np.float32), 1000) < SILENT_DBFS).all()


def test_full_scale_counts_on_each_side_by_itself() -> None:
    square = np.tile(np.array([1, 1, -1, -1], np.float32), 5)
    assert len(clipped_runs(square)) == 0
    assert clipped_runs(np.array([0, 1, 1, 1, -1, -1, -1, 0], np.float32)).tolist() == [[1, 4], [4, 7]]


def test_channels_are_measured_one_by_one(health_of: Callable) -> None:
    left = 0.3 * np.sin(np.arange(2 * RATE) / 5)
    right = np.zeros(2 * RATE)
    found = health_of(sound(np.stack([left, right], axis=1))).sound
    assert (found.channels, found.silent_channels) == (2, (2,))
    left[1000:1010] = 1.0
    found = health_of(sound(np.stack([left, right], axis=1))).sound
    assert (found.clipped_runs, found.peak) == (1, 32767 / 32768)  # which their mean would hide


@pytest.mark.parametrize("rate", [8000, 44100])
def test_sound_is_measured_at_its_own_rate(health_of: Callable, rate: int) -> None:
    samples = np.zeros(2 * rate)
    samples[rate : rate + 4] = 1.0
    found = health_of(sound(samples, rate), subtype="PCM_24").sound
    assert (found.sample_rate_hz, found.subtype, found.clipped_samples) == (rate, "PCM_24", 4)
    assert found.clipped_s == (1.0,)


def test_the_times_of_curves(health_of: Callable) -> None:
    found = health_of(without_rows(without_rows(good(seconds=4), 60, 5), 20, 1)).curves
    assert (found.rows, found.missing_rows, found.untracked_rows) == (114, 6, 0)
    assert [span.start_s for span in found.gaps] == pytest.approx([19 / 30, 59 / 30])
    assert found.longest_gap_s == pytest.approx(6 / 30)
    assert found.gaps_s == pytest.approx(8 / 30)
    assert found.lost_share == 6 / 120
    assert found.rate_hz == pytest.approx(30)
    assert found.duration_s == pytest.approx(4)
    assert found.jitter_ms == pytest.approx(0, abs=1e-6)
    assert (found.stated_fps, found.stated_clock, found.nominal_hz, found.rate_off) == (None,) * 4


def test_jitter_is_the_spread_of_the_steps(health_of: Callable) -> None:
    steps = np.where(np.arange(59) % 2, 0.030, 0.036)
    time_s = np.concatenate([[0], np.cumsum(steps)])
    one = good(seconds=2)
    found = health_of(replace(one, time_s=time_s, values=one.values[:60])).curves
    assert found.jitter_ms == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize(
    ("step", "rate_hz", "nominal_hz", "off"),
    [(2, 30.0, 30.0, 0.0), (1, 60.0, 60.0, 0.0), (60 / 59.904, 59.904, 60.0, -0.0016), (2.01, 29.851, 30.0, -0.00498)],
)
def test_the_rate_is_measured_and_put_beside_the_clock(
    health_of: Callable, tmp_path: Path, step: float, rate_hz: float, nominal_hz: float, off: float
) -> None:
    path = livelink(tmp_path / "phone.csv", good(seconds=6).values, step=step)
    found = health_of(path).curves
    assert found.stated_clock == Fraction(60)
    assert found.rate_hz == pytest.approx(rate_hz, abs=0.002)
    assert found.nominal_hz == nominal_hz
    assert found.rate_off == pytest.approx(off, abs=5e-5)


def test_untracked_rows_are_spans(health_of: Callable, tmp_path: Path) -> None:
    path = livelink(tmp_path / "phone.csv", good(seconds=2).values, step=2, untracked=[10, 11, 12, 40])
    found = health_of(path).curves
    assert (found.untracked_rows, found.untracked_share, found.lost_share) == (4, 4 / 60, 4 / 60)
    assert np.array(found.untracked) == pytest.approx(np.array([[10 / 30, 13 / 30], [40 / 30, 41 / 30]]), abs=1e-9)
    assert found.low is not None and found.high is not None


def test_what_moves_what_is_dead_and_what_is_beyond(health_of: Callable) -> None:
    values = np.zeros((90, len(NAMES)))
    values[:, INDEX["jawOpen"]] = np.linspace(0, 0.9, 90)
    values[:, INDEX["mouthClose"]] = np.linspace(0, 0.04, 90)
    values[3, INDEX["tongueOut"]] = 1.6
    values[4, INDEX["tongueOut"]] = -0.2
    found = health_of(replace(good(seconds=3), values=values)).curves
    assert found.moving == ("jawOpen", "tongueOut")
    assert set(found.dead) == set(NAMES) - {"jawOpen", "tongueOut", "mouthClose"}
    assert (found.low, found.high) == pytest.approx((-0.2, 1.6))
    assert found.outside_share == 2 / (90 * 52)
    assert found.far_outside_share == 1 / 90


def test_the_two_together(health_of: Callable) -> None:
    one = good(seconds=6)
    found = health_of(replace(one, sound=one.sound[: 5 * RATE]))
    assert (found.length_s, found.curves_longer_s) == (5.0, pytest.approx(1.0))
    assert found.usable and found.sync is None


def test_sides_of_a_face_whose_names_agree(health_of: Callable) -> None:
    sides = health_of(good()).curves.sides
    assert (sides.eyes, sides.jaw, sides.corners) == (
        pytest.approx(1.3, abs=0.4),
        pytest.approx(1.0, abs=0.01),
        pytest.approx(1.0, abs=0.05),
    )
    assert sides.still_sides == ()
    assert set(sides.asymmetry) <= {left for left, _ in PAIRS}
    assert sides.asymmetry["mouthSmileLeft"] > 0  # the synthetic face's right side moves less


@pytest.mark.parametrize(
    ("stems", "against"),
    [
        (("eyeLookIn",), {"eyes"}),
        (("jaw",), {"jaw"}),
        (("jaw", "mouth"), {"corners"}),  # a Live Link CSV read in the order of the UDP packets
        (("mouth",), {"jaw", "corners"}),
        (("eyeLookIn", "eyeLookOut", "jaw", "mouth", "mouthStretch"), set()),  # a mirrored face contradicts nothing
    ],
)
def test_swapped_sides_contradict_each_other(health_of: Callable, stems: tuple[str, ...], against: set[str]) -> None:
    sides = health_of(swap(good(), *stems)).curves.sides
    assert {name for name in ("eyes", "jaw", "corners") if getattr(sides, name) < -0.5} == against


def test_a_face_at_rest_has_no_sides(health_of: Callable) -> None:
    sides = health_of(replace(good(), values=0 * good().values)).curves.sides
    assert (sides.asymmetry, sides.still_sides, sides.eyes, sides.jaw, sides.corners) == ({}, (), None, None, None)


def test_a_file_that_cannot_be_read_is_a_result(health_of: Callable, tmp_path: Path) -> None:
    place = good(seconds=2).write(tmp_path, "take")
    place.with_suffix(".jsonl").write_text('{"timestamp": 0, "blendshapes": {"jawOpen": NaN}}\n')
    found = health_of(place)
    assert not found.usable and found.curves is None and found.sound is not None
    assert [type(error) for error in found.errors] == [CurvesError]
    place.with_suffix(".wav").write_bytes(b"RIFF")
    assert [type(error) for error in health_of(place).errors] == [SoundError, CurvesError]


def test_nan_is_named_with_its_row_and_curve(health_of: Callable, tmp_path: Path) -> None:
    place = with_value(good(seconds=2), np.nan, row=7, name="mouthClose").write(tmp_path, "take")
    (error,) = health_of(place).errors
    assert "take.jsonl:8" in str(error) and "mouthClose" in str(error)


def test_a_folder_loses_nobody(tmp_path: Path) -> None:
    good(seconds=1).write(tmp_path, "b/pair")
    soundfile.write(tmp_path / "alone.wav", np.zeros(100), RATE)
    livelink(tmp_path / "face.csv", good(seconds=1).values, step=2)
    good(seconds=1).write(tmp_path, "twice")
    soundfile.write(tmp_path / "twice.flac", np.zeros(100), RATE)
    seen = {
        one.name: (one.sound is not None, one.curves is not None, one.error is not None)
        for one in find_subjects(tmp_path)
    }
    assert seen == {
        "alone": (True, False, False),
        "b/pair": (True, True, False),
        "face": (False, True, False),
        "twice": (False, False, True),
    }


def test_files_without_partners_are_seen_where_no_take_is_whole(tmp_path: Path) -> None:
    livelink(tmp_path / "a" / "face.csv", good(seconds=1).values, step=2)
    soundfile.write(tmp_path / "b.wav", np.zeros(100), RATE)
    (tmp_path / ".hidden.wav").write_bytes(b"")
    assert [(one.name, one.sound is not None) for one in find_subjects(tmp_path)] == [("a/face", False), ("b", True)]


def test_two_files_of_a_kind_hinder_each_other_by_name(tmp_path: Path) -> None:
    for ending in (".wav", ".flac"):
        soundfile.write(tmp_path / f"take{ending}", np.zeros(100), RATE)
    for place in (tmp_path, tmp_path / "take"):
        (subject,) = find_subjects(place)
        assert str(subject.error).startswith(f"{tmp_path}/take.flac: 2 files for one take: take.flac, take.wav")
        assert not examine(subject).usable


def test_one_file_or_the_stem_gives_the_take(tmp_path: Path) -> None:
    place = good(seconds=1).write(tmp_path, "take")
    named = [find_subjects(path) for path in (place, place.with_suffix(".wav"), place.with_suffix(".jsonl"))]
    assert named[0] == named[1] == named[2]
    (subject,) = named[0]
    assert (subject.name, subject.sound, subject.curves) == ("take", tmp_path / "take.wav", tmp_path / "take.jsonl")
    health = examine(subject)
    assert health.usable and health.sync is not None


def test_runs_and_spread() -> None:
    assert runs(np.array([], np.bool_)).tolist() == []
    assert runs(np.array([True, True, False, True])).tolist() == [[0, 2], [3, 4]]
    assert spread(np.arange(100), 3).tolist() == [0, 50, 99]
    assert spread(np.arange(3), 3).tolist() == [0, 1, 2]


def test_a_trace_keeps_what_is_short(tmp_path: Path) -> None:
    from koekao.takes import read_curves

    one = without_rows(with_value(replace(good(seconds=40), values=0 * good(seconds=40).values), 0.9, 601), 900, 60)
    place = one.write(tmp_path, "take")
    samples = np.zeros(20 * RATE, np.float32)
    samples[5 * RATE] = -0.7
    shown = trace(samples, RATE, read_curves(place.with_suffix(".jsonl")))
    jaw = shown.curves[SHOWN.index("jawOpen")]
    per_s = N_SLICES / shown.axis.length_s
    assert shown.axis == Span(0.0, pytest.approx(1199 / 30))
    assert np.flatnonzero(jaw == np.float32(0.9)).tolist() == [int(601 / 30 * per_s)]
    assert np.flatnonzero(shown.low == np.float32(-0.7)).tolist() == [int(5 * per_s)]
    lost = np.flatnonzero(np.isnan(jaw))
    assert lost.tolist() == list(range(int(30 * per_s), int(32 * per_s)))
    assert np.isnan(shown.high[int(20 * per_s) + 1 :]).all() and np.isfinite(shown.high[: int(20 * per_s)]).all()
