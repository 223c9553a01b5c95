"""The law: a damaged WAV is refused, or gives every sample it held. It never gives fewer without a word."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import SoundError
from koekao.takes.sound.reading import probe_sound, read_sound
from koekao.takes.sound.riff import read_wav_header
from take_files import chunk, noise, survives_pickling, wav_bytes

SOUND = noise(700)
PLAIN = wav_bytes(SOUND)
WITH_LIST = wav_bytes(SOUND, before=chunk(b"LIST", b"INFOabc"), after=chunk(b"id3 ", b"x" * 30))


def read(tmp_path: Path, data: bytes, **wanted: object) -> np.ndarray:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    return read_sound(path, **wanted).samples


def refused(tmp_path: Path, data: bytes) -> SoundError:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(SoundError) as probed:
        probe_sound(path)
    with pytest.raises(SoundError) as caught:
        read_sound(path)
    assert str(probed.value) == str(caught.value)
    assert caught.value.where.startswith(str(path))
    assert caught.value.do
    assert survives_pickling(caught.value)
    return caught.value


@pytest.mark.parametrize("data", [PLAIN, WITH_LIST], ids=["plain", "with LIST"])
def test_every_cut_is_refused(tmp_path: Path, data: bytes) -> None:
    cuts = [*range(80), *np.random.default_rng(1).integers(80, len(data), 200), len(data) - 1]
    for cut in cuts:
        assert refused(tmp_path, data[:cut])


def test_truncation_names_both_sizes_and_the_byte(tmp_path: Path) -> None:
    fault = refused(tmp_path, PLAIN[:1044])
    assert fault.where.endswith("a.wav:byte 40")
    assert "truncated: the header says 1400 bytes of sound, 1000 are there" in fault.what
    assert "1444 bytes, not 1044" in fault.expected


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "the header says 0 bytes of sound, 1400 bytes are there"),
        (0xFFFFFFFF, "never filled in"),
        (14000, "truncated: the header says 14000"),
        (1401, "truncated: the header says 1401"),
        (1399, "1399 bytes of sound in blocks of 2"),
        (1398, "2 bytes that belong to no chunk"),
        (700, "700 bytes that belong to no chunk"),
    ],
)
def test_data_sizes_that_lie(tmp_path: Path, size: int, text: str) -> None:
    fault = refused(tmp_path, PLAIN[:40] + struct.pack("<I", size) + PLAIN[44:])
    assert text in fault.what


def test_sound_that_goes_on_in_silence_after_the_stated_end_is_no_padding(tmp_path: Path) -> None:
    quiet = wav_bytes(np.concatenate([SOUND, np.zeros(500, np.int16)]))
    fault = refused(tmp_path, quiet[:40] + struct.pack("<I", 1400) + quiet[44:])
    assert "1000 bytes that belong to no chunk (sound that the header does not know of?)" in fault.what
    assert fault.where.endswith(":byte 1444")


@pytest.mark.parametrize("data", [PLAIN, WITH_LIST], ids=["plain", "with LIST"])
def test_no_header_byte_can_shorten_or_change_the_sound(tmp_path: Path, data: bytes) -> None:
    outcomes = set()
    for place in range(data.index(b"data") + 8):
        for value in {0, 1, 2, 3, 127, 255, *((data[place] ^ 1 << bit) for bit in range(8))} - {data[place]}:
            mutated = data[:place] + bytes([value]) + data[place + 1 :]
            try:
                samples = read(tmp_path, mutated)
            except SoundError:
                outcomes.add("refused")
            else:
                outcomes.add("read")
                assert np.array_equal(samples, SOUND), (place, value)
    assert outcomes == {"refused", "read"}


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_32", "FLOAT"])
def test_no_header_byte_can_shorten_extensible_sound(tmp_path: Path, subtype: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, SOUND[:200] / 32768, 16000, format="WAVEX", subtype=subtype)
    data = file.getvalue()
    for place in range(data.index(b"data") + 8):
        for value in {0, 1, 3, 255, data[place] ^ 1, data[place] ^ 16} - {data[place]}:
            try:
                samples = read(tmp_path, data[:place] + bytes([value]) + data[place + 1 :])
            except SoundError:
                continue
            assert len(samples) == 200, (place, value)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WITH_LIST) - 1), st.integers(0, 255)), max_size=4), st.integers(0, 80))
def test_wild_bytes_raise_nothing_but_sound_errors(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(WITH_LIST)
    for place, value in changes:
        data[place] = value
    data = data[: len(data) - cut]
    try:
        header = read_wav_header(io.BytesIO(bytes(data)), len(data), "a.wav")
    except SoundError as fault:
        assert fault.where.startswith("a.wav:byte ")
    else:
        assert header.n_samples == len(SOUND) or any(60 < place < 70 for place, _ in changes)


def test_wrong_form_size_is_noted_and_harmless(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(PLAIN[:4] + b"\0\0\0\0" + PLAIN[8:])
    sound = read_sound(path)
    assert np.array_equal(sound.samples, SOUND)
    assert sound.repairs == ()
    assert sound.notes == ("form size 0 in the header ignored, the chunks fill the 1444 bytes of the file",)


def test_good_headers_leave_no_note(tmp_path: Path) -> None:
    odd = wav_bytes(SOUND, before=chunk(b"LIST", b"abc"))
    for data in (PLAIN, WITH_LIST, odd, PLAIN + b"\0"):
        (tmp_path / "a.wav").write_bytes(data)
        sound = read_sound(tmp_path / "a.wav")
        assert np.array_equal(sound.samples, SOUND)
        assert sound.repairs == ()
        assert sound.notes == () or len(data) == len(PLAIN) + 1


def fmt_of(tag: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16, **other: int) -> bytes:
    block = other.get("block", channels * bits // 8)
    return struct.pack("<HHIIHH", tag, channels, rate, other.get("byte_rate", rate * block), block, bits)


@pytest.mark.parametrize(
    ("fmt", "text"),
    [
        (fmt_of(rate=0), "1 channels at 0 Hz"),
        (fmt_of(channels=0), "0 channels at 16000 Hz"),
        (fmt_of(bits=0), "type 0x0001 with 0 bits"),
        (fmt_of(tag=2, bits=4), "type 0x0002 with 4 bits"),
        (fmt_of(tag=3), "type 0x0003 with 16 bits"),
        (fmt_of(byte_rate=64000), "contradicts itself"),
        (fmt_of(block=4), "contradicts itself"),
        (fmt_of(rate=1), "a sample rate of 1 Hz"),
        (fmt_of()[:10], "a fmt chunk of 10 bytes"),
    ],
)
def test_formats_that_cannot_be(tmp_path: Path, fmt: bytes, text: str) -> None:
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", SOUND.tobytes())
    assert text in refused(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body).what


@pytest.mark.parametrize(
    ("chunks", "text"),
    [
        ([(b"fmt ", fmt_of())], "no 'data' chunk (chunks: 'fmt ')"),
        ([(b"data", SOUND.tobytes())], "no 'fmt ' chunk (chunks: 'data')"),
        ([(b"fmt ", fmt_of()), (b"data", b"ab"), (b"data", b"cd")], "2 'data' chunks"),
        ([(b"fmt ", fmt_of()), (b"fmt ", fmt_of()), (b"data", b"ab")], "2 'fmt ' chunks"),
        ([(b"data", b"ab"), (b"fmt ", fmt_of())], "fmt chunk stands after the sound"),
        ([(b"fmt ", fmt_of()), (b"data", b"")], "no sound at all"),
        ([], "no 'fmt ' chunk (chunks: none)"),
    ],
)
def test_chunks_that_are_missing_or_doubled(tmp_path: Path, chunks: list[tuple[bytes, bytes]], text: str) -> None:
    body = b"WAVE" + b"".join(chunk(*each) for each in chunks)
    assert text in refused(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body).what


def test_a_riff_file_that_is_no_wave(tmp_path: Path) -> None:
    assert "a 'RIFF' file of type 'AVI '" in refused(tmp_path, PLAIN[:8] + b"AVI " + PLAIN[12:]).what


def test_64_bit_form_takes_its_size_from_ds64(tmp_path: Path) -> None:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 16000, 1, format="RF64", subtype="PCM_16") as out:
        out.write(SOUND)
    data = file.getvalue()
    assert data[:4] == b"RF64"
    assert np.array_equal(read(tmp_path, data), SOUND)
    place = data.index(b"ds64") + 16
    assert data[place : place + 8] == struct.pack("<Q", 1400)
    fault = refused(tmp_path, data[:place] + struct.pack("<Q", 2800) + data[place + 8 :])
    assert "truncated: the header says 2800 bytes of sound, 1400 are there" in fault.what
