"""Log-mel as a stream: the columns of :class:`~koekao.features.logmel.LogMel`, frame by frame as the sound comes.

The numbers are LogMel's own; this adds only the samples that must be kept between two steps. Statistics are LogMel's
too, with their floor, so that a model which was trained on LogMel hears the same from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from koekao.features.logmel import LogMel
from koekao.features.stream import FeatureStream, State


class MelStream(FeatureStream):
    """Frames ``[columns_per_frame, n_mels]`` of ln(power), as :meth:`LogMel.raw` gives them."""

    def __init__(self, features: LogMel) -> None:
        config, clock = features.config, features.clock
        frame_samples = clock.frame_start(1) + 1  # a frame's first columns end before the frame does
        shape = (config.columns_per_frame, config.n_mels)
        super().__init__("mel", clock, shape, config.n_fft + frame_samples)
        self.features = features
        self._tell_statistics()

    def raw_settings(self) -> dict[str, Any]:
        return self.features.config.raw_settings()

    def init_memory(self, n_rows: int) -> State:
        return {}

    def describe(
        self, sound: Tensor, *, origin_samples: Tensor, first_frame: Tensor, n_ready: Tensor, memory: State
    ) -> tuple[Tensor, State]:
        n_frames = int(n_ready.max())
        raw = self.features.raw(sound, first_frame=first_frame, n_frames=n_frames, origin_samples=origin_samples)
        return raw, memory

    def normalise(self, raw: Tensor) -> Tensor:
        return self.features.normalise(raw)

    def fit(self, sounds: Iterable[NDArray[np.float32]]) -> None:
        self.features.fit(sounds)
        self._tell_statistics()

    def _tell_statistics(self) -> None:
        """LogMel's mean and spread, which are the same for every column of a frame."""
        self.mean.copy_(self.features.mean.expand(self.frame_shape))
        self.std.copy_(self.features.std.expand(self.frame_shape))
