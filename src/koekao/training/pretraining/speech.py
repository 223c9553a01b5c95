"""Speech to pretrain on: every file read once, its log-mel kept, some of it held out.

What that gives up is memory: while files are read, 115 MB an hour of sound beside the 70 MB an hour (at 30 fps, 80
bands and 2 columns) that are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from koekao.errors import SoundError
from koekao.models import StreamModel
from koekao.takes import read_sound
from koekao.takes.take import as_float

_Samples = NDArray[Any]
_HELD_OUT_STREAM = 1  # numpy's generator for what is held out, beside that for windows


@dataclass(frozen=True, kw_only=True, eq=False)
class Speech:
    """Normalised log-mel ``[n_frames, C, M]`` of the files that are learnt from and of what is held out.

    Attributes:
        learnt, held_out: one tensor a file (of a single file both: its beginning and its end).
        n_files: files read. n_held_out: how many of them are held out whole; seconds: of all of them together.
    """

    learnt: tuple[Tensor, ...]
    held_out: tuple[Tensor, ...]
    n_files: int
    n_held_out: int
    seconds: float

    def n_shorter_than(self, n_frames: int) -> int:
        """Files that are learnt from and shorter than a window of ``n_frames``, which are padded."""
        return sum(len(columns) < n_frames for columns in self.learnt)


@torch.no_grad()
def read_speech(
    paths: Sequence[Path],
    model: StreamModel,
    *,
    held_out: float,
    seed: int,
    on_file: Callable[[Path], None] | None = None,
) -> Speech:
    """Read all of ``paths``; the statistics of the model's features are then those of the sound that is learnt from.

    Args:
        held_out: share of the files, rounded, but at least one; of a single file the share at its end; 0 is nothing.
        on_file: called with each file that was read.

    Raises:
        SoundError: a file that cannot be read, or in which there is no whole frame.
    """
    clock, sounds = model.clock, []
    for path in paths:
        samples = read_sound(path, sample_rate=clock.sample_rate).samples
        if not clock.frame_at(len(samples)):
            raise SoundError(f"{len(samples)} samples", where=path, expected="a frame or more", do="remove it")
        sounds.append(samples)
        if on_file:
            on_file(path)
    seconds = sum(map(len, sounds)) / clock.sample_rate
    learnt, kept = _split(sounds, held_out, seed, lambda n: clock.frame_start(clock.frame_at(n)))
    model.fit_features(lambda: map(as_float, learnt))

    def columns(samples: _Samples) -> Tensor:
        audio = torch.from_numpy(np.require(as_float(samples), np.float32, ("C", "W")))[None]
        raw = model.features.raw(audio, first_frame=0, n_frames=clock.frame_at(len(samples)))
        return model.features.normalise(raw)[0]

    return Speech(
        learnt=tuple(map(columns, learnt)),
        held_out=tuple(map(columns, kept)),
        n_files=len(paths),
        n_held_out=len(kept) if len(paths) > 1 else 0,
        seconds=seconds,
    )


def _split(
    sounds: list[_Samples], share: float, seed: int, whole_frames: Callable[[int], int]
) -> tuple[list[_Samples], list[_Samples]]:
    """What is learnt from and what is held out: files by lot, or the end of the only one, cut between two frames."""
    if not share:
        return sounds, []
    if len(sounds) == 1:
        end = whole_frames(round(len(sounds[0]) * (1 - share)))
        pieces = sounds[0][:end], sounds[0][end:]
        return ([pieces[0]], [pieces[1]]) if all(whole_frames(len(piece)) for piece in pieces) else (sounds, [])
    n_held_out = min(max(1, round(share * len(sounds))), len(sounds) - 1)
    drawn = set(np.random.default_rng([seed, _HELD_OUT_STREAM]).permutation(len(sounds))[:n_held_out].tolist())
    return [s for i, s in enumerate(sounds) if i not in drawn], [s for i, s in enumerate(sounds) if i in drawn]
