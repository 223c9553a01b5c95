"""One JSON document that names its curves: BEAT's layout, and the same with the metadata that LAM adds to it.

``{"names": [52], "frames": [{"weights": [52], "time": seconds}, ...], "metadata": {"fps": 30, "frame_count": n,
"blendshape_names": [52]}}``. Names stand once and weights are in their order, which makes it less than half the size of
JSON lines. The metadata stands behind the frames, because only then it is known how many there are; to JSON it is all
the same. The numbers are those of :mod:`koekao.outputs.jsonl`.

BEAT has no metadata and 51 names: there is no ``tongueOut``. Source: the files of the BEAT data set, and of LAM
Audio2Expression.

What it gives up: reading a part, for a reader has to take the whole document; and in BEAT's layout the tongue, of which
a warning tells if it moved.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from koekao.arkit import INDEX, NAMES, ORDERS
from koekao.outputs.target import Append, Frames, Target

BEAT_NAMES = ORDERS["beat"]
_TONGUE = INDEX["tongueOut"]


@contextmanager
def writing(target: Target) -> Iterator[Append]:
    """Write LAM's layout (see :mod:`koekao.outputs.target`)."""
    fps, n_frames = target.times.fps, 0
    with target.text() as out:
        put = _frames_into(out, NAMES)

        def append(frames: Frames) -> None:
            nonlocal n_frames
            put(frames)
            n_frames += len(frames.curves)

        yield append
        rate = fps.numerator if fps.denominator == 1 else float(fps)
        metadata = {"fps": rate, "frame_count": n_frames, "blendshape_names": NAMES}
        out.write(f'\n],\n"metadata": {json.dumps(metadata)}}}\n')


@contextmanager
def writing_beat(target: Target) -> Iterator[Append]:
    """Write BEAT's layout: no metadata, no ``tongueOut``."""
    lost = 0
    with target.text() as out:
        put = _frames_into(out, BEAT_NAMES)

        def append(frames: Frames) -> None:
            nonlocal lost
            put(frames)
            lost += int((frames.curves[:, _TONGUE] != 0).sum())

        yield append
        out.write("\n]}\n")
    if lost:
        warnings.warn(f"{target.path}: BEAT has no tongueOut; {lost} frames that have it lose it", stacklevel=2)


def _frames_into(out: TextIO, names: Sequence[str]) -> Append:
    """Begin a document whose weights are the first of the 52, as many as there are ``names``."""
    separator, n_names = "\n", len(names)
    out.write(f'{{"names": {json.dumps(names)},\n"frames": [')

    def put(frames: Frames) -> None:
        nonlocal separator
        for time_s, weights in frames.as_text():
            out.write(f'{separator}{{"weights": [{", ".join(weights[:n_names])}], "time": {time_s}}}')
            separator = ",\n"

    return put
