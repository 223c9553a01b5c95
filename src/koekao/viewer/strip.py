"""Pictures of an animation: one frame, or a strip of frames beside one another, without a window or a browser."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.atomic import write_file
from koekao.errors import ConfigError
from koekao.head import make_head
from koekao.head.render import Camera, render
from koekao.viewer.clip import Curves

_MOST_PIXELS = 16_384


def draw_frame(
    curves: Curves, frame: int, *, width: int = 640, height: int = 640, camera: Camera | None = None
) -> NDArray[np.uint8]:
    """The face in one frame, uint8 ``[height, width, 3]``. Head turned as the track has it, eyes by their curves."""
    pose = None
    if curves.head is not None:
        pose = np.zeros(9, np.float32)
        pose[:3] = curves.head[frame]
    return render(make_head(), curves.values[frame], pose, width=width, height=height, camera=camera)


def strip_times(seconds: float, n: int, at: tuple[float, ...] = ()) -> tuple[float, ...]:
    """``at``, or the middles of ``n`` equal parts of the whole.

    Raises:
        ConfigError: no picture, or a time outside.
    """
    times = at or tuple((k + 0.5) / n * seconds for k in range(n))
    if not times or any(not 0 <= time < seconds for time in times):
        raise ConfigError(f"pictures at {times}", expected=f"times from 0 to {seconds:.2f} s")
    return times


def draw_strip(
    curves: Curves, times_s: tuple[float, ...], *, size: int = 320, camera: Camera | None = None
) -> NDArray[np.uint8]:
    """Frames side by side, uint8 ``[size, size * n, 3]``.

    Raises:
        ConfigError: it would be wider than 16384 pixels.
    """
    if not 0 < size * len(times_s) <= _MOST_PIXELS:
        raise ConfigError(f"{len(times_s)} pictures of {size} pixels", expected=f"1 to {_MOST_PIXELS} pixels in all")
    last = len(curves.values) - 1
    frames = [min(last, int(time * curves.fps + 1e-6)) for time in times_s]
    return np.concatenate([draw_frame(curves, k, width=size, height=size, camera=camera) for k in frames], axis=1)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write uint8 ``[h, w, 3]`` as PNG (W3C PNG, third edition: 8 bits, truecolour, filter 1 in each row)."""
    height, width, _ = pixels.shape
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = 1
    before = np.concatenate([np.zeros((height, 1, 3), np.uint8), pixels[:, :-1]], axis=1)
    rows[:, 1:] = (pixels - before).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    write_file(path, b"\x89PNG\r\n\x1a\n" + body)
