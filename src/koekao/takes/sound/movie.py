"""The sound of a QuickTime or MP4 movie, on the timeline of its pictures.

Phones record a face as a movie, and the curves that go with it begin with its first picture. So sample 0 is where
the pictures start: sound that starts later gets silence in front, sound that starts earlier is cut, and both are said
as the repair ``start``. Samples are placed by the time stamps of their packets. A hole of at most :data:`MAX_HOLE_S`
becomes silence and is said; a longer one, or time that runs backward, is refused, because nobody knows what was there.
What an AAC encoder puts in front of the sound (priming) is taken off by the decoder, as the file says. A timecode
(``tmcd`` track) gives the time of day. Decoding is FFmpeg's, by PyAV.

What it gives up: the other sound tracks; up to one packet of what an encoder appends stays at the end; an AAC packet
whose bits are wrong but can be decoded sounds wrong, since movies have no checksums.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from koekao.errors import SoundError
from koekao.takes.sound.boxes import check_boxes
from koekao.takes.sound.sound import Decoded, SoundInfo, check_info, undecodable

__all__ = ["MAX_HOLE_S", "MAX_START_S", "open_movie", "pictures_of", "probe_movie", "read_movie", "start_s"]

MAX_HOLE_S = 0.1
"""The longest hole between two packets that is filled with silence."""
MAX_START_S = 60
"""How much later than the pictures sound may start; more is taken for damaged time stamps."""

MAX_CHANNELS = 8

_TYPES = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}
_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "flt": 1.0, "dbl": 1.0}
_TIMECODE = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)[:;.](\d{2,3})")
_COPY_AGAIN = "copy the movie again from the phone"


def probe_movie(file: BinaryIO, size: int, path: Path) -> SoundInfo:
    """What the header of a movie of ``size`` bytes says of its first sound track.

    Raises:
        SoundError: as :func:`read_movie`, as far as it shows without decoding.
    """
    check_boxes(file, size, str(path))
    file.seek(0)
    with open_movie(file, path) as movie:
        return _info(movie, _sound_track(movie, path), path)[0]


def read_movie(data: bytes, path: Path) -> Decoded:
    """Decode the first sound track of a movie; sample 0 is where the pictures start.

    Raises:
        SoundError: truncated, damaged, without sound, with a hole in it, starting too late; or PyAV is not installed.
    """
    check_boxes(io.BytesIO(data), len(data), str(path))
    with open_movie(io.BytesIO(data), path) as movie:
        track = _sound_track(movie, path)
        info, notes = _info(movie, track, path)
        channels, first, filled = _placed(movie, track, info, path)
    channels, started = _from_the_start(channels, first, info.sample_rate, path)
    info = replace(info, n_samples=len(channels))
    check_info(info, path)
    return Decoded(channels=channels, info=info, repairs=(*started, *filled), notes=notes)


@contextmanager
def open_movie(file: BinaryIO, path: Path) -> Iterator[Any]:
    """An open ``av.InputContainer``; what FFmpeg says against the movie, also later on, becomes a SoundError."""
    try:
        import av
    except ImportError as fault:
        raise SoundError(
            "the sound of a movie, and PyAV is not installed",
            where=path,
            do='pip install "koekao[video]", or convert it (ffmpeg -i movie.mov sound.wav)',
        ) from fault
    try:
        with av.open(file, format="mov", metadata_errors="replace") as movie:
            yield movie
    except (av.FFmpegError, EOFError) as fault:
        raise undecodable(path, f"FFmpeg: {getattr(fault, 'strerror', None) or fault}") from fault


def pictures_of(movie: Any) -> Any | None:
    """The first stream of pictures that is no cover; None where there is none."""
    import av

    cover = av.stream.Disposition.attached_pic
    return next((stream for stream in movie.streams.video if not stream.disposition & cover), None)


def start_s(movie: Any) -> Fraction:
    """Where the pictures start on the movie's own timeline, in seconds; 0 where there are none."""
    pictures = pictures_of(movie)
    if pictures is None or pictures.start_time is None:
        return Fraction(0)
    return Fraction(pictures.start_time * pictures.time_base)


def _sound_track(movie: Any, path: Path) -> Any:
    if not movie.streams.audio:
        kinds = ", ".join(stream.type for stream in movie.streams) or "none"
        what = f"a movie without a sound track (tracks: {kinds})"
        raise SoundError(what, where=path, do="put its sound beside it as a WAV of the same name")
    track = movie.streams.audio[0]
    if track.codec_context is None or not track.codec_context.sample_rate:
        raise undecodable(path, "FFmpeg: no decoder for its sound track")
    return track


def _info(movie: Any, track: Any, path: Path) -> tuple[SoundInfo, tuple[str, ...]]:
    """What the header says of the sound track, and notes."""
    codec = track.codec_context
    end_s = Fraction((track.start_time or 0) * track.time_base)
    # A movie written in fragments has no length of a track in its header.
    end_s += track.duration * track.time_base if track.duration else Fraction(movie.duration or 0, 1_000_000)
    if codec.channels > MAX_CHANNELS:
        raise undecodable(path, f"{codec.channels} channels, of a movie at most {MAX_CHANNELS} are read")
    origin_s, notes = _time_of_day(movie)
    info = SoundInfo(
        sample_rate=codec.sample_rate,
        channels=codec.channels,
        n_samples=math.floor((end_s - start_s(movie)) * codec.sample_rate + Fraction(1, 2)),
        subtype=codec.name,
        is_float=codec.name.startswith(("pcm_f32", "pcm_f64")),
        origin_s=origin_s,
    )
    check_info(info, path)
    return info, notes


