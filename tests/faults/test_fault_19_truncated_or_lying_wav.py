"""Fault 19: a WAV that was cut or whose header lies is refused, or under ``trim`` shortened with a word; never without.

That no byte of a plain header shortens sound where nothing is allowed is in tests/takes/test_riff.py; here is what the
policy ``trim`` may do, and that it may do no more.
"""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.errors import ConfigError, SoundError
from koekao.takes import probe_sound, read_sound

SOUND = np.random.default_rng(0).integers(-20000, 20000, 700).astype(np.int16)
TRIM = re.compile(r"trim: the header (says [\d.]+ samples|does not say how many samples), (\d+) are there")


def wav(samples: np.ndarray = SOUND, **how: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16000, format=how.pop("format", "WAV"), subtype=how.pop("subtype", "PCM_16"), **how)
    return file.getvalue()


def with_data_size(data: bytes, size: int) -> bytes:
    at = data.index(b"data") + 4
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def outcome(tmp_path: Path, data: bytes, truncated: str = "trim", **wanted: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The samples and repairs; with the check that the header alone promises the same."""
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    sound = read_sound(path, truncated=truncated, **wanted)
    assert probe_sound(path, truncated=truncated).n_samples == len(sound.samples)
    return sound.samples, sound.repairs


PLAIN = wav()
DATA = PLAIN.index(b"data") + 8


@pytest.mark.parametrize(
    "cut", [*np.random.default_rng(1).integers(DATA + 2, len(PLAIN), 200).tolist(), len(PLAIN) - 1]
)
def test_a_cut_in_the_sound_leaves_the_whole_samples_and_says_so(tmp_path: Path, cut: int) -> None:
    with pytest.raises(SoundError, match="truncated: the header says 1400 bytes of sound"):
        outcome(tmp_path, PLAIN[:cut], "refuse")
    samples, repairs = outcome(tmp_path, PLAIN[:cut])
    there = (cut - DATA) // 2
    assert np.array_equal(samples, SOUND[:there])
    assert repairs == (f"trim: the header says 700 samples, {there} are there",)


@pytest.mark.parametrize("cut", range(DATA + 2))
def test_a_cut_in_the_header_stays_an_error(tmp_path: Path, cut: int) -> None:
    with pytest.raises(SoundError):
        outcome(tmp_path, PLAIN[:cut])


@pytest.mark.parametrize(
    ("size", "said", "n"),
    [
        (0, "does not say how many samples", 700),
        (0xFFFFFFFF, "does not say how many samples", 700),
        (14000, "says 7000 samples", 700),
        (1401, "says 700.5 samples", 700),
        (1402, "says 701 samples", 700),
        (0xFFFFFFFE, "says 2147483647 samples", 700),
        (1399, "says 699.5 samples", 699),
    ],
)
def test_a_size_that_promises_more_gives_what_is_there(tmp_path: Path, size: int, said: str, n: int) -> None:
    lying = with_data_size(PLAIN, size)
    with pytest.raises(SoundError):
        outcome(tmp_path, lying, "refuse")
    samples, repairs = outcome(tmp_path, lying)
    assert np.array_equal(samples, SOUND[:n])
    assert repairs == (f"trim: the header {said}, {n} are there",)


@pytest.mark.parametrize("size", [1398, 700, 2])
def test_a_size_that_says_less_stays_an_error(tmp_path: Path, size: int) -> None:
    with pytest.raises(SoundError, match="bytes that belong to no chunk"):
        outcome(tmp_path, with_data_size(PLAIN, size))


@pytest.mark.parametrize("there", [1, 2, 3, 4, 50])
def test_a_stream_that_broke_off_at_once_gives_its_few_samples(tmp_path: Path, there: int) -> None:
    for size in (0, 0xFFFFFFFF):
        samples, repairs = outcome(tmp_path, with_data_size(PLAIN, size)[: DATA + 2 * there])
        assert np.array_equal(samples, SOUND[:there])
        assert repairs == (f"trim: the header does not say how many samples, {there} are there",)


def test_an_empty_chunk_with_another_behind_it_is_no_stream(tmp_path: Path) -> None:
    listed = PLAIN[:DATA] + b"LIST" + struct.pack("<I", 4) + b"INFO"
    with pytest.raises(SoundError, match="the header says 0 bytes of sound"):
        outcome(tmp_path, with_data_size(listed, 0))


@pytest.mark.parametrize("format", ["WAV", "WAVEX"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_every_kind_of_sample_is_trimmed_between_samples(
    tmp_path: Path, format: str, subtype: str, channels: int
) -> None:
    data = wav(np.stack([SOUND] * channels, axis=1), format=format, subtype=subtype)
    whole, _ = outcome(tmp_path, data, mono="left", dtype="float32")
    samples, repairs = outcome(tmp_path, data[:-25], mono="left", dtype="float32")
    assert 0 < len(samples) < 700
    assert np.array_equal(samples, whole[: len(samples)])
    assert repairs[0] == f"trim: the header says 700 samples, {len(samples)} are there"


def test_big_endian_and_64_bit_files_are_trimmed_too(tmp_path: Path) -> None:
    for data in (wav(endian="BIG"), wav(format="RF64")):
        samples, repairs = outcome(tmp_path, data[:-101])
        assert np.array_equal(samples, SOUND[:649])
        assert repairs == ("trim: the header says 700 samples, 649 are there",)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_no_header_byte_shortens_sound_without_a_word(tmp_path: Path, subtype: str) -> None:
    data = wav(SOUND[:200] if subtype != "PCM_16" else SOUND, subtype=subtype)
    n = 700 if subtype == "PCM_16" else 200
    outcomes = set()
    for place in range(data.index(b"data") + 8):
        for value in {0, 1, 127, 255, data[place] ^ 1, data[place] ^ 128} - {data[place]}:
            try:
                samples, repairs = outcome(tmp_path, data[:place] + bytes([value]) + data[place + 1 :])
            except SoundError as fault:
                assert fault.do and fault.where
                outcomes.add("refused")
                continue
            trims = [match for match in map(TRIM.fullmatch, repairs) if match]
            outcomes.add("trimmed" if trims else "read")
            assert len(samples) == n or (trims and len(samples) == int(trims[0][2])), (place, value)
    assert outcomes == {"refused", "trimmed", "read"}


def test_the_policy_is_one_of_two(tmp_path: Path) -> None:
    for function in (read_sound, probe_sound):
        with pytest.raises(ConfigError, match="truncated policy 'maybe'; expected one of refuse, trim"):
            function(tmp_path / "a.wav", truncated="maybe")
