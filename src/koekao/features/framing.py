"""Where frames lie in sound, on tensors: the clock's integers, and the pieces of sound that end at given samples.

Every stream of features cuts its sound here, so that a frame is the same samples for all of them, wherever in a chunk,
a window or a take it is computed. Pieces are views on the sound until a block of them is taken; the block bounds the
memory and keeps the arithmetic in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from koekao.clock import Clock


def frame_starts(clock: Clock, frames: Tensor) -> Tensor:
    """:meth:`koekao.clock.Clock.frame_start` on a tensor of int64 of any shape."""
    n, d = clock.sample_rate * clock.fps.denominator, clock.fps.numerator
    # not torch.div with rounding_mode="floor": exported to ONNX that goes through float32, wrong after 17 s of a stream
    return torch.floor_divide(2 * n * frames + d, 2 * d)


def frames_ended(clock: Clock, n_samples: Tensor) -> Tensor:
    """How many frames lie wholly in the first ``n_samples`` (int64, any shape): :meth:`koekao.clock.Clock.frame_at`."""
    n, d = clock.sample_rate * clock.fps.denominator, clock.fps.numerator
    return torch.floor_divide(2 * n_samples * d + d - 1, 2 * n)


def pieces_ending_at(audio: Tensor, ends: Tensor, n_samples: int, block: int) -> Iterator[Tensor]:
    """The ``n_samples`` samples before each of ``ends``, in blocks.

    Args:
        audio: ``[B, S]``. ends: ``[B or 1, n]`` int64, samples of ``audio``; may lie outside it.
        block: most pieces at once.

    Yields:
        ``[at most block, n_samples]`` in the order of ``ends``, row by row. Samples outside ``audio`` are 0.
    """
    starts = ends.expand(len(audio), -1) - n_samples
    low, high = int(starts.min()), int(ends.max())
    sound = nn.functional.pad(
        audio[:, max(low, 0) : max(high, 0)], (max(0, -low), max(0, high - max(audio.shape[1], low, 0)))
    )
    rows = torch.arange(len(audio), device=audio.device)[:, None].expand_as(starts).flatten()
    pieces, places = sound.unfold(1, n_samples, 1), (starts - low).flatten()
    for i in range(0, len(rows), block):
        yield pieces[rows[i : i + block], places[i : i + block]]
