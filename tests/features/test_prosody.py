"""The prosody stream as a whole: names and settings, pitch held, the past that moves on, and real speech."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from koekao.errors import ConfigError
from koekao.features import Prosody, ProsodyConfig
from koekao.features.prosody import DESCRIPTORS

SPEECH = Path(__file__).parents[3] / "shared" / "data" / "takes" / "1114_2_03.wav"


def hum(f0_hz: float, seconds: float, level: float = 0.1) -> torch.Tensor:
    time_s = torch.arange(round(16000 * seconds)) / 16000
    return level * sum(torch.sin(2 * math.pi * f0_hz * k * time_s) / k for k in range(1, 8))


@pytest.fixture(scope="module")
def prosody() -> Prosody:
    return Prosody(ProsodyConfig(past_s=2.0))


def column(prosody: Prosody, frames: torch.Tensor, name: str) -> torch.Tensor:
    return frames[..., prosody.names.index(name)]


def test_every_value_has_a_name() -> None:
    prosody = Prosody(ProsodyConfig())
    assert len(set(prosody.names)) == len(prosody.names) == prosody.frame_shape[0] == 192
    assert prosody.names[:3] == ("voicing", "f0_ln_hz", "clarity_db")
    assert prosody.names[12] == "f0_ln_hz.mean@now" and prosody.names[-1] == "onsets_per_s@-600ms"
    assert prosody.past_frames == 600


def test_settings_name_all_that_counts() -> None:
    one, other = Prosody(ProsodyConfig()).raw_settings(), Prosody(ProsodyConfig(past_s=10.0)).raw_settings()
    assert one != other and one.keys() == {"extractor", "version", *asdict(ProsodyConfig())}
    assert ProsodyConfig(**{**asdict(ProsodyConfig()), "delays_ms": [0, 300, 600]}) == ProsodyConfig()


def test_levels_of_the_stream_are_those_of_the_sound(prosody: Prosody) -> None:
    """A tone of half full scale has an eighth of its power; ten times less is 20 dB less, in the summaries too."""
    tone = 0.5 * torch.sin(2 * math.pi * 1000 * torch.arange(32_000) / 16000)
    frames = prosody.whole(torch.stack([tone, tone / 10]), 60)
    expected_db = torch.tensor([10 * math.log10(0.125), 10 * math.log10(0.125) - 20])
    torch.testing.assert_close(column(prosody, frames, "level_db")[:, 30], expected_db, atol=0.01, rtol=0)
    assert column(prosody, frames, "level_db.high@now")[:, 59].tolist() == pytest.approx(expected_db.tolist(), abs=0.01)


def test_syllables_and_pauses_of_the_stream_are_those_of_the_sound(prosody: Prosody) -> None:
    """A hum of 0.3 s and silence of 0.2 s, again and again: two of each a second, voiced for more than half."""
    swell = torch.hann_window(4800)  # a hum that is cut off clicks, and a click is an onset
    once = torch.cat([hum(160, 0.3) * swell, torch.zeros(3200)])
    frames = prosody.whole(once.repeat(8)[None], 117)[0, -1:]
    found = {name: column(prosody, frames, f"{name}@now").item() for name in prosody.summary_names[-5:]}
    assert found["onsets_per_s"] == pytest.approx(2, abs=0.5) and found["pauses_per_s"] == pytest.approx(2, abs=0.5)
    assert found["voiced_share"] == pytest.approx(0.6, abs=0.1)
    assert found["pause_share"] == pytest.approx(7 / 15, abs=0.05)  # the swell's two ends are 25 dB down as well


def test_pitch_is_held_through_what_has_none(prosody: Prosody) -> None:
    """Silence, a hum at 200 Hz, noise, a hum at 120 Hz."""
    rng = torch.Generator().manual_seed(3)
    sound = torch.cat([torch.zeros(8000), hum(200, 0.5), 0.05 * torch.randn(8000, generator=rng), hum(120, 0.5)])[None]
    frames = prosody.whole(sound, 60)
    f0_hz, voicing = column(prosody, frames, "f0_ln_hz")[0].exp(), column(prosody, frames, "voicing")[0]
    assert f0_hz[:14].tolist() == pytest.approx([math.sqrt(60 * 500)] * 14)
    assert voicing[:14].max() < 0.01 and voicing[17:29].min() > 0.95
    assert f0_hz[17:29].tolist() == pytest.approx([200] * 12, rel=0.005)
    assert voicing[33:44].max() < 0.5
    assert (f0_hz[33:44] == f0_hz[33]).all() and f0_hz[33].item() == pytest.approx(200, rel=0.1)
    assert f0_hz[48:60].tolist() == pytest.approx([120] * 12, rel=0.005)


def test_held_pitch_is_remembered_between_steps(prosody: Prosody) -> None:
    _, _, state = prosody.step(hum(200, 0.5)[None], prosody.init_state(1))
    frames, _, _ = prosody.step(torch.zeros(1, 4000), state)
    assert column(prosody, frames, "f0_ln_hz")[0, -1].exp().item() == pytest.approx(200, rel=0.05)


def test_every_delay_moves_with_the_stream(prosody: Prosody) -> None:
    """At 30 fps now is 300 ms ago nine frames later; nothing freezes, and what has not happened yet is 0."""
    sound = torch.cat([hum(f0_hz, 0.6) * level for f0_hz, level in ((110, 1), (180, 0.2), (260, 2), (140, 0.5))])[None]
    frames = prosody.whole(sound, 72)[0]
    n = len(prosody.summary_names)
    now, then, long_ago = frames[:, len(DESCRIPTORS) + 1 :].unflatten(1, (3, n)).unbind(1)
    assert torch.equal(now[:-9], then[9:]) and torch.equal(now[:-18], long_ago[18:])
    assert not now[:8].any() and now[8].any() and not then[:17].any() and then[17].any()
    refreshed = (now[1:] != now[:-1]).any(1).nonzero().flatten() + 1
    assert refreshed.tolist() == list(range(8, 72, 9))
    assert column(prosody, frames, "heard_share@now")[[8, 62, 71]].tolist() == pytest.approx([9 / 60, 1, 1])


def test_the_past_is_forgotten_after_its_length(prosody: Prosody) -> None:
    """A shout 2 s ago and more leaves no trace in summaries; one less long ago does."""
    calm = hum(150, 5, 0.05)[None]
    shout = calm.clone()
    shout[:, :16000] *= 10
    one, other = prosody.whole(calm, 150)[0], prosody.whole(shout, 150)[0]
    now = slice(len(DESCRIPTORS) + 1, len(DESCRIPTORS) + 1 + len(prosody.summary_names))
    assert not torch.equal(one[80, now], other[80, now])
    assert torch.equal(one[100:, now], other[100:, now])


def test_the_summary_of_now_is_of_the_frames_up_to_now(prosody: Prosody) -> None:
    sound = hum(150, 4)[None] * torch.linspace(0.1, 1, 64000)
    frames = prosody.whole(sound, 120)
    level = column(prosody, frames, "level_db")[0, 57:117]  # frame 116 refreshes; 60 frames end with it
    assert column(prosody, frames, "level_db.mean@now")[0, 116].item() == pytest.approx(level.mean().item(), abs=1e-4)
    assert column(prosody, frames, "level_db.high@now")[0, 116].item() == pytest.approx(
        np.quantile(level.numpy(), 0.9), abs=1e-4
    )


@pytest.mark.parametrize("sample_rate", [8000, 22050, 48000])
def test_other_sample_rates_hear_the_same_pitch(sample_rate: int) -> None:
    prosody = Prosody(ProsodyConfig(sample_rate=sample_rate, past_s=1.0))
    time_s = torch.arange(sample_rate) / sample_rate
    sound = 0.1 * sum(torch.sin(2 * math.pi * 170 * k * time_s) / k for k in range(1, 8))
    frames = prosody.whole(sound[None], 30)
    assert column(prosody, frames, "f0_ln_hz")[0, 5:].exp().tolist() == pytest.approx([170] * 25, rel=0.005)
    assert torch.isfinite(frames).all()


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"sample_rate": 4000}, "prosody of sound at 4000 Hz; expected at least 8000 Hz"),
        ({"f0_min_hz": 500.0}, "pitch from 500.0 to 500.0 Hz"),
        ({"f0_max_hz": 2001.0}, "an eighth of the sample rate"),
        ({"f0_min_hz": 40.0}, "a window of 64.0 ms for pitch from 40.0 Hz; expected 75 to 1000 ms"),
        ({"past_s": 0.2}, "a past of 0.2 s; expected 300 ms to 600 s"),
        ({"past_s": float("nan")}, "a past of nan s"),
        ({"delays_ms": (0, 100)}, r"delays of \[0, 100\] ms"),
        ({"fps": "0"}, "frame rate '0'"),
    ],
)
def test_what_cannot_be_is_refused(how: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        ProsodyConfig(**how)


@pytest.mark.skipif(not SPEECH.is_file(), reason="the real takes are not beside this checkout")
def test_real_speech_has_the_pitch_that_praat_finds() -> None:
    """Beside Praat's autocorrelation (which hears the future) on 10 s: voiced in 9 of 10 frames alike, and then alike
    in Hz."""
    praat, soundfile = pytest.importorskip("parselmouth"), pytest.importorskip("soundfile")
    sound, rate = soundfile.read(SPEECH, start=480_000, frames=160_000, dtype="float32")
    prosody = Prosody(ProsodyConfig(past_s=2.0))
    frames = prosody.whole(torch.from_numpy(sound)[None], 300)[0]
    pitch = praat.Sound(sound.astype(float), rate).to_pitch_ac(time_step=0.01, pitch_floor=60, pitch_ceiling=500)
    theirs_hz, first_s = pitch.selected_array["frequency"], pitch.xs()[0]
    middles_s = np.array([(prosody.clock.frame_start(k + 1) - 512) / rate for k in range(300)])
    theirs_hz = theirs_hz[np.clip(np.rint((middles_s - first_s) / 0.01).astype(int), 0, len(theirs_hz) - 1)]
    voiced = column(prosody, frames, "voicing").numpy() > 0.5
    assert (voiced == (theirs_hz > 0)).mean() > 0.9
    both = voiced & (theirs_hz > 0)
    off = np.abs(column(prosody, frames, "f0_ln_hz").exp().numpy()[both] / theirs_hz[both] - 1)
    assert both.sum() > 80 and np.median(off) < 0.01 and (off > 0.2).mean() < 0.03
