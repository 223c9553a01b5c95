"""Which windows, in which order: stride policies, grids, clips and streams. Arithmetic only, no torch."""

from koekao.windows.clips import ClipPlan
from koekao.windows.grid import Grid
from koekao.windows.keyed import window_generator
from koekao.windows.rows import NO_TAKE, Rows
from koekao.windows.streams import StreamPlan
from koekao.windows.stride import StridePolicy

__all__ = ["NO_TAKE", "ClipPlan", "Grid", "Rows", "StreamPlan", "StridePolicy", "window_generator"]
