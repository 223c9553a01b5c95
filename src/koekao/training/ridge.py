"""Ridge regression on the run's own features: the baseline that a model has to beat.

Shapes: F frames, X inputs. Each frame's curves are a linear function of the log-mel (columns of a frame averaged) of
the frame, the past and as much look-ahead as the model has. The penalty is chosen by leaving out each of up to five
parts of the training takes in turn. Fitted by the normal equations in float64, so memory is X squared whatever the
corpus.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from koekao.corpus import Corpus
from koekao.errors import ModelError, RunError
from koekao.features import LogMel, LogMelConfig
from koekao.models.weights import VERSION, fit_tensors, read_tensors, save_tensors
from koekao.takes.take import as_float

PAST_FRAMES = 15
PENALTIES = (1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0)
_N_FOLDS = 5


class Ridge:
    """Curves from log-mel by one matrix.

    Attributes:
        weights: ``[X + 1, 52]`` float64, the last row is the offset. penalty: the chosen one.
    """

    def __init__(self, features: LogMel, look_ahead_frames: int, weights: Tensor, penalty: float) -> None:
        self.features, self.look_ahead_frames = features, look_ahead_frames
        self.weights, self.penalty = weights, penalty

    @classmethod
    def fit(cls, corpus: Corpus, features: LogMel, look_ahead_frames: int) -> Ridge:
        """Fit on every tracked frame of the corpus's takes."""
        folds = _folds(corpus, features, look_ahead_frames)
        whole = sum(folds[1:], folds[0])
        penalty = _best_penalty(folds, whole) if len(folds) > 1 else PENALTIES[len(PENALTIES) // 2]
        return cls(features, look_ahead_frames, whole.solve(penalty), penalty)

    def predict(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Every frame of a sound, ``[n_samples]`` float32 to ``[n_frames, 52]`` in 0..1."""
        frames = (len(self.weights) - 1) // self.features.config.n_mels  # as many as it was fitted with
        inputs = inputs_of(self.features, audio, self.look_ahead_frames, frames - 1 - self.look_ahead_frames)
        return (inputs @ self.weights).clamp(0, 1).float().numpy()

    def save(self, path: Path) -> None:
        """Keep the baseline with its features, whole or not at all."""
        tensors = {"weights": self.weights} | dict(self.features.state_dict())
        header = {
            "format": "koekao-ridge",
            "version": VERSION,
            "features": asdict(self.features.config),
            "look_ahead_frames": self.look_ahead_frames,
            "penalty": self.penalty,
        }
        save_tensors(path, tensors, header)

    @classmethod
    def load(cls, path: Path) -> Ridge:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: missing, damaged, or something else than a ridge baseline.
        """
        tensors, header = read_tensors(path)
        try:
            features = LogMel(LogMelConfig(**header["features"]))
            look_ahead_frames, penalty = int(header["look_ahead_frames"]), float(header["penalty"])
            weights = tensors.pop("weights")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"is no ridge baseline ({error})", where=path, do="train again") from error
        fit_tensors(features, tensors, path)
        return cls(features, look_ahead_frames, weights, penalty)


@torch.no_grad()
def inputs_of(
    features: LogMel, audio: NDArray[np.float32], look_ahead_frames: int, past_frames: int | None = None
) -> Tensor:
    """``[F, X + 1]`` float64: log-mel of the frames around each frame, and a 1; silence before and after the sound.

    ``past_frames`` before each, by default ``PAST_FRAMES``.
    """
    past = PAST_FRAMES if past_frames is None else past_frames
    n_frames = features.clock.frames_covering(len(audio))
    columns = features.columns(
        torch.from_numpy(np.require(audio, np.float32, ("C", "W")))[None],
        first_frame=-past,
        n_frames=past + n_frames + look_ahead_frames,
    )
    mel = columns[0].mean(1).double()
    around = [mel[shift : shift + n_frames] for shift in range(past + 1 + look_ahead_frames)]
    return torch.cat([*around, torch.ones(n_frames, 1, dtype=torch.float64)], 1)


@dataclass(frozen=True)
class _Moments:
    """All that ridge regression needs to know of some frames: X'X, X'Y and the squares of Y, float64."""

    gram: Tensor
    cross: Tensor
    squares: Tensor

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(self.gram + other.gram, self.cross + other.cross, self.squares + other.squares)

    def __sub__(self, other: _Moments) -> _Moments:
        return _Moments(self.gram - other.gram, self.cross - other.cross, self.squares - other.squares)

    def solve(self, penalty: float) -> Tensor:
        held_back = self.gram.clone()
        held_back.diagonal()[:-1] += penalty
        held_back[-1, -1] += 1e-6  # the offset is not held back
        return torch.cholesky_solve(self.cross, torch.linalg.cholesky(held_back))

    def squared_error(self, weights: Tensor) -> Tensor:
        """Sum over the frames of (Y - XW)^2, ``[52]``, without seeing a frame again."""
        return (weights * (self.gram @ weights)).sum(0) - 2 * (weights * self.cross).sum(0) + self.squares

    def variance(self) -> Tensor:
        n_frames = self.gram[-1, -1]
        return self.squares - self.cross[-1].square() / n_frames


def _folds(corpus: Corpus, features: LogMel, look_ahead_frames: int) -> list[_Moments]:
    """The takes in up to five parts."""
    folds: list[_Moments] = []
    for take in range(len(corpus)):
        x = inputs_of(features, as_float(corpus.audio(take)), look_ahead_frames)
        valid = torch.from_numpy(corpus.valid(take)[: len(x)].astype(bool))  # a take may have a frame more than sound
        x = x[: len(valid)][valid]
        y = torch.from_numpy(corpus.curves(take)[: len(valid)][valid.numpy()].astype(np.float64))
        moments = _Moments(x.T @ x, x.T @ y, y.square().sum(0))
        if take < _N_FOLDS:
            folds.append(moments)
        else:
            folds[take % _N_FOLDS] += moments
    if not folds:
        raise RunError("no takes to fit the ridge baseline on")
    return folds


def _best_penalty(folds: list[_Moments], whole: _Moments) -> float:
    """The penalty with the least squared error on left-out folds, each curve in its own spread."""
    scale = whole.variance().clamp_min(1e-9)
    errors = [
        sum(float((fold.squared_error((whole - fold).solve(penalty)) / scale).sum()) for fold in folds)
        for penalty in PENALTIES
    ]
    return PENALTIES[int(np.argmin(errors))]
