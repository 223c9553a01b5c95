"""The plot of a take as inline SVG: the waveform, and under it the curves that speech moves, on one axis of time.

No plotting library: a few hundred points a line are a path of relative steps, 6 kB a take, that any browser scales to
the width there is. The SVG is one unit wide a slice and is stretched, so it holds lines alone: labels, ticks and what
is hatched stand around it as HTML, which is not stretched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from koekao.takes.doctor.finding import Finding
from koekao.takes.doctor.health import Health
from koekao.takes.doctor.spans import Span, runs, spread
from koekao.takes.doctor.traces import LANES, N_SLICES, SHOWN, Trace

SOUND_HEIGHT, LANE_HEIGHT = 60, 30
"""Pixels, and units of the SVG."""
_LINE_COLOURS = (("a",), ("b",), ("c", "d"), ("e", "f"), ("g", "h"))
"""Class of each lane's lines in the style sheet."""
_MOST_SPANS, _MOST_MARKS = 40, 12
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


def plot(health: Health, findings: Iterable[Finding]) -> str:
    """The plot of a take as HTML, or nothing where there is nothing to plot."""
    shown = health.plotted
    if shown is None:
        return ""
    top = 0 if shown.low is None else SOUND_HEIGHT
    lanes = () if shown.curves is None else LANES
    height = top + LANE_HEIGHT * len(lanes)
    labels = '<span class="tall">sound</span>' * bool(top) + "".join(
        f"<span>{escape(label)}</span>" for label, _ in lanes
    )
    said = escape(f"Waveform and curves of {health.name} over {shown.axis.length_s:.1f} seconds")
    return (
        f'<div class="plot" style="--height:{height}px"><div class="lanes" aria-hidden="true">{labels}</div>'
        f'<div class="canvas"><svg role="img" aria-label="{said}" viewBox="0 0 {N_SLICES} {height}" '
        f'preserveAspectRatio="none" xmlns="http://www.w3.org/2000/svg">{_sound(shown)}{_curves(shown, top)}</svg>'
        f"{_lost(health, shown.axis)}{_marks(findings, shown.axis)}{_ticks(shown.axis)}</div></div>"
    )


def _sound(shown: Trace) -> str:
    if shown.low is None or shown.high is None:
        return ""
    middle = SOUND_HEIGHT / 2
    base = f'<path class="zero" d="M0 {middle:g}H{N_SLICES}"/>'
    there = np.flatnonzero(np.isfinite(shown.low))
    if not len(there):
        return base
    # At least one unit high, so that silence is seen to be sound.
    top = np.rint(middle - (middle - 2) * np.clip(shown.high[there], -1, 1)).astype(int)
    bottom = np.rint(middle - (middle - 2) * np.clip(shown.low[there], -1, 1)).astype(int)
    bottom = np.maximum(bottom, top + 1)
    steps = "".join(f"h1v{b - a}" for a, b in pairwise(top))
    back = "".join(f"h-1v{b - a}" for a, b in pairwise(bottom[::-1]))
    outline = f"M{there[0]} {top[0]}{steps}h1V{bottom[-1]}{back}h-1z".replace("v0", "")
    return f'{base}<path class="wave" d="{outline}"/>'


def _curves(shown: Trace, top: int) -> str:
    if shown.curves is None:
        return ""
    paths = []
    for i, ((_, names), classes) in enumerate(zip(LANES, _LINE_COLOURS)):
        floor = top + LANE_HEIGHT * (i + 1) - 2
        paths.append(f'<path class="zero" d="M0 {floor}H{N_SLICES}"/>')
        for name, colour in zip(names, classes):
            line = _line(shown.curves[SHOWN.index(name)], floor)
            if line:
                paths.append(f'<path class="line {colour}" d="{line}"><title>{name}</title></path>')
    return "".join(paths)


def _line(values: NDArray[np.float32], floor: int) -> str:
    """A path over the slices that have a value, broken where there is none."""
    heights = np.rint(floor - (LANE_HEIGHT - 5) * np.clip(np.nan_to_num(values), 0, 1)).astype(int)
    parts = []
    for first, end in runs(np.isfinite(values)):
        parts.append(f"M{first}.5 {heights[first]}h.1")
        for step, alike in groupby(np.diff(heights[first:end]).tolist()):
            n = len(list(alike))
            parts.append(f"l1{' ' * (step > 0)}{step}" * n if step else f"h{n}")
    return "".join(parts)


def _lost(health: Health, axis: Span) -> str:
    """What is hatched: gaps and rows without a face; stretches that lie closer than a slice are one."""
    if health.curves is None:
        return ""
    merged: list[list[float]] = []
    for start_s, end_s in sorted((*health.curves.gaps, *health.curves.untracked)):
        if merged and start_s - merged[-1][1] < axis.length_s / N_SLICES:
            merged[-1][1] = max(end_s, merged[-1][1])
        else:
            merged.append([start_s, end_s])
    longest = sorted(sorted(merged, key=lambda span: span[0] - span[1])[:_MOST_SPANS])
    return "".join(
        f'<i class="lost" style="left:{_percent(a, axis)}%;width:{100 * (b - a) / axis.length_s:.2f}%" '
        f'title="no face from {a:.2f} s to {b:.2f} s"></i>'
        for a, b in longest
    )


def _marks(findings: Iterable[Finding], axis: Span) -> str:
    """A dashed line where a finding has a time; what is hatched already needs none."""
    marks = [
        (at_s, one)
        for one in findings
        if one.name not in ("gaps", "untracked")
        for at_s in spread(np.array(one.at_s), _MOST_MARKS).tolist()
    ]
    return "".join(
        f'<i class="mark {one.level}" style="left:{_percent(at_s, axis)}%" '
        f'title="{at_s:.2f} s: {escape(one.what)}"></i>'
        for at_s, one in marks
    )


def _ticks(axis: Span) -> str:
    step = next((step for step in _TICKS if axis.length_s / step <= 8), _TICKS[-1])
    first = math.ceil(axis.start_s / step - 1e-9)
    last = math.floor(axis.end_s / step + 1e-9)
    marks = [k * step for k in range(first, last + 1)][:20]
    return "".join(f'<b style="left:{_percent(at_s, axis)}%">{_clock(at_s, step)}</b>' for at_s in marks)


def _clock(at_s: float, step: float) -> str:
    if step < 1:
        return f"{at_s:.1f} s"
    minutes, seconds = divmod(abs(round(at_s)), 60)
    return f"{'-' * (at_s < 0)}{minutes}:{seconds:02d}"


def _percent(at_s: float, axis: Span) -> str:
    return f"{min(100.0, max(0.0, 100 * (at_s - axis.start_s) / axis.length_s)):.2f}"
