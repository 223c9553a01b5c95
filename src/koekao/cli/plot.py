"""``koekao plot THING -o picture.png``: curves, errors, coverage, the stride of epochs and the windows of a stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np
from cyclopts import Parameter

from koekao.cli.console import Making, json_out, working
from koekao.errors import ConfigError
from koekao.windows.stride import Mode, Schedule

if TYPE_CHECKING:
    from koekao.corpus import Corpus

Kind = Literal["curves", "error", "coverage", "schedule", "windows"]
_MOST_LOOKED_AT = 2_000_000
"""Frames of a corpus that quantiles are taken of, evenly over all."""


def plot(
    thing: Path | None = None,
    other: Path | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    kind: Kind | None = None,
    sound: Path | None = None,
    run: Path | None = None,
    curves: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    start: float = 0.0,
    end: float | None = None,
    stride: Mode = "progressive",
    schedule: Schedule = "linear",
    initial_stride: int = 32,
    final_stride: int = 1,
    max_epochs: int = 100,
    epoch: int = 0,
    batch_size: int = 4,
    n_streams: int | None = None,
    window_frames: int = 256,
    batches: int = 40,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Draw curves, errors or coverage as PNG or SVG (extra plot).

    What is drawn where kind is not said: of an animation or a take its curves over the waveform, of two (or with run)
    both over each other, of a corpus its coverage, and of nothing the schedule of strides.

    Args:
        thing: an animation file, a take or a corpus.
        other: an animation to draw over it.
        output: picture.png or picture.svg; what stands there is replaced.
        kind: curves; error (two animations, by curve); coverage (a corpus); schedule (stride by epoch); windows (what
            the streams of a corpus deliver, batch by batch).
        sound: the sound, where it does not lie beside the animation.
        run: a run or model.onnx whose prediction is drawn over what is true.
        curves: only these. Default: those that move.
        start: seconds at which curves begin.
        end: seconds at which they end. Default: the end.
        stride: of schedule and windows: how far apart windows start.
        schedule: how progressive goes from one to the other; without a corpus both are drawn.
        initial_stride: frames between windows at first.
        final_stride: frames between windows in the last epoch of progressive.
        max_epochs: epochs that progressive is spread over.
        epoch: of windows.
        batch_size: rows of windows.
        n_streams: streams that the rows are shared out to. Default: 2.
        window_frames: frames a window.
        batches: how many batches of windows are drawn.
        seed: decides the order of windows.
        json: print what was done as JSON.

    Examples:
        koekao plot take.jsonl -o curves.png
        koekao plot corpus -o coverage.svg
        koekao plot truth.csv other.csv --kind error -o error.png
    """
    from koekao.atomic import write_file
    from koekao.drawing import ENDINGS
    from koekao.viewer.showing import is_corpus

    if output.suffix.lower() not in ENDINGS:
        raise ConfigError(f"unknown ending {output.suffix!r}", where=output, expected=" or ".join(ENDINGS))
    if batches < 1:
        raise ConfigError(f"--batches {batches}", expected="1 or more")
    format = output.suffix.lower()[1:]
    meant: Kind = kind or ("schedule" if thing is None else "coverage" if is_corpus(thing) else "curves")
    if (thing is None) != (meant == "schedule"):
        raise ConfigError(f"{meant} of {'nothing' if thing is None else thing}", do="see koekao plot --help")
    strides: dict[str, Any] = {
        "initial_stride": initial_stride, "final_stride": final_stride, "max_epochs": max_epochs, "schedule": schedule,
    }  # fmt: skip
    making = Making()
    with working(f"drawing {output}"):
        if thing is None:
            picture = _schedule(strides, format)
        elif meant == "coverage":
            picture = _coverage(thing, format)
        elif meant == "windows":
            shape = {"batch_size": batch_size, "n_streams": n_streams, "window_frames": window_frames, "seed": seed}
            picture = _windows(thing, {"stride": stride, "epoch": epoch} | strides | shape, batches, format)
        else:
            picture = _animation(thing, other, sound, run, meant, curves or (), (start, end), format)
    write_file(output, picture)
    if json:
        told = {"output": str(output), "kind": meant, "bytes": len(picture)}
        return json_out(told | making.as_dict([output]))
    return making.say(f"{output} ({meant})")


