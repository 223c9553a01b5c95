"""Loaders over small corpora, in few words, for the tests of several folders."""

from __future__ import annotations

import threading
import traceback
from typing import Any

import pytest
from torch.utils.data import DataLoader

from koekao.batches import ClipSampler, ClipSpec, Loader, StreamSpec
from koekao.windows import StridePolicy

HOW = ("epoch", "num_workers", "prefetch_factor", "persistent_workers", "copy", "timeout_s", "rank", "world_size")
PROGRESSIVE = StridePolicy(mode="progressive", initial_stride=6, max_epochs=4)

with_worker_processes = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create .* worker processes:UserWarning"),  # few cores here
    pytest.mark.filterwarnings("ignore:.* use of fork\\(\\) may lead to deadlocks:DeprecationWarning"),  # from 3.12 on
]


def made(corpus: Any, kind: Any, settings: dict[str, Any]) -> Loader:
    how = {key: settings.pop(key) for key in HOW if key in settings}
    return Loader(corpus, kind(**{"window_frames": 8, **settings}), **how)


def streams(corpus: Any, **settings: Any) -> Loader:
    return made(corpus, StreamSpec, settings)


def clips(corpus: Any, **settings: Any) -> Loader:
    return made(corpus, ClipSpec, {"batch_size": 5, **settings})


def torch_loader(dataset: Any, num_workers: int, *, context: str = "fork", **more: Any) -> DataLoader[Any]:
    """torch's DataLoader around a view; clips come through the sampler that fills the last batch up."""
    if isinstance(dataset.spec, ClipSpec):
        more = {"sampler": ClipSampler(dataset), **more}
    if num_workers:
        more = {"num_workers": num_workers, "multiprocessing_context": context, **more}
    return DataLoader(dataset, dataset.spec.batch_size, **more)


def refusal(loader: Any, *kinds: type[Exception]) -> str:
    """What iterating over it ends with. Its workers are let go now: as garbage they would take 5 s each."""
    with pytest.raises(kinds) as caught:
        for _ in loader:
            pass
    traceback.clear_frames(caught.tb)
    return str(caught.value)


def gatherers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("koekao-gather")]
