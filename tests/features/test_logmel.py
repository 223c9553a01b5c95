"""A frame's log-mel is a function of the sound up to the frame's end, at exact times, whoever asks for it."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.features import LogMel, LogMelConfig
from koekao.features.logmel import POWER_FLOOR, mel_filters
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

RATES = ["24", "25", "30", "30000/1001", "60000/1001", "60"]


def noise(n_samples: int, *, rows: int = 1, level: float = 0.1, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng([seed, n_samples, rows])
    return torch.from_numpy((level * rng.standard_normal((rows, n_samples))).astype(np.float32))


@pytest.fixture(scope="module")
def fitted() -> LogMel:
    """30 fps features with statistics of speech."""
    mel = LogMel(LogMelConfig())
    mel.fit(as_float(make_take(seed, seconds=2).audio) for seed in (1, 2))
    return mel


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"f_min_hz": 80.0},
        {"n_fft": 512, "n_mels": 40},
        {"sample_rate": 48000, "n_fft": 2048, "n_mels": 128, "f_max_hz": 20000.0},
        {"f_min_hz": 0.0, "f_max_hz": 4000.0},
    ],
)
def test_filters_are_slaneys(settings: dict[str, Any]) -> None:
    """The filterbank is the one that librosa computes from the same definitions."""
    librosa = pytest.importorskip("librosa")
    config = LogMelConfig(**settings)
    theirs = librosa.filters.mel(
        sr=config.sample_rate, n_fft=config.n_fft, n_mels=config.n_mels, fmin=config.f_min_hz, fmax=config.f_max_hz
    )
    np.testing.assert_allclose(mel_filters(config).T, theirs, atol=1e-6)


def test_columns_are_librosas_where_the_definitions_meet() -> None:
    """At 25 fps, 16 kHz and 2 columns a frame the hop is 320 samples; then librosa's columns end where ours end.

    Its ``melspectrogram(center=False)`` step by step, with its filters, for the module that holds it compiles for 20 s
    when it is loaded first. benchmarks/mel.py loads it, and compares with the function itself.
    """
    librosa = pytest.importorskip("librosa")
    config = LogMelConfig(fps="25")
    audio = noise(16000)
    ours = LogMel(config).raw(audio, first_frame=0, n_frames=25)
    begun = np.concatenate([np.zeros(config.n_fft - 320, np.float32), audio[0].numpy()])
    columns = np.lib.stride_tricks.sliding_window_view(begun, config.n_fft)[::320]
    spectrum = np.fft.rfft(columns * scipy.signal.get_window("hann", config.n_fft))
    power = np.abs(spectrum) ** 2 @ librosa.filters.mel(sr=16000, n_fft=config.n_fft, n_mels=80, fmin=20.0).T
    theirs = np.log(np.maximum(power, POWER_FLOOR)).reshape(1, 25, 2, 80)
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    fps=st.sampled_from(["30", "30000/1001", "24000/1001", "60"]),
    frame=st.integers(0, 36_000),
    column=st.integers(0, 2),
)
def test_a_column_ends_at_its_exact_time(fps: str, frame: int, column: int) -> None:
    """A click in the last sample before the column's end is heard in it, one in the sample after that is not."""
    config = LogMelConfig(fps=fps, columns_per_frame=3, n_fft=64, n_mels=4)
    mel = LogMel(config)
    exact = (frame + Fraction(column + 1, 3)) * 16000 / Fraction(fps)
    end = math.floor(exact + Fraction(1, 2))
    sound = torch.zeros(2, 512)
    origin = end - 256
    sound[0, 255] = 1000.0  # the last sample of the column; loud, for the taper is small there
    sound[1, 256] = 1.0  # the first sample after the column
    heard = mel.raw(sound, first_frame=frame, n_frames=1, origin_samples=origin)[:, 0, column]
    silent = float(np.log(np.float32(POWER_FLOOR)))
    assert (heard[0] > silent + 1).any()
    assert torch.equal(heard[1], torch.full((4,), silent))


@pytest.mark.parametrize("fps", RATES)
def test_the_last_column_of_a_frame_ends_where_the_next_frame_starts(fps: str) -> None:
    mel = LogMel(LogMelConfig(fps=fps, n_fft=32, n_mels=2))
    clock = Clock(16000, Fraction(fps))
    for frame in (0, 1, 2, 1001, 107_892):
        assert mel.frame_starts(torch.tensor(frame)).item() == clock.frame_start(frame)
        end = clock.frame_start(frame + 1)
        click = torch.zeros(1, 200)
        click[0, 100] = 1000.0  # loud, for the taper is small at the end
        before = mel.raw(click, first_frame=frame, n_frames=1, origin_samples=end - 100)[0, 0, -1]
        inside = mel.raw(click, first_frame=frame, n_frames=1, origin_samples=end - 101)[0, 0, -1]
        assert before.max() == pytest.approx(math.log(POWER_FLOOR), abs=1e-5)
        assert inside.max() > -15


