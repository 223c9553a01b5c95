"""The emotion stream for models: what a frame says by itself, and what the past makes of it, as two moves.

Shapes: B streams, T frames, A numbers of a frame alone, C values a frame.

A model is asked to observe sound without a state and to step without sound. Prosody does both at once, for its frames
need 64 ms of sound and 20 s of past. So its work is cut where the sound ends: :meth:`FramewiseProsody.alone` describes
every frame by its own samples, on exact frame times, and :meth:`FramewiseProsody.carry` does the rest (pitch held,
flux, functionals of the long past) from numbers and memory by row. One after the other they give the values of
:class:`~koekao.features.Prosody` to the bit; a test holds them to it. All numbers between the two are float64, as
there, so that a decision (a voiced frame, an onset) is the same live, offline and packed. What it gives up: the
carrying is written here a second time, and devices without float64 must compute it on the CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor

from koekao.features import Prosody
from koekao.features.framing import pieces_ending_at
from koekao.features.prosody import DESCRIPTORS
from koekao.features.spectrum import N_BANDS, flux_db_per_s
from koekao.features.stream import State, ends_of

N_NOW = 1 + len(DESCRIPTORS)
"""Values of a frame that are of the frame itself: voicing and the descriptors. The functionals follow them."""
N_ALONE = len(DESCRIPTORS) + N_BANDS
"""A: the descriptors but flux, voicing, and the levels of the bands."""
_BLOCK_FRAMES = 64
_VOICED = 0.5


class FramewiseProsody(Prosody):
    """:class:`~koekao.features.Prosody` in two moves; same settings, same values, same packed column."""

    @torch.no_grad()
    def alone(self, sound: Tensor, *, origin_samples: Tensor | int, first_frame: Tensor | int, n_frames: int) -> Tensor:
        """What frames say by themselves: ``[B, T, A]`` float64.

        Args:
            sound: ``[B, S]`` float32; ``sound[b, 0]`` is sample ``origin_samples`` (``[B]`` int64, or one for all) of
                its stream. Samples outside count as 0.
            first_frame: ``[B]`` int64, or one for all, on the clock of the sound. n_frames: T.
        """
        first = torch.as_tensor(first_frame, device=sound.device).expand(len(sound))
        origin = torch.as_tensor(origin_samples, device=sound.device).reshape(-1, 1)
        if not n_frames:
            return sound.new_zeros(len(sound), 0, N_ALONE, dtype=torch.float64)
        ends = ends_of(self.clock, first, n_frames) - origin
        pieces = pieces_ending_at(sound, ends, self.config.window_samples, _BLOCK_FRAMES)
        return torch.cat([self._alone(block) for block in pieces]).view(len(sound), n_frames, N_ALONE)

    @torch.no_grad()
    def carry(self, alone: Tensor, *, first_frame: Tensor, n_ready: Tensor, memory: State) -> tuple[Tensor, State]:
        """``alone`` ``[B, T, A]``, T at least 1, and the memory before it to frames ``[B, T, C]`` and the memory after.

        Args:
            first_frame: ``[B]`` int64, frames that each stream has had before, counted from its own beginning: they
                decide when it refreshes and how much of its past it has heard.
            n_ready: ``[B]`` int64, how many of the T are the row's (the most is T); what lies after them is no value.
            memory: as of :meth:`Prosody.init_memory`.
        """
        f0_ln_hz, others, voiced, bands_db = torch.split(alone, [1, len(DESCRIPTORS) - 2, 1, N_BANDS], 2)
        bands = torch.cat([memory["bands_db"][:, None], bands_db], 1)
        flux = flux_db_per_s(bands[:, 1:], bands[:, :-1], self.fps)
        pitch = _held(torch.cat([memory["f0_ln_hz"][:, None], f0_ln_hz[..., 0]], 1), voiced[..., 0] > _VOICED)
        seen = torch.cat([pitch[:, 1:, None], others, flux[..., None], voiced], 2)
        past = torch.cat([memory["past"], seen], 1)
        due = self.refresh.due(first_frame, n_ready)
        fresh = self._summaries(past, due, first_frame).to(memory["summaries"])
        held, summaries = self.refresh.hold(fresh, due, memory["summaries"])
        row = torch.arange(len(alone), device=alone.device)
        kept = n_ready[:, None] + torch.arange(self.past_frames, device=alone.device)
        after = {
            "bands_db": bands[row, n_ready],
            "f0_ln_hz": pitch[row, n_ready],
            "past": past[row[:, None], kept],
            "summaries": summaries,
        }
        return torch.cat([torch.cat([voiced, seen[..., :-1]], 2).to(held), held.flatten(2)], 2), after

    def describe(
        self, sound: Tensor, *, origin_samples: Tensor, first_frame: Tensor, n_ready: Tensor, memory: State
    ) -> tuple[Tensor, State]:
        n_frames = int(n_ready.max())
        alone = self.alone(sound, origin_samples=origin_samples, first_frame=first_frame, n_frames=n_frames)
        return self.carry(alone, first_frame=first_frame, n_ready=n_ready, memory=memory)


def _held(pitch: Tensor, voiced: Tensor) -> Tensor:
    """``pitch [B, 1 + T]``, the first of it good: each frame that is not ``voiced [B, T]`` gets the last good one."""
    place = torch.arange(1, pitch.shape[1], device=pitch.device) * voiced
    newest = torch.cat([torch.zeros_like(place[:, :1]), place], 1).cummax(1).values
    return pitch.gather(1, newest)
