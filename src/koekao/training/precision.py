"""Numbers of 16 bits in the forward pass, where asked for: autocast, and the scaler of the loss that fp16 needs.

Weights, optimiser, statistics, losses and the average of the weights stay float32. ``bf16`` has float32's range and
works on the CPU and on CUDA. ``fp16`` underflows below 6e-8: its loss is multiplied by a scale that adapts itself
(:class:`torch.amp.GradScaler`), which exists for CUDA alone; a step whose gradient overflowed is left out and counted.

Only the stream trainer takes 16 bits: its log-mel comes from whole takes in float32. The other two compute log-mel
inside the model, where autocast would sum powers of 1e-9 in numbers that cannot hold them, so they are refused.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from koekao.errors import ConfigError, RunError
from koekao.training.config import TrainConfig

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_LEAST_SCALE = 1.0


class Precision:
    """How the forward pass is computed, and how its gradient gets back to float32.

    Args:
        config: its ``precision`` and ``trainer`` count.
        device: where the model is.

    Raises:
        ConfigError: 16 bits for a trainer that cannot take them, or fp16 on another device than CUDA.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self.name, self.device, self.skipped_steps = config.precision, device, 0
        if self.name != "fp32" and config.trainer != "stream":
            raise ConfigError(
                f"precision {self.name} of the {config.trainer} trainer",
                expected="fp32, for it computes log-mel inside the model",
                do="say --trainer stream, or --precision fp32",
            )
        if self.name == "fp16" and device.type != "cuda":
            raise ConfigError(
                f"precision fp16 on {device}", expected="a CUDA device", do="say --precision bf16, or --device cuda"
            )
        self.scaler = torch.amp.GradScaler("cuda", enabled=self.name == "fp16")

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, _DTYPES[self.name]) if self.name in _DTYPES else nullcontext()

    @property
    def may_overflow(self) -> bool:
        """Whether a gradient that is not finite means another scale of the loss, not a fault."""
        return self.scaler.is_enabled()

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """The optimiser's step on unscaled gradients, left out where fp16 overflowed.

        Raises:
            RunError: the scale has fallen below 1: it is not fp16 that overflows.
        """
        before = self.scaler.get_scale()
        self.scaler.step(optimizer)
        self.scaler.update()
        if self.scaler.get_scale() < before:
            self.skipped_steps += 1
        if self.may_overflow and self.scaler.get_scale() < _LEAST_SCALE:
            raise RunError(
                f"the gradient is not finite in fp16, {self.skipped_steps} steps left out",
                expected="a finite gradient at a loss scale of at least 1",
                do="say --precision bf16 or fp32, or lower --learning-rate",
            )

    def state_dict(self) -> dict[str, Any]:
        """The scaler as JSON values; empty without one."""
        return dict(self.scaler.state_dict()) | ({"skipped_steps": self.skipped_steps} if self.may_overflow else {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put the scaler back where it was."""
        if self.may_overflow and state:
            self.skipped_steps = int(state["skipped_steps"])
            self.scaler.load_state_dict({name: value for name, value in state.items() if name != "skipped_steps"})
