"""Laws of synthetic takes: a function of the arguments, speech by its build, and a face that can be heard in time."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from koekao.arkit import INDEX, N_CURVES, NAMES
from koekao.errors import ConfigError
from koekao.takes.synthetic.face import BLINK_CLOSE_S, BLINK_DELAY_S, RIGHT_SIDE, face_of
from koekao.takes.synthetic.making import VOICES, Voice, make_take, make_takes
from koekao.takes.synthetic.score import NUMBER, PAUSE, PHONES, TICK_S, Score, write_score
from koekao.takes.synthetic.voice import EFFORT_DB, LOUDEST_RMS, speak
from koekao.takes.take import Take, as_float

STILL = {
    *(f"eyeLook{way}{side}" for way in ("In", "Out", "Up") for side in ("Left", "Right")),
    *(f"{part}{side}" for part in ("eyeWide", "jaw", "mouth", "mouthFrown") for side in ("Left", "Right")),
}


def curve(take: Take, name: str) -> NDArray[np.float32]:
    return take.curves[:, INDEX[name]]


def frames_of_sound(take: Take, span_s: float) -> NDArray[np.float64]:
    """The last ``span_s`` of sound that is known when each frame is over, ``[n_frames, n]``: past and present only."""
    span = round(span_s * take.sample_rate)
    sound = np.concatenate([np.zeros(span), as_float(take.audio)])
    ends = take.clock.frame_starts(np.arange(1, take.n_frames + 1)) + span
    return sound[(ends - span)[:, None] + np.arange(span)]


def band_energies(take: Take, n_bands: int, top_hz: float = 7900.0) -> NDArray[np.float64]:
    """Energies of ``n_bands`` bands, equally wide in mel, ``[n_frames, n_bands]``."""
    frames = frames_of_sound(take, 1 / 30)
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), 1024)) ** 2
    edges = 700 * np.expm1(np.linspace(np.log1p(60 / 700), np.log1p(top_hz / 700), n_bands + 1))
    bins = np.round(edges * 1024 / take.sample_rate).astype(int)
    return np.add.reduceat(power[:, : bins[-1]], bins[:-1], axis=1)


def pitch_hz(take: Take) -> NDArray[np.float64]:
    """Pitch by autocorrelation around the voice's own, ``[n_frames]``; NaN where nothing repeats."""
    frames = frames_of_sound(take, 0.040)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), 4096)) ** 2
    repeats = np.fft.irfft(spectrum)
    base = VOICES[take.speaker].pitch_hz
    lags = np.arange(int(take.sample_rate / base / 1.7), int(take.sample_rate / base * 1.6))
    best = lags[np.argmax(repeats[:, lags], axis=1)]
    voiced = repeats[np.arange(len(best)), best] > 0.5 * repeats[:, 0]
    return np.where(voiced & (repeats[:, 0] > 0.1), take.sample_rate / best, np.nan)


