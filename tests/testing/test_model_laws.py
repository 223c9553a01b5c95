"""The laws of models find what breaks them, and koekao's own models keep them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from koekao.models import FaceModel, State, StreamConfig, StreamModel, build, registry
from koekao.testing.model_laws import assert_model_laws

SMALL = StreamConfig(dim=8, channels=4, front_frames=1, dilations=(1,), look_ahead_frames=1)


@pytest.mark.parametrize("name", ["stream", "sequential", "frame"])
def test_koekaos_own_keep_them(name: str, tmp_path: Path) -> None:
    assert_model_laws(build(name, {"dim": 16, "features": {"n_mels": 16}}), tmp_path)


class Deaf(StreamModel):
    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(torch.zeros_like(seen), state)


class Forgetful(StreamModel):
    """Begins anew with every chunk."""

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(seen, self.init_state(len(seen)))


class Early(StreamModel):
    """Looks one frame farther ahead than it says."""

    def observe(self, audio: Tensor, **how: object) -> Tensor:
        how["first_frame"] = how["first_frame"] + 1  # type: ignore[operator]
        return super().observe(audio, **how)  # type: ignore[arg-type]


class Mixing(StreamModel):
    """A row hears a little of the others."""

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(0.9 * seen + 0.1 * seen.mean(0, keepdim=True), state)


class Hiding(StreamModel):
    """Knows something that is no weight and no buffer."""

    def __init__(self, config: StreamConfig) -> None:
        super().__init__(config)
        self.loudness = 1.0

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(self.loudness * seen, state)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Deaf, "every curve is what it is in silence"),
        (Forgetful, "live, in chunks of .* samples, differs"),
        (Early, "hears sound 1 frames beyond its look_ahead_frames 1"),
        (Mixing, "row 0, beside one that is reset, differs"),
        (Hiding, "something it knows is no parameter and no buffer"),
    ],
)
def test_what_breaks_one_is_found(
    kind: type[FaceModel], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MODELS", {**registry.MODELS, "broken": (StreamConfig, kind)})
    torch.manual_seed(1)
    model = kind(SMALL)  # type: ignore[arg-type]
    if isinstance(model, Hiding):
        model.loudness = 2.0
    with pytest.raises(AssertionError, match=said):
        assert_model_laws(model, tmp_path)