def _animation(
    thing: Path, other: Path | None, sound: Path | None, run: Path | None, kind: Kind, names: Any,
    span: tuple[float, float | None], format: str,
) -> bytes:  # fmt: skip
    from koekao.api.faces import predicting
    from koekao.arkit import canonical
    from koekao.viewer.charts import chart_curves, chart_error
    from koekao.viewer.showing import clip_to_draw

    clip = clip_to_draw(thing, other, sound, None if run is None else predicting(run))
    if kind == "error":
        if len(clip.tracks) < 2:
            raise ConfigError("error of one animation", where=thing, do="name a second one, or a run with --run")
        return chart_error(clip.tracks[0], clip.tracks[1], format=format)
    known = [canonical(name) for name in names]
    for name, found in zip(names, known, strict=True):
        if found is None:
            raise ConfigError(f"no curve {name!r}", expected="names of the 52, as jawOpen")
    end = clip.seconds if span[1] is None else span[1]
    return chart_curves(clip, names=[name for name in known if name], span=(span[0], end), format=format)


def _coverage(place: Path, format: str) -> bytes:
    from koekao.arkit import MOVING_RANGE
    from koekao.corpus import Corpus
    from koekao.viewer.charts import chart_coverage

    corpus = Corpus.open(place)
    every = max(1, int(corpus.n_frames.sum()) // _MOST_LOOKED_AT)
    looked = np.concatenate(
        [corpus.curves(i)[::every][corpus.valid(i)[::every].astype(bool)] for i in range(len(corpus))]
    )
    if not len(looked):
        raise ConfigError("no frame in which a face was seen", where=place)
    moves = np.mean([np.ptp(corpus.curves(i), axis=0) > MOVING_RANGE for i in range(len(corpus))], axis=0)
    quantiles = np.stack([*np.quantile(looked, (0.5, 0.95), axis=0), looked.max(axis=0)])
    title = f"{place.name}: {len(corpus):,} takes, {corpus.seconds / 60:.1f} minutes"
    return chart_coverage(title, quantiles, moves, _minutes(corpus), format=format)


def _minutes(corpus: Corpus) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for speaker, split, n in zip(corpus.speakers, corpus.splits, corpus.n_samples.tolist(), strict=True):
        of = found.setdefault(speaker, {})
        of[split] = of.get(split, 0.0) + n / corpus.sample_rate / 60
    return found


def _schedule(settings: dict[str, Any], format: str) -> bytes:
    from koekao.viewer.charts import chart_schedule
    from koekao.windows import StridePolicy

    n = settings["max_epochs"]
    ways = {f"progressive, {how}": {"mode": "progressive", "schedule": how} for how in get_args(Schedule)}
    ways |= {"sparse and mixed": {"mode": "sparse"}, "dense": {"mode": "dense"}}
    lines = {}
    for name, own in ways.items():
        policy = StridePolicy(**(settings | own))
        lines[name] = [policy.stride_at(epoch) for epoch in range(n)]
    return chart_schedule("Stride by epoch", lines, format=format)


def _windows(place: Path, settings: dict[str, Any], n_batches: int, format: str) -> bytes:
    from koekao.api.corpora import open as open_corpus
    from koekao.viewer.charts import chart_windows

    corpus = open_corpus(place)
    loader = corpus.streams(**settings)
    rows: list[list[tuple[int, int, int, bool]]] = [[] for _ in range(settings["batch_size"])]
    for k in range(min(n_batches, loader.plan.n_batches)):
        batch = loader.batch(k)
        for row, into in enumerate(rows):
            take, first, n = (int(batch[key][row]) for key in ("file_indices", "start_frames", "valid_frames"))
            into.append((max(0, take), first, n, bool(batch["reset"][row])))
    title = f"{place.name}: epoch {settings['epoch']}, stride {loader.plan.grid.stride}"
    lengths = corpus.n_frames.tolist()
    return chart_windows(title, rows, lengths, list(corpus.names), format=format)
