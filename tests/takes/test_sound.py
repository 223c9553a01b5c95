"""The law: what comes out is the file's sound, at the asked rate, with no delay, and every change is on record."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from koekao.errors import ConfigError, SoundError
from koekao.takes.sound.reading import probe_sound, read_sound
from take_files import noise, sine, wav_bytes, write_wav


def encoded(path: Path, samples: np.ndarray, rate: int = 16000, **how: str) -> Path:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **how)
    path.write_bytes(file.getvalue())
    return path


def test_16_bit_mono_at_the_asked_rate_is_bit_identical(tmp_path: Path) -> None:
    samples = noise(5000)
    samples[:4] = -32768, 32767, -1, 0
    path = write_wav(tmp_path / "a.wav", samples)
    sound = read_sound(path)
    assert sound.samples.dtype == np.int16
    assert np.array_equal(sound.samples, samples)
    assert sound.repairs == ()
    assert sound.sample_rate == 16000
    assert sound.duration_s == 5000 / 16000
    data = path.read_bytes()
    assert (sound.source.path, sound.source.size) == (str(path), len(data))
    assert sound.source.sha256 == hashlib.sha256(data).hexdigest()
    as_float = read_sound(path, dtype="float32").samples
    assert as_float.dtype == np.float32
    assert np.array_equal(as_float * 32768, samples)


FORMATS = [
    ("WAV", "PCM_U8", 1 / 128),
    ("WAV", "PCM_16", 1 / 32768),
    ("WAV", "PCM_24", 2e-7),
    ("WAV", "PCM_32", 1e-7),
    ("WAV", "FLOAT", 1e-7),
    ("WAV", "DOUBLE", 1e-7),
    ("WAV", "ULAW", 0.02),
    ("WAV", "ALAW", 0.02),
    ("WAVEX", "PCM_16", 1 / 32768),
    ("WAVEX", "PCM_24", 2e-7),
    ("WAVEX", "FLOAT", 1e-7),
    ("RF64", "PCM_24", 2e-7),
    ("FLAC", "PCM_16", 1 / 32768),
    ("FLAC", "PCM_24", 2e-7),
]


@pytest.mark.parametrize("name", ["a.wav", "a.raw.flac", "no_ending"])
@pytest.mark.parametrize(("form", "subtype", "step"), FORMATS)
def test_every_sample_format_reads_as_the_sine_that_went_in(
    tmp_path: Path, form: str, subtype: str, step: float, name: str
) -> None:
    wave = sine(4000, 16000)
    path = encoded(tmp_path / name, wave, format=form, subtype=subtype)
    info = probe_sound(path)
    assert (info.sample_rate, info.channels, info.n_samples, info.subtype) == (16000, 1, 4000, subtype)
    assert info.is_float == (subtype in ("FLOAT", "DOUBLE"))
    floats = read_sound(path, dtype="float32").samples
    assert floats.dtype == np.float32
    assert np.abs(floats - wave).max() <= step
    whole = read_sound(path).samples
    assert whole.dtype == np.int16
    assert np.abs(whole - wave * 32768).max() <= step * 32768 + 0.51


def test_big_endian_wav_is_read(tmp_path: Path) -> None:
    samples = noise(300)
    path = encoded(tmp_path / "a.wav", samples, format="WAV", subtype="PCM_16", endian="BIG")
    assert path.read_bytes()[:4] == b"RIFX"
    assert np.array_equal(read_sound(path).samples, samples)


@pytest.mark.parametrize(("form", "subtype", "tolerance"), [("OGG", "VORBIS", 0.05), ("MP3", "MPEG_LAYER_III", 0.05)])
def test_lossy_formats_are_read_whole(tmp_path: Path, form: str, subtype: str, tolerance: float) -> None:
    wave = sine(16000, 16000)
    sound = read_sound(encoded(tmp_path / "a", wave, format=form, subtype=subtype))
    assert len(sound.samples) == 16000
    middle = slice(2000, 14000)
    assert np.abs(sound.samples[middle] / 32768 - wave[middle]).max() < tolerance
    assert sound.repairs == ("round: to int16, 0 samples clipped",)


@pytest.mark.parametrize("form", ["OGG", "FLAC", "MP3"])
def test_a_compressed_file_that_was_cut_is_refused(tmp_path: Path, form: str) -> None:
    path = encoded(tmp_path / "a", noise(60000) / 40000, format=form)
    data = path.read_bytes()
    for cut in (len(data) - 1, len(data) * 3 // 4, len(data) // 2, 300):
        path.write_bytes(data[:cut])
        with pytest.raises(SoundError, match=r"a:(byte|sample) \d+: .*(truncated|no sound that can be read)"):
            read_sound(path)


def test_an_ogg_without_its_last_page_is_refused_when_probed(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.ogg", noise(60000) / 40000, format="OGG")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"OggS")])
    with pytest.raises(SoundError, match=r"truncated: the stream has no last page"):
        probe_sound(path)


STEREO = np.stack([noise(900, 1), noise(900, 2)], axis=1)


@pytest.mark.parametrize(
    ("mono", "wanted", "repairs"),
    [
        ("left", STEREO[:, 0], ("mono: took left of 2 channels",)),
        ("right", STEREO[:, 1], ("mono: took right of 2 channels",)),
        (
            "mix",
            np.rint(STEREO.mean(axis=1)),
            ("mono: mixed 2 channels", "round: to int16, 0 samples clipped"),
        ),
    ],
)
def test_stereo_becomes_mono_by_the_named_policy(
    tmp_path: Path, mono: str, wanted: np.ndarray, repairs: tuple[str, ...]
) -> None:
    path = write_wav(tmp_path / "a.wav", STEREO)
    sound = read_sound(path, mono=mono)
    assert np.array_equal(sound.samples, wanted)
    assert sound.samples.flags.c_contiguous
    assert sound.repairs == repairs


def test_stereo_can_be_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", STEREO)
    assert probe_sound(path).channels == 2
    with pytest.raises(SoundError, match=r"a\.wav: 2 channels; expected mono\n  -> .*mix, left or right"):
        read_sound(path, mono="refuse")


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 88200])
def test_resampling_has_no_delay_and_the_exact_length(tmp_path: Path, rate: int) -> None:
    n = rate + 17
    path = write_wav(tmp_path / "a.wav", np.rint(sine(n, rate, 997) * 32768).astype(np.int16), rate)
    sound = read_sound(path)
    assert len(sound.samples) == round(n * 16000 / rate)
    assert sound.repairs == (f"resample: {rate} -> 16000 Hz", "round: to int16, 0 samples clipped")
    middle = slice(2000, 14000)
    wanted = sine(len(sound.samples), 16000, 997)
    assert np.abs(sound.samples / 32768 - wanted)[middle].max() < 2e-4


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
@pytest.mark.parametrize("n", [3, 7, 100, 1601, 4410, 44101])
def test_length_after_resampling_is_the_rounded_ratio(tmp_path: Path, rate: int, n: int) -> None:
    path = write_wav(tmp_path / "a.wav", noise(n), rate)
    assert len(read_sound(path, dtype="float32").samples) == (2 * n * 16000 + rate) // (2 * rate)


def test_rounding_is_to_nearest_and_clipping_is_counted(tmp_path: Path) -> None:
    values = np.array([0.0, 0.6, -0.6, 100.4, 32767.0, 32767.6, -32768.0, -40000.0, 1e30]) / 32768
    path = encoded(tmp_path / "a.wav", values, format="WAV", subtype="DOUBLE")
    sound = read_sound(path)
    assert sound.samples.tolist() == [0, 1, -1, 100, 32767, 32767, -32768, -32768, 32767]
    assert sound.repairs == ("round: to int16, 3 samples clipped",)
    kept = read_sound(path, dtype="float32")
    assert kept.repairs == ()
    assert np.array_equal(kept.samples, values.astype(np.float32))


def test_values_that_fit_int16_are_not_said_to_be_rounded(tmp_path: Path) -> None:
    samples = noise(500)
    path = encoded(tmp_path / "a.wav", samples / 32768, format="WAV", subtype="PCM_24")
    sound = read_sound(path)
    assert np.array_equal(sound.samples, samples)
    assert sound.repairs == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_no_numbers_are_refused_by_place(tmp_path: Path, bad: float) -> None:
    values = np.zeros((50, 2))
    values[17, 1] = values[30, 0] = bad
    path = encoded(tmp_path / "a.wav", values, format="WAV", subtype="DOUBLE")
    with pytest.raises(SoundError, match=r"a\.wav:sample 17: 2 samples are no numbers.*channel 1"):
        read_sound(path)


def test_silence_is_sound(tmp_path: Path) -> None:
    assert not read_sound(write_wav(tmp_path / "a.wav", np.zeros(400, np.int16))).samples.any()


def test_what_is_no_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for function in (read_sound, probe_sound):
        with pytest.raises(SoundError, match=r"a\.wav: there is no such file"):
            function(path)
        with pytest.raises(SoundError, match="is not a plain file"):
            function(tmp_path)
        for data, text in (
            (b"", r"a\.wav: the file is empty \(0 bytes\)"),
            (b"\0\1junk" * 100, r"a\.wav:byte 0: no sound that can be read"),
            (b"RIFF", r"a\.wav:byte 0: only 4 bytes of a WAV header"),
            (b"x", r"a\.wav:byte 0: no sound that can be read"),
            (b"ID3\x03" + b"\0" * 200, r"a\.wav:byte 0: no sound that can be read"),
            (b"OggS" + b"\0" * 10, r"a\.wav:byte 0: 14 bytes that are no Ogg page"),
        ):
            path.write_bytes(data)
            with pytest.raises(SoundError, match=text) as caught:
                function(path)
            assert "BytesIO" not in str(caught.value)
        path.unlink()


def test_formats_that_nobody_checks_are_refused(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.aiff", noise(100), format="AIFF")
    with pytest.raises(SoundError, match="AIFF is not read"):
        read_sound(path)


def test_headerless_sound_is_refused_when_probed(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(noise(100).tobytes())
    with pytest.raises(SoundError, match="sound without a header"):
        probe_sound(path)


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", noise(100))
    for wanted, text in (
        ({"mono": "middle"}, "mono policy 'middle'; expected one of mix, left, right, refuse"),
        ({"dtype": "int32"}, "sound dtype 'int32'; expected one of int16, float32"),
        ({"sample_rate": 0}, "sample rate 0"),
        ({"sample_rate": 16000.5}, "sample rate 16000.5"),
    ):
        with pytest.raises(ConfigError, match=text):
            read_sound(path, **wanted)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wav(tmp_path / "a.wav", noise(100))
    real = path.stat().st_size
    sizes = [real, real + 8]
    fstat = os.fstat

    def growing(file: int) -> object:
        known = fstat(file)
        return SimpleNamespace(st_size=sizes.pop(0)) if sizes and known.st_size == real else known

    monkeypatch.setattr(os, "fstat", growing)
    with pytest.raises(SoundError, match=f"changed from {real} to {real + 8} bytes while it was read"):
        read_sound(path)


def test_too_short_for_one_sample_at_the_asked_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_bytes(noise(1), 96000))
    with pytest.raises(SoundError, match="1 samples at 96000 Hz"):
        read_sound(path)
