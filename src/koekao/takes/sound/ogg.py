"""The pages of an Ogg file, checked to the end of the stream.

An Ogg file has no length in its header: a truncated one decodes as a shorter recording, or as none at all, without an
error. The last page of each stream carries an end mark, so its absence shows the cut. Source: RFC 3533.
"""

from __future__ import annotations

from typing import BinaryIO

from koekao.errors import SoundError

_BEGIN, _END = 2, 4
_FIXED_BYTES = 27


def check_ogg(file: BinaryIO, size: int, path: str) -> None:
    """Walk the pages of an Ogg file of ``size`` bytes.

    Raises:
        SoundError: a page is cut or does not begin where the one before it ends, or a stream has no last page.
    """
    open_streams: set[bytes] = set()
    offset = 0
    while offset < size:
        file.seek(offset)
        head = file.read(_FIXED_BYTES + 255)
        if head[:4] != b"OggS" or len(head) < _FIXED_BYTES:
            raise _cut(path, offset, f"{size - offset} bytes that are no Ogg page")
        kind, stream, n_segments = head[5], head[14:18], head[26]
        if kind & _BEGIN:
            open_streams.add(stream)
        if kind & _END:
            open_streams.discard(stream)
        end = offset + _FIXED_BYTES + n_segments + sum(head[_FIXED_BYTES : _FIXED_BYTES + n_segments])
        if end > size:
            raise _cut(path, offset, f"truncated: the last page says {end - offset} bytes, {size - offset} are there")
        offset = end
    if open_streams:
        raise _cut(path, size, "truncated: the stream has no last page")


def _cut(path: str, offset: int, what: str) -> SoundError:
    return SoundError(
        what,
        where=f"{path}:byte {offset}",
        expected="Ogg pages up to one with the end mark",
        do="copy the recording again from its source",
    )
