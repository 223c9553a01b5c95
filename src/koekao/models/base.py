"""What every face model can do, so that training, evaluation and live animation are one code each.

Shapes: B streams (or windows), S samples, T frames.

A model hears a stream in two moves: :meth:`observe` turns sound into what the model sees of T new frames, and
:meth:`step` turns that and the state of the past into T frames of curves. Offline animation is ``step`` over a fresh
state; there is no second implementation. :meth:`forward` answers the seeds' question: one window of sound, one frame.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from koekao.arkit import N_CURVES
from koekao.clock import Clock
from koekao.features import LogMel
from koekao.models.liveliness import Liveliness
from koekao.models.state import State


class FaceModel(nn.Module, ABC):
    """Sound in, 52 curves out, in curve units: spread and mean of the training takes are inside.

    :meth:`step` gives curves as they were learnt; who uses the model (:class:`~koekao.models.Listening`) passes them
    through its ``liveliness``.
    """

    config: Any
    features: LogMel
    curve_mean: Tensor
    curve_spread: Tensor

    def __init__(self, features: LogMel, liveliness: float = 0.0) -> None:
        super().__init__()
        self.features = features
        self.liveliness = Liveliness(features.clock, liveliness)
        self.register_buffer("curve_mean", torch.zeros(N_CURVES))
        self.register_buffer("curve_spread", torch.ones(N_CURVES))

    @property
    def clock(self) -> Clock:
        return self.features.clock

    @property
    @abstractmethod
    def look_ahead_frames(self) -> int:
        """Frames of sound after a frame's own end that the model waits for."""

    @property
    @abstractmethod
    def past_frames(self) -> int:
        """Frames before a frame that :meth:`observe` may look at (what :meth:`step` remembers is not counted)."""

    @abstractmethod
    def forward(self, audio: Tensor, start_frames: Tensor | None = None, valid_frames: Tensor | None = None) -> Tensor:
        """Windows ``[B, S]`` to the curves of one frame each, ``[B, 52]``.

        Args:
            start_frames: ``[B]`` int64, where in its take each window starts; decides how frame times round to samples.
            valid_frames: ``[B]`` int64, how much of each window is real; all of it where not given.
        """

    @abstractmethod
    def observe(
        self, audio: Tensor, *, origin_samples: Tensor | int, first_frame: Tensor | int, n_frames: int
    ) -> Tensor:
        """What the model sees of frames ``first_frame ..``, given ``audio`` from sample ``origin_samples`` on.

        Args:
            audio: ``[B, S]`` float32.
            origin_samples, first_frame: ``[B]`` int64, or one for all rows.
            n_frames: T.

        Returns:
            ``[B, T, ...]``; samples before and after ``audio`` count as 0.
        """

    @abstractmethod
    def init_state(self, n_rows: int) -> State:
        """The state of ``n_rows`` streams that have not begun."""

    @abstractmethod
    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        """``[B, T, ...]`` of new frames and the state before them to curves ``[B, T, 52]`` and the state after."""

    def fit_features(self, sounds: Callable[[], Iterable[NDArray[np.float32]]]) -> None:
        """Set the statistics of all features from whole training takes.

        Args:
            sounds: gives the takes' sound (each ``[n_samples]`` float32) one by one, as often as it is called.
        """
        self.features.fit(sounds())

    def set_curve_statistics(self, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> None:
        """Set mean and spread (``[52]`` each) of the training takes' curves; a still curve has spread 0."""
        self.curve_mean.copy_(torch.from_numpy(mean))
        self.curve_spread.copy_(torch.from_numpy(spread))

    def set_pace(self, pace: float) -> None:
        """Set the pace of the training takes' faces (:class:`~.liveliness.Pace`), in curve units a frame."""
        self.liveliness.pace.fill_(pace)

    def bounds_of(
        self, audio: Tensor, start_frames: Tensor | None, valid_frames: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Where windows ``[B, S]`` start in their takes, and how many of their frames are real: ``[B]`` int64 each, as
        :meth:`forward` is told, else 0 and all."""
        if start_frames is None:
            start_frames = torch.zeros(len(audio), dtype=torch.int64, device=audio.device)
        if valid_frames is None:
            valid_frames = torch.full_like(start_frames, self.clock.frame_at(audio.shape[1]))
        return start_frames, valid_frames

    def in_units(self, head: Tensor) -> Tensor:
        """A head's output in spreads from the mean, to curves."""
        return self.curve_mean + self.curve_spread * head
