"""The boxes of a QuickTime or MP4 file, checked to the end of the file.

A phone movie that was cut short still holds most of its sound, and a decoder gives what is there without an error. Here
every byte of the file must belong to a box, and there must be a ``moov`` box, without which nobody knows where the
sound lies. Sources: Apple "QuickTime File Format", ISO/IEC 14496-12 section 4.2.

What it gives up: only the outermost boxes are walked; what lies within them is the decoder's to refuse.
"""

from __future__ import annotations

from typing import BinaryIO

from koekao.errors import SoundError

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_COPY_AGAIN = "copy the movie again from the phone"


def is_movie(head: bytes) -> bool:
    """Whether a file that begins with these bytes (8 or more) is a QuickTime or MP4 movie."""
    return head[4:8] in _FIRST_BOXES


def check_boxes(file: BinaryIO, size: int, path: str) -> None:
    """Walk the outermost boxes of a movie of ``size`` bytes.

    Raises:
        SoundError: a box is cut, bytes belong to no box, or there is no ``moov``; ``where`` is ``file:byte n``.
    """
    names: list[bytes] = []
    offset = 0
    while offset < size:
        file.seek(offset)
        head = file.read(16)
        n, name, least = int.from_bytes(head[:4], "big"), head[4:8], 8
        if n == 1:
            n, least = int.from_bytes(head[8:16], "big"), 16
        elif n == 0:  # up to the end of the file
            n = size - offset
        if len(head) < least or n < least or any(not 32 <= byte < 127 for byte in name):
            raise _fault(path, offset, f"{size - offset} bytes that are no box of a movie")
        if offset + n > size:
            shown = name.decode("latin-1")
            raise _fault(path, offset, f"truncated: box '{shown}' says {n} bytes, {size - offset} are there")
        names.append(name)
        offset += n
    if b"moov" not in names:
        raise _fault(path, size, "truncated: no 'moov' box, which says where the sound lies")


def _fault(path: str, offset: int, what: str) -> SoundError:
    return SoundError(what, where=f"{path}:byte {offset}", expected="whole boxes up to the end", do=_COPY_AGAIN)
