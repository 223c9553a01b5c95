"""Where an iteration stands, as JSON values: which batch of which epoch, and of which batches.

A position is taken up only on the batches it was left on; else both values are named. Rows and streams are counted over
all ranks and nothing is said of threads, so a run may go on with another number of either.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from koekao.batches.spec import Spec, spec_dict
from koekao.corpus import Corpus
from koekao.errors import ConfigError, CorpusError

STATE_VERSION = 2
_IDENTITY = ("version", "corpus", "takes", "spec")


def identity(corpus: Corpus, spec: Spec, world_size: int) -> dict[str, Any]:
    """What must be the same where a position is taken up."""
    return {
        "version": STATE_VERSION,
        "corpus": corpus.id,
        "takes": _fingerprint(corpus),
        "spec": spec_dict(spec, world_size),
    }


def refuse_other(saved: dict[str, Any], here: dict[str, Any]) -> None:
    """Raise CorpusError, with both values, unless the position ``saved`` is one of the batches ``here``."""
    for key in _IDENTITY:
        if saved.get(key) != here[key]:
            what, then, now = _difference(key, saved.get(key), here[key])
            raise CorpusError(
                f"the saved position has {what} {then!r}, this loader has {now!r}",
                do="make the loader as it was made when the position was saved, or start a new run",
            )


def refuse_outside(number: int, n: int, what: str = "batch") -> None:
    """Raise CorpusError unless ``number`` of an epoch's ``n`` batches can have been delivered."""
    if not 0 <= number <= n:
        raise CorpusError(f"the saved position is {what} {number} of an epoch of {n}", do="start a new run")


def _difference(key: str, saved: Any, present: Any) -> tuple[str, Any, Any]:
    """The first setting in which two values differ, walking into dictionaries."""
    if isinstance(saved, dict) and isinstance(present, dict):
        for name in sorted(saved.keys() | present.keys()):
            if saved.get(name) != present.get(name):
                return _difference(f"{key}.{name}", saved.get(name), present.get(name))
    return key, saved, present


def _fingerprint(corpus: Corpus) -> str:
    """Which takes of the corpus are here: their number, and that it is all of them or a hash of their ids."""
    if len(corpus) == corpus.n_packed:
        return f"{len(corpus)}:all"
    return f"{len(corpus)}:{hashlib.sha256(corpus.take_ids.astype('<i8').tobytes()).hexdigest()[:16]}"


def this_rank(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """(rank, world_size) as stated; where neither is, what torch.distributed says, else (0, 1).

    Raises:
        ConfigError: a rank outside of the world, or several ranks without saying which this is.
    """
    if rank is None and world_size is None and torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    if rank is None and world_size not in (None, 1):
        raise ConfigError(f"world_size {world_size} without a rank", expected="both or neither")
    rank, world_size = rank or 0, 1 if world_size is None else world_size
    if not 0 <= rank < world_size:
        raise ConfigError(f"rank {rank} of {world_size}", expected="0 <= rank < world_size")
    return rank, world_size
