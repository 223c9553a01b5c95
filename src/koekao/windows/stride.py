"""How far apart windows start, epoch by epoch.

The seeds describe four ways: ``dense`` (every frame), ``sparse`` (every ``initial_stride`` frames), ``progressive``
(coarse first, fine at the end) and ``mixed`` (a share of dense windows among sparse ones). They give the progressive
way twice, and the two differ, so both are here: ``linear`` is their formula, ``staged`` their table.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from koekao.errors import ConfigError

Mode = Literal["dense", "sparse", "progressive", "mixed"]
Schedule = Literal["linear", "staged"]

SEED_STAGES: tuple[tuple[float, int], ...] = ((0.0, 32), (0.2, 16), (0.5, 8), (0.8, 1))
"""(share of the epochs from which on, stride): 32, 16, 8, 1 from epochs 0, 20, 50, 80 of 100."""


@dataclass(frozen=True, kw_only=True)
class StridePolicy:
    """Which stride an epoch has.

    >>> policy = StridePolicy(mode="progressive", initial_stride=32, final_stride=1, max_epochs=100)
    >>> [policy.stride_at(epoch) for epoch in (0, 50, 99)]
    [32, 16, 1]

    Attributes:
        mode: ``dense``, ``sparse``, ``progressive`` or ``mixed``.
        initial_stride: frames between windows at the start of ``progressive``, always in ``sparse`` and ``mixed``.
        final_stride: frames between windows in the last epoch of ``progressive``.
        max_epochs: the epochs that ``progressive`` is spread over; later ones stay at the final stride.
        schedule: ``linear`` (the formula) or ``staged`` (the table) for ``progressive``.
        stages: the table of ``staged``: (share of ``max_epochs`` from which on, stride).
        dense_ratio: in ``mixed``, the share of the delivered windows that lie off the sparse grid, in [0, 1).
    """

    mode: Mode = "dense"
    initial_stride: int = 32
    final_stride: int = 1
    max_epochs: int = 100
    schedule: Schedule = "linear"
    stages: tuple[tuple[float, int], ...] = SEED_STAGES
    dense_ratio: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple((float(share), int(stride)) for share, stride in self.stages))
        for name, known in (("mode", get_args(Mode)), ("schedule", get_args(Schedule))):
            if getattr(self, name) not in known:
                raise ConfigError(f"stride {name} {getattr(self, name)!r}", expected="one of " + ", ".join(known))
        for name in ("initial_stride", "final_stride", "max_epochs"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ConfigError(f"{name} {getattr(self, name)!r}", expected="a whole number of at least 1")
        if not 0 <= self.dense_ratio < 1:
            raise ConfigError(f"dense_ratio {self.dense_ratio!r}", expected="a share in [0, 1)")
        shares = [share for share, _ in self.stages]
        if not shares or shares[0] != 0 or shares != sorted(set(shares)) or any(s < 1 for _, s in self.stages):
            raise ConfigError(f"stages {self.stages!r}", expected="rising shares from 0.0 on, strides of at least 1")

    @classmethod
    def of(cls, stride: str | int | StridePolicy, **settings: Any) -> StridePolicy:
        """A policy from its mode's name and settings, from a number of frames that is always the same, or itself.

        >>> StridePolicy.of(8) == StridePolicy.of("sparse", initial_stride=8)
        True

        Raises:
            ConfigError: something else, or settings that cannot be.
        """
        if isinstance(stride, StridePolicy):
            return stride
        if isinstance(stride, int):
            return cls(**settings | {"mode": "sparse", "initial_stride": stride})
        return cls(mode=stride, **settings)  # type: ignore[arg-type]

    def stride_at(self, epoch: int) -> int:
        """Frames between the grid's windows in ``epoch`` (0 is the first).

        Raises:
            ConfigError: an epoch before the first.

        >>> policy = StridePolicy(mode="progressive", max_epochs=100, schedule="staged")
        >>> [policy.stride_at(epoch) for epoch in (0, 19, 20, 50, 80, 99)]
        [32, 32, 16, 8, 1, 1]
        """
        if epoch < 0:
            raise ConfigError(f"epoch {epoch}", expected="0 or above")
        if self.mode == "dense":
            return 1
        if self.mode != "progressive":
            return self.initial_stride
        if self.schedule == "staged":
            passed = [s for share, s in self.stages if epoch >= Fraction(str(share)) * self.max_epochs]
            return passed[-1]
        progress = min(1.0, epoch / max(1, self.max_epochs - 1))
        return int(self.initial_stride - progress * (self.initial_stride - self.final_stride))
