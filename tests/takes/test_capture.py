"""The law: a movie becomes a take whose curves stand at their pictures' own times on the sound, and none is made up."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.arkit import NAMES
from koekao.errors import CurvesError, OutputError, SoundError, TakeError
from koekao.takes import capture as capturing
from koekao.takes import find_takes, load_take, read_curves, read_sound
from koekao.takes.capture import capture, media_pipe
from movies import Brightness, write_movie
from take_files import noise


def test_a_movie_becomes_a_take_that_loads(tmp_path: Path) -> None:
    sound = noise(48_000)
    video = write_movie(tmp_path / "in" / "ann_01.mov", sound)
    seen = Brightness()
    counted: list[int] = []
    made = capture(video, tmp_path / "out", seen, tell=counted.append)
    assert (made.sound, made.curves) == (tmp_path / "out/ann_01.wav", tmp_path / "out/ann_01.jsonl")
    assert (made.pictures, made.seen, made.gaps, made.longest_gap_s) == (30, 30, 0, 0.0)
    assert made.rate_hz == pytest.approx(30) and made.duration_s == 1.0 and made.repairs == ()
    assert counted == list(range(1, 31))
    assert seen.shapes == {(48, 64, 3)}
    assert seen.times_ms == [round(1000 * k / 30) for k in range(30)]
    written, rate = soundfile.read(made.sound, dtype="int16")
    assert rate == 48000 and np.array_equal(written, sound)
    assert soundfile.info(made.sound).subtype == "PCM_16"
    track = read_curves(made.curves)
    assert np.abs(track.time_s - np.arange(30) / 30).max() <= 1e-6
    jaw = track.values[:, NAMES.index("jawOpen")]
    assert np.abs(jaw - 8 * np.arange(30) / 255).max() < 0.03
    assert not track.values[:, NAMES.index("tongueOut")].any()
    (pair,) = find_takes(tmp_path / "out").pairs
    assert load_take(pair).n_frames == 30


def test_pictures_without_a_face_are_left_out_and_become_gaps(tmp_path: Path) -> None:
    made = capture(write_movie(tmp_path / "a.mov", noise(48_000)), tmp_path / "out", Brightness(range(10, 16)))
    assert (made.pictures, made.seen, made.gaps) == (30, 24, 1)
    assert made.longest_gap_s == pytest.approx(7 / 30)
    track = read_curves(made.curves)
    assert len(track) == 24 and [rows for _, rows, _ in track.gaps] == [6]
    (pair,) = find_takes(tmp_path / "out").pairs
    assert np.flatnonzero(~load_take(pair).valid).tolist() == list(range(10, 16))


def test_a_variable_frame_rate_stays_what_it_was(tmp_path: Path) -> None:
    steps = [2] * 10 + [5] + [2] * 10 + [1, 2] * 3
    video = write_movie(tmp_path / "a.mov", noise(48_000), fps=60, n_pictures=len(steps) + 1, picture_steps=steps)
    made = capture(video, tmp_path / "out", Brightness())
    assert np.abs(read_curves(made.curves).time_s - np.cumsum([0, *steps]) / 60).max() <= 1e-6
    assert made.rate_hz == pytest.approx(30) and made.gaps == 1


@pytest.mark.parametrize(
    ("matrix", "white"),
    [((1, 0, 0, 1), "top"), ((0, 1, -1, 0), "right"), ((-1, 0, 0, -1), "bottom"), ((0, -1, 1, 0), "left")],
)
def test_pictures_that_are_to_be_turned_are_seen_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], white: str
) -> None:
    """The track's matrix takes (x, y) to (a x + c y, b x + d y), y downward: QuickTime File Format, "tkhd"."""
    video = write_movie(tmp_path / "a.mov", noise(48_000))
    data, plain = video.read_bytes(), struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = data.index(plain, data.index(b"tkhd"))
    a, b, c, d = (value << 16 for value in matrix)
    video.write_bytes(data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + len(plain) :])

    sides: set[str] = set()

    class Sides(Brightness):
        def see(self, picture: np.ndarray, time_ms: int) -> Mapping[str, float] | None:
            edges = {"top": picture[:8], "bottom": picture[-8:], "left": picture[:, :8], "right": picture[:, -8:]}
            sides.add(max(edges, key=lambda side: edges[side].mean()))
            return super().see(picture, time_ms)

    seen = Sides()
    capture(video, tmp_path / "out", seen)
    assert sides == {white}
    assert seen.shapes == {(48, 64, 3) if white in ("top", "bottom") else (64, 48, 3)}


