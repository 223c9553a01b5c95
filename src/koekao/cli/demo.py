"""``koekao demo``: the main job from nothing, on synthetic takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koekao.cli.console import OUT, Making, count, json_out, length, say, table
from koekao.cli.evaluate import show
from koekao.cli.progress import PackingProgress, WorkProgress
from koekao.cli.train import run_training

if TYPE_CHECKING:
    from koekao.training import TrainConfig

_TAKES, _SECONDS, _SPEECH_S = 24, 20.0, 15.0
_HELD_OUT = 3
_MODEL = {"dim": 192, "noise": 0.1, "dropout": 0.1}
"""Synthetic takes are clean and alike, so the model may be larger and learn undisturbed."""
_ENDINGS = ("csv", "jsonl", "json")


def demo(*, out: Path = Path("out/demo"), minutes: float = 1.0, seed: int = 0, json: bool = False) -> int | None:
    """Try the whole way on synthetic takes, from nothing to a face.

    It makes takes, packs them, trains on them, scores the model on takes it has not seen, and animates new speech. What
    it leaves can be looked at with koekao view, and every verb can be tried on it.

    Args:
        out: folder for everything that comes of it; what the demo left there before is replaced.
        minutes: how long to train.
        seed: decides the takes and the training.
        json: print nothing but the outcome, as JSON.

    Examples:
        koekao demo
        koekao demo --out try --minutes 0.5
    """
    from koekao.training import TrainConfig

    making = Making()
    config = TrainConfig(minutes=minutes, seed=seed, model=_MODEL)
    _clear(out)
    with _kept_to_itself(json):
        code, scores, rows = _whole_way(out, config)
    if code:
        if json:
            json_out({"out": str(out), "ended": "interrupted"})
        return code
    then = ("koekao", "view", out / "face.csv", "--sound", out / "speech.wav")
    if json:
        kept = {who: scores[who]["r"] for who in ("model", "ridge", "mean")}
        made = [out / name for name in ("takes", "corpus", "run", *(f"face.{ending}" for ending in _ENDINGS))]
        json_out({"out": str(out), "r": kept, "takes": scores["takes"]} | making.as_dict(made, *then))
        return None
    table(f"Done in {length(making.took_s)}", ("what", "where", "result"), rows)
    making.say(out, *then)
    return None


@contextmanager
def _kept_to_itself(quiet: bool) -> Iterator[None]:
    """Where the outcome is wanted as JSON, what is said on the way goes to nobody."""
    if not quiet:
        yield
        return
    with Path(os.devnull).open("w") as nobody, redirect_stdout(nobody):
        yield


def _whole_way(out: Path, config: TrainConfig) -> tuple[int | None, dict[str, Any], list[tuple[object, ...]]]:
    """All five steps: the exit code, the scores, and what lies where."""
    from koekao.api.faces import animate
    from koekao.api.takes import synthesize
    from koekao.corpus import Corpus, PackConfig, pack
    from koekao.outputs.folder import write_take
    from koekao.takes.synthetic.making import make_take
    from koekao.training import evaluate, open_run

    OUT.rule("1 of 5: synthetic takes")
    with WorkProgress("making takes", "takes") as progress:
        made_s = synthesize(out / "takes", takes=_TAKES, seconds=_SECONDS, seed=config.seed, on_take=progress.tell)
    say(f"{count(_TAKES, 'take')}, {length(made_s)}: {out / 'takes'}")
    OUT.rule("2 of 5: pack")
    held_out = _HELD_OUT / _TAKES
    packed_as = PackConfig(val=held_out, test=held_out, seed=config.seed)
    with PackingProgress() as packing:
        report = pack(out / "takes", out / "corpus", packed_as, on_progress=packing.tell)
    say(f"found {report.found}, packed {report.packed}, refused {len(report.refused)}: {out / 'corpus'}")
    OUT.rule("3 of 5: train")
    code = run_training(out / "corpus", out / "run", config)
    if code:
        return code, {}, []
    OUT.rule("4 of 5: evaluate")
    with WorkProgress("animating", "takes") as progress:
        evaluation = evaluate(open_run(out / "run"), Corpus.open(out / "corpus"), on_take=progress.tell)
    show(evaluation, by_curve=False)
    OUT.rule("5 of 5: animate")
    speech = make_take(config.seed + 1000, seconds=_SPEECH_S, name="speech")
    write_take(out, "speech", speech.audio, speech.sample_rate, speech.curves, speech.fps)
    (out / "speech.jsonl").replace(out / "speech.truth.jsonl")
    for ending in _ENDINGS:
        curves = animate(out / "run", out / "speech.wav", out / f"face.{ending}")
    scores = evaluation.as_dict()
    learnt = f"mean r {scores['model']['r']:.3f} on unseen takes (ridge {scores['ridge']['r']:.3f})"
    return (
        None,
        scores,
        [
            ("takes", out / "takes", f"{report.found} found, {length(report.seconds)}"),
            ("corpus", out / "corpus", count(report.frames, "frame")),
            ("run", out / "run", learnt),
            ("animation", out / "face.csv", f"{count(len(curves), 'frame')}, also .jsonl and .json"),
        ],
    )


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
