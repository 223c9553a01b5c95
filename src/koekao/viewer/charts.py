"""Charts for a terminal's reach, PNG or SVG: curves over the sound, error by curve, coverage, windows over time.

Each takes plain arrays and gives the bytes of a picture, drawn as :mod:`koekao.drawing` has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao import drawing
from koekao.arkit import MOVING_RANGE, NAMES, REGIONS
from koekao.errors import ConfigError
from koekao.takes.take import as_float
from koekao.viewer.clip import Clip, Curves

COLOURS = {
    "jaw": "#2b63c6", "mouth": "#0f7f78", "cheek": "#9a6b12", "nose": "#8a5a44", "brow": "#7a4bb5", "eye": "#b0467c",
    "tongue": "#b33a3a",
}  # fmt: skip
"""A colour a region, as on the page."""
FIRST, SECOND, ERROR = "#2460b8", "#c2571a", "#c0392b"
_INK, _MUTED, _LINE, _WAVE = "#1b2027", "#5a6573", "#dfe3e8", "#64748b"
_MOST_POINTS, _MOST_SLICES = 4000, 2000


def region_of(name: str) -> str:
    return next(region for region, names in REGIONS.items() if name in names)


@drawing.style()
def chart_curves(
    clip: Clip, *, names: Sequence[str] = (), span: tuple[float, float] | None = None, format: str = "png"
) -> bytes:
    """The curves that move (or those named) as lanes under the waveform; two tracks over each other."""
    shown = [*names] or _moving(clip.tracks)
    start, end = span or (0.0, clip.seconds)
    if not 0 <= start < end:
        raise ConfigError(f"from {start:g} to {end:g} s", expected="a span of time in the take")
    figure = _figure(11, 1.5 + 0.34 * max(1, len(shown)))
    heights = [0.9 if clip.sound is not None else 0.01, 0.34 * max(1, len(shown))]
    top, lanes = figure.subplots(2, 1, sharex=True, height_ratios=heights, gridspec_kw={"hspace": 0.03})
    _wave(top, clip, start, end)
    top.set_title(clip.name, loc="left", fontsize=12, color=_INK, fontweight="bold")
    for i, name in enumerate(shown):
        floor = len(shown) - 1 - i
        lanes.axhline(floor, color=_LINE, lw=0.6)
        for k, track in enumerate(clip.tracks):
            colour = (FIRST, SECOND)[k] if len(clip.tracks) > 1 else COLOURS[region_of(name)]
            at_s, values = _points(track, NAMES.index(name), start, end)
            lanes.plot(
                at_s,
                floor + 0.88 * np.clip(values, -0.1, 1.1),
                color=colour,
                lw=1.0,
                label=track.label if not i else None,
            )
            if not k:
                lanes.fill_between(at_s, floor, floor + 0.88 * np.clip(values, 0, 1.1), color=colour, alpha=0.15, lw=0)
    lanes.set(ylim=(-0.1, len(shown)), xlim=(start, end), xlabel="s")
    lanes.set_yticks([len(shown) - 1 - i + 0.3 for i in range(len(shown))], shown, fontsize=8)
    if len(clip.tracks) > 1:
        top.legend(
            *lanes.get_legend_handles_labels(),
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=2,
            frameon=False,
            fontsize=9,
        )
    if not shown:
        lanes.text(0.5, 0.5, "no curve moves", transform=lanes.transAxes, ha="center", color=_MUTED)
    return _bytes(figure, format)


@drawing.style()
def chart_error(first: Curves, second: Curves, *, format: str = "png") -> bytes:
    """Mean absolute difference of two tracks by curve, the largest on top, with the correlation of those that move."""
    n = min(len(first.values), int(second.seconds * first.fps))
    if n < 1:
        raise ConfigError("two tracks that share no frame", where=f"{first.label} and {second.label}")
    other = second.values[
        np.minimum(len(second.values) - 1, (np.arange(n) * float(second.fps / first.fps) + 1e-6).astype(int))
    ]
    mae = np.abs(first.values[:n] - other).mean(axis=0)
    order = np.argsort(mae)
    figure = _figure(8, 10)
    axes = figure.subplots()
    axes.barh(range(len(NAMES)), mae[order], color=[COLOURS[region_of(NAMES[k])] for k in order], height=0.7)
    for place, k in enumerate(order):
        moves = min(np.ptp(first.values[:n, k]), np.ptp(other[:, k])) > MOVING_RANGE
        said = f"{mae[k]:.3f}" + (f"   r {np.corrcoef(first.values[:n, k], other[:, k])[0, 1]:.2f}" if moves else "")
        axes.text(mae[k] + 0.01 * mae.max(), place, said, va="center", fontsize=7, color=_MUTED)
    axes.set_yticks(range(len(NAMES)), [NAMES[k] for k in order], fontsize=7)
    axes.set(ylim=(-0.7, len(NAMES) - 0.3), xlim=(0, max(1e-6, 1.25 * mae.max())), xlabel="mean absolute difference")
    _title(axes, f"{second.label} against {first.label}", f"mean {mae.mean():.4f} over {n:,} frames")
    return _bytes(figure, format)


@drawing.style()
def chart_coverage(
    title: str,
    quantiles: NDArray[np.floating[Any]],
    moving: NDArray[np.floating[Any]],
    minutes: Mapping[str, Mapping[str, float]],
    *,
    format: str = "png",
) -> bytes:
    """What the takes of a corpus cover.

    Args:
        quantiles: ``[3, 52]``: median, 95th percentile and largest value of each curve over all frames.
        moving: ``[52]``: share of the takes in which the curve moves.
        minutes: speaker -> split -> minutes.
    """
    figure = _figure(11, 10)
    curves, share, people = figure.subplots(1, 3, width_ratios=(3, 1.5, 2), gridspec_kw={"wspace": 0.08})
    rows = np.arange(len(NAMES))[::-1]
    colours = [COLOURS[region_of(name)] for name in NAMES]
    curves.barh(rows, quantiles[2], color=colours, alpha=0.2, height=0.75)
    curves.barh(rows, quantiles[1], color=colours, alpha=0.75, height=0.75)
    curves.scatter(quantiles[0], rows, marker="|", s=40, color=_INK, linewidths=1)
    curves.set_yticks(rows, NAMES, fontsize=7)
    curves.set(xlim=(0, max(1.0, float(quantiles[2].max()))), ylim=(-0.7, len(NAMES) - 0.3))
    _title(curves, title, "values: median (mark), 95 % (bar), largest (pale)")
    share.barh(rows, moving, color=colours, alpha=0.75, height=0.75)
    share.set(xlim=(0, 1), ylim=(-0.7, len(NAMES) - 0.3))
    share.set_yticks([])
    _title(share, "", "share of takes in which it moves")
    _minutes(people, minutes)
    return _bytes(figure, format)


@drawing.style()
def chart_schedule(title: str, strides: Mapping[str, Sequence[int]], *, format: str = "png") -> bytes:
    """Stride by epoch, one step line a way of going there."""
    figure = _figure(9, 4.2)
    axes = figure.subplots()
    for k, (name, values) in enumerate(strides.items()):
        colour = list(COLOURS.values())[k % len(COLOURS)]
        axes.step(range(len(values)), values, where="post", lw=2, color=colour, label=name, alpha=0.85)
    axes.set(xlabel="epoch", ylabel="frames between windows", ylim=(0, None), xlim=(0, None))
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _title(axes, title, "")
    return _bytes(figure, format)


@drawing.style()
def chart_windows(
    title: str,
    rows: Sequence[Sequence[tuple[int, int, int, bool]]],
    lengths: Sequence[int],
    names: Sequence[str],
    *,
    format: str = "png",
) -> bytes:
    """The windows that rows of batches deliver: one lane a row, a bar a window where it lies in its take.

    Args:
        rows: of each row of the batch, in the order of batches: take, first frame, frames, whether the state is reset.
        lengths: frames of each take. names: of each take.
    """
    figure = _figure(12, 1.2 + 0.9 * len(rows))
    lanes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    shown = max(len(row) for row in rows)
    palette = list(COLOURS.values())
    for lane, row in zip(lanes, rows, strict=True):
        longest = max(lengths[take] for take, *_ in row)
        for batch, (take, first, frames, anew) in enumerate(row):
            colour = palette[take % len(palette)]
            lane.bar(batch, frames, bottom=first, width=0.82, color=colour, alpha=0.8 if frames else 0.2)
            if anew:
                lane.axvline(batch - 0.5, color=_INK, lw=1.2)
                lane.text(batch - 0.45, longest * 1.02, names[take], fontsize=7, color=colour, va="bottom")
        lane.set(xlim=(-0.6, shown - 0.4), ylim=(0, longest * 1.1))
    for k, lane in enumerate(lanes):
        lane.set_ylabel(f"row {k}\nframe", fontsize=8)
    lanes[-1].set_xlabel("batch (a line: the state begins anew)")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=_INK)
    return _bytes(figure, format)


def _moving(tracks: Sequence[Curves]) -> list[str]:
    moved = np.max([np.ptp(track.values, axis=0) for track in tracks], axis=0) > MOVING_RANGE
    return [name for region in REGIONS.values() for name in region if moved[NAMES.index(name)]]


def _points(track: Curves, curve: int, start: float, end: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Times and values in a span; of very many the largest of each group, so that no blink is lost."""
    first, last = max(0, int(start * track.fps) - 1), min(len(track.values), int(end * track.fps) + 2)
    at_s, values = np.arange(first, last) / float(track.fps), track.values[first:last, curve]
    group = -(-len(values) // _MOST_POINTS)
    if group > 1:
        edges = np.arange(0, len(values), group)
        at_s, values = at_s[edges], np.maximum.reduceat(values, edges)
    return at_s, values


def _wave(axes: Any, clip: Clip, start: float, end: float) -> None:
    axes.set_yticks([])
    if clip.sound is None:
        return
    samples = as_float(clip.sound)[int(start * clip.sample_rate) : int(end * clip.sample_rate)]
    at, low, high = drawing.wave(samples, _MOST_SLICES)
    if not len(at):
        return
    axes.fill_between(start + at / clip.sample_rate, low, high, color=_WAVE, lw=0.4)
    highest = 1.05 * max(0.02, float(np.abs(samples).max()))
    axes.set_ylim(-highest, highest)


def _minutes(axes: Any, minutes: Mapping[str, Mapping[str, float]]) -> None:
    most = sorted(minutes, key=lambda name: -sum(minutes[name].values()))[:40]
    left = np.zeros(len(most))
    for split, colour in (("train", FIRST), ("val", SECOND), ("test", COLOURS["brow"])):
        widths = np.array([minutes[name].get(split, 0.0) for name in most])
        if widths.any():
            axes.barh(range(len(most))[::-1], widths, left=left, color=colour, height=0.7, label=split)
        left += widths
    axes.yaxis.tick_right()
    axes.set_yticks(range(len(most))[::-1], most, fontsize=7)
    axes.set_ylim(min(-0.6, len(most) - 30.5), len(most) - 0.4)  # one speaker is no wall
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _title(axes, "", "minutes by speaker" + (f" (40 of {len(minutes)})" if len(minutes) > len(most) else ""))


def _title(axes: Any, title: str, under: str) -> None:
    axes.set_title(f"{title}\n" if title else "", loc="left", fontsize=12, fontweight="bold", color=_INK)
    axes.text(0, 1.005, under, transform=axes.transAxes, fontsize=8.5, color=_MUTED, va="bottom")


def _figure(width: float, height: float) -> Any:
    return drawing.figure(width, height, layout="constrained")


def _bytes(figure: Any, format: str) -> bytes:
    for axes in figure.axes:
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_LINE)
        axes.tick_params(length=0, colors=_MUTED, labelsize=7.5)
    return drawing.picture(figure, format)
