"""A trained model over sound: offline is live with the whole sound at hand.

Shapes: B streams, S samples, T frames.

The animator counts samples. A frame is ready when all the sound it may hear has come (its own interval and the model's
look-ahead); then the model observes the new frames and steps. It keeps only the samples that frames to come may still
need. ``finish`` tells that the sound is over: what is missing after its end counts as silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from koekao.arkit import N_CURVES
from koekao.errors import ModelError, SoundError
from koekao.models import FaceModel, State

_BLOCK_S = 20


@dataclass(kw_only=True)
class _Heard:
    """The end of the sound so far: ``samples [B, n]``, the first of which is sample ``origin`` of the streams."""

    samples: Tensor
    origin: int = 0

    @property
    def end(self) -> int:
        return self.origin + self.samples.shape[1]

    def forget_before(self, sample: int) -> None:
        n = min(max(0, sample - self.origin), self.samples.shape[1])
        self.samples, self.origin = self.samples[:, n:].clone(), self.origin + n


class Animator:
    """Curves for ``n_rows`` streams that are heard together.

    Args:
        model: any :class:`~koekao.models.FaceModel`; used in evaluation mode.
        n_rows: B, streams side by side.

    The curves are limited to 0..1, the range that face rigs take.
    """

    def __init__(self, model: FaceModel, n_rows: int = 1) -> None:
        self.model = model.eval()
        self._heard = _Heard(samples=torch.zeros(n_rows, 0, device=model.curve_mean.device))
        self._state: State = model.init_state(n_rows)
        self._next_frame = 0
        self._finished = False

    @property
    def latency_frames(self) -> int:
        """A frame comes out this many frames after its start: its own interval and the look-ahead."""
        return 1 + self.model.look_ahead_frames

    @torch.inference_mode()
    def push(self, samples: NDArray[np.float32] | Tensor) -> NDArray[np.float32]:
        """Hear ``samples`` (``[B, S]`` or, for one stream, ``[S]``; float32 in [-1, 1]).

        Returns:
            ``[B, T, 52]``: the frames that are ready now, T may be 0.

        Raises:
            ModelError: the sound is over, or is not float ``[B, S]``.
            SoundError: a sample is not finite; nothing of ``samples`` is heard then.
        """
        if self._finished:
            raise ModelError("sound after finish()", do="make a new Animator for a new sound")
        self._heard.samples = torch.cat([self._heard.samples, self._checked(samples)], 1)
        return self._ready(self.model.clock.frame_at(self._heard.end) - self.model.look_ahead_frames)

    @torch.inference_mode()
    def finish(self) -> NDArray[np.float32]:
        """The frames still owed: every frame that begins before the end of the sound. ``[B, T, 52]``."""
        self._finished = True
        return self._ready(self.model.clock.frames_covering(self._heard.end))

    def _checked(self, samples: NDArray[np.float32] | Tensor) -> Tensor:
        known = self._heard.samples
        if isinstance(samples, np.ndarray):
            samples = torch.from_numpy(np.require(samples, requirements=("C", "W")))  # torch takes no read-only views
        new = samples[None] if samples.dim() == 1 and len(known) == 1 else samples
        if new.dim() != 2 or len(new) != len(known) or not new.is_floating_point():
            raise ModelError(
                f"sound of shape {tuple(samples.shape)}, {samples.dtype}",
                expected=f"[{len(known)}, n_samples] float32, a row a stream",
                do="mix it to one channel, and divide int16 by 32768",
            )
        wrong = (~torch.isfinite(new)).any(0).nonzero()
        if len(wrong):  # a single one would stay in the state of its stream for good
            where = f"sample {self._heard.end + int(wrong[0])}"
            raise SoundError("a sample that is not finite", where=where, do="mend the sound before it comes here")
        return new.to(known)

    def _ready(self, until_frame: int) -> NDArray[np.float32]:
        """Frames up to ``until_frame`` (not included), in blocks so that long sound needs bounded memory."""
        clock, block = self.model.clock, max(1, int(_BLOCK_S * self.model.clock.fps))
        parts = [np.zeros((len(self._heard.samples), 0, N_CURVES), np.float32)]
        while self._next_frame < until_frame:
            n_frames = min(block, until_frame - self._next_frame)
            seen = self.model.observe(
                self._heard.samples,
                origin_samples=self._heard.origin,
                first_frame=self._next_frame,
                n_frames=n_frames,
            )
            curves, self._state = self.model.step(seen, self._state)
            parts.append(curves.clamp(0, 1).cpu().numpy())
            self._next_frame += n_frames
        first_needed = clock.frame_start(max(0, self._next_frame - self.model.past_frames))
        self._heard.forget_before(first_needed - self.model.features.past_samples)
        return np.concatenate(parts, 1)


def animate(model: FaceModel, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every frame of a whole sound: ``[n_samples]`` float32 at the model's sample rate to ``[n_frames, 52]`` in 0..1.

    Frame k belongs to the moment k / fps; a sound of n samples has every frame that begins before sample n.
    """
    animator = Animator(model)
    block = _BLOCK_S * model.clock.sample_rate
    parts: list[Any] = [animator.push(audio[i : i + block])[0] for i in range(0, len(audio), block)]
    return np.concatenate([*parts, animator.finish()[0]])
