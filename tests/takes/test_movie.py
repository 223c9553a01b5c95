"""The law: a movie's sound is laid on the time of its pictures to the sample, and every change is on record."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from koekao.errors import SoundError
from koekao.takes import find_takes, load_take
from koekao.takes.sound import movie
from koekao.takes.sound.reading import probe_sound, read_sound
from movies import av, write_movie
from take_files import curves, noise, sine, survives_pickling, write_livelink

SOUND = noise(48_000)


def own(path: Path, rate: int = 48000, **wanted: str):
    return read_sound(path, sample_rate=rate, **wanted)


@pytest.mark.parametrize("ending", [".mov", ".MP4", ".m4v", ""])
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_16_bit_sound_of_a_movie_is_bit_identical_whatever_its_name(tmp_path: Path, rate: int, ending: str) -> None:
    made = write_movie(tmp_path / "a.mov", SOUND, rate)
    path = made.rename(tmp_path / f"b{ending}")
    sound = own(path, rate)
    assert np.array_equal(sound.samples, SOUND)
    assert (sound.repairs, sound.notes, sound.origin_s) == ((), (), None)
    info = probe_sound(path)
    assert (info.sample_rate, info.channels, info.n_samples) == (rate, 1, 48000)
    assert (info.subtype, info.is_float) == ("pcm_s16le", False)


@pytest.mark.parametrize(
    ("codec", "step"),
    [("pcm_s24le", 1e-6), ("pcm_s32le", 1e-6), ("pcm_f32le", 1e-6), ("pcm_u8", 1 / 127), ("pcm_mulaw", 0.02)],
)
def test_every_sample_type_reads_as_the_sine_that_went_in(tmp_path: Path, codec: str, step: float) -> None:
    wave = np.rint(sine(9600, 48000) * 32767).astype(np.int16)
    path = write_movie(tmp_path / "a.mov", wave, codec=codec)
    assert np.abs(own(path, dtype="float32").samples - wave / 32768).max() <= step
    assert probe_sound(path).is_float == (codec == "pcm_f32le")


@pytest.mark.parametrize("ending", [".mov", ".mp4"])
def test_the_priming_of_aac_is_taken_off(tmp_path: Path, ending: str) -> None:
    # A chirp fits itself at one delay alone.
    time_s = np.arange(48000) / 48000
    wave = np.rint(16000 * np.sin(2 * np.pi * (200 + 1500 * time_s) * time_s)).astype(np.int16)
    heard = own(write_movie(tmp_path / f"a{ending}", wave, codec="aac")).samples[:48000].astype(float)
    fits = [float(np.dot(heard[3000:40000], wave[3000 - delay : 40000 - delay])) for delay in range(-2000, 2000)]
    assert int(np.argmax(fits)) - 2000 == 0


def test_stereo_is_mixed_and_resampled_as_of_any_file(tmp_path: Path) -> None:
    left, right = noise(48000, 1), noise(48000, 2)
    path = write_movie(tmp_path / "a.mov", np.stack([left, right], axis=1))
    assert np.array_equal(own(path, mono="left").samples, left)
    assert np.array_equal(own(path, mono="right").samples, right)
    sound = read_sound(path)
    assert len(sound.samples) == 16000
    assert sound.repairs[:2] == ("mono: mixed 2 channels", "resample: 48000 -> 16000 Hz")


@pytest.mark.parametrize("start", [1, 480, 12_000])
def test_sound_that_starts_later_than_the_pictures_gets_silence_in_front(tmp_path: Path, start: int) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND, sound_start=start)
    sound = own(path)
    shift = len(sound.samples) - 48000
    assert abs(shift - start) <= 48  # this writer's edit lists count milliseconds
    assert not sound.samples[:shift].any() and np.array_equal(sound.samples[shift:], SOUND)
    assert len(sound.samples) == probe_sound(path).n_samples
    said = f"start: {shift} samples of silence put in front, the sound starts {shift / 48000:.3f} s after the pictures"
    assert sound.repairs == ((said,) if shift else ())


def test_sound_that_starts_earlier_than_the_pictures_is_cut(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND, picture_start=6)
    sound = own(path)
    assert np.array_equal(sound.samples, SOUND[9600:])
    assert sound.repairs == ("start: cut 9600 samples, the sound starts 0.200 s before the pictures",)


def test_sound_that_ends_before_the_pictures_start_is_none(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="no sound at all"):
        own(write_movie(tmp_path / "a.mov", SOUND[:4800], picture_start=30))


def test_sound_that_starts_much_too_late_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND, sound_start=12_000)
    monkeypatch.setattr(movie, "MAX_START_S", 0.2)
    with pytest.raises(SoundError, match=r"the sound starts 0\.250 s after the pictures; expected at most 0\.2 s"):
        own(path)


@pytest.mark.parametrize(("codec", "step"), [("pcm_s16le", 0), ("pcm_f32le", 0), ("aac", 0.2)])
def test_eight_channels_are_read_and_more_are_refused(tmp_path: Path, codec: str, step: float) -> None:
    wave = np.rint(sine(9600, 48000) * 32767).astype(np.int16)
    path = write_movie(tmp_path / "a.mov", np.stack([wave] * 8, axis=1), codec=codec)
    heard = own(path, mono="left").samples[1000:9000]
    assert np.abs(heard / 32768 - wave[1000:9000] / 32768).max() <= step
    if codec != "aac":
        path = write_movie(tmp_path / "b.mov", np.stack([wave] * 16, axis=1), codec=codec)
        with pytest.raises(SoundError, match=r"16 channels, of a movie at most 8 are read"):
            own(path)


def test_a_cover_is_no_picture_of_the_movie() -> None:
    covers, plain = (
        SimpleNamespace(disposition=kind) for kind in (av.stream.Disposition.attached_pic, av.stream.Disposition(0))
    )
    assert movie.pictures_of(SimpleNamespace(streams=SimpleNamespace(video=[covers, plain]))) is plain
    assert movie.pictures_of(SimpleNamespace(streams=SimpleNamespace(video=[covers]))) is None


def test_boxes_of_open_and_of_64_bit_size_are_read(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND)
    data = path.read_bytes()
    last = data.index(b"moov") - 4
    for changed in (
        data[:last] + b"\0\0\0\0" + data[last + 4 :],
        data + struct.pack(">I4sQ", 1, b"free", 24) + bytes(8),
    ):
        path.write_bytes(changed)
        assert np.array_equal(own(path).samples, SOUND)


def test_a_short_hole_becomes_silence_and_is_said(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND, codec="aac", hole=(24_000, 2_048))
    (holes, _) = own(path).repairs
    assert holes.startswith("start: 1 holes filled with ") and "samples of silence at 48000 Hz" in holes
    filled = int(holes.split()[5])
    assert abs(filled - 2_048) <= 1024
    (silence,) = np.nonzero(own(path).samples[20_000:32_000] == 0)
    assert len(silence) >= filled - 1024


def test_a_long_hole_is_refused_by_place(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND, codec="aac", hole=(24_000, 24_000))
    with pytest.raises(
        SoundError, match=r"a\.mov:sample 2\d{4}: 0\.\d{3} s without sound; expected .*holes of at most"
    ):
        own(path)


@pytest.mark.parametrize(
    ("timecode", "fps", "origin_s"),
    [
        ("13:13:04:15", 30, 47584.5),
        ("00:00:00:00", 30, 0.0),
        ("23:59:59:45", 60, 86399.75),
        ("10:00:00;02", 30, 36000 + 2 / 30),
    ],
)
def test_a_timecode_gives_the_time_of_day(tmp_path: Path, timecode: str, fps: int, origin_s: float) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND, fps=fps, timecode=timecode)
    assert own(path).origin_s == pytest.approx(origin_s, abs=1e-9)
    assert probe_sound(path).origin_s == own(path).origin_s


def test_a_take_folder_of_the_phone_loads(tmp_path: Path) -> None:
    values = curves(30)
    write_livelink(tmp_path / "day" / "s_1_iPhone.csv", values, start_s=47584)
    video = write_movie(tmp_path / "day" / "s_1_iPhone.mov", SOUND, timecode="13:13:04:00")
    (pair,) = find_takes(tmp_path).pairs
    take = load_take(pair)
    assert (take.name, take.n_frames) == ("day/s_1_iPhone", 30)
    assert np.abs(take.curves - values).max() < 1e-5
    assert np.array_equal(take.audio, read_sound(video).samples)
    assert own(video).origin_s == 47584


def test_a_movie_without_sound_says_so(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", None)
    for function in (probe_sound, read_sound):
        with pytest.raises(SoundError, match=r"without a sound track \(tracks: video\)\n  -> put its sound beside it"):
            function(path)


def test_sound_alone_begins_at_its_own_start(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.m4a", SOUND, codec="aac", n_pictures=0)
    assert 0 <= len(own(path).samples) - 48000 <= 1024
    (rounded,) = own(path).repairs
    assert rounded.startswith("round: to int16, ")


def test_every_cut_is_refused(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND, codec="aac")
    data = path.read_bytes()
    cuts = [*range(8, 60), *np.random.default_rng(0).integers(60, len(data), 100), len(data) - 1]
    for cut in cuts:
        path.write_bytes(data[:cut])
        for function in (probe_sound, read_sound):
            with pytest.raises(SoundError, match=r"a\.mov:byte \d+: .*(truncated|no box of a movie)") as caught:
                function(path)
            assert caught.value.do and survives_pickling(caught.value)


def test_sound_missing_inside_whole_boxes_is_refused(tmp_path: Path) -> None:
    """The sound's bytes are cut out and the box's size is mended: only the decoder can notice."""
    path = write_movie(tmp_path / "a.mov", SOUND, n_pictures=0)
    data = path.read_bytes()
    at = data.index(b"mdat") - 4
    (size,) = struct.unpack(">I", data[at : at + 4])
    moov = data[at + size :]
    path.write_bytes(data[:at] + struct.pack(">I", 40_000) + data[at + 4 : at + 40_000] + moov)
    with pytest.raises(SoundError, match=r"truncated: the header says 48000 samples|no sound that can be read"):
        own(path)


def test_wild_bytes_raise_nothing_but_sound_errors(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND[:9600], codec="aac", n_pictures=3, timecode="13:13:04:15")
    data, rng = path.read_bytes(), np.random.default_rng(1)
    outcomes = set()
    for _ in range(150):
        wild = bytearray(data)
        # The last boxes are the header; most of what can go wrong lies there.
        for place in rng.integers(data.index(b"moov") if rng.random() < 0.8 else 0, len(data), 3):
            wild[place] = rng.integers(256)
        path.write_bytes(wild)
        try:
            own(path)
        except SoundError as fault:
            outcomes.add("refused")
            assert fault.where.startswith(str(path))
        else:
            outcomes.add("read")
    assert outcomes == {"refused", "read"}


def test_without_pyav_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_movie(tmp_path / "a.mov", SOUND)
    monkeypatch.setitem(sys.modules, "av", None)
    for function in (probe_sound, read_sound):
        with pytest.raises(SoundError, match=r'PyAV is not installed\n  -> pip install "koekao\[video\]", or convert'):
            function(path)
