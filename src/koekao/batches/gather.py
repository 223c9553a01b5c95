"""From rows to tensors: copy each window's sound and curves out of the map into one batch.

Shapes: B rows, T frames a window, N = clock.window_samples(T) samples.

int16 becomes float32 in [-1, 1) on the way (x / 32768), one numpy call a row with the interpreter lock released, so
that threads gather side by side. What lies past the end of a take is 0, and ``valid_frames`` says so; frames whose face
was not tracked, and padding, are false in ``frame_mask``. Every batch belongs to whoever holds it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from koekao.arkit import N_CURVES
from koekao.batches.buffers import Buffers
from koekao.batches.spec import Spec, StreamSpec
from koekao.corpus import Corpus
from koekao.windows import NO_TAKE, Rows

Batch = dict[str, Any]
"""Tensors by name, and ``file_names`` (a list of str); see :func:`gather`."""

_PCM_SCALE = np.float32(1 / 32768)


def gather(
    corpus: Corpus, spec: Spec, rows: Rows, *, buffers: Buffers | None = None, pin_memory: bool = False
) -> Batch:
    """Read the windows ``rows`` of ``corpus``, into memory of ``buffers`` where they are given.

    Returns:
        For streams: ``audio [B, N]`` float32, ``blendshapes [B, T, 52]`` float32, ``file_indices [B]`` int64 (-1 for a
        padding row), ``start_frames [B]`` int64, ``file_names`` (B str), ``is_dense [B]`` bool, ``reset [B]`` bool,
        ``valid_frames [B]`` int64, ``gap_frames [B]`` int64, ``frame_mask [B, T]`` bool. For clips: ``wav [B, N]``,
        ``arkit [B, T, 52]``, ``file_indices``, ``start_frames``, ``file_names``, ``valid_frames``, ``frame_mask``.
    """
    n_samples = corpus.clock.window_samples(spec.window_frames)
    n_rows, n_frames, buffers = len(rows), spec.window_frames, buffers or Buffers(most=0)
    sound = buffers.empty((n_rows, n_samples), np.float32, pin_memory=pin_memory)
    curves = buffers.empty((n_rows, n_frames, N_CURVES), np.float32, pin_memory=pin_memory)
    mask = buffers.empty((n_rows, n_frames), np.bool_, pin_memory=pin_memory)
    views = sound.numpy(), curves.numpy(), mask.numpy()
    for row in range(len(rows)):
        _fill(corpus, rows, row, *views)
    real = rows.take != NO_TAKE
    batch: Batch = {
        spec.sound_key: sound,
        spec.curves_key: curves,
        "file_indices": torch.from_numpy(np.where(real, corpus.take_ids[rows.take], NO_TAKE)),
        "start_frames": torch.from_numpy(rows.start_frame),
        "file_names": [corpus.names[take] if take != NO_TAKE else "" for take in rows.take.tolist()],
    }
    if isinstance(spec, StreamSpec):
        batch["is_dense"] = torch.from_numpy(rows.is_dense)
        batch["reset"] = torch.from_numpy(rows.reset)
        batch["gap_frames"] = torch.from_numpy(rows.gap_frames)
    batch["valid_frames"] = torch.from_numpy(rows.valid_frames)
    batch["frame_mask"] = mask
    return batch


def _fill(
    corpus: Corpus,
    rows: Rows,
    row: int,
    sound: np.ndarray[Any, np.dtype[np.float32]],
    curves: np.ndarray[Any, np.dtype[np.float32]],
    mask: np.ndarray[Any, np.dtype[np.bool_]],
) -> None:
    take, first, n_frames = int(rows.take[row]), int(rows.start_frame[row]), int(rows.valid_frames[row])
    n_samples = 0
    if take != NO_TAKE:
        begin = corpus.clock.frame_start(first)
        source = corpus.audio(take)[begin : begin + sound.shape[1]]
        n_samples = len(source)
        if source.dtype == np.int16:
            np.multiply(source, _PCM_SCALE, out=sound[row, :n_samples])
        else:
            sound[row, :n_samples] = source
        curves[row, :n_frames] = corpus.curves(take)[first : first + n_frames]
        mask[row, :n_frames] = corpus.valid(take)[first : first + n_frames]
    sound[row, n_samples:] = 0
    curves[row, n_frames:] = 0
    mask[row, n_frames:] = False


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
