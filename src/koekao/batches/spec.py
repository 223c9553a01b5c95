"""What decides the content and order of batches: one frozen config for streams, one for clips.

Everything here goes into a saved position, so that a position is never taken up on other batches than it was left on.
What does not change the batches (threads, pinning, prefetching) is not here.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.windows import ClipPlan, Grid, StreamPlan, StridePolicy
from koekao.windows.grid import Short

Plan = StreamPlan | ClipPlan


@dataclass(frozen=True, kw_only=True)
class StreamSpec:
    """Batches of consecutive windows for sequential training.

    Attributes:
        batch_size: rows a batch on this rank.
        n_streams: streams the rows are shared out to (``batch_size`` = ``n_streams`` * consecutive windows).
        window_frames: frames a window.
        stride: how far apart windows start; a number of frames or the name of a mode becomes a policy.
        short: what becomes of takes shorter than a window, ``pad`` or ``skip``.
        drop_last: end the epoch before the first batch that would need padding rows.
        shuffle: shuffle the order of takes each epoch.
        seed: decides the order, with the epoch.
        columns: what is delivered of each window: ``audio``, ``blendshapes``, and names of packed feature columns.
    """

    kind: Literal["streams"] = field(default="streams", init=False)
    batch_size: int = 4
    n_streams: int = 2
    window_frames: int = 256
    stride: StridePolicy = field(default_factory=StridePolicy)
    short: Short = "pad"
    drop_last: bool = False
    shuffle: bool = True
    seed: int = 0
    columns: tuple[str, ...] = ("audio", "blendshapes")

    sound_key = "audio"
    curves_key = "blendshapes"

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _checked_columns(self))
        object.__setattr__(self, "stride", StridePolicy.of(self.stride))

    def plan(self, n_frames: NDArray[np.int64], epoch: int, world_size: int) -> StreamPlan:
        """The plan of ``epoch`` over takes of these lengths, for all ranks together."""
        return StreamPlan(
            _grid(self, n_frames, self.stride, epoch),
            batch_size=self.batch_size * world_size,
            n_streams=self.n_streams * world_size,
            drop_last=self.drop_last,
            shuffle=self.shuffle,
        )


@dataclass(frozen=True, kw_only=True)
class ClipSpec:
    """Shuffled windows of a fixed length.

    Attributes:
        batch_size: rows a batch on this rank.
        window_frames: frames a clip (300 = 10 s at 30 fps).
        stride_frames: frames between the starts of clips; 1 = every clip there is.
        short, drop_last, shuffle, seed: as in :class:`StreamSpec`.
        columns: ``wav``, ``arkit``, and names of packed feature columns.
    """

    kind: Literal["clips"] = field(default="clips", init=False)
    batch_size: int = 16
    window_frames: int = 300
    stride_frames: int = 1
    short: Short = "pad"
    drop_last: bool = False
    shuffle: bool = True
    seed: int = 0
    columns: tuple[str, ...] = ("wav", "arkit")

    sound_key = "wav"
    curves_key = "arkit"

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _checked_columns(self))

    def plan(self, n_frames: NDArray[np.int64], epoch: int, world_size: int) -> ClipPlan:
        """The plan of ``epoch`` over takes of these lengths, for all ranks together."""
        policy = StridePolicy(mode="sparse", initial_stride=self.stride_frames)
        grid = _grid(self, n_frames, policy, epoch)
        return ClipPlan(grid, batch_size=self.batch_size * world_size, drop_last=self.drop_last, shuffle=self.shuffle)


Spec = StreamSpec | ClipSpec
_SOUND, _CURVES = ("audio", "wav"), ("blendshapes", "arkit")


def _checked_columns(spec: StreamSpec | ClipSpec) -> tuple[str, ...]:
    """The columns by this kind of batch's own names, each once.

    Raises:
        ConfigError: none, or one twice.
    """
    stated: Any = spec.columns
    given: tuple[str, ...] = (stated,) if isinstance(stated, str) else tuple(stated)
    named = dict.fromkeys(_SOUND, spec.sound_key) | dict.fromkeys(_CURVES, spec.curves_key)
    columns = tuple(named.get(name, name) for name in given)
    if not columns or len(set(columns)) < len(columns):
        expected = f"some of {spec.sound_key}, {spec.curves_key} and packed feature columns, each once"
        raise ConfigError(f"columns {given!r}", expected=expected)
    return columns


def _grid(spec: Spec, n_frames: NDArray[np.int64], policy: StridePolicy, epoch: int) -> Grid:
    return Grid.of(
        n_frames, window_frames=spec.window_frames, policy=policy, epoch=epoch, seed=spec.seed, short=spec.short
    )


def clip_frames(clip_s: float, clock: Clock) -> int:
    """Frames in a clip of ``clip_s`` seconds.

    Raises:
        ConfigError: not a positive length.
    """
    frames = clock.frames_of(clip_s) if 0 < clip_s < math.inf else 0
    if frames < 1:
        raise ConfigError(f"clip_s {clip_s!r}", expected="at least one frame of sound")
    return frames


def spec_dict(spec: Spec, world_size: int = 1) -> dict[str, Any]:
    """The spec as plain JSON values, for saved positions and their comparison.

    Rows and streams are counted over all ranks: four ranks of 4 rows and one of 16 have the same batches.
    """
    values = asdict(spec)
    values["columns"] = list(spec.columns)
    values["batch_size"] = spec.batch_size * world_size
    if isinstance(spec, StreamSpec):
        values["n_streams"] = spec.n_streams * world_size
        values["stride"]["stages"] = [list(stage) for stage in spec.stride.stages]
    return values
