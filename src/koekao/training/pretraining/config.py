"""Everything a pretraining is decided by, in one frozen dataclass."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from koekao.errors import ConfigError

DEFAULT_MINUTES = 5.0


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Settings of a pretraining.

    Attributes:
        minutes: as many steps as fit into this wall time, found by a short measurement; 5 if neither this nor steps.
        steps: instead of minutes; the same steps, sounds and settings give the same file.
        batch_size: windows a step.
        window_frames: frames a window.
        learning_rate: AdamW's, at its highest.
        weight_decay: AdamW's, on matrices alone.
        warmup: share of the steps in which the learning rate rises; a cosine to 0 follows.
        clip_norm: largest norm of the gradient.
        held_out: share of the files (at least one; of a single file its end) that is not learnt from, to measure on.
        sample_rate: Hz that sound is brought to; that of the corpora to come.
        fps: frames a second, as text; those of the corpora to come.
        model: settings of the stream model that differ from its defaults, as --model.dim 128.
        device: auto, cpu, cuda, cuda:1 ...
        seed: decides weights, windows, what is held out, disturbance and dropout.
    """

    minutes: float | None = None
    steps: int | None = None
    batch_size: int = 8
    window_frames: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    clip_norm: float = 1.0
    held_out: float = 0.1
    sample_rate: int = 16000
    fps: str = "30"
    model: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.minutes is not None and self.steps is not None:
            raise ConfigError("minutes and steps are both given", do="give one of --minutes and --steps")
        for name in ("minutes", "learning_rate", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} {value!r}", expected="a number above 0")
        for name in ("steps", "batch_size", "window_frames"):
            value = getattr(self, name)
            if value is not None and not value >= 1:
                raise ConfigError(f"{name} {value!r}", expected="at least 1")
        if not self.weight_decay >= 0:
            raise ConfigError(f"weight_decay {self.weight_decay!r}", expected="0 or more")
        if not 0 <= self.warmup <= 1:
            raise ConfigError(f"warmup {self.warmup!r}", expected="a share in [0, 1]")
        if not 0 <= self.held_out < 1:
            raise ConfigError(f"held_out {self.held_out!r}", expected="a share in [0, 1)")
        if "name" in self.model and self.model["name"] != "stream":
            raise ConfigError(f"model {self.model['name']!r} cannot be pretrained", expected="stream")

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)
