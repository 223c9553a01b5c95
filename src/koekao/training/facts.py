"""What a model card tells of a run, as plain values: the card's words are made from these and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from koekao.corpus import Corpus
from koekao.training.config import TrainConfig

MOST_NAMES = 12
"""Of so many takes or speakers the names are told; of more, how many more there are."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The takes of one split: how many, how long, whose, and the names of the first of them."""

    n_takes: int
    seconds: float
    speakers: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, takes: Corpus) -> Share:
        speakers = tuple(sorted({*takes.speakers} - {""}))
        names = tuple(takes.names[i] for i in range(min(len(takes), MOST_NAMES)))
        return cls(n_takes=len(takes), seconds=takes.seconds, speakers=speakers, names=names)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a card tells.

    Attributes:
        run: the run's folder, as the commands name it. weights: the file of the weights in use, "" where none are
            chosen yet. weights_bytes: its size.
        model: its name in the registry. parameters: how many. features: name of each feature -> its settings.
        look_ahead_frames, fps, sample_rate: of the model.
        trained_curves: those that moved in the training takes.
        corpus, corpus_id: where it lies and what it is. train, val, test: its splits.
        config: the run's settings. step, n_steps, epoch, epochs: how far it came, of how much. seconds: wall time, None
            while it runs.
        ended: why, "" while it runs. device, torch: what it ran on and by.
        scores: ``step``, ``n_frames``, and ``model`` and ``ridge`` as :meth:`Scores.as_dict`, of the weights in use;
            None where they were not validated.
        picture: the newest picture of an unseen take in the run's folder, "" where none was drawn.
    """

    run: str
    weights: str
    weights_bytes: int
    model: str
    parameters: int
    features: Mapping[str, Mapping[str, Any]]
    look_ahead_frames: int
    fps: Fraction
    sample_rate: int
    trained_curves: tuple[str, ...]
    corpus: str
    corpus_id: str
    train: Share
    val: Share
    test: Share
    config: TrainConfig
    step: int
    n_steps: int
    epoch: int
    epochs: int
    seconds: float | None
    ended: str
    device: str
    torch: str
    scores: Mapping[str, Any] | None
    picture: str
