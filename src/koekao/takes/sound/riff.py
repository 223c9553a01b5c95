"""The chunks of a WAV file, checked before any decoder is trusted with them.

libsndfile and ``wave`` read what is there when a header says more, and stop where a header says less, without a word:
a half-copied recording becomes a shorter one. Here every byte of the file must belong to a chunk, the sound must be as
long as its header says, and the numbers of the ``fmt`` chunk must agree with each other (a damaged sample rate shows in
the byte rate). Sources: Microsoft/IBM "Multimedia Programming Interface and Data Specifications 1.0" and "Multiple
Channel Audio Data and WAVE Files"; EBU Tech 3306 (RF64).

One leniency can be asked for: under ``truncated="trim"`` a ``data`` chunk that says more than the file holds, that a
streaming writer left open (0 or 0xFFFFFFFF), or that ends within a sample gives the whole samples that are there, and
``repairs`` says so. Nobody can tell what else stood behind sound that was cut, so all up to the end of the file is
then taken for sound.

What it gives up: compressed WAVs (ADPCM, GSM) are refused, and a file with stray bytes after its last chunk as well,
because nobody can tell them from sound that the header does not know of.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from koekao.errors import SoundError
from koekao.takes.sound.bext import TIME_REFERENCE_BYTE, time_of_day

TRUNCATED_POLICIES = ("refuse", "trim")
WAV_FORMS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
"""The first four bytes of a WAV: little-endian, big-endian, and the two 64-bit forms."""

_UNKNOWN = 0xFFFFFFFF
_EXTENSIBLE = 0xFFFE
_GUID_TAIL = bytes.fromhex("800000aa00389b71")
_BITS = {1: (8, 16, 24, 32), 3: (32, 64), 6: (8,), 7: (8,)}
_COPY_AGAIN = "copy the recording again from its source"
_REWRITE = "let a sound program write it anew (ffmpeg -i old.wav new.wav, or sox --ignore-length) and check its length"


@dataclass(frozen=True, kw_only=True)
class WavHeader:
    """What the header says, after it was found to agree with the file.

    ``repairs`` is not empty where the sound was trimmed to what is there (``data_bytes`` is that); ``notes`` says what
    disagreed without harm. ``origin_s``: the time of day at sample 0, in seconds since midnight, from a ``bext`` chunk.
    """

    sample_rate: int
    channels: int
    block_bytes: int
    fmt: bytes
    data_start: int
    data_bytes: int
    byte_order: str
    origin_s: float | None
    repairs: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_samples(self) -> int:
        return self.data_bytes // self.block_bytes


@dataclass(frozen=True)
class _Chunk:
    """``size`` is what the file holds of it; ``stated`` what the chunk says, None for a size that was left open."""

    name: bytes
    start: int
    size: int
    stated: int | None


def read_wav_header(file: BinaryIO, size: int, path: str, *, truncated: str = "refuse") -> WavHeader:
    """Walk the chunks of a WAV file of ``size`` bytes, without reading the sound.

    Args:
        file, size, path: the file; its path is for error texts.
        truncated: ``refuse`` sound that is not as long as the header says, or ``trim`` it to the whole samples.

    Raises:
        SoundError: truncated, a size that lies, no ``fmt `` or ``data`` chunk, numbers that contradict each other;
            ``where`` is ``file:byte n``.
    """
    file.seek(0)
    head = file.read(12)
    if len(head) < 12:
        raise SoundError(
            f"only {size} bytes of a WAV header", where=f"{path}:byte 0", expected="at least 12", do=_COPY_AGAIN
        )
    if head[8:12] != b"WAVE":
        raise SoundError(
            f"a {_shown(head[:4])} file of type {_shown(head[8:12])}",
            where=f"{path}:byte 8",
            expected="type WAVE",
            do="convert it to WAV",
        )
    endian = ">" if head[:4] == b"RIFX" else "<"
    form_bytes = int(struct.unpack(endian + "I", head[4:8])[0])
    trim = truncated == "trim"
    chunks, form_bytes = _chunks(file, size, path, endian, form_bytes, trim=trim)
    return _header(file, chunks, path, endian, _form_note(form_bytes, size), trim=trim)


def _chunks(
    file: BinaryIO, size: int, path: str, endian: str, form_bytes: int, *, trim: bool
) -> tuple[dict[bytes, list[_Chunk]], int]:
    """Every chunk by name, and the size that the form says it has (RF64 says it in its ``ds64`` chunk)."""
    found: dict[bytes, list[_Chunk]] = {}
    long_data = _UNKNOWN
    offset = 12
    while offset < size:
        file.seek(offset)
        head = file.read(8)
        name, n = head[:4], int.from_bytes(head[4:8], "little" if endian == "<" else "big")
        if len(head) < 8 and not head.strip(b"\0"):
            break  # padding that no chunk would fit in
        if len(head) < 8 or any(not 32 <= byte < 127 for byte in name):
            raise _stray(path, offset, size, found)
        if name == b"ds64" and n >= 24:
            form_bytes, long_data = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        stated: int | None = n
        if name == b"data":
            n = long_data if n == _UNKNOWN else n
            stated = None if n in (0, _UNKNOWN) else n
            if trim and _goes_to_the_end(file, offset, n, size):
                n = size - offset - 8
            _check_data_size(path, offset, n, size)
        elif offset + 8 + n > size:
            raise SoundError(
                f"chunk {_shown(name)} says {n} bytes, {size - offset - 8} are there",
                where=f"{path}:byte {offset + 4}",
                expected="chunks that end with the file",
                do=_COPY_AGAIN,
            )
        found.setdefault(name, []).append(_Chunk(name, offset + 8, n, stated))
        offset += 8 + n + n % 2
    return found, form_bytes


def _goes_to_the_end(file: BinaryIO, offset: int, n: int, size: int) -> bool:
    """Whether the ``data`` chunk at ``offset`` promises more than there is, or was left open by its writer."""
    present = size - offset - 8
    if n == 0 and present >= 8:  # a chunk that is really empty has another one behind it
        file.seek(offset + 8)
        name = file.read(4)
        return not (name.isascii() and name.decode("latin-1").isprintable())
    return n > present or (n == 0 and present > 0)


def _check_data_size(path: str, offset: int, n: int, size: int) -> None:
    present = size - offset - 8
    where = f"{path}:byte {offset + 4}"
    if n == _UNKNOWN and present < n:
        what = f"the data size was never filled in (0xFFFFFFFF), {present} bytes are there"
        raise SoundError(what, where=where, expected="the number of bytes of sound", do=_REWRITE)
    if n == 0:
        what = f"the header says 0 bytes of sound, {present} bytes are there" if present else "no sound at all"
        raise SoundError(what, where=where, expected="at least one sample", do=_REWRITE if present else _COPY_AGAIN)
    if n > present:
        what = f"truncated: the header says {n} bytes of sound, {present} are there"
        raise SoundError(what, where=where, expected=f"a file of {offset + 8 + n} bytes, not {size}", do=_COPY_AGAIN)


def _stray(path: str, offset: int, size: int, found: dict[bytes, list[_Chunk]]) -> SoundError:
    more = " (sound that the header does not know of?)" if b"data" in found else ""
    return SoundError(
        f"{size - offset} bytes that belong to no chunk{more}",
        where=f"{path}:byte {offset}",
        expected="a chunk or the end of the file",
        do=_REWRITE,
    )


def _form_note(form_bytes: int, size: int) -> tuple[str, ...]:
    if form_bytes in (size - 8, size - 8 + size % 2):
        return ()
    return (f"form size {form_bytes} in the header ignored, the chunks fill the {size} bytes of the file",)


def _header(
    file: BinaryIO,
    chunks: dict[bytes, list[_Chunk]],
    path: str,
    endian: str,
    notes: tuple[str, ...],
    *,
    trim: bool,
) -> WavHeader:
    for name in (b"fmt ", b"data"):
        if len(chunks.get(name, ())) != 1:
            seen = ", ".join(_shown(other) for other in chunks) or "none"
            count = len(chunks.get(name, ()))
            what = f"{count or 'no'} {_shown(name)} chunk{'s' * (count > 1)} (chunks: {seen})"
            raise SoundError(what, where=f"{path}:byte 12", expected="exactly one", do=_COPY_AGAIN)
    (fmt,), (data,) = chunks[b"fmt "], chunks[b"data"]
    if fmt.start > data.start:
        raise SoundError("the fmt chunk stands after the sound", where=f"{path}:byte {fmt.start}", do=_REWRITE)
    sample_rate, channels, block = _format(file, fmt, path, endian)
    whole_bytes = data.size - data.size % block
    if (data.size % block and not trim) or not whole_bytes:
        raise SoundError(
            f"{data.size} bytes of sound in blocks of {block} bytes",
            where=f"{path}:byte {data.start - 4}",
            expected=f"a multiple of {block}",
            do=_REWRITE,
        )
    origin_s, time_notes = time_of_day([_begin(file, bext) for bext in chunks.get(b"bext", ())], sample_rate, endian)
    return WavHeader(
        sample_rate=sample_rate,
        channels=channels,
        block_bytes=block,
        fmt=_whole(file, fmt),
        data_start=data.start,
        data_bytes=whole_bytes,
        byte_order=endian,
        origin_s=origin_s,
        repairs=_trim_said(data.stated, whole_bytes, block),
        notes=(*notes, *time_notes),
    )


def _trim_said(stated: int | None, whole_bytes: int, block: int) -> tuple[str, ...]:
    if stated == whole_bytes:
        return ()
    said = "does not say how many samples" if stated is None else f"says {stated / block:.10g} samples"
    return (f"trim: the header {said}, {whole_bytes // block} are there",)


def _begin(file: BinaryIO, bext: _Chunk) -> bytes:
    file.seek(bext.start)
    return file.read(min(bext.size, TIME_REFERENCE_BYTE + 8))


def _whole(file: BinaryIO, fmt: _Chunk) -> bytes:
    file.seek(fmt.start)
    return file.read(fmt.size)


def _format(file: BinaryIO, fmt: _Chunk, path: str, endian: str) -> tuple[int, int, int]:
    """Sample rate, channels and bytes a block of a ``fmt `` chunk whose numbers agree."""
    where = f"{path}:byte {fmt.start}"
    file.seek(fmt.start)
    body = file.read(min(fmt.size, 40))
    if len(body) < 16:
        raise SoundError(f"a fmt chunk of {len(body)} bytes", where=where, expected="at least 16", do=_COPY_AGAIN)
    tag, channels, rate, byte_rate, block, bits = struct.unpack(endian + "HHIIHH", body[:16])
    if tag == _EXTENSIBLE and len(body) == 40 and body[32:] == _GUID_TAIL:
        tag = struct.unpack(endian + "I", body[24:28])[0]
    if channels == 0 or rate == 0:
        what = f"{channels} channels at {rate} Hz"
        raise SoundError(what, where=where, expected="at least one channel and a sample rate", do=_COPY_AGAIN)
    if bits not in _BITS.get(tag, ()):
        raise SoundError(
            f"sound of type 0x{tag:04x} with {bits} bits",
            where=where,
            expected="PCM of 8, 16, 24 or 32 bits, float of 32 or 64, A-law or mu-law of 8",
            do="convert it to 16-bit PCM (ffmpeg -i old.wav -c:a pcm_s16le new.wav), or copy it again if it is damaged",
        )
    if block != channels * bits // 8 or byte_rate != rate * block:
        raise SoundError(
            f"the header contradicts itself: {channels} channels of {bits} bits at {rate} Hz, "
            f"but {block} bytes a block and {byte_rate} bytes a second",
            where=where,
            expected=f"{channels * bits // 8} and {rate * channels * bits // 8}",
            do=_COPY_AGAIN + ", or " + _REWRITE,
        )
    return rate, channels, block


def _shown(name: bytes) -> str:
    return repr(name.decode("latin-1"))
