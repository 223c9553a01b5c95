"""Windows to tensors: gather, prefetch, transfer; and torch Dataset views of the same batches."""

from koekao.batches.clip_views import ClipDataset, ClipSampler
from koekao.batches.gather import gather, to_device
from koekao.batches.loader import Loader
from koekao.batches.slots import Batch
from koekao.batches.spec import ClipSpec, StreamSpec
from koekao.batches.views import AdaptiveSequentialDataset

__all__ = [
    "AdaptiveSequentialDataset",
    "Batch",
    "ClipDataset",
    "ClipSampler",
    "ClipSpec",
    "Loader",
    "StreamSpec",
    "gather",
    "to_device",
]
