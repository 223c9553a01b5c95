"""A run's model against two baselines, on whole takes that it has not seen."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.animation import animate
from koekao.corpus import Corpus
from koekao.errors import ModelError, RunError
from koekao.models import FaceModel
from koekao.takes.take import as_float
from koekao.training.metrics import METRICS_VERSION, Scores, score
from koekao.training.run import Run, fingerprints

Predictor = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of the model, of ridge regression on the same features, and of the mean face, on the same takes."""

    takes: tuple[str, ...]
    chosen: str
    model: Scores
    ridge: Scores
    mean: Scores

    def as_dict(self) -> dict[str, Any]:
        """JSON values: ``model``, ``ridge``, ``mean`` as :meth:`Scores.as_dict`, and what was scored."""
        return {
            "metrics_version": METRICS_VERSION,
            "takes": list(self.takes),
            "chosen": self.chosen,
            "n_frames": self.model.n_frames,
            "moving": [name for name, r in self.model.as_dict()["by_curve"].items() if r["r"] is not None],
            "model": self.model.as_dict(),
            "ridge": self.ridge.as_dict(),
            "mean": self.mean.as_dict(),
        }


def evaluate(
    run: Run, corpus: Corpus, *, split: str = "unseen", on_take: Callable[[int, int], None] | None = None
) -> Evaluation:
    """Score a run on takes of ``corpus``.

    Args:
        split: ``unseen`` (of the run's own corpus: its test takes, else its validation takes; of another corpus: every
            take the run was not trained on), or ``train``, ``val``, ``test``, ``all``.
        on_take: told how many takes are done, by model and baselines together, and of how many.

    Raises:
        RunError: no take is left to score. ModelError: the corpus has other rates than the model.
    """
    model, ridge = run.model(), run.baseline()
    check_fits(model, corpus)
    takes, chosen = _choose(run, corpus, split)
    done, n_all = itertools.count(1), 3 * len(takes)
    mean_face = np.clip(model.curve_mean.numpy(), 0, 1)

    def told(audio: NDArray[np.float32]) -> NDArray[np.float32]:
        return animate(model, audio)

    def mean(audio: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.broadcast_to(mean_face, (model.clock.frames_covering(len(audio)), len(mean_face)))

    def counted(predict: Predictor) -> Predictor:
        def predicted(audio: NDArray[np.float32]) -> NDArray[np.float32]:
            values = predict(audio)
            if on_take is not None:
                on_take(next(done), n_all)
            return values

        return predicted

    return Evaluation(
        takes=tuple(takes.names),
        chosen=chosen,
        model=score_takes(counted(told), takes),
        ridge=score_takes(counted(ridge.predict), takes),
        mean=score_takes(counted(mean), takes),
    )


def score_takes(predict: Predictor, corpus: Corpus) -> Scores:
    """Score a predictor (sound ``[n]`` float32 to curves ``[F, 52]``) on every take, each as a whole.

    A take may have a frame more than its sound covers, or one less; that frame is not scored.
    """
    return score((_pair(predict, corpus, i) for i in range(len(corpus))), fps=corpus.fps)


def _pair(predict: Predictor, corpus: Corpus, i: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    predicted, truth = predict(as_float(corpus.audio(i))), corpus.curves(i)
    n_frames = min(len(predicted), len(truth))
    return predicted[:n_frames], truth[:n_frames], corpus.valid(i)[:n_frames]


def check_fits(model: FaceModel, corpus: Corpus) -> None:
    """Raise ModelError if the corpus has another sample rate or frame rate than the model."""
    seen = f"{corpus.sample_rate} Hz, {corpus.fps} fps"
    expected = f"{model.clock.sample_rate} Hz, {model.clock.fps} fps"
    if seen != expected:
        raise ModelError(
            f"the corpus has {seen}",
            where=corpus.place,
            expected=f"{expected}, as the model",
            do="pack it at these rates",
        )


def _choose(run: Run, corpus: Corpus, split: str) -> tuple[Corpus, str]:
    record = run.read()
    if split == "all":
        return corpus, "every take"
    if split != "unseen":
        return _some(corpus, corpus.splits, split), f"the {split} takes"
    if corpus.id == record["corpus"]["id"]:
        for name in ("test", "val"):
            if name in corpus.splits:
                return _some(corpus, corpus.splits, name), f"the {name} takes of the run's own corpus"
    trained_on = set(record["trained_on"].values())
    unseen = ["unseen" if mark not in trained_on else "seen" for mark in fingerprints(corpus).values()]
    return _some(corpus, unseen, "unseen"), "the takes that the run was not trained on"


def _some(corpus: Corpus, marks: Any, wanted: str) -> Corpus:
    names = [name for name, mark in zip(corpus.names, marks, strict=True) if mark == wanted]
    if not names:
        raise RunError(
            f"no {wanted} take to score",
            where=corpus.place,
            do="evaluate on a corpus of takes that the run has not seen, hold takes out with `koekao pack --test`, "
            "or say --split all",
        )
    return corpus.select(names=names)
