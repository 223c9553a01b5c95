"""What a window holds, by a second way: straight from the arrays of the take, with fractions, a value at a time."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from koekao.takes import Take


def row_by_hand(take: Take, start: int, window_frames: int) -> dict[str, Any]:
    """Sound, curves, mask and valid frames of the window that begins at frame ``start``."""
    frame_samples = Fraction(take.sample_rate) / take.fps
    begin = math.floor(start * frame_samples + Fraction(1, 2))
    n_samples = math.ceil(window_frames * frame_samples / 128) * 128
    sound = np.zeros(n_samples, np.float32)
    heard = take.audio[begin : begin + n_samples]
    sound[: len(heard)] = (heard.astype(np.float64) / 32768).astype(np.float32) if heard.dtype == np.int16 else heard
    curves, mask = np.zeros((window_frames, 52), np.float32), np.zeros(window_frames, bool)
    n_valid = 0
    for frame in range(window_frames):
        if start + frame < len(take.curves):
            curves[frame], mask[frame] = take.curves[start + frame], take.valid[start + frame]
            n_valid += 1
    return {"sound": sound, "curves": curves, "frame_mask": mask, "valid_frames": n_valid}


def padding_by_hand(n_samples: int, window_frames: int) -> dict[str, Any]:
    """A row that only fills the batch up: nothing."""
    return {
        "sound": np.zeros(n_samples, np.float32),
        "curves": np.zeros((window_frames, 52), np.float32),
        "frame_mask": np.zeros(window_frames, bool),
        "valid_frames": 0,
    }


def assert_rows_by_hand(batch: dict[str, Any], takes: list[Take], sound_key: str, curves_key: str) -> int:
    """Every row of the batch is, bit for bit, what its take holds there; returns how many rows were real."""
    n_real = 0
    for row, index in enumerate(batch["file_indices"].tolist()):
        n_samples, n_frames = batch[sound_key].shape[1], batch[curves_key].shape[1]
        if index < 0:
            expected, name = padding_by_hand(n_samples, n_frames), ""
            assert int(batch["start_frames"][row]) == 0
        else:
            expected = row_by_hand(takes[index], int(batch["start_frames"][row]), n_frames)
            name, n_real = takes[index].name, n_real + 1
        assert batch["file_names"][row] == name
        assert batch["valid_frames"][row] == expected["valid_frames"]
        for key, ours in ((sound_key, "sound"), (curves_key, "curves"), ("frame_mask", "frame_mask")):
            there = torch.from_numpy(expected[ours])
            assert batch[key].dtype == there.dtype
            assert torch.equal(batch[key][row], there), (key, row, index)
    return n_real
