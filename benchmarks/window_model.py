"""Question: how much faster does the window model train on packed mel and prosody than on raw sound?

Command: python benchmarks/window_model.py

One step is what the sequential trainer does: a batch from the loader (inline, no threads), the loss, its gradient, the
optimiser. A window of 256 frames supervises one frame, its last, so supervised frames/s are windows/s. Three ways: raw
sound; the packed columns ``mel`` and ``prosody``; and the features of raw sound without the training, to show where the
time goes. Synthetic takes, default model, 64 windows a batch, a frame apart, one thread; the ways by turns, the first
round not counted, medians over the rounds with the least and the most.

Result:

    | fed | supervised frames/s, median [least-most] | times raw sound |
    | --- | ---: | ---: |
    | raw sound | 39 [38-39] | 1.0 |
    | packed columns | 1125 [1095-1136] | 29.0 |
    | features of raw sound alone | 41 [41-41] | 1.1 |

(a shared machine of two cores, other work running beside)

Reading: the bar is 20 times. Fed sound, nearly all of a step is the prosody of 256 frames for one that is supervised;
the network itself costs a thirtieth of that. So packing both columns once is worth it from the first epoch on.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

import koekao
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.models import WindowModel
from koekao.takes.synthetic.making import make_takes
from koekao.training import TrainConfig
from koekao.training.parts import Parts, make_model, make_parts
from koekao.training.statistics import fit_statistics

WAYS = ("raw sound", "packed columns", "features of raw sound alone")


def corpus_at(path: Path, columns: bool) -> Corpus:
    pack_takes(make_takes(4, seconds=(15, 20), seed=3), path, PackConfig(val=0.0))
    for stream in ("mel", "prosody") if columns else ():
        koekao.pack_features(path, stream=stream)
    return Corpus.open(path)


def parts_of(corpus: Corpus, batch_size: int) -> Parts:
    config = TrainConfig(
        model={"name": "window"}, stride="dense", batch_size=batch_size, num_workers=0, device="cpu", epochs=1
    )
    model = make_model(config, corpus)
    fit_statistics(model, corpus)
    return make_parts(config, corpus, model.train(), config.spec(len(corpus), corpus.clock, 1))


def train(parts: Parts, n_steps: int) -> int:
    """Steps of training; returns how many frames were supervised."""
    n_frames = 0
    for batch in itertools.islice(parts.loader, n_steps):
        losses = parts.task.losses(parts.model, batch)
        parts.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        parts.optimizer.step()
        n_frames += int((batch["valid_frames"] > 0).sum())
    return n_frames


@torch.no_grad()
def hear(parts: Parts, n_steps: int) -> int:
    """The features of the same batches of sound, and nothing else."""
    n_frames, model = 0, parts.model
    if not isinstance(model, WindowModel):
        raise TypeError(f"{type(model).__name__} does not hear emotion")
    for batch in itertools.islice(parts.loader, n_steps):
        valid = batch["valid_frames"]
        where: dict[str, Any] = {"first_frame": batch["start_frames"], "n_frames": int(valid.max())}
        where["origin_samples"] = model.features.frame_starts(batch["start_frames"])
        alone = model.emotion.alone(batch["audio"], **where)
        memory = model.emotion.init_memory(len(valid))
        model.emotion.carry(alone, first_frame=torch.zeros_like(valid), n_ready=valid, memory=memory)
        n_frames += int((valid > 0).sum())
    return n_frames


def measured(folder: Path, batch_size: int, rounds: int) -> dict[str, list[float]]:
    """Supervised frames/s of each round, by way."""
    raw, packed = (parts_of(corpus_at(folder / str(columns), columns), batch_size) for columns in (False, True))
    work: dict[str, Callable[[], int]] = {
        WAYS[0]: partial(train, raw, 1),
        WAYS[1]: partial(train, packed, 20),
        WAYS[2]: partial(hear, raw, 1),
    }
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for i in range(rounds + 1):
        for way in WAYS:
            began_s = time.perf_counter()
            n_frames = work[way]()
            if i:  # the first round warms up
                found[way].append(n_frames / (time.perf_counter() - began_s))
    return found


def report(found: dict[str, list[float]]) -> str:
    """A table: a row a way; how many times as fast as raw sound, by the medians."""
    base = statistics.median(found[WAYS[0]])
    lines = ["| fed | supervised frames/s, median [least-most] | times raw sound |", "| --- | ---: | ---: |"]
    for way, speeds in found.items():
        middle = statistics.median(speeds)
        lines.append(f"| {way} | {middle:.0f} [{min(speeds):.0f}-{max(speeds):.0f}] | {middle / base:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        print(report(measured(Path(folder), options.batch_size, options.rounds)))


if __name__ == "__main__":
    main()
