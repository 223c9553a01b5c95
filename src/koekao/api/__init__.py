"""The front door: what ``import koekao`` gives, each name a thin call into the room where the work is done."""

from koekao.api.corpora import OpenCorpus, check, open, pack_features, synthesize
from koekao.api.faces import animate, engine, performances, predicting
from koekao.api.pictures import Page, Rendered, render, view
from koekao.api.runs import evaluate, export_onnx, pretrain, train

__all__ = [
    "OpenCorpus", "Page", "Rendered", "animate", "check", "engine", "evaluate", "export_onnx", "open", "pack_features",
    "performances", "predicting", "pretrain", "render", "synthesize", "train", "view",
]  # fmt: skip
