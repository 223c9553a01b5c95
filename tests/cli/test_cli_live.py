"""``koekao live``: from files and pipes to files and real sockets, told at the end; and the self-test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import koekao
from koekao.wire import listen


@pytest.fixture
def speech(chain: Any, tmp_path: Path) -> Path:
    """Two seconds of a take."""
    sound, rate = soundfile.read(chain.takes / "ken_0000.wav", dtype="float32")
    soundfile.write(tmp_path / "speech.wav", sound[: 2 * rate], rate, subtype="FLOAT")
    return tmp_path / "speech.wav"


@pytest.fixture
def wanted(chain: Any, speech: Path) -> Any:
    return koekao.animate(chain.run, speech)


def test_a_file_heard_as_it_was_spoken(cli: Callable, chain: Any, speech: Path, tmp_path: Path, wanted: Any) -> None:
    """Live is offline: the file of a live face is that of ``koekao animate``; and what arrived is in it."""
    with listen("livelink:127.0.0.1:0") as receiver:
        words = ("live", chain.run, "--source", speech, "--sink", f"livelink:{receiver.address}")
        began = time.perf_counter()
        said = cli(*words, "--sink", f"file:{tmp_path / 'face.jsonl'}")
        assert time.perf_counter() - began >= 2
        assert said.code == 0, said.err
        assert receiver.wait(60) and receiver.refused == 0
        frames = receiver.frames
    assert np.abs(koekao.read_curves(tmp_path / "face.jsonl").values - wanted).max() <= 1e-5
    assert [float(frame.time_s) for frame in frames] == pytest.approx([k / 30 for k in range(60)])
    assert np.abs(np.stack([frame.curves for frame in frames]) - wanted).max() <= 1e-5
    assert f"from {speech} at 16000 Hz" in said.err and "30 frames a second, each 133 ms after its moment" in said.err
    lines = said.out.splitlines()
    assert re.fullmatch(rf"2.0 s of {re.escape(str(speech))}: 60 frames shown, \d+ late, \d+ held, 0 dropped", lines[0])
    assert lines[1].startswith("from the last sample of a frame to its packet: ")
    assert lines[2].endswith(": 60 sent") and lines[3] == f"jsonl to {tmp_path / 'face.jsonl'}: 60 sent"


def test_as_fast_as_it_can_be_made(cli: Callable, chain: Any, speech: Path, tmp_path: Path, wanted: Any) -> None:
    said = cli("live", chain.run, "--source", speech, "--sink", f"file:{tmp_path / 'f.csv'}", "--fast", "--json")
    assert said.code == 0 and said.err == ""
    told = said.json
    assert (told["frames"], told["shown"], told["late"], told["held"], told["dropped"]) == (60, 60, 0, 0, 0)
    assert told["heard_s"] == 2.0 and told["fps"] == "30" and told["sinks"][0]["sent"] == 60
    assert np.abs(koekao.read_curves(tmp_path / "f.csv").values - wanted).max() <= 1e-5


def test_raw_samples_of_another_rate_from_a_pipe(chain: Any, speech: Path, tmp_path: Path) -> None:
    sound, _ = soundfile.read(speech, dtype="float32")
    louder = np.repeat(np.round(sound * 32767).astype("<i2"), 3)  # 48 kHz, crudely
    words = ["live", chain.run, "--source", "-", "--rate", 48000, "--sink", f"file:{tmp_path / 'a.jsonl'}", "--fps", 60]
    done = subprocess.run(
        [sys.executable, "-m", "koekao", *map(str, words)], input=louder.tobytes(), capture_output=True, check=True
    )
    assert b"from standard input at 48000 Hz" in done.stderr
    soundfile.write(tmp_path / "same.wav", louder, 48000)
    offline = koekao.animate(chain.run, tmp_path / "same.wav", fps="60")
    live = koekao.read_curves(tmp_path / "a.jsonl").values
    assert live.shape == offline.shape == (119, 52) or live.shape == offline.shape == (120, 52)
    assert np.abs(live - offline).max() <= 1e-5


def test_ctrl_c_ends_it_and_the_file_is_there(chain: Any, tmp_path: Path) -> None:
    """Silence without end: at the first Ctrl-C the frames so far are written and told."""
    read, write = os.pipe()
    words = ["live", chain.run, "--source", "-", "--sink", f"file:{tmp_path / 'a.jsonl'}"]
    with subprocess.Popen(
        [sys.executable, "-m", "koekao", *map(str, words)], stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        os.close(read)
        os.write(write, np.zeros(16000, "<i2").tobytes())
        assert process.stderr is not None and b"standard input" in process.stderr.readline()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        os.close(write)
    assert process.returncode == 0, err
    assert out.startswith(b"1.0 s of standard input: ") and b"a.jsonl: 30 sent" in out  # what came at once is in it all
    assert len(koekao.read_curves(tmp_path / "a.jsonl").values) == 30


def test_controls_are_the_same_live_and_offline(cli: Callable, chain: Any, speech: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("preset: natural\nmouth: 1.2\nsmoothing: {ms: 40}\n")
    how = ("--controls", tmp_path / "mine.yaml", "--fps", "24", "--seed", 7)
    live, offline = tmp_path / "live.csv", tmp_path / "offline.csv"
    assert cli("live", chain.run, "--source", speech, "--sink", f"file:{live}", "--fast", *how).code == 0
    said = cli("animate", chain.run, speech, "-o", offline, *how)
    assert said.code == 0 and "48 frames at 24 fps" in said.out
    one, other = (koekao.read_curves(path).values for path in (live, offline))
    assert np.abs(one - other).max() <= 1e-5
    assert np.abs(one - koekao.animate(chain.run, speech, fps="24")).max() > 0.05


def test_the_self_test(cli: Callable) -> None:
    said = cli("live", "--self-test", "--seconds", 2, "--json")
    told = said.json
    assert [each["sink"] for each in told["accounts"]] == ["livelink", "vmc", "ifacialmocap", "ws"]
    assert told["frames"] == 60
    for each in told["accounts"]:
        assert each["sent"] == told["shown"] and each["unknown"] == 0 and each["value_error"] <= 0.0051
    assert told["well"] == (said.code == 0)


def test_the_self_test_says_in_lines_what_it_found(cli: Callable, chain: Any) -> None:
    said = cli("live", chain.run, "--self-test", "--seconds", 1, "--fps", "60")
    assert said.out.startswith("1.0 s of synthetic speech, 6")
    assert said.row("livelink")[1] in ("59", "60") and "untrained" not in said.out
    assert ("all is well" in said.out) == (said.code == 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no run to animate with"),
        (("RUN",), "nowhere to send frames to; expected --sink"),
        (("RUN", "--sink", "smoke", "--source", "SPEECH"), "output 'smoke'; expected one of"),
        (("RUN", "--sink", "print", "--source", "none.wav"), "none.wav"),
        (("RUN", "--sink", "print", "--source", "-", "--sample-type", "u8"), "sample type 'u8'"),
        (("RUN", "--sink", "print", "--source", "SPEECH", "--controls", "calm"), "calm"),
        (("RUN", "--sink", "file:a.fbx", "--source", "SPEECH"), "unknown ending '.fbx'"),
        (("RUN", "--sink", "print", "--source", "SPEECH", "--buffer-ms", "-1"), "a buffer of -0.001 s"),
    ],
)
def test_what_cannot_be_is_said(cli: Callable, chain: Any, speech: Path, words: Any, told: str) -> None:
    words = [{"RUN": chain.run, "SPEECH": speech}.get(word, word) for word in words]
    said = cli("live", *words)
    assert said.code == 2 and told in said.err
