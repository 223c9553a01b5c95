"""A torch model as an engine: arrays in and out, the model where its weights are."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.animation.engine import State
from koekao.models import FaceModel, Listening


class TorchEngine:
    """Any :class:`~koekao.models.FaceModel`, in evaluation mode."""

    def __init__(self, model: FaceModel) -> None:
        self.listening = Listening(model.eval())
        self.clock, self.look_ahead_frames = model.clock, model.look_ahead_frames
        self._device = model.curve_mean.device

    @torch.inference_mode()
    def init_state(self, n_rows: int) -> State:
        return {name: value.cpu().numpy().copy() for name, value in self.listening.init_state(n_rows).items()}

    @torch.inference_mode()
    def step(self, sound: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        given = {name: torch.from_numpy(value).to(self._device) for name, value in state.items()}
        curves, after = self.listening(torch.from_numpy(sound).to(self._device), given)
        return curves.cpu().numpy(), {name: value.cpu().numpy().copy() for name, value in after.items()}
