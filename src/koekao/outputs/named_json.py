"""One JSON document that names its curves: BEAT's layout with the metadata that LAM adds to it.

``{"names": [52], "metadata": {"fps": 30, "frame_count": n, "blendshape_names": [52]},
"frames": [{"weights": [52], "time": seconds}, ...]}``. Names stand once and weights are in their order, which makes it
less than half the size of JSON lines; it is written frame by frame all the same. The numbers are those of
:mod:`koekao.outputs.jsonl`.

What it gives up: reading a part; a reader has to take the whole document.
"""

from __future__ import annotations

import json
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.outputs.jsonl import frames_as_text
from koekao.outputs.times import FrameTimes


def write(out: TextIO, curves: NDArray[np.float32], times: FrameTimes) -> None:
    """Write ``curves`` ``[n_frames, 52]`` (canonical order)."""
    fps = times.fps
    rate = fps.numerator if fps.denominator == 1 else float(fps)
    metadata = {"fps": rate, "frame_count": len(curves), "blendshape_names": NAMES}
    out.write(f'{{"names": {json.dumps(NAMES)},\n"metadata": {json.dumps(metadata)},\n"frames": [')
    separator = "\n"
    for time_s, weights in frames_as_text(curves, times):
        out.write(f'{separator}{{"weights": [{", ".join(weights)}], "time": {time_s}}}')
        separator = ",\n"
    out.write("\n]}\n")
