"""JSON lines: one frame a line, ``{"timestamp": seconds, "blendshapes": {name: value}}``, all 52 by name.

It is koekao's own format for takes, because a line can be read without the others, cut with ``head`` and compared with
``diff``. A value is written with as few digits as give back the same float32; a timestamp of regular frames is rounded
to a microsecond, a measured one is written as it was. Where a pose was given, a line has it as a third key, ``"pose":
[9 radians]`` in the order of :data:`koekao.arkit.HEAD_AND_EYES`. A line without one looks as it always has, and a
reader that looks keys up by name reads both.

What it gives up: size (about 1.5 kB a frame), and with a pose the speed of koekao's own reader for lines of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from koekao.arkit import NAMES
from koekao.outputs.target import Append, Frames, Target, as_text

_LINE = '{"timestamp": %s, "blendshapes": {' + ", ".join(f'"{name}": %s' for name in NAMES) + "}%s}\n"


@contextmanager
def writing(target: Target) -> Iterator[Append]:
    """Write JSON lines (see :mod:`koekao.outputs.target`)."""
    with target.text() as out:

        def append(frames: Frames) -> None:
            poses = [""] * len(frames.curves)
            if frames.pose is not None:
                poses = [f', "pose": [{", ".join(angles)}]' for angles in as_text(frames.pose)]
            for (time_s, values), pose in zip(frames.as_text(), poses, strict=True):
                out.write(_LINE % (time_s, *values, pose))

        yield append
