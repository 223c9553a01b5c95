"""The model card of a run: what it is, what it was trained on, how, how good it is, where it ends, how to use it.

After Mitchell et al. (2019), "Model Cards for Model Reporting", as far as a run can know these things by itself. One
function from facts to Markdown: every number in the text comes in with the facts, and what is not known is said to be
unknown. What it gives up: the words are always the same, and nobody's judgement of the takes is in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from koekao import __version__
from koekao.arkit import N_CURVES, NAMES, REGIONS
from koekao.training.config import TrainConfig
from koekao.training.facts import MOST_NAMES, Facts, Share
from koekao.training.markdown import code, table
from koekao.training.metrics.meanings import MEANINGS

NAMES_OF_METRICS: Mapping[str, str] = {
    "r": "r",
    "mae": "mae",
    "rmse": "rmse",
    "velocity_ratio": "velocity ratio",
    "jitter_ratio": "jitter ratio",
    "lip_closure_f1": "lip closure F1",
    "onset_lag_ms": "onset lag, ms",
    "upper_face_deviation": "upper face deviation",
    "diversity": "diversity",
}
_UNKNOWN = "–"


def model_card(facts: Facts) -> str:
    """The card as Markdown."""
    parts = [_what(facts), _trained_on(facts), _how(facts), _how_good(facts), _limits(facts), _use(facts)]
    return "\n\n".join(parts) + "\n"


def differing(config: TrainConfig) -> dict[str, Any]:
    """The settings that are not at their defaults, in the order of the class."""
    defaults = TrainConfig(trainer=config.trainer).as_dict()
    return {name: value for name, value in config.as_dict().items() if value != defaults[name]}


def _what(facts: Facts) -> str:
    look_ahead_ms = float(1000 * facts.look_ahead_frames / facts.fps)
    if facts.weights:
        size = f"`{facts.weights}`, {facts.weights_bytes / 1000:,.0f} kB"
    else:
        size = "none chosen yet; `last.safetensors` holds the run as it stands"
    return "\n".join(
        [
            f"# {facts.model} model: speech to the {N_CURVES} ARKit face curves",
            "",
            *table(
                ("", "what it is"),
                [
                    ("model", facts.model),
                    ("parameters", f"{facts.parameters:,}"),
                    ("weights", size),
                    ("sound in", f"{facts.sample_rate:,} Hz, one channel"),
                    ("curves out", f"{facts.fps} frames a second, {N_CURVES} values in 0..1 each"),
                    ("look-ahead", f"{facts.look_ahead_frames} frames ({look_ahead_ms:.0f} ms)"),
                    *((f"features: {name}", _settings(values)) for name, values in facts.features.items()),
                ],
            ),
        ]
    )


def _trained_on(facts: Facts) -> str:
    rows = [
        ("corpus", f"{code(facts.corpus)}, id `{facts.corpus_id}`"),
        ("trained on", _takes(facts.train)),
        ("held out to choose the weights", _takes(facts.val)),
        ("held out for the test", _takes(facts.test)),
        ("speakers trained on", _names(facts.train.speakers)),
        ("curves that moved in training", f"{len(facts.trained_curves)} of {N_CURVES}"),
    ]
    told = "Speakers are told apart by the names of folders and files, as `koekao pack` reads them."
    return "\n".join(["## What it was trained on", "", *table(("", "takes"), rows), "", told])


def _how(facts: Facts) -> str:
    passed = min(facts.epoch + 1, facts.epochs)
    time_taken = _UNKNOWN if facts.seconds is None else f"{facts.seconds / 60:.1f} min"
    other = [(f"`{name}`", code(json.dumps(value))) for name, value in differing(facts.config).items()]
    said = "These settings differ from the defaults" if other else "Every setting is at its default"
    settings = [f"{said}; `config.yaml` holds them all."]
    settings += ["", *table(("setting", "value"), other)] if other else []
    rows = [
        ("trainer", facts.config.trainer),
        ("steps", f"{facts.step:,} of {facts.n_steps:,} planned"),
        ("epochs begun", f"{passed:,} of {facts.epochs:,} planned"),
        ("ended", facts.ended or "not yet, or killed"),
        ("wall time", time_taken),
        ("seed", str(facts.config.seed)),
        ("device", facts.device),
        ("koekao, torch", f"{__version__}, {facts.torch}"),
    ]
    return "\n".join(["## How it was trained", "", *table(("", "run"), rows), "", *settings])


def _how_good(facts: Facts) -> str:
    title = "## How good it is"
    if not facts.val.n_takes:
        none = "There were no validation takes: nothing is known of how it does on takes that it was not trained on."
        return f"{title}\n\n{none}" + (" The weights are those of the last step." if facts.weights else "")
    if facts.scores is None:
        return f"{title}\n\nNot validated yet."
    scores, model, ridge = facts.scores, facts.scores["model"], facts.scores["ridge"]
    moving = [name for name in NAMES if model["by_curve"][name]["r"] is not None]
    lead = (
        f"On the validation takes ({scores['n_frames']:,} tracked frames), by the weights of step {scores['step']:,}, "
        f"averaged over the {len(moving)} curves that move in them; beside it ridge regression on the same features."
    )
    by_metric = [
        (name, _number(metric, model[metric]), _number(metric, ridge[metric]), MEANINGS[metric])
        for metric, name in NAMES_OF_METRICS.items()
    ]
    by_region = [
        (region, str(sum(name in names for name in moving)), *_beside(model["by_region"], ridge["by_region"], region))
        for region, names in REGIONS.items()
        if model["by_region"][region]["r"] is not None
    ]
    ordered = sorted(moving, key=lambda name: -model["by_curve"][name]["r"])
    by_curve = [(name, *_beside(model["by_curve"], ridge["by_curve"], name)) for name in ordered]
    shown = bool(facts.picture)
    columns = ("r", "r of ridge", "mae", "mae of ridge", "velocity ratio")
    return "\n".join(
        [
            title,
            "",
            lead,
            "",
            *table(("metric", "model", "ridge", "what it means"), by_metric, n_left=1, left_last=True),
            "",
            f"{_UNKNOWN}: cannot be told from these takes.",
            "",
            "### By region",
            "",
            *table(("region", "curves that move", *columns), by_region, n_left=1),
            "",
            "### By curve that moves",
            "",
            *table(("curve", *columns), by_curve, n_left=1),
            *(["", f"![Truth and prediction on an unseen take, at the last validation]({facts.picture})"] * shown),
        ]
    )


def _limits(facts: Facts) -> str:
    still = [name for name in NAMES if name not in facts.trained_curves]
    points = [
        "Only curves that moved in the training takes are predicted. "
        + (f"These {len(still)} stay still: {', '.join(still)}." if still else "All of them moved."),
        f"It has heard {facts.train.seconds / 60:.1f} minutes of {_count(facts.train.speakers, 'speaker')}. What "
        "languages, rooms and microphones these were is not recorded; nothing is known of others.",
        _voices(facts),
    ]
    if facts.val.n_takes:
        points.append("The validation takes chose the weights, so that their scores are a little too good.")
    points.append(
        "The test takes were not looked at here; `koekao evaluate` scores them."
        if facts.test.n_takes
        else "No takes were kept aside for a test."
    )
    if facts.look_ahead_frames:
        points.append(f"Live, the face comes {facts.look_ahead_frames} frames after the sound that it waits for.")
    points.append("Rotations of head and eyes are not predicted.")
    return "\n".join(["## Limits", "", *(f"- {point}" for point in points)])


def _voices(facts: Facts) -> str:
    """Whether anything is known of voices that were not trained on."""
    new = [speaker for speaker in facts.val.speakers if speaker not in facts.train.speakers]
    if facts.scores is None or not new:
        return "Voices that it was not trained on were not tested."
    seen = [speaker for speaker in facts.val.speakers if speaker in facts.train.speakers]
    mixed = f", and others of {_names(seen)}, who it was trained on" if seen else ""
    return f"The validation takes hold {_count(new, 'voice')} that it was not trained on: {_names(new)}{mixed}."


def _use(facts: Facts) -> str:
    run = _quoted(facts.run)
    return "\n".join(
        [
            "## How to use it",
            "",
            "```",
            f"koekao animate {run} SPEECH.wav -o face.csv",
            f"koekao evaluate {run} {_quoted(facts.corpus)}",
            "```",
        ]
    )


def _beside(model: Mapping[str, Any], ridge: Mapping[str, Any], what: str) -> tuple[str, ...]:
    pairs = [(metric, who[what][metric]) for metric in ("r", "mae") for who in (model, ridge)]
    return tuple(_number(*pair) for pair in [*pairs, ("velocity_ratio", model[what]["velocity_ratio"])])


def _number(metric: str, value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:.1f}" if metric.endswith("_ms") else f"{value:.3f}"


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _takes(share: Share) -> str:
    if not share.n_takes:
        return "none"
    length = f"{share.seconds / 60:.1f} min" if share.seconds >= 60 else f"{share.seconds:.1f} s"
    more = f" and {share.n_takes - len(share.names):,} more" if share.n_takes > len(share.names) else ""
    named = ", ".join(map(code, share.names))
    return f"{share.n_takes:,} {'take' if share.n_takes == 1 else 'takes'}, {length}: {named}{more}"


def _names(words: Sequence[str]) -> str:
    more = f" and {len(words) - MOST_NAMES:,} more" if len(words) > MOST_NAMES else ""
    return ", ".join(map(code, words[:MOST_NAMES])) + more if words else "unknown"


def _count(words: Sequence[str], noun: str) -> str:
    return f"{len(words) or 'unknown'} {noun}{'' if len(words) == 1 else 's'}"


def _quoted(path: str) -> str:
    return f"'{path}'" if set(path) & set(" '\"$&()") else path
