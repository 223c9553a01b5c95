"""What a batch consists of, and the memory that one batch is gathered into.

A batch is a few large arrays that are filled anew for each window. Allocating them for each batch is paid for in page
faults, more than the copy itself costs; a slot is allocated once and filled again and again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from koekao.batches import kernel, numbering
from koekao.batches.buffers import NewTensor
from koekao.batches.sources import Sources
from koekao.batches.spec import StreamSpec

Batch = dict[str, Any]
"""Tensors by name, and ``file_names`` (a list of str); see :func:`koekao.batches.gather`."""

_SMALL: dict[str, tuple[int, type[np.generic]]] = {
    "file_indices": (numbering.TO_TAKE_ID, np.int64),
    "start_frames": (numbering.TO_START_FRAME, np.int64),
    "is_dense": (numbering.TO_IS_DENSE, np.bool_),
    "reset": (numbering.TO_RESET, np.bool_),
    "gap_frames": (numbering.TO_GAP_FRAMES, np.int64),
    "valid_frames": (numbering.TO_VALID_FRAMES, np.int64),
}
_TOGETHER = _BY_TURNS = 4
"""Rows that are made together where one thread makes all. Of windows that overlap two take 12 % less time than one by
one, and four 18 %; four that lie apart take 20 % less."""
_OF_STREAMS = ("is_dense", "reset", "gap_frames")


class Layout:
    """What a batch of ``sources`` is made of; ``raw_sound`` leaves int16 sound as it is, for a device to convert."""

    def __init__(self, sources: Sources, *, raw_sound: bool = False) -> None:
        spec, dtype = sources.spec, sources.corpus.audio_dtype
        self.n_rows, self.n_frames = spec.batch_size, spec.window_frames
        self.sound_key = spec.sound_key
        self.sound_shape = (sources.n_samples,)
        converts = dtype == np.int16 and not raw_sound
        self.sound_dtype: type[np.generic] = np.float32 if converts else dtype.type
        self.frames, self.order = sources.frames, _order(sources)
        self.n_addresses = numbering.FIRST_TO_FRAMES + len(self.frames)
        sound = numbering.Sound.INT16_TO_FLOAT32 if converts else numbering.Sound.COPIED
        self.numbers = np.array(
            [
                sound if sources.has_sound else numbering.Sound.LEFT_OUT,
                np.dtype(self.sound_dtype).itemsize,
                sources.n_samples,
                self.n_frames,
                len(sources.frames),
                *(source.frame_bytes for source in sources.frames),
            ],
            np.int64,
        )
        self.address = self.numbers.ctypes.data


def _order(sources: Sources) -> list[str]:
    """The keys of a batch in their order; ``file_names`` is made with each batch."""
    spec = sources.spec
    is_streams = isinstance(spec, StreamSpec)
    small = [key for key in _SMALL if is_streams or key not in _OF_STREAMS]
    return [*spec.columns, *small[:2], "file_names", *small[2:], "frame_mask"]


class Slot:
    """Memory for ``n_rows`` rows of a layout: tensors by key, their addresses, and the order to fill them."""

    def __init__(self, layout: Layout, n_rows: int, new: NewTensor) -> None:
        self.layout, self.n_rows = layout, n_rows
        tensors: dict[str, torch.Tensor] = {}
        self.to = np.zeros(layout.n_addresses, np.int64)
        if layout.sound_key in layout.order:
            tensors[layout.sound_key] = new((n_rows, *layout.sound_shape), layout.sound_dtype)
            self.to[numbering.TO_SOUND] = tensors[layout.sound_key].data_ptr()
        for place, source in enumerate(layout.frames, start=numbering.FIRST_TO_FRAMES):
            tensors[source.key] = new((n_rows, layout.n_frames, *source.shape), source.dtype.type)
            self.to[place] = tensors[source.key].data_ptr()
        for key, (place, dtype) in _SMALL.items():
            if key in layout.order:
                tensors[key] = new((n_rows,), dtype)
                self.to[place] = tensors[key].data_ptr()
        self.order = kernel.Order()
        say = self.order.say
        say[numbering.N_ROWS], say[numbering.TOGETHER], say[numbering.BY_TURNS] = n_rows, _TOGETHER, _BY_TURNS
        say[numbering.LAYOUT], say[numbering.TO] = layout.address, self.to.ctypes.data
        self._hold(tensors)

    def _hold(self, tensors: dict[str, torch.Tensor]) -> None:
        self.tensors = tensors
        self._batch = dict.fromkeys(self.layout.order) | tensors  # to be copied, which is the fastest way

    def over(self, tensors: dict[str, torch.Tensor]) -> Slot:
        """The same slot with other ``tensors`` on the same memory."""
        other = Slot.__new__(Slot)
        other.__dict__.update(self.__dict__)
        other._hold(tensors)
        return other

    def batch(self, names: list[str]) -> Batch:
        """What is handed out: a dictionary of its own over the slot's tensors."""
        batch: Batch = self._batch.copy()
        batch["file_names"] = names
        return batch
