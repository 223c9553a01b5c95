"""Fault 21: several channels and other rates become one by named policies on record, and nothing is delayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.takes import read_sound
from koekao.takes.policies import REPAIRS


def write(path: Path, samples: np.ndarray, rate: int) -> Path:
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def click(n: int, rate: int, at_s: float) -> np.ndarray:
    """Half a millisecond of a smooth bump, centred on ``at_s``."""
    time_s = np.arange(n) / rate
    return 0.8 * np.exp(-(((time_s - at_s) / 2.5e-4) ** 2))


@pytest.mark.parametrize("at_s", [0.0005, 0.25, 0.4321, 0.9])
@pytest.mark.parametrize("wanted", [16000, 48000])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 88200])
def test_a_click_stays_where_it_was(tmp_path: Path, rate: int, wanted: int, at_s: float) -> None:
    path = write(tmp_path / "a.wav", click(rate, rate, at_s), rate)
    heard = read_sound(path, sample_rate=wanted, dtype="float32").samples.astype(float) ** 2
    centre_s = float((heard * np.arange(len(heard))).sum() / heard.sum() / wanted)
    before = click(rate, rate, at_s) ** 2
    assert centre_s == pytest.approx(float((before * np.arange(rate)).sum() / before.sum() / rate), abs=1e-5)


@pytest.mark.parametrize("rate", [44100, 48000, 88200])
@pytest.mark.parametrize("mono", ["mix", "left", "right"])
def test_stereo_at_each_rate_says_what_was_done(tmp_path: Path, rate: int, mono: str) -> None:
    left, right = click(rate, rate, 0.3), click(rate, rate, 0.6)
    path = write(tmp_path / "a.wav", np.stack([left, right], axis=1), rate)
    sound = read_sound(path, mono=mono)
    energy = sound.samples.astype(float) ** 2
    has = [bool(energy[round(16000 * at) - 40 : round(16000 * at) + 40].max() > 1e7) for at in (0.3, 0.6)]
    assert has == {"mix": [True, True], "left": [True, False], "right": [False, True]}[mono]
    assert sound.repairs == (
        "mono: mixed 2 channels" if mono == "mix" else f"mono: took {mono} of 2 channels",
        f"resample: {rate} -> 16000 Hz",
        "round: to int16, 0 samples clipped",
    )
    assert {repair.partition(":")[0] for repair in sound.repairs} <= set(REPAIRS)
