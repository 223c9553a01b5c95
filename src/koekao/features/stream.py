"""A stream of features: sound in chunks of any size, frames out as soon as they have ended, state by row.

Shapes: B streams, S new samples, T frames that are ready, ``*F`` the shape of one frame.

There is one way to compute features, :meth:`FeatureStream.step`. Live input calls it with what has come, a whole take
is the same calls with all of it (:meth:`FeatureStream.whole`), and packing writes what a whole take gives. So the three
cannot drift apart, whatever the chunks.

State is plain tensors ``[B, ...]`` by name, as in :mod:`koekao.models.state`, whose ``reset_rows`` and ``choose_rows``
work on it: the last samples, how many were heard, and what the stream itself remembers. Rows may have begun at
different moments; then they are ready at different moments, and ``n_ready`` says how many of the T frames are each
row's. That is the price of rows that are reset alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from koekao.clock import Clock
from koekao.errors import ConfigError, ModelError, SoundError
from koekao.features.framing import frame_starts, frames_ended

State = dict[str, Tensor]
_BLOCK_S = 20
_LEAST_SPREAD = 1e-3
"""A value that never changes in the training takes is not blown up by dividing by its spread."""


class FeatureStream(nn.Module, ABC):
    """What features of every kind do. Its own spread and mean are 0 and 1 until :meth:`fit`.

    Attributes:
        name: what a packed column of it is called. clock: frames and samples. frame_shape: of one frame.
        past_samples: samples before the end of what was heard that frames to come may need.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, clock: Clock, frame_shape: tuple[int, ...], past_samples: int) -> None:
        super().__init__()
        self.name, self.clock, self.frame_shape, self.past_samples = name, clock, frame_shape, past_samples
        self.register_buffer("mean", torch.zeros(frame_shape))
        self.register_buffer("std", torch.ones(frame_shape))

    @abstractmethod
    def raw_settings(self) -> dict[str, Any]:
        """All that the values depend on, as JSON values: the settings of a column that was packed with them."""

    @abstractmethod
    def init_memory(self, n_rows: int) -> State:
        """What the stream remembers beside the sound, for ``n_rows`` streams that have not begun."""

    @abstractmethod
    def describe(
        self, sound: Tensor, *, origin_samples: Tensor, first_frame: Tensor, n_ready: Tensor, memory: State
    ) -> tuple[Tensor, State]:
        """The next frames of each row.

        Args:
            sound: ``[B, S]`` float32; ``sound[b, 0]`` is sample ``origin_samples[b]`` of its stream.
            first_frame, n_ready: ``[B]`` int64; row b has frames ``first_frame[b] .. + n_ready[b] - 1``, T is the most.
            memory: as of :meth:`init_memory`, and more that is not its business.

        Returns:
            ``[B, T, *F]`` float32 (what lies after a row's ``n_ready`` is no value), and the memory after them.
        """

    def init_state(self, n_rows: int) -> State:
        """The state of ``n_rows`` streams that have not begun: silence before their first sample."""
        tail = torch.zeros(n_rows, self.past_samples, device=self.mean.device)
        heard = torch.zeros(n_rows, dtype=torch.int64, device=self.mean.device)
        return {"tail": tail, "heard": heard, **self.init_memory(n_rows)}

    @torch.no_grad()
    def step(self, audio: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Hear ``audio`` (``[B, S]`` float32 in [-1, 1], S may be 0) after what ``state`` has heard.

        Returns:
            Frames ``[B, T, *F]`` float32, raw; ``n_ready [B]`` int64, how many of the T are the row's, the rest being
            0; and the state after. A frame is ready with its last sample.

        Raises:
            ModelError: not float32 ``[B, S]``, or another number of rows than the state has.
            SoundError: a sample that is not finite, named by row and sample; nothing is heard then.
        """
        heard, n_new = state["heard"], audio.shape[-1]
        _check_sound(audio, heard)
        sound = torch.cat([state["tail"], audio], 1)
        first = frames_ended(self.clock, heard)
        n_ready = frames_ended(self.clock, heard + n_new) - first
        n_frames = int(n_ready.max()) if len(n_ready) else 0
        memory = {name: value for name, value in state.items() if name not in ("tail", "heard")}
        frames = audio.new_zeros(len(audio), 0, *self.frame_shape)
        if n_frames:
            origin = heard - self.past_samples
            frames, memory = self.describe(
                sound, origin_samples=origin, first_frame=first, n_ready=n_ready, memory=memory
            )
            mine = torch.arange(n_frames, device=audio.device) < n_ready[:, None]
            frames = frames.masked_fill(~mine.view(*mine.shape, *[1] * len(self.frame_shape)), 0)
        return frames, n_ready, {"tail": sound[:, n_new:].clone(), "heard": heard + n_new, **memory}

    def whole(self, audio: Tensor, n_frames: int) -> Tensor:
        """All frames of whole sounds ``[B, S]`` float32: ``[B, n_frames, *F]`` float32, raw.

        Steps over a fresh state in blocks of 20 s. Sound that ends before the last frame does goes on as silence; sound
        after it is not heard.
        """
        n_samples = self.clock.frame_start(n_frames)
        sound = nn.functional.pad(audio[:, :n_samples], (0, max(0, n_samples - audio.shape[1])))
        parts, state = [audio.new_zeros(len(audio), 0, *self.frame_shape)], self.init_state(len(audio))
        for block in torch.split(sound, _BLOCK_S * self.clock.sample_rate, dim=1):
            frames, _, state = self.step(block, state)
            parts.append(frames)
        return torch.cat(parts, 1)

    def normalise(self, raw: Tensor) -> Tensor:
        """``[..., *F]`` to mean 0 and spread 1 over the training takes."""
        return (raw - self.mean) / self.std

    @torch.no_grad()
    def fit(self, sounds: Iterable[NDArray[np.float32]]) -> None:
        """Set mean and spread from whole takes (each ``[n_samples]`` float32); they stay, whatever is heard later.

        Raises:
            ConfigError: no sound at all.
        """
        count, total, squares = 0, torch.zeros(1), torch.zeros(1)
        for sound in sounds:
            audio = torch.from_numpy(np.require(sound, np.float32, ("C", "W")))[None]  # torch takes no read-only views
            n_frames = max(1, self.clock.frame_at(len(sound)))
            raw = self.whole(audio.to(self.mean.device), n_frames)[0].double().cpu()
            total, squares, count = total + raw.sum(0), squares + raw.square().sum(0), count + n_frames
        if not count:
            raise ConfigError("no sound to take statistics from", expected="at least one take")
        mean = total / count
        self.mean.copy_(mean)
        self.std.copy_((squares / count - mean.square()).clamp_min(0).sqrt().clamp_min(_LEAST_SPREAD))


def _check_sound(audio: Tensor, heard: Tensor) -> None:
    if audio.dim() != 2 or len(audio) != len(heard) or audio.dtype != torch.float32:
        what = f"sound of shape {list(audio.shape)}, {audio.dtype}"
        raise ModelError(what, expected=f"[{len(heard)}, n_samples] float32, a row a stream of this state")
    if not torch.isfinite(audio).all():  # a single one would stay in the past of its stream for seconds
        row, sample = (~torch.isfinite(audio)).nonzero()[0].tolist()
        where = f"row {row}, sample {int(heard[row]) + sample}"
        raise SoundError("a sample that is not finite", where=where, do="mend the sound before it comes here")


def ends_of(clock: Clock, first_frame: Tensor, n_frames: int) -> Tensor:
    """``[B, T]`` int64: the sample after the last one of frames ``first_frame .. first_frame + T - 1``."""
    frames = first_frame[:, None] + torch.arange(1, n_frames + 1, device=first_frame.device)
    return frame_starts(clock, frames)
