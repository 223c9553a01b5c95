"""The CSV of NVIDIA's Audio2Face-3D client: what its samples write as ``animation_frames.csv``.

A column without a name that counts the rows from 0, ``timeCode`` in seconds, then ``blendShapes.EyeBlinkLeft`` and so
on in the order of the Audio2Face-3D service. The numbers are those of :mod:`koekao.outputs.jsonl`. Source:
Audio2Face-3D-Samples, whose client writes it with pandas.

What it gives up: the 16 further shapes of the tongue that the service has, which ARKit does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from koekao.arkit import N_CURVES, ORDERS, from_canonical
from koekao.outputs.target import Append, Frames, Target, as_text

CURVES = ORDERS["audio2face"][:N_CURVES]
HEADER = ",".join(("", "timeCode", *(f"blendShapes.{name}" for name in CURVES)))


@contextmanager
def writing(target: Target) -> Iterator[Append]:
    """Write an Audio2Face-3D CSV (see :mod:`koekao.outputs.target`)."""
    with target.text() as out:
        out.write(HEADER + "\n")

        def append(frames: Frames) -> None:
            for row, values in enumerate(as_text(from_canonical(frames.curves, CURVES)), frames.first):
                out.write(f"{row},{frames.times.as_text(row)},{','.join(values)}\n")

        yield append
