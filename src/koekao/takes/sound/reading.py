"""The sound of a take: a file to one row of samples at the corpus's rate.

Truncated and lying files are refused, never shortened (:mod:`koekao.takes.sound.riff`); channels, rate and sample type
are changed by named policies, and each change stands in ``repairs``. Sound that is already 16-bit mono at the asked
rate comes back bit-identical. Resampling is soxr's "VHQ", linear phase and without delay. All between is float64.

What it gives up: formats beside WAV, FLAC, Ogg and MP3 are refused although libsndfile reads them, because nobody
checks their headers. A truncated FLAC or MP3 shows when it is read, not when it is probed; a FLAC whose header says too
few samples (its MD5 is not compared) and a cut MP3 without a stated length (no Xing header) go unnoticed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from koekao.clock import Clock
from koekao.errors import ConfigError, SoundError
from koekao.takes.sound.ogg import check_ogg
from koekao.takes.sound.riff import WAV_FORMS, read_wav_header
from koekao.takes.source import read_source, require_file
from koekao.takes.take import Source, as_float

MONO_POLICIES = ("mix", "left", "right", "refuse")
SOUND_DTYPES = ("int16", "float32")
SAMPLE_RATES_HZ = (1000, 768_000)
"""Lowest and highest sample rate that is taken for one; a rate outside is taken for a damaged header."""

_FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3")
_BLOCK_SAMPLES = 1 << 22
_MAX_SAMPLES = 1 << 40


@dataclass(frozen=True, kw_only=True)
class SoundInfo:
    """What the header of a sound file says. ``subtype`` is libsndfile's word, such as ``"PCM_16"``."""

    sample_rate: int
    channels: int
    n_samples: int
    subtype: str
    is_float: bool

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """Sound in memory.

    Attributes:
        samples: ``[n]`` int16, or float32 nominally in [-1, 1]; mono.
        sample_rate: Hz.
        source: the file it came from.
        repairs: what was done to get here, in words with numbers; empty where the samples are the file's own.
    """

    samples: NDArray[np.int16] | NDArray[np.float32]
    sample_rate: int
    source: Source
    repairs: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


def probe_sound(path: str | Path) -> SoundInfo:
    """Look at the header of a sound file; the sound itself is not read.

    Raises:
        SoundError: everything that :func:`read_sound` would say of the header.
    """
    path = Path(path)
    if path.suffix.lower() == ".raw":
        raise SoundError("sound without a header", where=path, expected="WAV, FLAC, Ogg or MP3", do="convert it to WAV")
    try:
        require_file(path, SoundError)
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            if not size:
                raise SoundError("the file is empty (0 bytes)", where=path, do="record or copy it again, or remove it")
            with _opened(file, size, path) as (_, info, _):
                return info
    except OSError as fault:
        raise SoundError(f"cannot be read ({fault.strerror or fault})", where=path) from fault


def read_sound(path: str | Path, *, sample_rate: int = 16000, mono: str = "mix", dtype: str = "int16") -> Sound:
    """Read a sound file as mono samples at ``sample_rate``.

    Args:
        path: a WAV, FLAC, Ogg or MP3 file; known by its content, not by its name.
        sample_rate: Hz wanted. A file at another rate of ``n`` samples gives exactly round(n * wanted / own).
        mono: what to do with several channels: ``mix`` (mean), ``left`` or ``right`` (first or second channel),
            ``refuse``.
        dtype: ``int16`` (rounded to nearest; what is beyond is clipped and counted) or ``float32`` in [-1, 1] (what is
            beyond in a float file stays).

    Raises:
        SoundError: missing, empty, truncated, a header that lies, no sound, a sample that is no number, or several
            channels under ``refuse``; naming the file and the byte or sample.
        ConfigError: ``mono``, ``dtype`` or ``sample_rate`` is none that there is.
    """
    _check_request(sample_rate, mono, dtype)
    path = Path(path)
    data, source = read_source(path, SoundError)
    with _opened(io.BytesIO(data), len(data), path) as (file, info, notes):
        channels = _decoded(file, info, path)
    one, mixed = _to_mono(channels, mono, path)
    one, resampled = _to_rate(one, info.sample_rate, sample_rate, path)
    samples, rounded = _to_dtype(one, dtype)
    repairs = (*notes, *mixed, *resampled, *rounded)
    return Sound(samples=samples, sample_rate=sample_rate, source=source, repairs=repairs)


def _check_request(sample_rate: int, mono: str, dtype: str) -> None:
    Clock(sample_rate, Fraction(1))  # for its check of the rate
    if mono not in MONO_POLICIES:
        raise ConfigError(f"mono policy {mono!r}", expected="one of " + ", ".join(MONO_POLICIES))
    if dtype not in SOUND_DTYPES:
        raise ConfigError(f"sound dtype {dtype!r}", expected="one of " + ", ".join(SOUND_DTYPES))


