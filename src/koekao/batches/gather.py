"""Some windows as a batch that belongs to whoever asked, outside of any loader; and the way to a device.

Shapes: B rows, T frames a window, N = clock.window_samples(T) samples.

int16 becomes float32 in [-1, 1) on the way (x / 32768), in one pass from the map, with the interpreter lock released.
What lies past the end of a take is 0, and ``valid_frames`` says so; frames whose face was not tracked, and padding, are
false in ``frame_mask``.
"""

from __future__ import annotations

import torch

from koekao.batches.buffers import NewTensor, plain_memory
from koekao.batches.slots import Batch, Layout, Slot
from koekao.batches.sources import Sources
from koekao.batches.spec import Spec
from koekao.corpus import Corpus
from koekao.windows import Rows


def gather(corpus: Corpus, spec: Spec, rows: Rows, *, new: NewTensor = plain_memory) -> Batch:
    """Read the windows ``rows`` of ``corpus``, any number of them, into memory of their own.

    Returns:
        For streams: ``audio [B, N]`` float32, ``blendshapes [B, T, 52]`` float32, ``file_indices [B]`` int64 (-1 for a
        padding row), ``start_frames [B]`` int64, ``file_names`` (B str), ``is_dense [B]`` bool, ``reset [B]`` bool,
        ``gap_frames [B]`` int64, ``valid_frames [B]`` int64, ``frame_mask [B, T]`` bool. For clips: ``wav [B, N]``,
        ``arkit [B, T, 52]``, ``file_indices``, ``start_frames``, ``file_names``, ``valid_frames``, ``frame_mask``.
        ``spec.columns`` says which of sound and curves there are, and which packed features beside them, each
        ``[B, T, ...]`` of the feature's dtype.

    Raises:
        PlanError: a window that is not inside its take. CorpusError: a shard that is missing, cut or replaced.
    """
    sources = Sources(corpus, spec)
    return gather_rows(sources, rows, Slot(Layout(sources), len(rows), new))


def gather_rows(sources: Sources, rows: Rows, slot: Slot) -> Batch:
    """:func:`gather` into a slot for them."""
    block = sources.block(rows)
    block.fill(slot, 0)
    return slot.batch(block.names)


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """The batch with its tensors on ``device``; asynchronous where it is pinned and CUDA is asked for.

    Tensors that are there already are passed on; a copy back to the CPU waits for its data.
    """
    device = torch.device(device)
    there = device.type != "cpu"
    return {
        key: value.to(device, non_blocking=there) if isinstance(value, torch.Tensor) else value
        for key, value in batch.items()
    }
