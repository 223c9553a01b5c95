"""A face model as it is used: the sound of whole frames in, their curves out, all that is remembered in a state.

Shapes: B streams, S samples, T frames, P samples of past.

One step hears the next T frames of sound of each stream and gives T frames of curves, which lie ``look_ahead_frames``
before the sound that was heard. They are what the model was taught, widened by its liveliness. All that a step needs of
the past is its state, plain tensors ``[B, ...]`` by name: the model's own, the last P samples, and which frame comes
next, for where frames begin in the sound depends on it. So offline animation, live faces and the exported model are
this one step, and a row knows nothing of its neighbours.

A stream begins with sound that has no curves yet, its first ``look_ahead_frames`` frames. They are no step: they are
the end of the past that its state begins with (:meth:`Listening.first_samples` says how many).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from koekao.clock import Clock
from koekao.features.framing import frame_starts
from koekao.models.base import FaceModel
from koekao.models.state import State, check_rows

NEXT_FRAME, SOUND = "next_frame", "sound"


class Listening(nn.Module):
    """``step(sound [B, S], state) -> (curves [B, T, 52] in 0..1, state after)`` of any :class:`FaceModel`."""

    def __init__(self, model: FaceModel) -> None:
        super().__init__()
        self.model = model
        reach = model.past_frames + model.look_ahead_frames
        # one sample more, for so many frames may be a sample longer elsewhere in the stream than at its start
        self.past_samples = model.features.past_samples + model.clock.frame_start(reach) + 1
        self._of_liveliness = tuple(model.liveliness.init_state(1))

    @property
    def clock(self) -> Clock:
        return self.model.clock

    @property
    def first_samples(self) -> int:
        """Samples of the frames that a stream's first step looks ahead to: they end its first state's ``sound``."""
        return self.clock.frame_start(self.model.look_ahead_frames)

    def init_state(self, n_rows: int) -> State:
        """The state of ``n_rows`` streams before their first frame, in silence."""
        device = self.model.curve_mean.device
        return {
            NEXT_FRAME: torch.zeros(n_rows, dtype=torch.int64, device=device),
            SOUND: torch.zeros(n_rows, self.past_samples, device=device),
            **self.model.init_state(n_rows),
            **self.model.liveliness.init_state(n_rows),
        }

    def n_frames(self, n_samples: int) -> int:
        """T of a step over S samples: the number of frames whose length together is nearest to S."""
        n, d = self.clock.sample_rate * self.clock.fps.denominator, self.clock.fps.numerator
        return (2 * n_samples * d + n) // (2 * n)

    def forward(self, sound: Tensor, state: State) -> tuple[Tensor, State]:
        """Hear the sound of the next T frames, T being ``n_frames(S)``.

        Args:
            sound: ``[B, S]`` float32 in [-1, 1]. Row b begins where frame ``next_frame[b] + look_ahead_frames`` does;
                rows whose T frames are a sample shorter than S carry one that is not heard.
            state: as :meth:`init_state` or the step before gave it.

        Returns:
            ``[B, T, 52]`` float32 in 0..1, frames ``next_frame .. next_frame + T - 1`` of each row; the state after.
        """
        check_rows(state, len(sound))
        frame, n_frames = state[NEXT_FRAME], self.n_frames(sound.shape[1])
        begin = frame_starts(self.clock, frame + self.model.look_ahead_frames)
        end = frame_starts(self.clock, frame + self.model.look_ahead_frames + n_frames)
        heard = torch.cat([state[SOUND], sound], 1)
        seen = self.model.observe(heard, origin_samples=begin - self.past_samples, first_frame=frame, n_frames=n_frames)
        lively = {name: state[name] for name in self._of_liveliness}
        own = {name: value for name, value in state.items() if name not in (NEXT_FRAME, SOUND, *lively)}
        curves, after = self.model.step(seen, own)
        curves, lively = self.model.liveliness.step(curves, lively)
        kept = (end - begin)[:, None] + torch.arange(self.past_samples, device=sound.device)
        return curves.clamp(0, 1), {NEXT_FRAME: frame + n_frames, SOUND: heard.gather(1, kept), **after, **lively}
