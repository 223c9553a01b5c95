"""The law: a broadcast WAV's time of day is the one its recorder wrote, or none; it never changes or refuses sound."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from koekao.takes.sound.reading import probe_sound, read_sound
from take_files import chunk, noise, wav_bytes

SOUND = noise(300)


def bext(samples: int, size: int = 602) -> bytes:
    """EBU Tech 3285: 338 bytes of text, then the time reference, low half first."""
    body = b"x" * 338 + struct.pack("<II", samples & 0xFFFFFFFF, samples >> 32) + struct.pack("<H", 2) + b"\0" * 254
    return chunk(b"bext", body[:size])


def heard(tmp_path: Path, *chunks: bytes, rate: int = 48000):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(SOUND, rate, before=b"".join(chunks)))
    sound = read_sound(path, sample_rate=rate)
    assert np.array_equal(sound.samples, SOUND) and sound.repairs == ()
    assert probe_sound(path).origin_s == sound.origin_s
    return sound


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("second", [1, 13 * 3600 + 792.25, 86_399.5])
def test_the_time_reference_counts_samples_of_the_file(tmp_path: Path, rate: int, second: float) -> None:
    sound = heard(tmp_path, bext(round(second * rate)), rate=rate)
    assert sound.origin_s == pytest.approx(second, abs=1 / rate)
    assert sound.notes == ()


def test_it_is_a_number_of_64_bits(tmp_path: Path) -> None:
    samples = 192_000 * 80_000
    assert samples > 0xFFFFFFFF
    assert heard(tmp_path, bext(samples), rate=192_000).origin_s == 80_000


def test_the_time_of_day_is_in_the_files_own_rate_when_the_sound_is_resampled(tmp_path: Path) -> None:
    heard(tmp_path, bext(48000 * 7))
    assert read_sound(tmp_path / "a.wav", sample_rate=16000).origin_s == 7


@pytest.mark.parametrize(
    ("chunks", "note"),
    [
        ([bext(0)], "bext time reference 0 taken as not set"),
        ([bext(86_400 * 48_000)], "bext time reference 4147200000 ignored, at 48000 Hz it is a day or more"),
        ([bext((1 << 64) - 1)], "a day or more"),
        ([bext(5, size=340)], "a bext chunk of 340 bytes, too short for a time of day"),
        ([chunk(b"bext", b"")], "a bext chunk of 0 bytes"),
        ([bext(48_000), bext(48_001)], "2 bext chunks, so their time of day is not used"),
    ],
)
def test_what_cannot_be_is_noted_and_passed_over(tmp_path: Path, chunks: list[bytes], note: str) -> None:
    sound = heard(tmp_path, *chunks)
    assert sound.origin_s is None
    (said,) = sound.notes
    assert note in said


def test_the_last_sample_of_a_day_is_still_one(tmp_path: Path) -> None:
    assert heard(tmp_path, bext(86_400 * 48_000 - 1)).origin_s == pytest.approx(86_400, abs=1e-4)


def test_without_the_chunk_there_is_no_time_of_day(tmp_path: Path) -> None:
    sound = heard(tmp_path, chunk(b"LIST", b"INFO"))
    assert (sound.origin_s, sound.notes) == (None, ())
