"""Log-mel of the training takes, each computed once: packed beside the corpus where it is, else kept in memory.

Windows overlap and epochs repeat, so a model that reads windows of log-mel must not compute them from sound again and
again. Where ``koekao features`` has packed the column ``mel`` with the model's own settings, the loader delivers it
like the curves; else :class:`TakeMel` holds whole takes and cuts the windows out of them. Both give the same numbers:
those of whole takes, so that a window that starts inside a take hears what came before. What the second gives up is
memory, 640 bytes a frame at 80 bands and 2 columns (70 MB an hour at 30 fps): pack the column for many hours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from koekao.corpus import Corpus
from koekao.errors import ConfigError
from koekao.features import LogMel
from koekao.takes.take import as_float

COLUMN = "mel"


def has_packed_mel(takes: Corpus, features: LogMel) -> bool:
    """Whether the corpus has one column ``mel``, and that is what ``features`` computes.

    Raises:
        CorpusError: it has one, and that is damaged.
    """
    return has_packed(takes, COLUMN, features.config.raw_settings())


def has_packed(takes: Corpus, name: str, settings: Mapping[str, Any]) -> bool:
    """Whether the corpus has one column ``name``, and that was packed with these ``settings`` (JSON values).

    Raises:
        CorpusError: it has one, and that is damaged.
    """
    try:
        column = takes.column(name)
    except ConfigError:  # none, or several, of which a batch would not know the right one
        return False
    wanted: dict[str, Any] = json.loads(json.dumps(settings))  # as a column's are read: tuples become lists
    return dict(column.config) == wanted


class TakeMel:
    """Raw log-mel of every take in memory.

    Args:
        takes: whose takes; batches name them by ``file_indices``.
        features: computes on its own device; what is kept lies on the CPU.
    """

    @torch.no_grad()
    def __init__(self, takes: Corpus, features: LogMel) -> None:
        self._shape = features.config.columns_per_frame, features.config.n_mels
        self._of_take: dict[int, Tensor] = {}
        for i, take_id in enumerate(takes.take_ids.tolist()):
            sound = torch.from_numpy(np.require(as_float(takes.audio(i)), np.float32, ("C", "W")))[None]
            n_frames = int(takes.n_frames[i])
            self._of_take[take_id] = features.raw(sound.to(features.mean.device), first_frame=0, n_frames=n_frames)[
                0
            ].cpu()

    def windows(self, take_ids: Tensor, start_frames: Tensor, n_frames: int) -> Tensor:
        """The windows of a batch, ``[B, n_frames, C, M]`` float32 on the CPU; zeros past a take's end.

        Args:
            take_ids: ``[B]`` int64, ``file_indices`` of a batch; a row of no take (padding) is zeros.
            start_frames: ``[B]`` int64.
        """
        windows = torch.zeros(len(take_ids), n_frames, *self._shape)
        for row, (take, start) in enumerate(zip(take_ids.tolist(), start_frames.tolist(), strict=True)):
            if take in self._of_take:
                piece = self._of_take[take][start : start + n_frames]
                windows[row, : len(piece)] = piece
        return windows


@cache
def keep_cutting_out_of_graphs() -> None:
    """Have torch's compiler leave the cutting of windows as it is: each start of a window would be a graph of its own.

    Called before something is compiled; not a decorator, for that would load the compiler for everybody.
    """
    TakeMel.windows = torch.compiler.disable(TakeMel.windows)  # type: ignore[method-assign, no-untyped-call]
