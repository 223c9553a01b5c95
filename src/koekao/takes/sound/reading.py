"""The sound of a take: a file to one row of samples at the corpus's rate.

A file is known by its content. Truncated and lying files are refused, never shortened without a word
(:mod:`koekao.takes.sound.riff`, :mod:`~koekao.takes.sound.ogg`, :mod:`~koekao.takes.sound.movie`); channels, rate and
sample type are changed by named policies (:mod:`~koekao.takes.sound.shaping`), and each change stands in ``repairs``.
Sound that is already 16-bit mono at the asked rate comes back bit-identical.

What it gives up: formats beside WAV, FLAC, Ogg, MP3 and movies are refused although libsndfile reads them, because
nobody checks their headers. A truncated FLAC or MP3 shows when it is read, not when it is probed; a FLAC whose header
says too few samples (its MD5 is not compared) and a cut MP3 without a stated length (no Xing header) go unnoticed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from koekao.clock import Clock
from koekao.errors import ConfigError, SoundError
from koekao.takes.sound.boxes import is_movie
from koekao.takes.sound.movie import probe_movie, read_movie
from koekao.takes.sound.ogg import check_ogg
from koekao.takes.sound.riff import TRUNCATED_POLICIES, WAV_FORMS, WavHeader, read_wav_header
from koekao.takes.sound.shaping import MONO_POLICIES, SOUND_DTYPES, check_finite, to_dtype, to_mono, to_rate
from koekao.takes.sound.sound import READABLE, SAMPLE_RATES_HZ, Decoded, Sound, SoundInfo, check_info, undecodable
from koekao.takes.sound.trim import trimmed_wav
from koekao.takes.source import read_source, require_file

__all__ = ["MONO_POLICIES", "SAMPLE_RATES_HZ", "Sound", "SoundInfo", "probe_sound", "read_sound"]

_FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3")
_BLOCK_SAMPLES = 1 << 22
HEAD_BYTES = 12


def probe_sound(path: str | Path, *, truncated: str = "refuse") -> SoundInfo:
    """Look at the header of a sound file; the sound itself is not read.

    Args:
        path: as for :func:`read_sound`.
        truncated: as for :func:`read_sound`; ``n_samples`` is what would be read.

    Raises:
        SoundError: everything that :func:`read_sound` would say of the header.
        ConfigError: ``truncated`` is no such policy.
    """
    path = Path(path)
    check_policy("truncated", truncated, TRUNCATED_POLICIES)
    if path.suffix.lower() == ".raw":
        raise SoundError("sound without a header", where=path, expected=READABLE, do="convert it to WAV")
    try:
        require_file(path, SoundError)
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            if not size:
                raise SoundError("the file is empty (0 bytes)", where=path, do="record or copy it again, or remove it")
            if is_movie(_head(file)):
                return probe_movie(file, size, path)
            with opened(file, size, path, truncated) as (_, info, _):
                return info
    except OSError as fault:
        raise SoundError(f"cannot be read ({fault.strerror or fault})", where=path) from fault


def read_sound(
    path: str | Path,
    *,
    sample_rate: int = 16000,
    mono: str = "mix",
    dtype: str = "int16",
    truncated: str = "refuse",
) -> Sound:
    """Read a sound file as mono samples at ``sample_rate``.

    >>> import koekao
    >>> sound = koekao.read_sound("speech.wav", sample_rate=24000)
    >>> sound.samples.shape, sound.duration_s
    ((48000,), 2.0)

    Args:
        path: a WAV, FLAC, Ogg or MP3 file, or a QuickTime/MP4 movie, whose first sound track is read from the start
            of its pictures on; known by its content, not by its name.
        sample_rate: Hz wanted. A file at another rate of ``n`` samples gives exactly round(n * wanted / own).
        mono: what to do with several channels: ``mix`` (mean), ``left`` or ``right`` (first or second channel),
            ``refuse``.
        dtype: ``int16`` (rounded to nearest; what is beyond is clipped and counted) or ``float32`` in [-1, 1] (what is
            beyond in a float file stays).
        truncated: of a WAV that is not as long as its header says: ``refuse`` it, or ``trim`` it to the whole samples
            that are there, which is said in ``repairs``.

    Raises:
        SoundError: missing, empty, truncated, a header that lies, no sound, a sample that is no number, or several
            channels under ``refuse``; naming the file and the byte or sample.
        ConfigError: ``mono``, ``dtype``, ``truncated`` or ``sample_rate`` is none that there is.
    """
    _check_request(sample_rate, mono, dtype, truncated)
    path = Path(path)
    data, source = read_source(path, SoundError)
    decoded = _decoded(data, path, truncated)
    check_finite(decoded.channels, path)
    one, mixed = to_mono(decoded.channels, mono, path)
    one, resampled = to_rate(one, decoded.info.sample_rate, sample_rate, path)
    samples, rounded = to_dtype(one, dtype)
    return Sound(
        samples=samples,
        sample_rate=sample_rate,
        source=source,
        repairs=(*decoded.repairs, *mixed, *resampled, *rounded),
        origin_s=decoded.info.origin_s,
        notes=decoded.notes,
    )


def _check_request(sample_rate: int, mono: str, dtype: str, truncated: str) -> None:
    Clock(sample_rate, Fraction(1))  # for its check of the rate
    check_policy("mono", mono, MONO_POLICIES)
    check_policy("truncated", truncated, TRUNCATED_POLICIES)
    if dtype not in SOUND_DTYPES:
        raise ConfigError(f"sound dtype {dtype!r}", expected="one of " + ", ".join(SOUND_DTYPES))


def check_policy(name: str, policy: str, allowed: tuple[str, ...]) -> None:
    """Raise ConfigError if ``policy`` is none of ``allowed``."""
    if policy not in allowed:
        raise ConfigError(f"{name} policy {policy!r}", expected="one of " + ", ".join(allowed))


def _decoded(data: bytes, path: Path, truncated: str) -> Decoded:
    if is_movie(data[:HEAD_BYTES]):
        return read_movie(data, path)
    with opened(io.BytesIO(data), len(data), path, truncated) as (decoder, info, header):
        channels = _samples(decoder, info, path)
    if header is None:
        return Decoded(channels=channels, info=info)
    return Decoded(channels=channels, info=info, repairs=header.repairs, notes=header.notes)


@contextmanager
def opened(file: BinaryIO, size: int, path: Path, truncated: str) -> Iterator[tuple[Any, SoundInfo, WavHeader | None]]:
    """The decoder on a file whose container was checked, what its header says, and the checked header of a WAV."""
    import soundfile  # takes 40 ms and loads libsndfile: not for those who only plan

    head, header = _head(file), None
    if head[:4] in WAV_FORMS:
        header = read_wav_header(file, size, str(path), truncated=truncated)
        if header.repairs:
            file.seek(0)
            file = io.BytesIO(trimmed_wav(file.read(), header, str(path)))
    elif head[:4] == b"OggS":
        check_ogg(file, size, str(path))
    file.seek(0)
    try:
        decoder = soundfile.SoundFile(file)
    except soundfile.LibsndfileError as fault:
        raise undecodable(path, fault.error_string) from fault
    with decoder:
        if decoder.format not in _FORMATS:
            raise undecodable(path, f"{decoder.format} is not read")
        info = SoundInfo(
            sample_rate=decoder.samplerate,
            channels=decoder.channels,
            n_samples=decoder.frames,
            subtype=decoder.subtype,
            is_float=decoder.subtype in ("FLOAT", "DOUBLE"),
            origin_s=header.origin_s if header else None,
        )
        check_info(info, path)
        if header and (header.sample_rate, header.channels, header.n_samples) != (
            info.sample_rate,
            info.channels,
            info.n_samples,
        ):
            raise SoundError(f"libsndfile reads it as {info}", where=path, expected=f"what its chunks say: {header}")
        yield decoder, info, header


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(HEAD_BYTES)


def _samples(decoder: Any, info: SoundInfo, path: Path) -> NDArray[Any]:
    """``[n, channels]``: int16 from 16-bit PCM, else float64 in [-1, 1]."""
    parts = list(decoded_blocks(decoder, info, path, _BLOCK_SAMPLES))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def decoded_blocks(decoder: Any, info: SoundInfo, path: Path, size: int) -> Iterator[NDArray[Any]]:
    """``[at most size, channels]`` each: int16 from 16-bit PCM, else float64 in [-1, 1]. Blocks, so that no header can
    ask for more memory than there is sound.

    Raises:
        SoundError: at the end, where there are not as many samples as the header says.
    """
    import soundfile

    dtype, n_read = "int16" if info.subtype == "PCM_16" else "float64", 0
    try:
        while len(part := decoder.read(size, dtype=dtype, always_2d=True)):
            n_read += len(part)
            yield part
    except soundfile.LibsndfileError as fault:
        raise undecodable(path, fault.error_string) from fault
    if n_read != info.n_samples:
        raise SoundError(
            f"truncated: the header says {info.n_samples} samples, {n_read} can be decoded",
            where=f"{path}:sample {n_read}",
            do="copy the recording again from its source",
        )
