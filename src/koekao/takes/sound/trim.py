"""A WAV whose header tells the truth, for sound that was trimmed to what is there.

What a decoder makes of a size that lies is its own affair and differs between decoders and forms of WAV. So none ever
sees such a header: it is given one that says what was found, and must agree with it.

What it gives up: all chunks but the format and the sound, and 4 GiB or more, which a plain header cannot say.
"""

from __future__ import annotations

import struct

from koekao.errors import SoundError
from koekao.takes.sound.riff import WavHeader

_MOST_BYTES = 0xFFFFFFFF - 1024


def trimmed_wav(data: bytes, header: WavHeader, path: str) -> bytes:
    """A WAV whose header says what the trimmed file ``data`` holds: its ``fmt `` chunk and its whole samples.

    Raises:
        SoundError: 4 GiB or more of sound, which a plain header cannot say.
    """
    u32 = header.byte_order + "I"
    sound = data[header.data_start : header.data_start + header.data_bytes]
    if len(sound) > _MOST_BYTES:
        what = f"{len(sound)} bytes of sound cannot be trimmed"
        raise SoundError(what, where=path, expected="less than 4 GiB", do="cut the recording into several files")
    fmt = b"fmt " + struct.pack(u32, len(header.fmt)) + header.fmt + b"\0" * (len(header.fmt) % 2)
    body = b"WAVE" + fmt + b"data" + struct.pack(u32, len(sound)) + sound + b"\0" * (len(sound) % 2)
    return (b"RIFX" if header.byte_order == ">" else b"RIFF") + struct.pack(u32, len(body)) + body
