"""Exported models over new sound, with numpy and onnxruntime alone: no torch.

The bookkeeping of chunks, rows and saved states is that of :mod:`koekao.animation`; only the step is another engine's.

>>> import koekao.runtime
>>> koekao.runtime.load.__name__  # animator = koekao.runtime.load("model.onnx"); animator.push(sound)
'load'
"""

from __future__ import annotations

from pathlib import Path

from koekao.animation import Animator
from koekao.runtime.engine import OnnxEngine
from koekao.runtime.header import Header

__all__ = ["Header", "OnnxEngine", "load"]


def load(path: str | Path, *, threads: int = 1) -> Animator:
    """An exported model, ready for one stream of sound; ``koekao.animation.Animators(OnnxEngine(path), n)`` for many.

    Args:
        path: the .onnx file of ``koekao export``. threads: cores that a step may use.

    Raises:
        ModelError: no such file, damaged, no model of koekao, or newer than this koekao.
        ConfigError: onnxruntime is not installed.
    """
    return Animator(OnnxEngine(path, threads=threads))
