"""Windows to tensors: gather, prefetch, pin, transfer; and torch Dataset views of the same batches."""

from koekao.batches.gather import Batch, gather, to_device
from koekao.batches.loader import Loader
from koekao.batches.spec import ClipSpec, StreamSpec
from koekao.batches.views import AdaptiveSequentialDataset, ClipDataset

__all__ = [
    "AdaptiveSequentialDataset",
    "Batch",
    "ClipDataset",
    "ClipSpec",
    "Loader",
    "StreamSpec",
    "gather",
    "to_device",
]
