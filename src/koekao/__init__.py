"""koekao (声顔, "voice to face"): speech in, the 52 ARKit face curves out.

>>> import koekao
>>> koekao.StridePolicy(mode="progressive", max_epochs=100).stride_at(0)
32

Names are imported when they are first used, so ``import koekao`` itself costs next to nothing and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from koekao.animation import Animator as Animator
    from koekao.api.corpora import OpenCorpus as OpenCorpus
    from koekao.api.corpora import open as open
    from koekao.api.corpora import pack_features as pack_features
    from koekao.api.faces import animate as animate
    from koekao.api.pictures import render as render
    from koekao.api.pictures import view as view
    from koekao.api.runs import evaluate as evaluate
    from koekao.api.runs import export_onnx as export_onnx
    from koekao.api.runs import pretrain as pretrain
    from koekao.api.runs import train as train
    from koekao.api.takes import check as check
    from koekao.api.takes import synthesize as synthesize
    from koekao.batches import AdaptiveSequentialDataset as AdaptiveSequentialDataset
    from koekao.batches import ClipDataset as ClipDataset
    from koekao.batches import ClipSampler as ClipSampler
    from koekao.conversion import convert as convert
    from koekao.corpus import PackConfig as PackConfig
    from koekao.corpus.pack import pack as pack
    from koekao.corpus.pack import pack_takes as pack_takes
    from koekao.corpus.verify import verify as verify
    from koekao.errors import KoekaoError as KoekaoError
    from koekao.models import register_model as register_model
    from koekao.outputs import write_curves as write_curves
    from koekao.takes import Take as Take
    from koekao.takes import read_curves as read_curves
    from koekao.takes import read_sound as read_sound
    from koekao.takes.formats import register_format as register_format
    from koekao.takes.synthetic.making import make_take as make_take
    from koekao.takes.synthetic.making import make_takes as make_takes
    from koekao.training import TrainConfig as TrainConfig
    from koekao.windows import StridePolicy as StridePolicy

__version__ = "0.1.0"

_HOMES = {
    "AdaptiveSequentialDataset": "koekao.batches",
    "Animator": "koekao.animation",
    "ClipDataset": "koekao.batches",
    "ClipSampler": "koekao.batches",
    "KoekaoError": "koekao.errors",
    "OpenCorpus": "koekao.api.corpora",
    "PackConfig": "koekao.corpus",
    "StridePolicy": "koekao.windows",
    "Take": "koekao.takes",
    "TrainConfig": "koekao.training",
    "animate": "koekao.api.faces",
    "check": "koekao.api.takes",
    "convert": "koekao.conversion",
    "evaluate": "koekao.api.runs",
    "export_onnx": "koekao.api.runs",
    "make_take": "koekao.takes.synthetic",
    "make_takes": "koekao.takes.synthetic",
    "open": "koekao.api.corpora",
    "pack": "koekao.corpus",
    "pack_features": "koekao.api.corpora",
    "pack_takes": "koekao.corpus",
    "pretrain": "koekao.api.runs",
    "read_curves": "koekao.takes",
    "read_sound": "koekao.takes",
    "register_format": "koekao.takes.formats",
    "register_model": "koekao.models",
    "render": "koekao.api.pictures",
    "synthesize": "koekao.api.takes",
    "train": "koekao.api.runs",
    "verify": "koekao.corpus",
    "view": "koekao.api.pictures",
    "write_curves": "koekao.outputs",
}
__all__ = [*_HOMES]


if not TYPE_CHECKING:  # a type checker would take any name for Any

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'koekao' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])