@pytest.mark.parametrize(("picture_start", "sound_start"), [(6, 0), (0, 9600)])
def test_sound_and_curves_begin_where_the_pictures_do(tmp_path: Path, picture_start: int, sound_start: int) -> None:
    sound = noise(48_000)
    video = write_movie(tmp_path / "a.mov", sound, picture_start=picture_start, sound_start=sound_start)
    made = capture(video, tmp_path / "out", Brightness())
    written, _ = soundfile.read(made.sound, dtype="int16")
    assert np.array_equal(written, read_sound(video, sample_rate=48000).samples)
    assert np.array_equal(written[-30_000:], sound[-30_000:])
    assert len(written) == 48_000 + (9600 if sound_start else -9600)
    assert read_curves(made.curves).time_s[0] == 0
    assert len(made.repairs) == 1 and made.repairs[0].startswith("start: ")


def test_a_landmarker_sees_milliseconds_that_increase_whatever_the_rate(tmp_path: Path) -> None:
    seen = Brightness()
    made = capture(write_movie(tmp_path / "a.mov", noise(48_000), fps=2400, n_pictures=24), tmp_path / "out", seen)
    assert made.rate_hz == pytest.approx(2400, rel=0.01) and made.seen == 24
    assert (np.diff(seen.times_ms) > 0).all()


def test_pictures_whose_time_does_not_increase_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dark = np.zeros((4, 4, 3), np.uint8)
    monkeypatch.setattr(capturing, "_pictures", lambda data, video: iter([(0.0, dark), (0.04, dark), (0.04, dark)]))
    with pytest.raises(TakeError, match=r"a\.mov:picture 2: time runs from 0\.040000 to 0\.040000 s"):
        capture(write_movie(tmp_path / "a.mov", noise(48_000)), tmp_path / "out", Brightness())


def test_what_a_landmarker_must_not_say(tmp_path: Path) -> None:
    video = write_movie(tmp_path / "a.mov", noise(48_000))
    for wrong, text in (
        ({"_neutral": 0.1}, r"picture 0: .* unknown \['_neutral'\], missing \[\]"),
        ({"jawOpen": math.nan}, r"picture 0:jawOpen: nan is no number"),
    ):
        with pytest.raises(CurvesError, match=text):
            capture(video, tmp_path / "out", Brightness(**wrong))
    assert not (tmp_path / "out").exists()


def test_movies_that_give_no_take_leave_nothing(tmp_path: Path) -> None:
    for name, video, error, text in (
        ("no face", write_movie(tmp_path / "a.mov", noise(48_000)), CurvesError, "no face in 30 pictures"),
        (
            "no pictures",
            write_movie(tmp_path / "b.m4a", noise(48_000), codec="aac", n_pictures=0),
            TakeError,
            "without pictures",
        ),
        ("no sound", write_movie(tmp_path / "c.mov", None), SoundError, "without a sound track"),
        ("missing", tmp_path / "d.mov", SoundError, "there is no such file"),
    ):
        with pytest.raises(error, match=text):
            capture(video, tmp_path / "out", Brightness(range(30)))
        assert not (tmp_path / "out").exists(), name
    (tmp_path / "e.mov").write_bytes(b"RIFF" * 100)
    with pytest.raises(TakeError, match="is no movie"):
        capture(tmp_path / "e.mov", tmp_path / "out", Brightness())


@pytest.mark.parametrize("ending", [".wav", ".jsonl"])
def test_a_take_in_the_way_is_left_alone(tmp_path: Path, ending: str) -> None:
    video = write_movie(tmp_path / "a.mov", noise(48_000))
    there = tmp_path / "out" / f"a{ending}"
    there.parent.mkdir()
    there.write_text("x")
    seen = Brightness()
    with pytest.raises(OutputError, match=rf"a\{ending}: exists already"):
        capture(video, tmp_path / "out", seen)
    assert there.read_text() == "x" and seen.times_ms == [] and len(list(there.parent.iterdir())) == 1
    assert capture(video, tmp_path / "out", Brightness(), overwrite=True).seen == 30


def test_a_model_that_is_missing_is_told_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        TakeError, match=r"x\.task: there is no such model\n  -> download .*https://.*downloads nothing"
    ):
        media_pipe(tmp_path / "x.task").__enter__()


def test_a_model_that_is_none_is_refused_by_the_real_mediapipe(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="not part of the tests' environment: the extra koekao[capture]")
    (tmp_path / "x.task").write_bytes(b"no model" * 100)
    with pytest.raises(TakeError, match=r"x\.task: no model of a face landmarker \(.+\)\n  -> download"):
        media_pipe(tmp_path / "x.task").__enter__()


def test_without_mediapipe_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    (tmp_path / "x.task").write_bytes(b"x")
    with pytest.raises(TakeError, match=r'MediaPipe, which is not installed\n  -> pip install "koekao\[capture\]"'):
        media_pipe(tmp_path / "x.task").__enter__()
