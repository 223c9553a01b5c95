"""JSON lines: one frame a line, ``{"timestamp": seconds, "blendshapes": {name: value}}``, all 52 by name.

It is koekao's own format for takes, because a line can be read without the others, cut with ``head`` and compared with
``diff``. A value is written with as few digits as give back the same float32; a timestamp of regular frames is rounded
to a microsecond, a measured one is written as it was.

What it gives up: size (about 1.5 kB a frame).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.outputs.times import FrameTimes

_LINE = '{"timestamp": %s, "blendshapes": {' + ", ".join(f'"{name}": %s' for name in NAMES) + "}}\n"
_BLOCK_FRAMES = 1000


def write(out: TextIO, curves: NDArray[np.float32], times: FrameTimes) -> None:
    """Write ``curves`` ``[n_frames, 52]`` (canonical order)."""
    for time_s, values in frames_as_text(curves, times):
        out.write(_LINE % (time_s, *values))


def frames_as_text(curves: NDArray[np.float32], times: FrameTimes) -> Iterator[tuple[str, list[str]]]:
    """Each frame's time in seconds and its 52 values, as JSON numbers."""
    for first in range(0, len(curves), _BLOCK_FRAMES):
        # numpy writes a float32 with the fewest digits that read back as the same float32.
        for i, values in enumerate(curves[first : first + _BLOCK_FRAMES].astype(np.str_).tolist(), first):
            yield times.as_text(i), values
