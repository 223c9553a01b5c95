"""``koekao evaluate RUN CORPUS``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from koekao.arkit import N_CURVES
from koekao.cli.console import count, json_out, names, say, table
from koekao.cli.place import Place, expect
from koekao.cli.progress import WorkProgress

if TYPE_CHECKING:
    from koekao.training import Evaluation

_WHO = ("model", "ridge", "mean")
_COLUMNS = {
    "r": "r",
    "mae": "mae",
    "rmse": "rmse",
    "velocity_ratio": "velocity",
    "jitter_ratio": "jitter",
    "lip_closure_f1": "lips F1",
    "onset_lag_ms": "lag ms",
    "upper_face_deviation": "upper",
    "diversity": "diverse",
}
"""Metric -> its column in the table, which is 80 wide."""


def evaluate(
    run: Path,
    corpus: Place,
    /,
    *,
    split: Literal["unseen", "train", "val", "test", "all"] = "unseen",
    json: bool = False,
) -> None:
    """Score a run on takes it has not seen, beside two baselines.

    The baselines are ridge regression on the same features, and the mean face. Takes are animated whole.

    Args:
        run: a run made by koekao train.
        corpus: where the takes lie.
        split: which takes. unseen: of the run's own corpus the test takes, else the validation takes; of another
            corpus every take that the run was not trained on.
        json: print everything as JSON.

    Examples:
        koekao evaluate run corpus
        koekao evaluate run corpus --split all --json
    """
    from koekao.corpus import Corpus
    from koekao.training import evaluate as score_run
    from koekao.training import open_run

    expect("run", run, "the run comes first: koekao evaluate RUN CORPUS")
    expect("corpus", corpus, "koekao evaluate RUN CORPUS")
    with WorkProgress("animating", "takes") as progress:
        evaluation = score_run(open_run(run), Corpus.open(corpus), split=split, on_take=progress.tell)
    if json:
        return json_out(evaluation.as_dict())
    show(evaluation)
    return None


def show(evaluation: Evaluation, *, by_curve: bool = True) -> None:
    """The tables of an evaluation; the one of all curves is long."""
    from koekao.training.metrics.meanings import MEANINGS

    said = evaluation.as_dict()
    moving = f"{len(said['moving'])} of {N_CURVES} curves move"
    table(
        f"{count(len(said['takes']), 'take')}, {count(said['n_frames'], 'frame')}, {moving}",
        ("", *_COLUMNS.values()),
        [(who, *(_shown(metric, said[who][metric]) for metric in _COLUMNS)) for who in _WHO],
    )
    header = ("", *(f"{metric} {who}" for metric in ("r", "mae") for who in _WHO))
    tables = {"By region": "by_region"} | ({"By curve": "by_curve"} if by_curve else {})
    for title, key in tables.items():
        rows = [
            (name, *(said[who][key][name][metric] for metric in ("r", "mae") for who in _WHO))
            for name in said["model"][key]
            if said["model"][key][name]["r"] is not None
        ]
        table(title, header, rows)
    say(f"{said['chosen']}: {names(said['takes'], 10)}")
    for metric, column in _COLUMNS.items():
        say(f"{column}: {MEANINGS[metric]}")
    say("a column that is missing cannot be told from these takes")


def _shown(metric: str, value: float | None) -> float | str | None:
    """Milliseconds have one decimal, everything else three."""
    return value if value is None or metric != "onset_lag_ms" else f"{value:.1f}"
