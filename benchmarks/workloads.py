"""What every contestant is asked for: which windows, of which length, in which order, in batches of which size.

The two workloads are the seeds': streams (windows of 256 frames, at a stride) and clips (10 s, shuffled). Takes are
dealt to two streams, and a batch has as many windows of one as of the other, each in the order of time; every clip
there is, one beginning at each frame, is visited once an epoch in shuffled order. koekao's order is its own, and so is
that of neighbours that read whole takes one after the other.

Shapes: B rows, T frames a window, N samples a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
FPS = 30
N_CURVES = 52
PCM_SCALE = np.float32(1 / 32768)

Batch = dict[str, Any]
"""``audio [B, N]`` float32, ``curves [B, T, 52]`` float32, ``file_indices [B]``, ``start_frames [B]``."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One kind of batch.

    Attributes:
        name: how it is asked for. batch_size: B. n_frames: T. n_samples: N.
        stride_frames: frames between windows of a take. shuffled: clips in shuffled order.
    """

    name: str
    batch_size: int
    n_frames: int
    n_samples: int
    stride_frames: int
    shuffled: bool

    @property
    def window_bytes(self) -> int:
        """Bytes that are delivered a window: sound and curves as float32."""
        return 4 * (self.n_samples + self.n_frames * N_CURVES)


def _streams(stride: int) -> Workload:
    return Workload(
        name=f"streams-{stride}", batch_size=4, n_frames=256, n_samples=136_576, stride_frames=stride, shuffled=False
    )


_CLIPS = Workload(name="clips", batch_size=16, n_frames=300, n_samples=160_000, stride_frames=1, shuffled=True)
WORKLOADS = {workload.name: workload for workload in (_streams(1), _streams(8), _streams(32), _CLIPS)}


def first_sample(frame: int) -> int:
    """The sample at which a frame starts: floor(frame * 16000 / 30 + 1/2), in integers."""
    return (2 * SAMPLE_RATE * frame + FPS) // (2 * FPS)


def first_samples(frames: NDArray[np.int64]) -> NDArray[np.int64]:
    """:func:`first_sample` of each frame, int64."""
    return (2 * SAMPLE_RATE * frames + FPS) // (2 * FPS)


def visits(
    n_frames: NDArray[np.int64], workload: Workload, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The windows of one epoch in the order of visits: take ``[W]`` and start frame ``[W]``, both int64.

    Takes shorter than a window give none.
    """
    starts = [
        np.arange(0, length - workload.n_frames + 1, workload.stride_frames, dtype=np.int64)
        for length in n_frames.tolist()
    ]
    take, start = np.repeat(np.arange(len(starts)), [len(of_take) for of_take in starts]), np.concatenate(starts)
    order = np.random.default_rng(seed).permutation(len(take)) if workload.shuffled else _dealt(take, workload)
    return take[order], start[order]


def _dealt(take: NDArray[np.int64], workload: Workload) -> NDArray[np.int64]:
    """The order in which batches take windows from two streams in turn; from one where a batch has an odd number.

    A take goes to the stream that is shorter so far. What the longer one has more comes at the end by itself.
    """
    streams: list[list[NDArray[np.int64]]] = [[], []] if workload.batch_size % 2 == 0 else [[]]
    for places in np.split(np.arange(len(take)), np.flatnonzero(np.diff(take)) + 1):
        min(streams, key=lambda stream: sum(map(len, stream))).append(places)
    dealt, step = [np.concatenate(stream) for stream in streams], workload.batch_size // len(streams)
    shared = min(map(len, dealt)) // step * step
    batches = np.concatenate([stream[:shared].reshape(-1, step) for stream in dealt], axis=1)
    return np.concatenate([batches.ravel(), *(stream[shared:] for stream in dealt)])