def r(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


@pytest.fixture(scope="module")
def take() -> Take:
    return make_take(5, seconds=40, voice="ken")


def test_a_take_is_a_function_of_its_arguments(take: Take) -> None:
    again = make_take(5, seconds=40, voice=VOICES["ken"])
    assert (again.name, again.speaker, again.repairs, again.sources) == ("ken_0005", "ken", (), ())
    np.testing.assert_array_equal(again.audio, take.audio)
    np.testing.assert_array_equal(again.curves, take.curves)
    other = make_take(6, seconds=40, voice="ken", name="mine")
    assert other.name == "mine"
    assert not np.array_equal(other.audio, take.audio)
    assert not np.array_equal(other.curves, take.curves)


@pytest.mark.parametrize("fps", [30, 60, "24000/1001", Fraction(30000, 1001)])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_frames_tile_the_sound(fps: Fraction | int | str, sample_rate: int) -> None:
    take = make_take(1, seconds=3.21, fps=fps, sample_rate=sample_rate)
    assert take.fps == Fraction(fps)
    assert take.n_frames == take.clock.frames_of(3.21) == len(take.valid)
    assert take.n_samples == take.clock.frame_start(take.n_frames)
    assert take.audio.dtype == np.int16
    assert take.curves.dtype == np.float32
    assert take.curves.shape == (take.n_frames, N_CURVES)
    assert take.valid.dtype == np.bool_
    assert take.valid.all()


def test_another_frame_rate_or_sample_rate_is_the_same_speech(take: Take) -> None:
    finer = make_take(5, seconds=40, voice="ken", fps=60, sample_rate=22050)
    np.testing.assert_allclose(finer.curves[::2], take.curves, atol=1e-6)
    louder, other = (np.log(band_energies(t, 1, 3000.0)[:, 0] + 1e-2) for t in (take, finer))
    assert r(louder, other[1::2]) > 0.99


def test_curves_are_in_range_and_those_that_do_not_move_are_exactly_0(take: Take) -> None:
    assert take.curves.min() >= 0
    assert take.curves.max() <= 1
    assert {name for name in NAMES if not curve(take, name).any()} == STILL
    assert all(curve(take, name).max() > 0.04 for name in NAMES if name not in STILL)


def test_the_right_side_moves_a_little_less_than_the_left(take: Take) -> None:
    for name in NAMES:
        if name.endswith("Left") and name not in STILL:
            np.testing.assert_allclose(
                curve(take, name.removesuffix("Left") + "Right"), RIGHT_SIDE * curve(take, name), atol=1e-6
            )


@pytest.mark.parametrize("voice", VOICES)
def test_every_voice_is_loud_but_never_clipped_and_silence_is_not_digital_zero(voice: str) -> None:
    sound = as_float(make_take(5, seconds=15, voice=voice).audio)
    assert 0.4 < np.abs(sound).max() < 0.95
    quietest = np.sqrt((sound[: len(sound) // 800 * 800].reshape(-1, 800) ** 2).mean(axis=1)).min()
    assert -62 < 20 * np.log10(quietest) < -58


def test_the_voice_changes_the_sound_and_not_the_face() -> None:
    same_pace = [
        Voice(name=name, pitch_hz=hz, formant_scale=scale) for name, hz, scale in (("x", 90, 1), ("y", 250, 1.3))
    ]
    low, high = (make_take(8, seconds=10, voice=voice) for voice in same_pace)
    np.testing.assert_array_equal(low.curves, high.curves)
    assert not np.array_equal(low.audio, high.audio)


def test_voices_differ_in_pitch_and_in_colour() -> None:
    takes = [make_take(11, seconds=12, voice=voice) for voice in ("gen", "ken", "haru", "aoi", "sora")]
    medians = [float(np.nanmedian(pitch_hz(take))) for take in takes]
    assert all(b > 1.15 * a for a, b in pairwise(medians)), medians
    for median, take in zip(medians, takes):
        assert abs(np.log2(median / VOICES[take.speaker].pitch_hz)) < 0.35
    vowels = [band_energies(take, 40, 5000.0)[curve(take, "jawOpen") > 0.35].mean(axis=0) for take in takes]
    spectra = [10 * np.log10(vowel / vowel.sum()) for vowel in vowels]
    distances = [np.abs(a - b).mean() for i, a in enumerate(spectra) for b in spectra[:i]]
    assert min(distances) > 1.0, distances


def test_formants_scale_with_the_voice_at_the_same_pitch() -> None:
    centres = []
    for scale in (1.0, 1.3):
        take = make_take(9, seconds=12, voice=Voice(name="x", pitch_hz=150, formant_scale=scale))
        vowels = np.sqrt(band_energies(take, 40, 5000.0)[curve(take, "jawOpen") > 0.3])
        centres.append((vowels @ np.arange(40) / vowels.sum(axis=1)).mean())
    assert centres[1] > centres[0] + 1.0, centres


@pytest.mark.parametrize("voice", ["gen", "sora"])
@pytest.mark.parametrize("phone", ["a", "i", "m", "s", "sh"])
def test_a_moment_is_as_loud_as_the_score_says_in_every_voice(voice: str, phone: str) -> None:
    """A held sound has the level of its phone and effort, evenly, without a seam where blocks of work meet."""
    n_ticks, effort = 600, 0.7
    score = Score(
        phone=np.full(n_ticks, NUMBER[phone], np.int16),
        accent=np.zeros(n_ticks),
        effort=np.full(n_ticks, effort),
        stern=np.zeros(n_ticks),
        pitch_semitones=np.zeros(n_ticks),
        phrase_ends=np.zeros(0, np.int64),
    )
    audio = speak(score, VOICES[voice], 32_000, 16000, np.random.default_rng(0))
    sound = as_float(audio).astype(np.float64)[800:]
    level_db = max(PHONES[NUMBER[phone]].voiced_db, PHONES[NUMBER[phone]].hiss_db) - EFFORT_DB * (1 - effort)
    assert abs(20 * np.log10(np.sqrt((sound**2).mean()) / LOUDEST_RMS) - level_db) < 0.3
    in_a_hop = np.sqrt((sound.reshape(-1, 80) ** 2).mean(axis=0))
    steps = np.abs(np.diff(sound))
    assert steps[256 * 80 - 801 - 1 : 256 * 80 - 801 + 2].max() <= np.sort(steps)[-4]
    if phone in ("s", "sh"):
        assert in_a_hop.max() < 1.4 * in_a_hop.min()


def test_a_loud_voice_moves_the_mouth_more_but_closes_it_no_further() -> None:
    score = write_score(np.random.default_rng(3), 12_000, 1.0)
    times_s = np.arange(11_900) * TICK_S
    soft, full = (face_of(replace(score, effort=np.full(12_000, effort)), times_s) for effort in (0.2, 1.0))
    for name in ("jawOpen", "mouthPucker", "mouthSmileLeft"):
        assert full[:, INDEX[name]].max() > 1.3 * soft[:, INDEX[name]].max()
    for name in ("mouthClose", "mouthPressLeft", "cheekPuff"):
        np.testing.assert_allclose(full[:, INDEX[name]], soft[:, INDEX[name]], atol=1e-6)


def test_a_longer_take_begins_with_the_face_of_the_shorter(take: Take) -> None:
    longer = make_take(5, seconds=47, voice="ken")
    np.testing.assert_array_equal(longer.curves[: take.n_frames], take.curves)


def test_the_jaw_follows_the_loudness_of_the_low_bands(take: Take) -> None:
    low = np.sqrt(band_energies(take, 1, 1200.0)[:, 0])
    assert r(curve(take, "jawOpen"), low) > 0.5


def test_bilabials_close_the_lips_and_open_vowels_open_them() -> None:
    score = write_score(np.random.default_rng(3), 12_000, 1.0)
    starts = np.flatnonzero(np.diff(score.phone, prepend=-1))
    middles = (starts[:-1] + starts[1:]) // 2
    face = face_of(score, (middles + 4) * TICK_S)  # lips follow 20 ms behind
    phones = score.phone[middles]
    closed, open_ = (face[np.isin(phones, [NUMBER[name] for name in names])] for names in (("m", "p", "b"), ("a",)))
    assert len(closed) > 30
    assert len(open_) > 10
    assert closed[:, INDEX["jawOpen"]].max() < 0.15
    for name, least in (("mouthClose", 0.12), ("mouthPressLeft", 0.28), ("mouthRollLower", 0.22)):
        assert closed[:, INDEX[name]].min() > least
        assert open_[:, INDEX[name]].max() < 0.05
    assert open_[:, INDEX["jawOpen"]].min() > 0.3


def test_a_blink_follows_the_end_of_every_phrase_by_a_fixed_time_and_nothing_else(take: Take) -> None:
    """Heard in the sound alone: a blink where it has been quiet for the delay and the fall of the lids."""
    level = np.sqrt(np.convolve(as_float(take.audio).astype(np.float64) ** 2, np.full(80, 1 / 80), "same"))
    loud = np.flatnonzero(level > 0.0016)
    pauses = loud[:-1][np.diff(loud) > 0.25 * take.sample_rate] / take.sample_rate
    blink = curve(take, "eyeBlinkLeft")
    peaks = 1 + np.flatnonzero((blink[1:-1] >= blink[:-2]) & (blink[1:-1] > blink[2:]))
    assert len(pauses) > 10
    assert len(peaks) == len(pauses)
    assert (blink[peaks] > 0.85).all()
    np.testing.assert_allclose(peaks / 30, pauses + BLINK_DELAY_S + BLINK_CLOSE_S, atol=0.040)


def test_brows_rise_with_the_pitch_and_knit_when_it_is_low_and_loud(take: Take) -> None:
    pitch = np.log2(pitch_hz(take))
    voiced = np.isfinite(pitch)
    assert voiced.mean() > 0.35
    calm = voiced & (curve(take, "browDownLeft") < 0.05)
    assert r(curve(take, "browOuterUpLeft")[calm], pitch[calm]) > 0.5
    assert r(curve(take, "browDownLeft")[voiced], pitch[voiced]) < -0.5
    low = np.sqrt(band_energies(take, 1, 1200.0)[:, 0])
    assert r(curve(take, "browDownLeft")[voiced], low[voiced]) > 0.2


def test_the_face_never_knows_more_than_40_ms_ahead() -> None:
    """Whatever is said after tick 900, the face up to 40 ms before it is the same."""
    score = write_score(np.random.default_rng(4), 2000, 1.0)
    other = write_score(np.random.default_rng(5), 2000, 1.0)
    cut = 900
    changed = replace(
        score,
        phrase_ends=np.concatenate(
            [score.phrase_ends[score.phrase_ends < cut], other.phrase_ends[other.phrase_ends >= cut]]
        ),
        **{
            name: np.concatenate([getattr(score, name)[:cut], getattr(other, name)[cut:]])
            for name in ("phone", "accent", "effort", "stern", "pitch_semitones")
        },
    )
    times_s = np.arange(2000) * TICK_S
    differs = np.flatnonzero((face_of(score, times_s) != face_of(changed, times_s)).any(axis=1)) * TICK_S
    assert cut * TICK_S - 0.045 <= differs[0] <= cut * TICK_S + 0.010


def test_a_voiceless_stop_only_follows_a_sonorant() -> None:
    """Its closure is silent: only the bend of the formants before it tells which it is."""
    score = write_score(np.random.default_rng(6), 40_000, 1.0)
    phones = score.phone[np.flatnonzero(np.diff(score.phone, prepend=-1))]
    stops = 1 + np.flatnonzero(np.isin(phones[1:], [NUMBER[name] for name in "ptk"]))
    silent = [PAUSE, *(NUMBER[name] for name in ("f", "th", "s", "sh", "h", "z", "v", "dh"))]
    assert len(stops) > 50
    assert not np.isin(phones[stops - 1], silent).any()


def test_a_plain_regression_learns_the_face_from_three_voices_for_a_fourth() -> None:
    def heard(take: Take) -> NDArray[np.float64]:
        bands = np.log(band_energies(take, 24) + 1e-3)
        past = [np.concatenate([np.repeat(bands[:1], lag, axis=0), bands[: len(bands) - lag]]) for lag in range(16)]
        return np.concatenate(past, axis=1)

    known = [make_take(20 + i, seconds=40, voice=voice) for i, voice in enumerate(("ken", "aoi", "sora"))]
    x, y = np.concatenate([heard(take) for take in known]), np.concatenate([take.curves for take in known])
    mean, scale = x.mean(axis=0), x.std(axis=0)
    x = (x - mean) / scale
    weights = np.linalg.solve(x.T @ x + 30.0 * np.eye(x.shape[1]), x.T @ (y - y.mean(axis=0)))
    unseen = make_take(30, seconds=40, voice="haru")
    predicted = (heard(unseen) - mean) / scale @ weights
    scores = {name: r(predicted[:, i], unseen.curves[:, i]) for i, name in enumerate(NAMES) if name not in STILL}
    assert np.mean(list(scores.values())) > 0.6, scores
    assert min(scores.values()) > 0.15, scores


def test_make_takes_cycles_voices_and_draws_lengths() -> None:
    takes = list(make_takes(7, seconds=(1.0, 3.0), seed=2, voices=3))
    assert [take.speaker for take in takes] == ["ken", "aoi", "sora"] * 2 + ["ken"]
    assert takes[1].name == "aoi_20001"
    assert len({take.name for take in takes}) == 7
    assert all(0.98 <= take.duration_s <= 3.02 for take in takes)
    assert len({take.n_frames for take in takes}) > 4
    again = list(make_takes(7, seconds=(1.0, 3.0), seed=2, voices=3))
    assert all(np.array_equal(a.audio, b.audio) for a, b in zip(takes, again))
    assert not {take.name for take in make_takes(7, seconds=1, seed=3)} & {take.name for take in takes}
    assert {take.n_frames for take in make_takes(2, seconds=2)} == {60}


def test_make_takes_makes_one_at_a_time() -> None:
    assert next(make_takes(10**9, seconds=1)).speaker == "ken"


def test_without_a_voice_the_seed_chooses_one() -> None:
    assert {make_take(seed, seconds=0.1).speaker for seed in range(len(VOICES))} == set(VOICES)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: make_take(0, seconds=1, voice="nobody"), r"no voice 'nobody'; expected one of ken, aoi, sora"),
        (lambda: make_take(-1, seconds=1), r"seed -1; expected 0 or above"),
        (lambda: make_take(0, seconds=0.01), r"a take of 0\.01 s at 30 fps; expected at least one frame"),
        (lambda: make_take(0, seconds=float("nan")), r"a take of nan s"),
        (lambda: make_take(0, seconds=1, sample_rate=4000), r"sample rate 4000; expected 8000 Hz or above"),
        (lambda: make_take(0, seconds=1, fps=0), r"frame rate 0"),
        (lambda: make_takes(1, seconds=1, voices=0), r"0 voices; expected 1\.\.8"),
        (lambda: make_takes(1, seconds=(3, 2)), r"takes of 3\.\.2 s; expected 0 < shortest <= longest"),
        (lambda: make_takes(-1, seconds=1), r"-1 takes of seed 0"),
        (lambda: Voice(name="x", pitch_hz=20, formant_scale=1), r"voice 'x': pitch_hz 20; expected 50\.\.500"),
        (lambda: Voice(name="", pitch_hz=100, formant_scale=1), r"a voice without a name"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(call, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=text):
        call()
