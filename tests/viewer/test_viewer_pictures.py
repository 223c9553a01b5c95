"""Pictures and movies show the frames that they say, with the sound at its place."""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao.arkit import INDEX
from koekao.errors import ConfigError
from koekao.head import make_head
from koekao.head.render import render
from koekao.takes.synthetic.making import make_take
from koekao.viewer import Clip, Curves, charts, clip_of_take
from koekao.viewer.movie import write_movie
from koekao.viewer.strip import draw_frame, draw_strip, strip_times, write_png

TAKE = make_take(4, seconds=2)


def jaw(n: int = 30) -> Curves:
    """Shut for the first half, open for the second."""
    values = np.zeros((n, 52), np.float32)
    values[n // 2 :, INDEX["jawOpen"]] = 1
    return Curves(label="jaw", fps=Fraction(30), values=values)


def test_a_frame_is_the_face_of_that_frame() -> None:
    track = Curves(label="x", fps=TAKE.fps, values=TAKE.curves)
    expected = render(make_head(), TAKE.curves[20], width=48, height=48)
    assert np.array_equal(draw_frame(track, 20, width=48, height=48), expected)


def test_the_head_is_turned_and_the_eyes_are_left_to_the_curves() -> None:
    head = np.zeros((30, 3), np.float32)
    head[:, 0] = 0.4
    track = Curves(label="x", fps=Fraction(30), values=np.zeros((30, 52), np.float32), head=head)
    pose = np.array([0.4, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
    expected = render(make_head(), np.zeros(52), pose, width=48, height=48)
    assert np.array_equal(draw_frame(track, 3, width=48, height=48), expected)


def test_a_strip_shows_the_frames_at_its_times() -> None:
    strip = draw_strip(jaw(), (0.1, 0.49, 0.51), size=40)
    assert strip.shape == (40, 120, 3)
    shut, late, wide = (strip[:, 40 * k : 40 * (k + 1)] for k in range(3))
    assert np.array_equal(shut, late)
    assert not np.array_equal(shut, wide)
    assert strip_times(2.0, 2) == (0.5, 1.5)
    for wrong in ((2.0,), (-0.1,)):
        with pytest.raises(ConfigError, match="times from 0 to 2"):
            strip_times(2.0, 2, wrong)
    with pytest.raises(ConfigError, match="16384"):
        draw_strip(jaw(), (0.1,) * 100, size=400)


def test_png_is_read_back_by_another(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="pillow reads the picture back")
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    write_png(tmp_path / "a.png", pixels)
    assert np.array_equal(np.asarray(image.open(tmp_path / "a.png")), pixels)


def test_a_movie_has_every_frame_and_the_sound_in_its_place(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the extra video is not installed")
    rate, click = 16000, 0.5
    sound = np.zeros(rate, np.int16)
    sound[int(click * rate) : int(click * rate) + 400] = 20000 * np.sign(np.sin(np.arange(400)))
    clip = Clip(name="x", sound=sound, sample_rate=rate, tracks=(jaw(),))
    told: list[tuple[int, int]] = []
    assert write_movie(tmp_path / "a.mp4", clip, width=64, height=64, on_frame=lambda k, n: told.append((k, n))) == 30
    assert told[-1] == (30, 30)
    with av.open(str(tmp_path / "a.mp4")) as file:
        frames = list(file.decode(video=0))
    assert [round(frame.time * 30) for frame in frames] == list(range(30))
    pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in frames]
    moved = [np.abs(a - b).mean() for a, b in pairwise(pictures)]
    assert int(np.argmax(moved)) == 14
    with av.open(str(tmp_path / "a.mp4")) as file:
        blocks = list(file.decode(audio=0))
    heard = np.concatenate([block.to_ndarray()[0] for block in blocks])
    first = blocks[0].time + int(np.flatnonzero(np.abs(heard) > 0.2)[0]) / blocks[0].sample_rate
    assert first == pytest.approx(click, abs=1 / 60)


def test_two_faces_stand_beside_each_other(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the extra video is not installed")
    still = Curves(label="still", fps=Fraction(30), values=np.zeros((4, 52), np.float32))
    clip = Clip(name="x", sound=None, sample_rate=1, tracks=(still, still))
    write_movie(tmp_path / "a.mp4", clip, width=32, height=48)
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (64, 48)
        assert not file.streams.audio
    with pytest.raises(ConfigError, match="even"):
        write_movie(tmp_path / "b.mp4", clip, width=33, height=48)
    assert not (tmp_path / "b.mp4").exists()


def png_size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG")
    return struct.unpack(">II", picture[16:24])  # type: ignore[return-value]


@pytest.fixture
def drawing() -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")


def texts(picture: bytes) -> str:
    return picture.decode()


@pytest.mark.usefixtures("drawing")
def test_curves_are_drawn_that_move_or_that_are_named() -> None:
    clip = Clip(name="my take", sound=TAKE.audio, sample_rate=TAKE.sample_rate, tracks=(jaw(60),))
    drawn = texts(charts.chart_curves(clip, format="svg"))
    assert "jawOpen" in drawn and "my take" in drawn and "mouthFunnel" not in drawn
    assert "browInnerUp" in texts(charts.chart_curves(clip, names=["browInnerUp"], format="svg"))
    assert drawn == texts(charts.chart_curves(clip, format="svg"))
    assert png_size(charts.chart_curves(clip))[0] > 800
    with pytest.raises(ConfigError, match="a span of time"):
        charts.chart_curves(clip, span=(3.0, 1.0))


@pytest.mark.usefixtures("drawing")
def test_a_blink_is_seen_in_an_hour() -> None:
    def drawn(blink: bool) -> str:
        values = np.zeros((30_000, 52), np.float32)
        values[1007, INDEX["eyeBlinkLeft"]] = blink
        track = Curves(label="x", fps=Fraction(30), values=values)
        clip = Clip(name="x", sound=None, sample_rate=1, tracks=(track,))
        return texts(charts.chart_curves(clip, names=["eyeBlinkLeft"], format="svg"))

    assert drawn(True) != drawn(False)


@pytest.mark.usefixtures("drawing")
def test_the_error_of_each_curve_is_told() -> None:
    off = Curves(label="off", fps=Fraction(60), values=np.repeat(jaw().values, 2, axis=0) + np.float32(0.125))
    drawn = texts(charts.chart_error(jaw(), off, format="svg"))
    assert drawn.count("0.125") >= 52
    assert "r 1.00" in drawn and "mean 0.1250 over 30 frames" in drawn


@pytest.mark.usefixtures("drawing")
def test_the_other_charts_say_what_they_were_given() -> None:
    schedule = texts(charts.chart_schedule("Stride", {"dense": [1, 1], "sparse": [32, 32]}, format="svg"))
    assert "dense" in schedule and "sparse" in schedule
    quantiles, moving = np.zeros((3, 52)), np.ones(52)
    minutes: dict[str, dict[str, float]] = {"anna": {"train": 2.0}, "ben": {"val": 1.0}}
    coverage = texts(charts.chart_coverage("c", quantiles, moving, minutes, format="svg"))
    assert all(word in coverage for word in ("anna", "ben", "tongueOut", "train", "val"))
    rows = [[(0, 0, 256, True), (0, 256, 256, False)], [(1, 0, 256, True), (1, 32, 0, False)]]
    windows: Any = texts(charts.chart_windows("w", rows, [600, 300], ["first", "second"], format="svg"))
    assert "first" in windows and "second" in windows and "row 1" in windows


def test_a_clip_of_a_take_is_drawn_whole() -> None:
    assert clip_of_take(TAKE).tracks[0].seconds == pytest.approx(2.0)