def test_frame_starts_are_the_clocks_for_long_takes_and_negative_frames() -> None:
    for fps in RATES:
        frames = np.array([-40, -3, -1, 0, 1, 2, 3, 10**6, 4 * 10**6])
        mel = LogMel(LogMelConfig(fps=fps))
        expected = [mel.clock.frame_start(int(frame)) for frame in frames]
        assert mel.frame_starts(torch.from_numpy(frames)).tolist() == expected


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("frame", [0, 1, 5, 11])
def test_nothing_after_a_frame_is_heard(fps: str, frame: int) -> None:
    """Samples at or after the start of frame k + 1 leave the columns of frames up to k as they were, to the bit."""
    mel = LogMel(LogMelConfig(fps=fps))
    audio = noise(mel.clock.frame_start(12), rows=2)
    changed = audio.clone()
    changed[:, mel.clock.frame_start(frame + 1) :] = 0.9
    before, after = (mel.columns(sound, first_frame=0, n_frames=12) for sound in (audio, changed))
    assert torch.equal(before[:, : frame + 1], after[:, : frame + 1])
    if frame < 11:
        assert not torch.equal(before[:, frame + 1], after[:, frame + 1])
    earlier = audio.clone()
    earlier[:, mel.clock.frame_start(frame + 1) - 2] += 0.5  # the last sample but one of the frame is heard in it
    assert not torch.equal(before[:, frame], mel.columns(earlier, first_frame=0, n_frames=12)[:, frame])


@pytest.mark.parametrize("fps", ["30", "30000/1001"])
@pytest.mark.parametrize("start", [30, 31, 32])
def test_window_take_and_chunks_agree(fps: str, start: int) -> None:
    """The same frame is the same numbers from a window, from the whole take and from pieces, for each phase of 30 fps.

    A window that starts at a frame whose start was rounded up must be told so (``first_frame``), or it drifts by a
    sample: that is what ``start`` tries.
    """
    mel = LogMel(LogMelConfig(fps=fps))
    clock, n_frames = mel.clock, 12
    take = noise(clock.frame_start(60))
    whole = mel.columns(take, first_frame=0, n_frames=60)[:, start : start + n_frames]
    reach = clock.frame_start(start) - mel.past_samples
    window = take[:, reach : clock.frame_start(start + n_frames)]
    of_window = mel.columns(window, first_frame=start, n_frames=n_frames, origin_samples=reach)
    torch.testing.assert_close(of_window, whole, atol=1e-5, rtol=0)
    for frame in range(start, start + n_frames):
        first = clock.frame_start(frame) - mel.past_samples
        chunk = take[:, first : clock.frame_start(frame + 1)]
        alone = mel.columns(chunk, first_frame=frame, n_frames=1, origin_samples=first)[:, 0]
        torch.testing.assert_close(alone, whole[:, frame - start], atol=1e-5, rtol=0)


def test_rows_may_start_at_different_frames() -> None:
    """Each row is heard from its own first frame and origin; the others do not matter to it."""
    mel = LogMel(LogMelConfig())
    take, starts = noise(mel.clock.frame_start(60)), torch.tensor([7, 20, 42])
    origins = mel.frame_starts(starts)
    rows = torch.cat([take[:, origin : origin + 6000] for origin in origins.tolist()])
    together = mel.columns(rows, first_frame=starts + 3, n_frames=6, origin_samples=origins)
    for row in range(3):
        start, origin = int(starts[row]) + 3, int(origins[row])
        alone = mel.columns(rows[row : row + 1], first_frame=start, n_frames=6, origin_samples=origin)
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=0)
    perturbed = rows.clone()
    perturbed[1] = 0.5
    again = mel.columns(perturbed, first_frame=starts + 3, n_frames=6, origin_samples=origins)
    assert torch.equal(again[[0, 2]], together[[0, 2]])
    assert not torch.equal(again[1], together[1])


def test_samples_outside_the_sound_count_as_silence() -> None:
    """Before, after, and far from the sound, whichever way it is asked for."""
    mel = LogMel(LogMelConfig())
    audio = noise(4000)
    padded = torch.cat([torch.zeros(1, 3200), audio, torch.zeros(1, 6400)], 1)
    asked = mel.columns(audio, first_frame=-6, n_frames=24)
    there = mel.columns(padded, first_frame=-6, n_frames=24, origin_samples=-3200)
    torch.testing.assert_close(asked, there, atol=1e-5, rtol=0)
    silent = torch.full((1, 2, 2, 80), math.log(POWER_FLOOR))
    for far in (-1000, 1000):
        torch.testing.assert_close(mel.raw(audio, first_frame=far, n_frames=2), silent)
    torch.testing.assert_close(mel.raw(torch.zeros(1, 0), first_frame=0, n_frames=2), silent)


