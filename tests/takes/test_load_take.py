"""The laws: frames tile the sound, nothing is stretched, what is cut is cut at the end and on record."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.arkit import NAMES
from koekao.clock import Clock
from koekao.errors import ConfigError, CurvesError, SoundError, TakeError
from koekao.takes import Take, TakeFiles, TakePolicies, load_take
from take_files import curves, jsonl_line, noise, write_jsonl, write_livelink, write_wav

LESS = "note: {} of sound at the end, less than a frame, not used"


def files(folder: Path, name: str = "a", curve_ending: str = ".jsonl") -> TakeFiles:
    return TakeFiles(name=name, speaker="anna", sound=folder / f"{name}.wav", curves=folder / f"{name}{curve_ending}")


def recorded(folder: Path, n_samples: int, n_rows: int, fps: float = 30, rate: int = 16000) -> TakeFiles:
    write_wav(folder / "a.wav", noise(n_samples), rate)
    write_jsonl(folder / "a.jsonl", curves(n_rows), fps=fps)
    return files(folder)


def check(take: Take) -> Take:
    assert take.n_samples == take.clock.frame_start(take.n_frames)
    assert take.curves.shape == (take.n_frames, 52)
    assert take.curves.dtype == np.float32
    assert take.valid.shape == (take.n_frames,)
    assert take.n_frames > 0
    return take


def test_two_files_that_fit_become_a_take_without_repairs(tmp_path: Path) -> None:
    take = check(load_take(recorded(tmp_path, 16000, 30)))
    assert (take.name, take.speaker, take.sample_rate, take.fps) == ("a", "anna", 16000, Fraction(30))
    assert take.n_frames == 30
    assert np.array_equal(take.audio, noise(16000))
    assert take.curves.tobytes() == curves(30).tobytes()
    assert take.valid.all()
    assert take.repairs == ()
    assert [source.path for source in take.sources] == [str(tmp_path / "a.wav"), str(tmp_path / "a.jsonl")]


@pytest.mark.parametrize(
    ("n_samples", "n_rows", "n_frames", "repairs"),
    [
        (16000 + 379, 30, 30, (LESS.format("24 ms"),)),
        (16000 + 8, 30, 30, (LESS.format("8 samples"),)),
        (16000 + 600, 30, 30, ("trim: 38 ms of sound at the end",)),
        (
            16000 - 1,
            30,
            29,
            ("note: 33 ms of sound at the end, less than a frame, not used", "trim: 1 row of curves at the end"),
        ),
        (16000, 32, 30, ("trim: 2 rows of curves at the end",)),
        (16000, 60, 30, ("trim: 30 rows of curves at the end",)),
        (32000, 30, 30, ("trim: 1000 ms of sound at the end",)),
        (
            534,
            30,
            1,
            ("note: 1 samples of sound at the end, less than a frame, not used", "trim: 29 rows of curves at the end"),
        ),
        (533, 1, 1, ()),
    ],
)
def test_what_is_over_is_cut_at_the_end_and_recorded(
    tmp_path: Path, n_samples: int, n_rows: int, n_frames: int, repairs: tuple[str, ...]
) -> None:
    take = check(load_take(recorded(tmp_path, n_samples, n_rows)))
    assert take.n_frames == n_frames
    assert take.repairs == repairs
    assert np.array_equal(take.audio, noise(n_samples)[: take.n_samples])
    assert take.curves.tobytes() == curves(n_rows)[:n_frames].tobytes()
    assert take.valid.all()


@settings(max_examples=60, deadline=None)
@given(
    n_samples=st.integers(2500, 40000),
    extra=st.integers(-12, 12),
    fps=st.sampled_from(["30", "24", "60", "29.97", "23.976", "25"]),
    rate=st.sampled_from([16000, 44100, 48000]),
)
def test_frames_tile_the_sound_at_every_rate(
    tmp_path_factory: pytest.TempPathFactory, n_samples: int, extra: int, fps: str, rate: int
) -> None:
    folder = tmp_path_factory.mktemp("take")
    clock = Clock(rate, fps)  # type: ignore[arg-type]
    n_rows = max(1, clock.frame_at(n_samples) + extra)
    write_wav(folder / "a.wav", noise(n_samples), rate)
    write_jsonl(folder / "a.jsonl", curves(n_rows), [clock.time_s(k) for k in range(n_rows)])
    take = check(load_take(files(folder), sample_rate=rate, fps=fps))
    assert take.n_frames == min(n_rows, clock.frame_at(n_samples))
    assert take.curves.tobytes() == curves(n_rows)[: take.n_frames].tobytes()
    assert np.array_equal(take.audio, noise(n_samples)[: take.n_samples])


@pytest.mark.parametrize(("n_samples", "n_rows"), [(48001, 60), (16000, 61), (16000, 90), (16000, 15), (8000, 60)])
def test_lengths_that_do_not_fit_are_refused_with_both(tmp_path: Path, n_samples: int, n_rows: int) -> None:
    sound_s, curves_s = n_samples / 16000, n_rows / 30
    recording = recorded(tmp_path, n_samples, n_rows)
    if abs(sound_s - curves_s) <= 1:
        load_take(recording)
        recording_policies = TakePolicies(length_tolerance_s=0.4)
    else:
        recording_policies = TakePolicies()
    with pytest.raises(TakeError) as caught:
        load_take(recording, policies=recording_policies)
    text = str(caught.value)
    assert f"the sound lasts {sound_s:.3f} s, the curves {curves_s:.3f} s" in text
    assert "a.wav" in text and "a.jsonl" in text and "length_tolerance_s" in caught.value.do


def test_a_larger_tolerance_cuts_and_never_stretches(tmp_path: Path) -> None:
    take = check(load_take(recorded(tmp_path, 160000, 30), policies=TakePolicies(length_tolerance_s=60)))
    assert take.curves.tobytes() == curves(30).tobytes()
    assert take.repairs == ("trim: 9000 ms of sound at the end",)


def test_takes_without_one_frame_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match=r"not one frame: the sound lasts 0\.033 s, the curves 0\.333 s"):
        load_take(recorded(tmp_path, 532, 10))
    write_wav(tmp_path / "a.wav", noise(1600))
    write_jsonl(tmp_path / "a.jsonl", curves(3), [-0.5, -0.4, -0.3])
    with pytest.raises(TakeError, match="not one frame"):
        load_take(files(tmp_path))


def test_rows_before_the_start_of_the_sound_are_not_used(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(16000))
    values = curves(33)
    write_jsonl(tmp_path / "a.jsonl", values, [round((k - 3) / 30, 6) for k in range(33)])
    take = check(load_take(files(tmp_path)))
    assert take.repairs == ("trim: 3 rows of curves before the sound begins",)
    assert take.curves.tobytes() == values[3:].tobytes()
    assert take.valid.all()


def test_late_curves_are_invalid_until_they_begin(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(16000))
    write_jsonl(tmp_path / "a.jsonl", curves(20), [k / 30 for k in range(10, 30)])
    take = check(load_take(files(tmp_path)))
    assert take.n_frames == 30
    assert np.flatnonzero(~take.valid).tolist() == list(range(10))
    assert take.repairs == ("gaps: 10 of 30 frames not tracked, filled and marked invalid",)
    assert take.curves[10:].tobytes() == curves(20).tobytes()


def test_curves_at_another_rate_are_interpolated_in_time_and_it_is_said(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(32000))
    times = np.arange(60) / 29.97
    ramp = np.repeat(times[:, None].astype(np.float32) / 4, 52, axis=1)
    write_jsonl(tmp_path / "a.jsonl", ramp, times)
    take = check(load_take(files(tmp_path)))
    wanted = np.arange(take.n_frames) / 30 / 4
    assert np.abs(take.curves[:, 0] - wanted).max() < 2e-4
    assert take.repairs == ("rate: curves 29.97 rows/s -> 30 fps by linear interpolation in time",)
    take = check(load_take(files(tmp_path), fps="24000/1001"))
    assert take.repairs[0].endswith("-> 24000/1001 fps by linear interpolation in time")
    assert take.fps == Fraction(24000, 1001)


def test_sixty_rows_a_second_become_thirty_frames(tmp_path: Path) -> None:
    take = check(load_take(recorded(tmp_path, 16000, 60, fps=60)))
    assert take.curves.tobytes() == curves(60)[::2].tobytes()
    assert take.repairs == ("rate: curves 60.00 rows/s -> 30 fps by linear interpolation in time",)
    same = check(load_take(recorded(tmp_path, 16000, 60, fps=60), fps=60))
    assert same.curves.tobytes() == curves(60).tobytes()
    assert same.repairs == ()


def test_a_phone_take_starts_at_its_first_row_and_says_clock_and_gaps(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(64000))
    path = write_livelink(tmp_path / "a.csv", curves(120))
    table = path.read_text().splitlines()
    table[51:68] = [line.partition(",")[0] + ",0" for line in table[51:68]]
    path.write_text("\n".join(table))
    take = check(load_take(files(tmp_path, curve_ending=".csv")))
    assert take.n_frames == 120
    assert take.repairs == (
        "note: first row of the timecode taken as the start of the sound, which tells no time of day",
        "rate: curves 30.00 rows/s on a 60 clock -> 30 fps by linear interpolation in time",
        "gaps: 17 of 120 frames not tracked, filled and marked invalid",
    )
    assert np.flatnonzero(~take.valid).tolist() == list(range(50, 67))
    bridged = load_take(files(tmp_path, curve_ending=".csv"), policies=TakePolicies(max_gap_s=1))
    assert bridged.valid.all()


def test_notes_and_sound_repairs_are_carried_over(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.stack([noise(48000)] * 2, axis=1), 48000)
    lines = [jsonl_line(k / 30, dict.fromkeys(NAMES, 0.0) | {"blink": 1}) for k in range(30)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    take = check(load_take(files(tmp_path)))
    assert take.repairs == (
        "mono: mixed 2 channels",
        "resample: 48000 -> 16000 Hz",
        "round: to int16, 0 samples clipped",
        "note: ignored 1 names that are no ARKit curve: blink",
    )
    with pytest.raises(SoundError, match="2 channels; expected mono"):
        load_take(files(tmp_path), policies=TakePolicies(mono="refuse"))


def test_float32_sound_is_kept_where_asked_for(tmp_path: Path) -> None:
    take = check(load_take(recorded(tmp_path, 16000, 30), dtype="float32"))
    assert take.audio.dtype == np.float32
    assert np.array_equal(take.audio * 32768, noise(16000))


def test_values_outside_are_kept_or_clipped_by_policy_and_counted(tmp_path: Path) -> None:
    values = curves(30)
    values[3, 7], values[4, 8], values[5, 9] = 1.25, -0.5, 1.0
    write_wav(tmp_path / "a.wav", noise(16000))
    write_jsonl(tmp_path / "a.jsonl", values)
    kept = load_take(files(tmp_path))
    assert kept.curves.tobytes() == values.tobytes()
    assert kept.repairs == ("note: 2 values outside [0, 1], from -0.500 to 1.250, kept",)
    clipped = load_take(files(tmp_path), policies=TakePolicies(values="clip"))
    assert clipped.curves.dtype == np.float32
    assert clipped.curves.tobytes() == np.clip(values, 0, 1).tobytes()
    assert clipped.repairs == ("clip: 2 values outside [0, 1], from -0.500 to 1.250",)


def test_an_order_and_a_timecode_rate_reach_the_readers(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(16000))
    (tmp_path / "a.jsonl").write_text("\n".join(jsonl_line(k / 30, [0.5] * 52) for k in range(30)))
    with pytest.raises(CurvesError, match="no order is stated"):
        load_take(files(tmp_path))
    assert load_take(files(tmp_path), policies=TakePolicies(order="apple")).n_frames == 30
    write_livelink(tmp_path / "b.csv", curves(20), clock=60)
    write_wav(tmp_path / "b.wav", noise(10667))
    both = TakeFiles(name="b", speaker="b", sound=tmp_path / "b.wav", curves=tmp_path / "b.csv")
    assert load_take(both, policies=TakePolicies(timecode_rate=60)).valid.all()


@pytest.mark.parametrize(
    "policies",
    [
        {"mono": "middle"},
        {"values": "scale"},
        {"order": "mine"},
        {"max_gap_s": -1},
        {"max_gap_s": float("nan")},
        {"length_tolerance_s": float("inf")},
    ],
)
def test_policies_that_cannot_be_are_refused_at_once(policies: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(policies))}="):
        TakePolicies(**policies)


def test_rates_that_cannot_be(tmp_path: Path) -> None:
    recording = recorded(tmp_path, 16000, 30)
    with pytest.raises(ConfigError, match="frame rate 0"):
        load_take(recording, fps=0)
    with pytest.raises(ConfigError, match="sample rate 0"):
        load_take(recording, sample_rate=0)
    with pytest.raises(ConfigError, match="sound dtype 'int8'"):
        load_take(recording, dtype="int8")
