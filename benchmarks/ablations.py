"""Question: which ideas help the stream model on real takes, and which do not?

Command: python benchmarks/ablations.py TAKES [--seeds 3] [--only NAME ...]

TAKES is a folder of takes of one speaker; the last one by name is the test take and decides nothing. Each variant is
the default but for what its line says. It is trained with each seed on all the others ("test take"), and with seed 0
on all but one of those, each left out in turn ("left out"): by that variants are to be chosen. One thread a run. Beside
them stands the ridge regression that has the same log-mel and look-ahead. Writes ``docs/ablations.md``.

Result and reading: ``docs/ablations.md``.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

METRICS = ("r", "velocity_ratio", "jitter_ratio", "mae")
ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/ablations.md"
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "default": ("as it is", {}),
    "augmentation: one tempo": ("windows are not spoken faster and slower", {"model": {"tempo": 0.0}}),
    "augmentation: other microphones": (
        "each window equalised by five cosines of spread 1",
        {"model": {"level": 1.0}},
    ),
    "augmentation: other throats": (
        "the spectrum of each window shifted by 1.5 bands, a tenth of the bands silenced",
        {"model": {"band_shift": 1.5, "band_dropout": 0.1}},
    ),
    "front: every harmonic": ("bands are not blurred", {"model": {"blur_bands": 1}}),
    "front: 24 bands of 32 ms": (
        "24 mel bands, columns of 512 samples, no blur",
        {"model": {"blur_bands": 1, "features": {"n_mels": 24, "n_fft": 512}}},
    ),
    "trunk: a second of past": ("dilations 1, 2, 4, 8", {"model": {"dilations": [1, 2, 4, 8]}}),
    "trunk: half as wide": ("dim 64, 0.07 million parameters", {"model": {"dim": 64}}),
    "loss: no correlation": ("position and velocity alone", {"correlation_weight": 0.0}),
    "loss: closed lips": ("closure at weight 0.1", {"losses": {"terms": {"closure": 0.1}}}),
    "look-ahead 0": ("no frame of the future", {"model": {"look_ahead_frames": 0}}),
    "look-ahead 6": ("200 ms", {"model": {"look_ahead_frames": 6}}),
    "training: last weights": ("not averaged", {"ema_decay": 0.0}),
    "training: twice as long": ("16 epochs", {"epochs": 16}),
    "use: half lively": ("`--model.liveliness 0.5`", {"model": {"liveliness": 0.5}}),
    "use: lively": ("`--model.liveliness 1`", {"model": {"liveliness": 1.0}}),
}
AS_BEFORE = {
    "level": 1.0, "band_shift": 1.5, "band_dropout": 0.1, "tempo": 0.0, "blur_bands": 1, "front_frames": 2,
    "channels": 32, "dilations": [1, 2, 4, 8], "dropout": 0.2,
}  # fmt: skip
VARIANTS["all as it first was"] = ("the settings that this table did away with", {"model": AS_BEFORE})


@dataclass(frozen=True)
class Job:
    """One training: what is said of it, its settings, seed, and the take that it is judged on."""

    name: str
    settings: dict[str, Any]
    seed: int
    corpus: str
    trained_on: tuple[str, ...]
    judged_on: str


def run(job: Job) -> dict[str, Any]:
    """Train and judge; ``name`` "ridge" trains the baseline alone."""
    import torch

    from koekao.animation import animate
    from koekao.corpus import Corpus
    from koekao.features import LogMel, LogMelConfig
    from koekao.takes.take import as_float
    from koekao.training import TrainConfig, Trainer, open_run
    from koekao.training.evaluation import score_takes
    from koekao.training.ridge import Ridge

    torch.set_num_threads(1)
    began, corpus = time.monotonic(), Corpus.open(job.corpus)
    train, test = corpus.select(names=job.trained_on), corpus.select(names=[job.judged_on])
    parameters = 0
    if job.name == "ridge":
        features = LogMel(LogMelConfig(sample_rate=corpus.sample_rate, fps=str(corpus.fps)))
        features.fit(as_float(train.audio(i)) for i in range(len(train)))
        scores = score_takes(Ridge.fit(train, features, 3).predict, test)
    else:
        folder = tempfile.mkdtemp(prefix="ablation")
        try:
            Trainer(train, folder, TrainConfig(seed=job.seed, num_workers=0, **job.settings)).fit()
            model = open_run(folder).model()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        parameters = sum(each.numel() for each in model.parameters())
        scores = score_takes(lambda audio: animate(model, audio), test)
    found = {metric: scores.average(metric) for metric in METRICS} | {"jaw": scores.average("r", ["jawOpen"])}
    return {
        "name": job.name, "seed": job.seed, "judged_on": job.judged_on, "parameters": parameters,
        "seconds": time.monotonic() - began, **found,
    }  # fmt: skip


def jobs_of(corpus: str, names: list[str], variants: Iterable[str], seeds: int) -> list[Job]:
    """Every training of the table, those for the test take first."""
    *others, last = names
    jobs = []
    for name in ("ridge", *variants):
        settings = {} if name == "ridge" else VARIANTS[name][1]
        for seed in range(1 if name == "ridge" else seeds):
            for judged in (last, *others) if seed == 0 else (last,):
                trained = tuple(each for each in others if each != judged)
                jobs.append(Job(name, settings, seed, corpus, trained, judged))
    return sorted(jobs, key=lambda job: job.judged_on != last)


def table(results: list[dict[str, Any]], last: str) -> str:
    """Markdown: a row a variant."""
    of: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        of.setdefault(result["name"], []).append(result)
    head = (
        "| | what | r, left out | r, test take | seeds | jawOpen r | velocity ratio | jitter ratio | parameters |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    rows = []
    for name, found in of.items():
        tests = sorted((each for each in found if each["judged_on"] == last), key=lambda each: each["seed"])
        left_out = [each["r"] for each in found if each["judged_on"] != last]
        mean = {metric: np.mean([each[metric] for each in tests]) for metric in (*METRICS, "jaw")}
        what = "linear, the same log-mel, look-ahead 3" if name == "ridge" else VARIANTS[name][0]
        rows.append(
            f"| {name} | {what} | {np.mean(left_out) if left_out else math.nan:.3f} | {mean['r']:.3f} | "
            f"{' '.join(format(each['r'], '.3f') for each in tests)} | {mean['jaw']:.3f} | "
            f"{mean['velocity_ratio']:.2f} | {mean['jitter_ratio']:.2f} | {tests[0]['parameters'] / 1e6:.2f} M |"
        )
    return head + "\n".join(rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("takes", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, default=ROOT / "out/ablations.jsonl", help="added to, a line a run")
    options = parser.parse_args()
    from koekao.corpus import Corpus, PackConfig, pack

    options.results.parent.mkdir(parents=True, exist_ok=True)
    corpus = options.results.with_suffix(".corpus")
    if not corpus.exists():
        pack(options.takes, corpus, PackConfig(val=0.0))
    names = sorted(Corpus.open(corpus).names)
    done = [json.loads(line) for line in options.results.open()] if options.results.exists() else []
    known = {(each["name"], each["seed"], each["judged_on"]) for each in done}
    wanted = jobs_of(str(corpus), names, options.only, options.seeds)
    jobs = [job for job in wanted if (job.name, job.seed, job.judged_on) not in known]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool, options.results.open("a") as file:
        for number, result in enumerate(pool.imap_unordered(run, jobs), start=1):
            done.append(result)
            print(json.dumps(result), file=file, flush=True)
            print(f"{number}/{len(jobs)} {result['name']} {result['judged_on']}: r {result['r']:.3f}", flush=True)
    order = {name: place for place, name in enumerate(("ridge", *VARIANTS))}
    done = sorted((each for each in done if each["name"] in order), key=lambda each: order[each["name"]])
    found = table(done, names[-1])
    print(found)
    if PAGE.exists():
        begin, rest = PAGE.read_text("utf-8").split("<!-- table -->\n", 1)
        PAGE.write_text(f"{begin}<!-- table -->\n{found}<!-- end -->{rest.split('<!-- end -->', 1)[1]}", "utf-8")


if __name__ == "__main__":
    main()
