"""What is looked at arrives as it was: sound to the sample, curves to a 65535th of their range, at their own times."""

from __future__ import annotations

import base64
import io
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from koekao.arkit import INDEX, NAMES
from koekao.errors import CurvesError, TakeError
from koekao.outputs import write_curves
from koekao.outputs.folder import write_take
from koekao.takes.formats.registry import read_curves
from koekao.takes.synthetic.making import make_take
from koekao.viewer import Clip, Curves, clip_of, clip_of_take, curves_of
from koekao.viewer.clip import flac
from koekao.viewer.reading import rate_of

TAKE = make_take(2, seconds=3)


def unpacked(track: dict[str, Any]) -> NDArray[np.float64]:
    steps = np.frombuffer(zlib.decompress(base64.b64decode(track["curves"])), "<u2").reshape(52, track["frames"])
    return track["low"] + steps.T * ((track["high"] - track["low"]) / 65535)


def test_curves_travel_within_a_step() -> None:
    values = TAKE.curves.copy()
    values[3, 7], values[4, 8] = 1.3, -0.2
    said = Curves(label="x", fps=TAKE.fps, values=values).as_dict()
    assert (said["low"], said["high"]) == pytest.approx((-0.2, 1.3))
    assert np.abs(unpacked(said) - values).max() <= 1.5 / 65535
    assert (said["lost"], said["head"]) == (None, None)


def test_lost_frames_and_the_head_travel() -> None:
    valid, head = np.ones(TAKE.n_frames, bool), np.zeros((TAKE.n_frames, 3), np.float32)
    valid[5:9], head[:, 1] = False, 0.25
    said = Curves(label="x", fps=TAKE.fps, values=TAKE.curves, valid=valid, head=head).as_dict()
    assert np.array_equal(np.frombuffer(zlib.decompress(base64.b64decode(said["lost"])), np.uint8) == 0, valid)
    assert np.array_equal(np.frombuffer(zlib.decompress(base64.b64decode(said["head"])), "<f4").reshape(-1, 3), head)


@pytest.mark.parametrize(
    "values", [np.zeros((3, 51), np.float32), np.zeros((0, 52), np.float32), np.full((1, 52), np.nan)]
)
def test_what_is_no_track_is_refused(values: NDArray[Any]) -> None:
    with pytest.raises(CurvesError):
        Curves(label="x", fps=Fraction(30), values=values)


def test_sound_travels_to_the_sample() -> None:
    samples, rate = soundfile.read(io.BytesIO(flac(TAKE.audio, TAKE.sample_rate)), dtype="int16")
    assert rate == TAKE.sample_rate
    assert np.array_equal(samples, TAKE.audio)
    loud = np.array([0.0, 1.5, -1.5], np.float32)
    assert soundfile.read(io.BytesIO(flac(loud, 8000)), dtype="int16")[0].tolist() == [0, 32767, -32768]


def test_a_take_is_read_with_what_lies_beside_it(tmp_path: Path) -> None:
    sound, curves = write_take(tmp_path, "a", TAKE.audio, TAKE.sample_rate, TAKE.curves, TAKE.fps)
    for place in (sound, curves, tmp_path / "a"):
        clip = clip_of(place)
        assert clip.sound is not None
        assert np.array_equal(clip.sound, TAKE.audio)
        assert np.array_equal(clip.tracks[0].values, TAKE.curves)
        assert (clip.name, clip.tracks[0].fps, clip.seconds) == ("a", 30, pytest.approx(3.0, abs=0.01))
    assert clip_of_take(TAKE).seconds == TAKE.duration_s


def test_a_sound_elsewhere_is_named(tmp_path: Path) -> None:
    write_take(tmp_path, "a", TAKE.audio, TAKE.sample_rate, TAKE.curves, TAKE.fps)
    write_curves(tmp_path / "b.csv", TAKE.curves, 30)
    assert clip_of(tmp_path / "b.csv").sound is None
    assert clip_of(tmp_path / "b.csv", sound=tmp_path / "a.wav").sound is not None


def test_several_takes_are_no_clip(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_take(tmp_path, name, TAKE.audio, TAKE.sample_rate, TAKE.curves, TAKE.fps)
    with pytest.raises(TakeError, match="2 takes"):
        clip_of(tmp_path)
    with pytest.raises(TakeError, match="no such take"):
        clip_of(tmp_path / "c")


@pytest.mark.parametrize("fps", ["24", "30000/1001", "60", "12.5"])
def test_the_rate_is_that_of_the_rows(tmp_path: Path, fps: str) -> None:
    write_curves(tmp_path / "a.jsonl", TAKE.curves, fps)
    track = read_curves(tmp_path / "a.jsonl")
    assert float(rate_of(track)) == pytest.approx(float(Fraction(fps)), rel=1e-4)
    curves, _ = curves_of(tmp_path / "a.jsonl")
    assert len(curves.values) == TAKE.n_frames
    assert np.abs(curves.values - TAKE.curves).max() < 1e-4


def test_rows_that_come_a_little_slow_lie_at_their_own_times(tmp_path: Path) -> None:
    """59.9 rows a second are frames of 60, each where it was, not where its number is."""
    n = 300
    time_s, values = np.arange(n) / 59.9, np.zeros((n, 52), np.float32)
    values[:, INDEX["jawOpen"]] = np.linspace(0, 1, n)
    write_curves(tmp_path / "a.jsonl", values, 60, time_s=time_s)
    curves, _ = curves_of(tmp_path / "a.jsonl")
    assert curves.fps == 60
    k = 240
    assert curves.values[k, INDEX["jawOpen"]] == pytest.approx(k / 60 / time_s[-1], abs=1e-3)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_the_head_is_turned_as_the_file_says_and_the_eyes_are_not(tmp_path: Path, ending: str) -> None:
    pose = np.random.default_rng(0).normal(size=(TAKE.n_frames, 9)).astype(np.float32) * 0.2
    write_curves(tmp_path / f"a.{ending}", TAKE.curves, 30, pose=pose)
    curves, _ = curves_of(tmp_path / f"a.{ending}")
    assert curves.head is not None
    assert curves.head.shape == (TAKE.n_frames, 3)
    assert np.abs(curves.head - pose[:, :3]).max() < 2e-3


def test_a_clip_is_as_long_as_its_sound_or_its_longest_track() -> None:
    short, long = (Curves(label="x", fps=Fraction(30), values=np.zeros((n, 52), np.float32)) for n in (30, 60))
    assert Clip(name="x", sound=None, sample_rate=1, tracks=(short, long)).seconds == 2
    assert Clip(name="x", sound=np.zeros(16000, np.int16), sample_rate=16000, tracks=(long,)).seconds == 1
    assert len(NAMES) == 52
