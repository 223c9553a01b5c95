"""``koekao demo``: the main job from nothing, on synthetic takes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from koekao.cli.console import OUT, count, length, say, table, working
from koekao.cli.evaluate import show
from koekao.cli.synthesize import write_synthetic
from koekao.cli.train import run_training

_TAKES, _SECONDS, _SPEECH_S = 24, 20.0, 15.0
_HELD_OUT = 3
_MODEL = {"dim": 192, "noise": 0.1, "dropout": 0.1}
"""Synthetic takes are clean and alike, so the model may be larger and learn undisturbed."""


def demo(*, out: Path = Path("out/demo"), minutes: float = 1.0, seed: int = 0) -> int | None:
    """Make takes, pack them, train on them, score the model on unseen takes, animate new speech.

    Args:
        out: folder for everything that comes of it; what the demo left there before is replaced.
        minutes: how long to train.
        seed: decides the takes and the training.
    """
    from koekao.api import animate
    from koekao.corpus import Corpus, PackConfig, pack
    from koekao.outputs.folder import write_take
    from koekao.takes.synthetic.making import make_take
    from koekao.training import TrainConfig, evaluate, open_run

    began_s = time.monotonic()
    config = TrainConfig(minutes=minutes, seed=seed, model=_MODEL)
    _clear(out)
    OUT.rule("1 of 5: synthetic takes")
    made_s = write_synthetic(out / "takes", takes=_TAKES, seconds=_SECONDS, seed=seed)
    say(f"{count(_TAKES, 'take')}, {length(made_s)}: {out / 'takes'}")
    OUT.rule("2 of 5: pack")
    report = pack(out / "takes", out / "corpus", PackConfig(val=_HELD_OUT / _TAKES, test=_HELD_OUT / _TAKES, seed=seed))
    say(f"found {report.found}, packed {report.packed}, refused {len(report.refused)}: {out / 'corpus'}")
    OUT.rule("3 of 5: train")
    code = run_training(out / "corpus", out / "run", config)
    if code:
        return code
    OUT.rule("4 of 5: evaluate")
    with working("animating takes"):
        evaluation = evaluate(open_run(out / "run"), Corpus.open(out / "corpus"))
    show(evaluation, by_curve=False)
    OUT.rule("5 of 5: animate")
    speech = make_take(seed + 1000, seconds=_SPEECH_S, name="speech")
    write_take(out, "speech", speech.audio, speech.sample_rate, speech.curves, speech.fps)
    (out / "speech.jsonl").replace(out / "speech.truth.jsonl")
    for ending in ("csv", "jsonl", "json"):
        curves = animate(out / "run", out / "speech.wav", out / f"face.{ending}")
    scores = evaluation.as_dict()
    table(
        f"Done in {length(time.monotonic() - began_s)}",
        ("what", "where", "result"),
        [
            ("takes", out / "takes", f"{report.found} found, {length(report.seconds)}"),
            ("corpus", out / "corpus", count(report.frames, "frame")),
            (
                "run",
                out / "run",
                f"mean r {scores['model']['r']:.3f} on unseen takes (ridge {scores['ridge']['r']:.3f})",
            ),
            ("animation", out / "face.csv", f"{count(len(curves), 'frame')}, also .jsonl and .json"),
        ],
    )
    return None


def _clear(out: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    from koekao.errors import OutputError

    mark = out / ".koekao-demo"
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not mark.exists():
        raise OutputError("exists and is not an earlier demo", where=out, do="choose another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for name in ("takes", "corpus", "run"):
        if (out / name).exists():
            shutil.rmtree(out / name)
