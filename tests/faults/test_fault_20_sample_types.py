"""Fault 20: every type of sample a WAV has is read to one step of itself, against a sine.

FLAC, Ogg, MP3 and movies against the same sine: tests/takes/test_sound.py and test_movie.py.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.takes import read_sound

SINE = 0.9 * np.sin(2 * np.pi * 441 * np.arange(8000) / 16000)
COMPANDED = 1 / 28
"""The steps of mu-law and A-law grow with the sample: the largest is 1/31 or 1/32 of full scale, both ways from it."""


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("form", "subtype", "step"),
    [
        (form, subtype, step)
        for form in ("WAV", "WAVEX")
        for subtype, step in (
            ("PCM_U8", 2.0**-7),
            ("PCM_16", 2.0**-15),
            ("PCM_24", 2.0**-23),
            ("PCM_32", 2.0**-23),  # float32 has no more
            ("FLOAT", 2.0**-24),
            ("DOUBLE", 2.0**-24),
            ("ULAW", COMPANDED),
            ("ALAW", COMPANDED),
        )
    ],
)
def test_each_type_is_the_sine_to_one_step(tmp_path: Path, form: str, subtype: str, step: float, channels: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.stack([SINE] * channels, axis=1), 16000, format=form, subtype=subtype)
    (tmp_path / "a.wav").write_bytes(file.getvalue())
    floats = read_sound(tmp_path / "a.wav", dtype="float32").samples
    assert np.abs(floats - SINE).max() <= step
    whole = read_sound(tmp_path / "a.wav").samples
    assert np.abs(whole - SINE * 32768).max() <= max(1, step * 32768)
