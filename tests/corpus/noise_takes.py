"""A take made by hand: exact numbers, no file, no reader."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from koekao.clock import Clock
from koekao.takes.take import Source, Take


def make_take(name: str = "a", *, n_frames: int = 40, speaker: str = "ann", dtype: str = "int16", **more: Any) -> Take:
    """A take of noise that depends on nothing but its name, its sound ending with its last frame."""
    clock = Clock(more.pop("sample_rate", 16_000), more.pop("fps", Fraction(30)))
    rng = np.random.default_rng(list(name.encode()))
    n_samples = clock.frame_start(n_frames)
    audio = rng.integers(-32768, 32768, n_samples).astype(np.int16)
    facts: dict[str, Any] = {
        "audio": audio if dtype == "int16" else (audio / 40000).astype(np.float32),
        "curves": rng.random((n_frames, 52), np.float32),
        "valid": rng.random(n_frames) > 0.1,
        "repairs": (f"resample: 48000 Hz to 16000 Hz for {name}",),
        "sources": (Source(path=f"{name}.wav", size=n_samples, sha256="0" * 64),),
    }
    return Take(name=name, speaker=speaker, sample_rate=clock.sample_rate, fps=clock.fps, **(facts | more))