def _time_of_day(movie: Any) -> tuple[float | None, tuple[str, ...]]:
    """Seconds since midnight at the first picture, by the label of its timecode, whose frames count at the pictures'
    nominal rate (30 for 29.97, also in drop-frame, which skips labels so that they stay with the time of day)."""
    text = next((stream.metadata["timecode"] for stream in movie.streams if "timecode" in stream.metadata), None)
    if text is None:
        return None, ()
    pictures, match = pictures_of(movie), _TIMECODE.fullmatch(text)
    rate = round(pictures.average_rate) if pictures is not None and pictures.average_rate else 0
    if not match or int(match[4]) >= rate:
        return None, (f"timecode {text[:20]!r} of the movie at {rate} pictures a second not used",)
    hours, minutes, seconds, frames = map(int, match.groups())
    return hours * 3600 + minutes * 60 + seconds + frames / rate, ()


def _placed(movie: Any, track: Any, info: SoundInfo, path: Path) -> tuple[NDArray[Any], int, tuple[str, ...]]:
    """``[n, channels]``, the sample on the pictures' timeline at which it begins, and what holes were filled."""
    rate, begin_s, tick = info.sample_rate, start_s(movie), math.ceil(track.time_base * info.sample_rate)
    blocks: list[NDArray[Any]] = []
    first = at = longest = 0
    holes: list[int] = []
    for frame in movie.decode(track):
        block = _as_rows(frame, info, path)
        if frame.pts is None:
            raise SoundError("a packet without a time", where=f"{path}:sample {at}", do=_COPY_AGAIN)
        here = math.floor((frame.pts * frame.time_base - begin_s) * rate + Fraction(1, 2))
        if not blocks:
            first = at = here
        hole = here - at
        if abs(hole) > tick:  # else it is the rounding of the time stamps
            if not 0 < hole <= MAX_HOLE_S * rate:
                raise _torn(path, at, hole, rate)
            holes.append(hole)
            blocks.append(np.zeros((hole, info.channels), block.dtype))
            at += hole
        blocks.append(block)
        at += len(block)
        longest = max(longest, len(block))
    if not blocks or info.n_samples - at > 2 * longest + tick:
        raise SoundError(
            f"truncated: the header says {info.n_samples} samples, {max(0, at)} can be decoded",
            where=f"{path}:sample {max(0, at)}",
            do=_COPY_AGAIN,
        )
    filled = (f"start: {len(holes)} holes filled with {sum(holes)} samples of silence at {rate} Hz",) if holes else ()
    return np.concatenate(blocks), first, filled


def _torn(path: Path, at: int, hole: int, rate: int) -> SoundError:
    what = f"{hole / rate:.3f} s without sound" if hole > 0 else f"time runs back by {-hole / rate:.3f} s"
    return SoundError(
        what,
        where=f"{path}:sample {at}",
        expected=f"packets one after another, or holes of at most {MAX_HOLE_S:g} s",
        do="cut the movie there into two takes",
    )


def _as_rows(frame: Any, info: SoundInfo, path: Path) -> NDArray[Any]:
    """``[n, channels]``: int16 from 16-bit samples, else float64 in [-1, 1]."""
    n_channels, kind = frame.layout.nb_channels, frame.format.name.removesuffix("p")
    if (frame.sample_rate, n_channels) != (info.sample_rate, info.channels) or kind not in _FULL_SCALE:
        what = f"{n_channels} channels of {frame.format.name} at {frame.sample_rate} Hz"
        raise SoundError(what, where=path, expected=f"{info.channels} at {info.sample_rate} Hz", do=_COPY_AGAIN)
    # PyAV looks for planes up to a null pointer; behind the eighth there is none, and to_ndarray() would read a ninth.
    planes = frame.planes[: n_channels if frame.format.is_planar else 1]
    samples = np.stack([np.frombuffer(plane, _TYPES[kind]) for plane in planes], axis=1)
    rows = samples[: frame.samples] if frame.format.is_planar else samples[: frame.samples * n_channels]
    rows = rows.reshape(-1, n_channels)
    if kind == "s16":
        return np.ascontiguousarray(rows)
    with np.errstate(invalid="ignore"):  # a signalling NaN; whoever checks the samples names it
        full: NDArray[np.float64] = rows.astype(np.float64) - (128 if kind == "u8" else 0)
    return full / _FULL_SCALE[kind]


def _from_the_start(channels: NDArray[Any], first: int, rate: int, path: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Sound that begins at sample ``first`` of the pictures' timeline, brought to begin at sample 0."""
    if first > MAX_START_S * rate:
        what = f"the sound starts {first / rate:.3f} s after the pictures"
        raise SoundError(what, where=path, expected=f"at most {MAX_START_S} s", do=_COPY_AGAIN)
    if first > 0:
        said = (
            f"start: {first} samples of silence put in front, the sound starts {first / rate:.3f} s after the pictures"
        )
        return np.pad(channels, ((first, 0), (0, 0))), (said,)
    if first < 0:
        said = f"start: cut {-first} samples, the sound starts {-first / rate:.3f} s before the pictures"
        return channels[-first:], (said,)
    return channels, ()