def test_levels_are_kept(fitted: LogMel) -> None:
    """Ten times louder is larger by ln 100 / spread in every band; a window's own maximum plays no part."""
    audio = as_float(make_take(3, seconds=1).audio)
    quiet, loud = (torch.from_numpy(gain * audio)[None] for gain in (0.1, 1.0))
    raw_quiet, raw_loud = (fitted.raw(sound, first_frame=0, n_frames=30) for sound in (quiet, loud))
    heard = raw_quiet > math.log(POWER_FLOOR) + 3
    torch.testing.assert_close(
        (raw_loud - raw_quiet)[heard], torch.full_like(raw_loud[heard], math.log(100)), atol=0.05, rtol=0
    )
    normalised = [fitted.columns(sound, first_frame=0, n_frames=30) for sound in (quiet, loud)]
    assert (normalised[1] >= normalised[0]).all()
    assert normalised[1].mean() > normalised[0].mean() + 0.3
    bang = torch.cat([loud, torch.ones(1, 8000)], 1)  # loud sound later must not change what is heard now
    assert torch.equal(
        fitted.columns(bang, first_frame=0, n_frames=40)[:, :30],
        fitted.columns(torch.cat([loud, torch.zeros(1, 8000)], 1), first_frame=0, n_frames=40)[:, :30],
    )


def test_fit_takes_mean_spread_and_floor_from_whole_takes() -> None:
    """Checked against numpy on all columns of the takes' whole frames; each take's quantile counts once."""
    sounds = [noise(n, level=level)[0].numpy() for n, level in ((9000, 0.3), (20000, 0.01), (5333, 0.1))]
    mel = LogMel(LogMelConfig())
    raws = []
    for sound in sounds:
        n_frames = mel.clock.frame_at(len(sound))
        raws.append(mel.raw(torch.from_numpy(sound)[None], first_frame=0, n_frames=n_frames).numpy().reshape(-1, 80))
    mel.fit(iter(sounds))
    together = np.concatenate(raws).astype(np.float64)
    np.testing.assert_allclose(mel.mean.numpy(), together.mean(0), atol=1e-4)
    np.testing.assert_allclose(mel.std.numpy(), together.std(0), atol=1e-4)
    lows = np.mean([np.quantile(raw, 0.01, axis=0) for raw in raws], 0)
    np.testing.assert_allclose(mel.floor.numpy(), lows, atol=1e-4)


def test_normalised_speech_has_mean_0_and_spread_1(fitted: LogMel) -> None:
    fresh = LogMel(fitted.config)
    audio = as_float(make_take(1, seconds=3).audio)
    fresh.fit([audio])
    raw = fresh.raw(torch.from_numpy(audio)[None], first_frame=0, n_frames=90)
    plain = ((raw - fresh.mean) / fresh.std).flatten(0, 2)
    torch.testing.assert_close(plain.mean(0), torch.zeros(80), atol=1e-3, rtol=0)
    torch.testing.assert_close(plain.std(0, unbiased=False), torch.ones(80), atol=1e-3, rtol=0)


def test_silence_is_a_quiet_room(fitted: LogMel) -> None:
    """Digital silence is raised to the floor: the features of a stream that has not begun, finite and not extreme."""
    quiet = fitted.columns(torch.zeros(1, 16000), first_frame=0, n_frames=30)
    torch.testing.assert_close(quiet, fitted.silence.expand_as(quiet))
    assert quiet.min() > -6
    never_fitted = LogMel(LogMelConfig()).columns(torch.zeros(1, 16000), first_frame=0, n_frames=3)
    assert torch.isfinite(never_fitted).all()


def test_fit_survives_silent_and_short_takes() -> None:
    """A band that never changes has a spread above 0; a take shorter than a frame counts as one frame."""
    mel = LogMel(LogMelConfig())
    mel.fit([np.zeros(8000, np.float32), np.zeros(10, np.float32)])
    assert torch.isfinite(mel.columns(noise(8000), first_frame=0, n_frames=10)).all()
    assert (mel.std > 0).all()


def test_fit_takes_read_only_sound() -> None:
    """Takes of a corpus are read-only views of a map; torch warns of these, and a warning is an error here."""
    sound = noise(8000)[0].numpy()
    sound.setflags(write=False)
    mel = LogMel(LogMelConfig())
    mel.fit([sound])
    assert mel.mean.abs().sum() > 0


def test_statistics_are_saved_and_the_rest_is_made_anew() -> None:
    assert set(LogMel(LogMelConfig()).state_dict()) == {"mean", "std", "floor"}


def test_fit_on_nothing_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no sound to take statistics from"):
        LogMel(LogMelConfig()).fit([])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"f_max_hz": 9000.0}, "9000.0 Hz at 16000 Hz"),
        ({"f_min_hz": 300.0, "f_max_hz": 300.0}, "from 300.0 to 300.0"),
        ({"f_min_hz": -1.0}, "from -1.0"),
        ({"f_max_hz": float("nan")}, "nan"),
        ({"n_mels": 0}, "at least 1"),
        ({"n_fft": 0}, "at least 1"),
        ({"columns_per_frame": 0}, "at least 1"),
        ({"fps": "0"}, "frame rate"),
        ({"fps": "thirty"}, "frame rate"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        LogMelConfig(**settings)