@contextmanager
def _opened(file: BinaryIO, size: int, path: Path) -> Iterator[tuple[Any, SoundInfo, tuple[str, ...]]]:
    """The decoder on a file whose container was checked, what its header says, and notes on the header."""
    import soundfile  # takes 40 ms and loads libsndfile: not for those who only plan

    file.seek(0)
    head = file.read(4)
    header = read_wav_header(file, size, str(path)) if head in WAV_FORMS else None
    if head == b"OggS":
        check_ogg(file, size, str(path))
    file.seek(0)
    try:
        decoder = soundfile.SoundFile(file)
    except soundfile.LibsndfileError as fault:
        raise _undecodable(path, fault.error_string) from fault
    with decoder:
        if decoder.format not in _FORMATS:
            raise _undecodable(path, f"{decoder.format} is not read")
        info = SoundInfo(
            sample_rate=decoder.samplerate,
            channels=decoder.channels,
            n_samples=decoder.frames,
            subtype=decoder.subtype,
            is_float=decoder.subtype in ("FLOAT", "DOUBLE"),
        )
        _check_info(info, path)
        if header and (header.sample_rate, header.channels, header.n_samples) != (
            info.sample_rate,
            info.channels,
            info.n_samples,
        ):
            raise SoundError(f"libsndfile reads it as {info}", where=path, expected=f"what its chunks say: {header}")
        yield decoder, info, header.notes if header else ()


def _undecodable(path: Path, reason: str) -> SoundError:
    return SoundError(
        f"no sound that can be read ({reason.rstrip('.')})",
        where=f"{path}:byte 0",
        expected="WAV, FLAC, Ogg or MP3",
        do="convert it to WAV, or copy it again if it is damaged",
    )


def _check_info(info: SoundInfo, path: Path) -> None:
    low, high = SAMPLE_RATES_HZ
    if not low <= info.sample_rate <= high:
        what = f"a sample rate of {info.sample_rate} Hz"
        raise SoundError(what, where=path, expected=f"{low}..{high} Hz", do="copy the recording again from its source")
    if not 0 < info.n_samples < _MAX_SAMPLES:
        what = "no sound at all (0 samples)" if info.n_samples <= 0 else "its header does not say how long it is"
        raise SoundError(what, where=path, do="record or convert it again, or remove it")


def _decoded(decoder: Any, info: SoundInfo, path: Path) -> NDArray[Any]:
    """``[n, channels]``: int16 from 16-bit PCM, else float64 in [-1, 1]. Read in blocks, so that no header can ask for
    more memory than there is sound."""
    import soundfile

    dtype = "int16" if info.subtype == "PCM_16" else "float64"
    blocks: list[NDArray[Any]] = []
    try:
        while True:
            blocks.append(decoder.read(_BLOCK_SAMPLES, dtype=dtype, always_2d=True))
            if len(blocks[-1]) < _BLOCK_SAMPLES:
                break
    except soundfile.LibsndfileError as fault:
        raise _undecodable(path, fault.error_string) from fault
    samples = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    if len(samples) != info.n_samples:
        raise SoundError(
            f"truncated: the header says {info.n_samples} samples, {len(samples)} can be decoded",
            where=f"{path}:sample {len(samples)}",
            do="copy the recording again from its source",
        )
    if dtype == "float64":
        bad = ~(np.abs(samples) <= np.finfo(np.float32).max)
        if bad.any():
            sample, channel = (int(i) for i in np.argwhere(bad)[0])
            raise SoundError(
                f"{bad.sum()} samples are no numbers, the first is {samples[sample, channel]} in channel {channel}",
                where=f"{path}:sample {sample}",
                expected="finite numbers",
                do="export the sound again",
            )
    return samples


def _to_mono(channels: NDArray[Any], policy: str, path: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    n = channels.shape[1]
    if n == 1:
        return channels[:, 0], ()
    if policy == "refuse":
        raise SoundError(f"{n} channels", where=path, expected="mono", do="allow a mono policy: mix, left or right")
    if policy == "mix":
        return _as_float64(channels).mean(axis=1), (f"mono: mixed {n} channels",)
    return np.ascontiguousarray(channels[:, int(policy == "right")]), (f"mono: took {policy} of {n} channels",)


def _to_rate(samples: NDArray[Any], own_hz: int, wanted_hz: int, path: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    if own_hz == wanted_hz:
        return samples, ()
    import soxr

    n_wanted = (2 * len(samples) * wanted_hz + own_hz) // (2 * own_hz)
    if not n_wanted:
        raise SoundError(f"{len(samples)} samples at {own_hz} Hz", where=path, expected="more sound than that")
    # The silence appended lets the filter run to the end; the cut makes the length ours and not the resampler's.
    padded = np.pad(_as_float64(samples), (0, 2 + 2 * own_hz // wanted_hz))
    return soxr.resample(padded, own_hz, wanted_hz, quality="VHQ")[:n_wanted], (
        f"resampled {own_hz} -> {wanted_hz} Hz",
    )


def _to_dtype(samples: NDArray[Any], dtype: str) -> tuple[NDArray[np.int16] | NDArray[np.float32], tuple[str, ...]]:
    if dtype == "float32":
        return np.ascontiguousarray(as_float(samples)), ()
    if samples.dtype == np.int16:
        return np.ascontiguousarray(samples), ()
    scaled = samples * 32768.0
    whole = np.rint(scaled)
    rounded = np.clip(whole, -32768, 32767)
    if np.array_equal(rounded, scaled):
        return rounded.astype(np.int16), ()
    clipped = int(np.count_nonzero(rounded != whole))
    return rounded.astype(np.int16), (f"rounded to int16, {clipped} samples clipped",)


def _as_float64(samples: NDArray[Any]) -> NDArray[np.float64]:
    return samples / 32768.0 if samples.dtype == np.int16 else samples.astype(np.float64, copy=False)
