"""Sources give their sound whole, in order, at its pace, and end or fail as what they read does."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koekao.errors import ConfigError, SoundError
from koekao.live.inbox import Inbox
from koekao.live.sources import FileSource, MicrophoneSource, PipeSource, Source, as_sound


def heard_of(source: Source, *, most_s: float = 10.0) -> tuple[Any, list[tuple[float, int]]]:
    """All its sound, and (seconds since the start, samples) of each piece."""
    inbox, began, parts, when = Inbox(source.sample_rate), time.perf_counter(), [], []
    source.start(inbox)
    while (got := inbox.get(0.5)) is not None:
        assert time.perf_counter() - began < most_s
        if len(got[0]):
            parts.append(got[0])
            when.append((time.perf_counter() - began, len(got[0])))
    source.stop()
    return np.concatenate(parts), when


def test_a_file_is_heard_as_fast_as_it_was_spoken(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 22_050).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 22_050, subtype="FLOAT")
    source = FileSource(tmp_path / "a.wav")
    assert source.sample_rate == 22_050 and source.waits and source.title == str(tmp_path / "a.wav")
    heard, when = heard_of(source)
    np.testing.assert_array_equal(heard, sound)
    assert 0.99 <= when[-1][0] < 3
    n = 0
    for at_s, samples in when:
        n += samples
        assert n / 22_050 <= at_s + 1e-3  # no sample before it was spoken


def test_a_file_that_is_none_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(SoundError):
        FileSource(tmp_path / "a.wav")


def test_a_fault_within_a_file_arrives(tmp_path: Path) -> None:
    sound = np.zeros(4000, np.float32)
    sound[3000] = np.inf
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    with pytest.raises(SoundError, match="no numbers"):
        heard_of(FileSource(tmp_path / "a.wav"))


def test_a_file_can_be_left(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000 * 60), 16000)
    source, inbox = FileSource(tmp_path / "a.wav"), Inbox(16000)
    source.start(inbox)
    assert inbox.get(1.0) is not None
    began = time.perf_counter()
    source.stop()
    assert time.perf_counter() - began < 1
    assert not [t for t in threading.enumerate() if "a.wav" in t.name]


@pytest.mark.parametrize(("sample_type", "scale"), [("s16", 32768), ("f32", 1)])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_pipe_gives_whole_samples_whatever_its_pieces(sample_type: str, scale: int, channels: int) -> None:
    values = (np.random.default_rng(0).uniform(-0.5, 0.5, (3000, channels)) * scale).astype(
        "<i2" if sample_type == "s16" else "<f4"
    )
    read, write = os.pipe()
    pipe_end = os.fdopen(read, "rb")
    source = PipeSource(pipe_end, sample_rate=8000, sample_type=sample_type, channels=channels)

    def say() -> None:
        data = values.tobytes()
        with os.fdopen(write, "wb", buffering=0) as pipe:
            for i in range(0, len(data), 1001):
                pipe.write(data[i : i + 1001])

    threading.Thread(target=say).start()
    with pipe_end:
        heard, _ = heard_of(source)
    np.testing.assert_allclose(heard, (values.astype(np.float64) / scale).mean(1), atol=1e-6)
    assert heard.dtype == np.float32


def test_what_is_in_a_pipe_comes_at_once_and_not_when_a_buffer_is_full() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe:
        source, inbox = PipeSource(pipe), Inbox(16000)
        source.start(inbox)
        os.write(write, np.zeros(160, "<i2").tobytes())
        got = inbox.get(2.0)
        assert got is not None and len(got[0]) == 160
        os.close(write)
        assert inbox.get(2.0) is None
        source.stop()


def test_a_pipe_that_ends_within_a_sample_is_an_error() -> None:
    with pytest.raises(SoundError, match=r"within a sample \(3 of 4 bytes\)"):
        heard_of(PipeSource(io.BytesIO(b"\0" * 11), sample_type="f32"))
    for how in ({"sample_type": "u8"}, {"channels": 0}):
        with pytest.raises(ConfigError, match="sample type"):
            PipeSource(io.BytesIO(), **how)  # type: ignore[arg-type]


def test_raw_samples() -> None:
    assert as_sound(np.array([-32768, 16384], "<i2").tobytes(), np.dtype("<i2"), 1).tolist() == [-1.0, 0.5]
    assert as_sound(np.array([0.5, 0.25], "<f4").tobytes(), np.dtype("<f4"), 2).tolist() == [0.375]


class FakePortAudio(types.ModuleType):
    """sounddevice as far as it is used: one device of 44.1 kHz; the test speaks into it."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.opened: dict[str, Any] = {}

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        mine = {"name": "Plain mic", "max_input_channels": 1, "default_samplerate": 44100.0}
        if kind is None:
            return [mine, {"name": "Speaker", "max_input_channels": 0}]
        if device not in (None, 0, "Plain"):
            raise ValueError(f"No input device matching {device!r}")
        return mine

    def check_input_settings(self, device: Any, channels: int, dtype: str, extra: Any, rate: int) -> None:
        if rate != 44100:
            raise self.PortAudioError("Invalid sample rate")

    def InputStream(self, **how: Any) -> Any:
        self.opened = how
        return types.SimpleNamespace(start=lambda: None, close=lambda: self.opened.update(closed=True))


def test_a_microphone_is_taken_at_the_rate_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    source, inbox = MicrophoneSource("Plain", sample_rate=16000), Inbox(44100)
    assert source.sample_rate == 44100 and not source.waits and source.title == "Plain mic"
    source.start(inbox)
    assert library.opened["samplerate"] == 44100 and library.opened["channels"] == 1
    block, fine = np.full((441, 1), 0.25, np.float32), types.SimpleNamespace(input_overflow=False)
    library.opened["callback"](block, 441, None, fine)
    block[:] = 0  # PortAudio uses its memory again
    library.opened["callback"](block, 441, None, types.SimpleNamespace(input_overflow=True))
    sound, _ = inbox.get(0.0) or (None, None)
    assert sound.tolist() == [0.25] * 441 + [0.0] * 441 and source.overflows == 1
    library.opened["finished_callback"]()
    assert inbox.get(0.0) is None
    source.stop()
    assert library.opened["closed"]


def test_no_such_microphone_says_which_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio())
    with pytest.raises(ConfigError, match="no microphone 'Golden'; expected one of Plain mic"):
        MicrophoneSource("Golden")
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ConfigError, match="sounddevice is not installed") as error:
        MicrophoneSource()
    assert "koekao[live]" in error.value.do
