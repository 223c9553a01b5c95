"""What a trunk is asked before it has seen a face: what the next moments will sound like.

Shapes: B windows, T frames, C columns a frame, M bands, D width, K distances.

This is autoregressive predictive coding (Chung, Hsu, Tang and Glass, "An Unsupervised Autoregressive Model for Speech
Representation Learning", 2019). From the trunk's hidden state of a frame, which has heard the sound up to the end of
the look-ahead, a linear layer foretells the log-mel a little beyond it; whoever foretells speech must know what is
being said and by what kind of voice. It is causal as the model is, so the trunk is trained in the very way it is used.
The layer is thrown away.

Nearest neighbours are foretold well by standing still, so there are several distances (:data:`AHEAD_FRAMES`). What is
heard is disturbed as in training, what is to be foretold is not: the voice is to be found again behind another
microphone. Disturbing the two alike in level and throat was tried on 20 minutes of speech, and held-out speech was
foretold worse (0.41 for 0.35 spreads after 700 steps).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from koekao.models import StreamModel

AHEAD_FRAMES = (1, 3, 6)
"""K distances: which frames after the last one heard are foretold."""
_PIECE_FRAMES = 1024


class Foreteller(nn.Module):
    """Hidden states ``[B, T, D]`` to ``[B, T, K, C, M]``, the normalised log-mel at each distance."""

    def __init__(self, model: StreamModel) -> None:
        super().__init__()
        features = model.config.features
        self._shape = len(AHEAD_FRAMES), features.columns_per_frame, features.n_mels
        size = len(AHEAD_FRAMES) * features.columns_per_frame * features.n_mels
        self.layers = nn.Sequential(nn.LayerNorm(model.config.dim), nn.Linear(model.config.dim, size))

    def forward(self, hidden: Tensor) -> Tensor:
        told: Tensor = self.layers(hidden)
        return told.view(*told.shape[:2], *self._shape)


@dataclass(frozen=True)
class Errors:
    """Mean absolute errors in spreads of the features, ``[K]`` each, of three ways to foretell held-out speech.

    Attributes:
        model: the trunk and its layer. stays: the last frame heard, again. mean: that of the speech learnt from.
    """

    model: tuple[float, ...]
    stays: tuple[float, ...]
    mean: tuple[float, ...]

    @property
    def learnt(self) -> bool:
        """Whether the model is better than both of the others, over all distances."""
        return sum(self.model) < min(sum(self.stays), sum(self.mean))


def reach_frames(model: StreamModel) -> int:
    """How far after a frame the furthest one lies that is foretold from it; a sound so short teaches nothing."""
    return model.look_ahead_frames + max(AHEAD_FRAMES)


def foretelling_loss(
    model: StreamModel, foreteller: Foreteller, columns: Tensor, *, start_frames: Tensor, valid_frames: Tensor
) -> Tensor:
    """Mean absolute error over all that can be foretold in windows ``[B, T, C, M]`` of normalised log-mel.

    As in training on faces, a window starts with the state of a stream that has not begun; frames count whose context
    lies in the window, or which begin a sound.

    Args:
        start_frames: ``[B]`` int64, where in its sound each window starts.
        valid_frames: ``[B]`` int64, how much of each window is real; nothing after it is foretold.
    """
    n_frames = columns.shape[1] - reach_frames(model)
    hidden, _ = model.hidden(_seen_of(model, columns, n_frames), model.init_state(len(columns)))
    told, targets = foreteller(hidden), _targets(model, columns, n_frames)
    frame = torch.arange(n_frames, device=columns.device)[:, None]
    ahead = model.look_ahead_frames + torch.tensor(AHEAD_FRAMES, device=columns.device)
    counts = ((start_frames == 0)[:, None] | (frame[:, 0] >= model.config.context_frames - 1))[:, :, None]
    counts = counts & (frame + ahead < valid_frames[:, None, None])  # [B, T, K]
    errors = (told - targets).abs().mean((3, 4))
    loss: Tensor = (errors * counts).sum() / counts.sum().clamp_min(1)
    return loss


@torch.no_grad()
def held_out_errors(model: StreamModel, foreteller: Foreteller, sounds: tuple[Tensor, ...]) -> Errors | None:
    """The errors on whole sounds ``[n_frames, C, M]``, undisturbed; None if none is long enough to foretell a frame.

    The model is in evaluation mode meanwhile.
    """
    was_training, sums, count = model.training, torch.zeros(3, len(AHEAD_FRAMES)), 0
    model.eval()
    for sound in sounds:
        columns = sound[None].to(model.curve_mean.device)
        n_frames = len(sound) - reach_frames(model)
        if n_frames <= 0:
            continue
        told = foreteller(_hidden_of(model, columns, n_frames))
        targets, ahead = _targets(model, columns, n_frames), model.look_ahead_frames
        last = columns[:, ahead : ahead + n_frames, None]
        ways = told - targets, last - targets, targets
        sums += torch.stack([way.abs().mean((3, 4)).sum((0, 1)).cpu() for way in ways])
        count += n_frames
    model.train(was_training)
    if not count:
        return None
    own, stays, mean = (tuple(row) for row in (sums / count).tolist())
    return Errors(model=own, stays=stays, mean=mean)


def _hidden_of(model: StreamModel, columns: Tensor, n_frames: int) -> Tensor:
    """The hidden states of a whole sound, in pieces, so that an hour takes no more memory than a minute."""
    state, pieces = model.init_state(len(columns)), []
    for piece in torch.split(_seen_of(model, columns, n_frames), _PIECE_FRAMES, 1):
        hidden, state = model.hidden(piece, state)
        pieces.append(hidden)
    return torch.cat(pieces, 1)


def _seen_of(model: StreamModel, columns: Tensor, n_frames: int) -> Tensor:
    """What the trunk sees of the first ``n_frames`` of a window, silent before it; disturbed in training."""
    before = model.features.silence.expand(len(columns), model.past_frames, columns.shape[2], -1)
    return model.seen_of(torch.cat([before, columns[:, : n_frames + model.look_ahead_frames]], 1))


def _targets(model: StreamModel, columns: Tensor, n_frames: int) -> Tensor:
    """``[B, T, K, C, M]``: what is to be foretold from each of the first ``n_frames``."""
    firsts = [model.look_ahead_frames + ahead for ahead in AHEAD_FRAMES]
    return torch.stack([columns[:, first : first + n_frames] for first in firsts], 2)
