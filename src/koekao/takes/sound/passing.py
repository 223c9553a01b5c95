"""The sound of a file block by block, so that two hours of it need no more memory than a second.

The same files, the same checks of their headers and the same mixing as :func:`~koekao.takes.sound.reading.read_sound`,
and the file's own rate; whoever needs another one resamples as it comes. A fault that lies deep in a file shows when
that place is read. Movies are decoded whole first: their sound lies between pictures, and is cut to where those begin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import SoundError
from koekao.takes.sound.boxes import is_movie
from koekao.takes.sound.movie import read_movie
from koekao.takes.sound.reading import HEAD_BYTES, check_policy, decoded_blocks, opened
from koekao.takes.sound.shaping import MONO_POLICIES, check_finite, to_mono
from koekao.takes.sound.sound import SoundInfo
from koekao.takes.source import read_source, require_file
from koekao.takes.take import as_float

BLOCK_S = 1.0


@dataclass(frozen=True, kw_only=True)
class PassingSound:
    """An open sound file.

    Attributes:
        info: what its header says; ``info.sample_rate`` is that of the blocks.
        blocks: ``[n]`` float32 each, nominally in [-1, 1], one channel, one after another; to be read once.
    """

    info: SoundInfo
    blocks: Iterator[NDArray[np.float32]]


@contextmanager
def passing_sound(path: str | Path, *, mono: str = "mix", block_s: float = BLOCK_S) -> Iterator[PassingSound]:
    """Open a sound file to hear it in blocks of ``block_s`` seconds (the last one may be shorter).

    Raises:
        SoundError: as :func:`~koekao.takes.sound.reading.read_sound`; what lies deep in the file when it is reached.
        ConfigError: ``mono`` is no such policy.
    """
    path = Path(path)
    check_policy("mono", mono, MONO_POLICIES)
    try:
        require_file(path, SoundError)
        with path.open("rb") as file:
            if is_movie(file.read(HEAD_BYTES)):
                decoded = read_movie(read_source(path, SoundError)[0], path)
                size = max(1, int(block_s * decoded.info.sample_rate))
                parts = (decoded.channels[i : i + size] for i in range(0, len(decoded.channels), size))
                yield PassingSound(info=decoded.info, blocks=_mono(parts, mono, path))
                return
            size = file.seek(0, 2)
            if not size:
                raise SoundError("the file is empty (0 bytes)", where=path, do="record or copy it again, or remove it")
            with opened(file, size, path, "refuse") as (decoder, info, _):
                read = decoded_blocks(decoder, info, path, max(1, int(block_s * info.sample_rate)))
                yield PassingSound(info=info, blocks=_mono(read, mono, path))
    except OSError as fault:
        raise SoundError(f"cannot be read ({fault.strerror or fault})", where=path) from fault


def _mono(parts: Iterable[NDArray[Any]], mono: str, path: Path) -> Iterator[NDArray[np.float32]]:
    """``[n, channels]`` each to ``[n]`` float32, once they are known to be finite."""
    n_before = 0
    for part in parts:
        check_finite(part, path, first_sample=n_before)
        n_before += len(part)
        yield np.ascontiguousarray(as_float(to_mono(part, mono, path)[0]), np.float32)
