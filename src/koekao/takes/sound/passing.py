"""The sound of a file block by block, so that two hours of it need no more memory than a second.

The same files, the same checks of their headers and the same mixing as :func:`~koekao.takes.sound.reading.read_sound`,
and the file's own rate; whoever needs another one resamples as it comes. A fault that lies deep in a file shows when
that place is read. Movies are decoded whole first: their sound lies between pictures, and is cut to where those begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    with ExitStack() as stack:
        try:
            info, parts = _opened(stack, path, block_s)
        except OSError as fault:
            raise _unreadable(path, fault) from fault
        yield PassingSound(info=info, blocks=_mono(parts, mono, path))


def _opened(stack: ExitStack, path: Path, block_s: float) -> tuple[SoundInfo, Iterator[NDArray[Any]]]:
    """What the header says, and ``[n, channels]`` each."""
    require_file(path, SoundError)
    file = stack.enter_context(path.open("rb"))
    if is_movie(file.read(HEAD_BYTES)):
        decoded = read_movie(read_source(path, SoundError)[0], path)
        size = max(1, int(block_s * decoded.info.sample_rate))
        return decoded.info, (decoded.channels[i : i + size] for i in range(0, len(decoded.channels), size))
    n_bytes = file.seek(0, 2)
    if not n_bytes:
        raise SoundError("the file is empty (0 bytes)", where=path, do="record or copy it again, or remove it")
    decoder, info, _ = stack.enter_context(opened(file, n_bytes, path, "refuse"))
    return info, decoded_blocks(decoder, info, path, max(1, int(block_s * info.sample_rate)))


def _mono(parts: Iterator[NDArray[Any]], mono: str, path: Path) -> Iterator[NDArray[np.float32]]:
    """``[n, channels]`` each to ``[n]`` float32, once they are known to be finite."""
    n_before = 0
    while True:
        try:
            part = next(parts, None)
        except OSError as fault:
            raise _unreadable(path, fault) from fault
        if part is None:
            return
        check_finite(part, path, first_sample=n_before)
        n_before += len(part)
        yield np.ascontiguousarray(as_float(to_mono(part, mono, path)[0]), np.float32)


def _unreadable(path: Path, fault: OSError) -> SoundError:
    return SoundError(f"cannot be read ({fault.strerror or fault})", where=path)
