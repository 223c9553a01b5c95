"""A model that gives every frame of a piece of sound from the log-mel around it: what the stream trainer trains.

Shapes: B streams or windows, T frames, F frames around a frame (past + 1 + look-ahead), C columns a frame, M bands.

Of :class:`~koekao.models.base.FaceModel` this does the two halves that have to do with sound: :meth:`observe` for
streams, :meth:`forward` for one window. What is left to a model is small: how far it sees on both sides, the state of
a stream that has not begun, and :meth:`step`. Because the look-ahead lies in what :meth:`seen_of` cuts out, and in
nothing else, the state can never hold what a later frame would change.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from koekao.models.base import FaceModel
from koekao.models.front import frames_around


class ColumnModel(FaceModel):
    """Streams in pieces of any length to all their frames; windows ``[B, S]`` to their last frame ``[B, 52]``.

    To be written: ``look_ahead_frames``, ``past_frames``, ``context_frames``, ``init_state`` and ``step``. ``step``
    takes ``[B, T, F, C, M]`` with ``F = past_frames + 1 + look_ahead_frames``, the columns around each frame,
    normalised; and gives ``[B, T, 52]``, best by :meth:`in_units`, which knows mean and spread of the curves.
    """

    @property
    @abstractmethod
    def context_frames(self) -> int:
        """The frame itself and the past that it is made from, by way of the state too: in training, frames of a window
        before this one have not heard enough yet and do not count (unless the window begins the take). A model that
        never forgets says after how many frames what came before no longer matters much."""

    @property
    def tempo(self) -> float:
        """How much faster or slower windows are spoken in training, the spread of its logarithm; 0 is not at all."""
        return 0.0

    def forward(self, audio: Tensor, start_frames: Tensor | None = None, valid_frames: Tensor | None = None) -> Tensor:
        """The last real frame of each window (see :class:`FaceModel`); what its look-ahead lacks counts as silence."""
        start, valid = self.bounds_of(audio, start_frames, valid_frames)
        origin, end = self.features.frame_starts(start), self.features.frame_starts(start + valid)
        real = torch.arange(audio.shape[1], device=audio.device) < (end - origin)[:, None]
        context, ahead = self.context_frames, self.look_ahead_frames
        columns = self.features.columns(
            torch.where(real, audio, torch.zeros_like(audio)),
            origin_samples=origin,
            first_frame=start + valid - context,
            n_frames=context + ahead,
        )
        seen = self.seen_of(columns)
        frame = valid[:, None] - torch.arange(seen.shape[1], 0, -1, device=audio.device)  # in the window
        within = (frame >= 0)[:, :, None, None, None]  # a stream's past is silent in what it would have seen ahead, too
        seen = torch.where(within, seen, self.silence)
        return self.step(seen, self.init_state(len(audio)))[0][:, -1]

    def observe(
        self, audio: Tensor, *, origin_samples: Tensor | int, first_frame: Tensor | int, n_frames: int
    ) -> Tensor:
        """``[B, T, F, C, M]``: the normalised columns around each frame."""
        columns = self.features.columns(
            audio,
            origin_samples=origin_samples,
            first_frame=first_frame - self.past_frames,
            n_frames=n_frames + self.past_frames + self.look_ahead_frames,
        )
        return self.seen_of(columns)

    def seen_of(self, columns: Tensor) -> Tensor:
        """What :meth:`step` takes of frames, from normalised columns ``[B, T + F - 1, C, M]`` of them and around them.

        The place to disturb them in training; whatever is done keeps the shape ``[B, T, F, C, M]``.
        """
        return frames_around(columns, self.past_frames + 1 + self.look_ahead_frames)

    @property
    def silence(self) -> Tensor:
        """``[M]``: what :meth:`step` sees where there is no sound at all."""
        return self.features.silence
