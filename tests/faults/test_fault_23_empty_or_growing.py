"""Fault 23: an empty file, a sample rate of 0, a file that grows or shrinks while it is read: each is a typed error."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.errors import SoundError
from koekao.takes import probe_sound, read_sound

SOUND = np.arange(500, dtype=np.int16)


def encoded(form: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SOUND, 16000, format=form)
    return file.getvalue()


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.mov", "a"])
@pytest.mark.parametrize("truncated", ["refuse", "trim"])
def test_an_empty_file_is_told_whatever_its_name(tmp_path: Path, name: str, truncated: str) -> None:
    (tmp_path / name).touch()
    for function in (read_sound, probe_sound):
        with pytest.raises(SoundError, match=rf"{name}: the file is empty \(0 bytes\)\n  -> record or copy it again"):
            function(tmp_path / name, truncated=truncated)


@pytest.mark.parametrize("truncated", ["refuse", "trim"])
def test_a_header_without_sound_is_told(tmp_path: Path, truncated: str) -> None:
    data = encoded("WAV")
    at = data.index(b"data") + 8
    (tmp_path / "a.wav").write_bytes(data[: at - 4] + struct.pack("<I", 0))
    for function in (read_sound, probe_sound):
        with pytest.raises(SoundError, match="no sound at all"):
            function(tmp_path / "a.wav", truncated=truncated)


@pytest.mark.parametrize("rate", [0, 1, 999, 768_001, 0xFFFFFFFF])
def test_a_rate_that_no_recording_has(tmp_path: Path, rate: int) -> None:
    data = bytearray(encoded("WAV"))
    data[24:32] = struct.pack("<II", rate, rate * 2 & 0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(data)
    for function in (read_sound, probe_sound):
        with pytest.raises(SoundError, match=rf"{rate} Hz") as caught:
            function(tmp_path / "a.wav")
        assert caught.value.do


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("change", [b"more", None], ids=["grows", "shrinks"])
@pytest.mark.parametrize("truncated", ["refuse", "trim"])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, form: str, change: bytes | None, truncated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other writer is quick: it is done between the first byte that is read and the last."""
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(form))
    opening, size = Path.open, path.stat().st_size

    class Changing(io.FileIO):
        def read(self, n: int = -1) -> bytes:
            seen = super().read(n) or b""
            with opening(path, "r+b") as other:
                if change is None:
                    other.truncate(size // 2)
                else:
                    other.seek(0, io.SEEK_END)
                    other.write(change)
            return seen

    monkeypatch.setattr(Path, "open", lambda self, *mode, **more: Changing(self, "r"))
    with pytest.raises(
        SoundError, match=rf"a\.wav: changed from {size} to \d+ bytes while it was read\n  -> wait until"
    ):
        read_sound(path, truncated=truncated)
