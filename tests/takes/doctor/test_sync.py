"""The sync of sound and mouth: what is put out of time is measured; where there is nothing to measure, it says so."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao import arkit
from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes import find_takes, load_take
from koekao.takes.doctor.hearing import CONTEXT, MOUTH, RATE_HZ, hear, mouth_of
from koekao.takes.doctor.sync import Sync, estimate_sync, shifted
from koekao.takes.synthetic import make_take

TAKES = Path(__file__).parents[4] / "shared" / "data" / "takes"
needs_takes = pytest.mark.skipif(not TAKES.is_dir(), reason="the real takes are not beside this checkout")


@cache
def recording(seed: int, seconds: float, fps: int = 30, sample_rate: int = 16000) -> tuple[Any, Any, Any]:
    """Sound, times and curves of a take that is in time."""
    take = make_take(seed, seconds=seconds, fps=fps, sample_rate=sample_rate)
    return take.audio, np.arange(take.n_frames) / fps, take.curves


def measured(audio: Any, time_s: Any, values: Any, sample_rate: int = 16000, tracked: Any = None) -> Sync:
    tracked = np.ones(len(time_s), np.bool_) if tracked is None else tracked
    return estimate_sync(audio, sample_rate, time_s, values, tracked)


def put_out(time_s: Any, offset_ms: float, drift_ms_per_min: float) -> Any:
    return (time_s - offset_ms / 1000) / (1 + drift_ms_per_min / 60_000)


def assert_near(sync: Sync, offset_ms: float, drift_ms_per_min: float) -> None:
    assert sync.sync_ms is not None and sync.drift_ms_per_min is not None, sync.why
    assert sync.sync_ms == pytest.approx(offset_ms, abs=15)
    assert sync.drift_ms_per_min == pytest.approx(drift_ms_per_min, abs=5)
    assert sync.confidence >= 0.5
    assert sync.why == ""
    assert sync.sync_error_ms is not None and 0 < sync.sync_error_ms < 10
    assert sync.drift_error_ms_per_min is not None and 0 < sync.drift_error_ms_per_min < 10


def assert_unsure(sync: Sync, *words: str) -> None:
    assert (sync.sync_ms, sync.drift_ms_per_min) == (None, None)
    assert sync.confidence < 0.5
    assert all(word in sync.why for word in words), sync.why


@pytest.mark.parametrize(
    ("seed", "fps", "offset_ms", "drift"),
    [(0, 30, 0, 0), (1, 30, 20, -10), (2, 60, -50, 40), (3, 60, 100, 10), (4, 30, -200, -40), (5, 30, 1000, 0)],
)
def test_what_was_put_in_is_found(seed: int, fps: int, offset_ms: float, drift: float) -> None:
    audio, time_s, values = recording(seed, 60, fps)
    assert_near(measured(audio, put_out(time_s, offset_ms, drift), values), offset_ms, drift)


def test_sound_that_begins_later_is_positive() -> None:
    audio, time_s, values = recording(6, 45)
    late = np.concatenate([np.zeros(1600, np.int16), audio])
    early = audio[1600:]
    assert_near(measured(late, time_s, values), 100, 0)
    assert_near(measured(early, time_s, values), -100, 0)


def test_sound_that_is_longer_drifts_to_positive_and_by_its_own_start() -> None:
    """1 in 1000 longer is 60 ms a minute; the offset is told at time 0, where a stretch about 0 leaves none."""
    audio, time_s, values = recording(7, 60)
    slow = np.interp(np.arange(0, len(audio) - 1, 1 / 1.001), np.arange(len(audio)), audio).astype(np.int16)
    assert_near(measured(slow, time_s, values), 0, 60)


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000])
def test_other_sample_rates(sample_rate: int) -> None:
    audio, time_s, values = recording(8, 45, sample_rate=sample_rate)
    assert_near(measured(audio, put_out(time_s, 50, 0), values, sample_rate), 50, 0)


def test_float_sound_at_another_level_gives_the_same() -> None:
    audio, time_s, values = recording(8, 45)
    as_int = measured(audio, time_s, values)
    quiet = measured(audio.astype(np.float32) / np.float32(32768 * 8), time_s, values)
    assert quiet.sync_ms == pytest.approx(as_int.sync_ms, abs=0.1)
    assert quiet.drift_ms_per_min == pytest.approx(as_int.drift_ms_per_min, abs=0.1)


def test_rows_at_irregular_times_with_gaps_and_untracked_rubbish() -> None:
    rng = np.random.default_rng(0)
    take = make_take(9, seconds=60, fps=60)
    kept = np.flatnonzero(rng.random(take.n_frames) < 0.6)
    kept = kept[(kept < 1200) | (kept > 1290)]
    time_s, values = kept / 60, take.curves[kept].copy()
    tracked = rng.random(len(kept)) < 0.9
    values[~tracked] = np.nan
    assert_near(measured(take.audio, put_out(time_s, -80, 20), values, tracked=tracked), -80, 20)


def test_the_same_input_gives_the_same_answer_and_is_left_alone() -> None:
    audio, time_s, values = recording(10, 30)
    before = audio.copy(), time_s.copy(), values.copy()
    assert measured(audio, time_s, values) == measured(audio, time_s, values)
    assert all(np.array_equal(a, b) for a, b in zip(before, (audio, time_s, values)))


def test_more_sound_or_curves_at_the_end_do_not_matter() -> None:
    audio, time_s, values = recording(11, 60)
    assert_near(measured(audio[: 16000 * 45], time_s, values), 0, 0)
    assert_near(measured(audio, time_s[: 30 * 45], values[: 30 * 45]), 0, 0)


def test_curves_of_another_take() -> None:
    for seed in range(12, 20):
        audio, _, _ = recording(seed, 30)
        _, time_s, values = recording(seed + 1, 30)
        assert_unsure(measured(audio, time_s, values), "does not follow")


def test_an_offset_beyond_reach_is_told_but_not_given() -> None:
    audio, time_s, values = recording(0, 60)
    assert_unsure(measured(audio, put_out(time_s, 3000, 0), values), "+3.0 s late", "beyond 1.5 s")


@pytest.mark.parametrize("kind", ["digital silence", "noise", "music", "beat"])
def test_sound_that_is_no_speech(kind: str) -> None:
    _, time_s, values = recording(1, 60)
    rng, t = np.random.default_rng(0), np.arange(60 * 16000) / 16000
    notes = np.repeat(2 ** (rng.integers(0, 24, 240) / 12) * 220, 4000)
    beat = np.exp(-8 * (t % 0.5)) * rng.standard_normal(len(t))
    sound = {
        "digital silence": np.zeros(len(t)),
        "noise": rng.standard_normal(len(t)),
        "music": np.sin(2 * np.pi * np.cumsum(notes) / 16000) * np.exp(-4 * (t % 0.25)),
        "beat": beat,
    }[kind]
    assert_unsure(measured((3000 * sound).clip(-32768, 32767).astype(np.int16), time_s, values))


def test_a_beat_that_a_mouth_opens_to_fits_at_many_offsets() -> None:
    t = np.arange(60 * 16000) / 16000
    audio = (8000 * np.sin(2 * np.pi * 200 * t) * (0.5 - 0.5 * np.cos(2 * np.pi * 2 * t))).astype(np.int16)
    time_s = np.arange(1800) / 30
    values = np.zeros((1800, 52), np.float32)
    values[:, arkit.INDEX["jawOpen"]] = 0.3 - 0.3 * np.cos(2 * np.pi * 2 * time_s)
    assert_unsure(measured(audio, time_s, values))


def test_a_still_mouth() -> None:
    audio, time_s, values = recording(2, 60)
    still = values.copy()
    mouth = [i for i, name in enumerate(arkit.NAMES) if not name.startswith(("eye", "brow"))]
    still[:, mouth] = 0.02
    assert_unsure(measured(audio, time_s, still), "does not move")


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_a_few_seconds_say_nothing(seconds: float) -> None:
    audio, time_s, values = recording(3, seconds)
    assert_unsure(measured(audio, time_s, values), "too short")


def test_nothing_tracked_and_no_sound_at_all() -> None:
    audio, time_s, values = recording(3, 30)
    assert_unsure(measured(audio, time_s, values, tracked=np.zeros(len(time_s), np.bool_)), "too short")
    assert_unsure(measured(audio[:0], time_s, values), "too short")


def test_eight_seconds_tell_the_offset_but_no_drift() -> None:
    audio, time_s, values = recording(4, 8)
    sync = measured(audio, put_out(time_s, 100, 0), values)
    assert sync.sync_ms == pytest.approx(100, abs=15)
    assert sync.drift_ms_per_min is None
    assert "20 s or more" in sync.why


def test_what_cannot_be_is_refused() -> None:
    audio, time_s, values = recording(3, 30)
    with pytest.raises(SoundError, match="expected \\[n_samples\\], mono"):
        measured(np.stack([audio, audio]), time_s, values)
    with pytest.raises(SoundError, match="8000 Hz or above"):
        measured(audio, time_s, values, 4000)
    with pytest.raises(SoundError, match="sample 7 is nan"):
        measured(np.where(np.arange(len(audio)) == 7, np.nan, audio).astype(np.float32), time_s, values)
    with pytest.raises(CurvesError, match="times do not increase"):
        measured(audio, time_s[::-1], values)
    with pytest.raises(CurvesError, match="\\(900,\\) times, \\(899, 52\\) values"):
        measured(audio, time_s, values[1:], tracked=np.ones(900, np.bool_))
    broken = values.copy()
    broken[4, arkit.INDEX["jawOpen"]] = np.inf
    with pytest.raises(CurvesError, match="4:jawOpen: inf in a tracked row"):
        measured(audio, time_s, broken)


def test_shifted_is_the_inverse_of_what_was_put_in() -> None:
    time_s = np.sort(np.random.default_rng(0).uniform(0, 7200, 1000))
    sync = Sync(sync_ms=-137.5, drift_ms_per_min=58.3, confidence=1.0)
    assert shifted(put_out(time_s, -137.5, 58.3), sync) == pytest.approx(time_s, abs=1e-9)
    late = Sync(sync_ms=250.0, drift_ms_per_min=None, confidence=1.0)
    assert shifted(np.array([0.0, 1.0]), late).tolist() == [0.25, 1.25]


def test_shifted_refuses_what_was_not_measured() -> None:
    with pytest.raises(TakeError, match="the mouth does not move"):
        shifted(
            np.arange(3.0), Sync(sync_ms=None, drift_ms_per_min=None, confidence=0.0, why="the mouth does not move")
        )


def test_taking_it_out_leaves_nothing() -> None:
    audio, time_s, values = recording(5, 60)
    off = put_out(time_s, 180, -40)
    assert_near(measured(audio, shifted(off, measured(audio, off, values)), values), 0, 0)


def test_the_heard_mouth_stands_where_the_sound_is() -> None:
    """Delayed by 0.37 s, sound is heard 37 moments later, and nothing is heard farther off than the context."""
    audio, _, _ = recording(6, 10)
    delayed = hear(np.concatenate([audio[:1].repeat(5920), audio]), 16000)
    heard = hear(audio, 16000)
    assert heard is not None and delayed is not None
    assert heard.shape == (10 * RATE_HZ + 1, len(MOUTH))
    inside = slice(20, -20)
    assert np.corrcoef(heard[inside].ravel(), delayed[37:][inside].ravel())[0, 1] > 0.999
    louder = audio.copy()
    louder[80000:80160] //= 2
    moved = np.flatnonzero(np.abs(hear(louder, 16000) - heard).max(axis=1) > 0.05)
    assert abs(moved - 500).max() <= CONTEXT[-1] + 3


def test_the_mouth_is_the_mean_of_its_sides() -> None:
    row = np.zeros((1, 52), np.float32)
    row[0, arkit.INDEX["mouthSmileLeft"]] = 0.5
    row[0, arkit.INDEX["jawOpen"]] = 0.7
    mouth = mouth_of(row)[0]
    assert (mouth[MOUTH.index("mouthSmile")], mouth[MOUTH.index("jawOpen")]) == (0.25, np.float32(0.7))


@needs_takes
def test_real_takes_against_themselves_and_one_another() -> None:
    takes = [load_take(files) for files in find_takes(TAKES).pairs]
    for take, other in zip(takes, takes[1:] + takes[:1]):
        time_s = np.arange(take.n_frames) / 30
        own = measured(take.audio, time_s, take.curves)
        assert own.sync_ms is not None and own.drift_ms_per_min is not None
        assert abs(own.sync_ms) < 40
        off = measured(take.audio, put_out(time_s, 100, -40), take.curves)
        assert off.sync_ms == pytest.approx(own.sync_ms + 100, abs=3)
        assert off.drift_ms_per_min == pytest.approx(own.drift_ms_per_min - 40, abs=2)
        n = min(take.n_frames, other.n_frames)
        assert_unsure(measured(take.audio, time_s[:n], other.curves[:n]))
