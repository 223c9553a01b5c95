"""Curves of an unseen take, truth and prediction, as a picture: what no score tells is seen at a glance.

A :class:`Stretch` is chosen once and is the same at every validation of a run, resumed or not, so that its pictures can
be leafed through: the ten seconds in which the mouth moves most, of the first few takes, and of these the curves that
move most. The truth is an area and the prediction a line, so that a print without colours can be read too.

It is drawn as :mod:`koekao.drawing` has it. What it gives up: a mirrored pair is shown by the side that moves more, and
every lane has its own scale (its highest value stands beside it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from koekao import drawing
from koekao.arkit import MIRROR, MOVING_RANGE, N_CURVES, NAMES, REGIONS
from koekao.takes.take import as_float
from koekao.training.metrics.scores import pearson

if TYPE_CHECKING:
    from koekao.corpus import Corpus

PASSAGE_S, MOST_LANES, MOST_TAKES = 10, 8, 16
WIDTH, DOTS_PER_INCH = 1120, 112
"""Pixels a picture is wide, and an inch of it."""
_LANE_INCHES, _TOP_INCHES, _BOTTOM_INCHES = 0.72, 0.72, 0.42
_LEFT, _RIGHT = 0.17, 0.955  # of the width: where the lanes begin and end
_FULL = 0.8  # of a lane's height: the highest value in it
_INK, _FAINT, _GRID = "#32383f", "#6e7781", "#e4e7ea"
_TRUTH, _TRUTH_EDGE, _PREDICTION = "#d3d9df", "#6e7781", "#e8590c"
_N_SLICES, _LONGEST_NAME = 900, 48


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretch:
    """What is drawn of a take at each validation.

    Attributes:
        name: of the take. sound: ``[n]`` float32, of the whole take.
        first_frame, end_frame: the stretch of it that is drawn.
        heard: ``[m]`` float32, the sound of the stretch.
        truth: ``[F, 52]`` float32, its curves. valid: ``[F]`` bool, which of its frames were tracked.
        lanes: the curves shown, those that move most first.
        fps: frames a second.
    """

    name: str
    sound: NDArray[np.float32]
    first_frame: int
    end_frame: int
    heard: NDArray[np.float32]
    truth: NDArray[np.float32]
    valid: NDArray[np.bool_]
    lanes: tuple[int, ...]
    fps: Fraction

    @property
    def first_s(self) -> float:
        return float(self.first_frame / self.fps)

    @property
    def end_s(self) -> float:
        return float(self.end_frame / self.fps)


def can_draw() -> bool:
    """Whether matplotlib can be imported; it is imported to find out."""
    try:
        import matplotlib.backends.backend_agg  # noqa: F401
    except ImportError:
        return False
    return True


def stretch_of(takes: Corpus) -> Stretch | None:
    """The ten seconds with the most movement of the mouth in the first takes; None where nothing moves in them.

    Of any number of takes the first 16 are looked at, so that this costs the same in a corpus of any size.
    """
    n_frames = max(1, round(PASSAGE_S * takes.fps))
    found = [
        (*_busiest(takes.curves(i), takes.valid(i).astype(bool), n_frames), i)
        for i in range(min(len(takes), MOST_TAKES))
    ]
    moved, first, i = max(found, key=lambda one: one[0], default=(0.0, 0, 0))
    if not moved > 0:
        return None
    end = min(first + n_frames, int(takes.n_frames[i]))
    truth, valid = takes.curves(i)[first:end], takes.valid(i)[first:end].astype(bool)
    lanes = _lanes(truth[valid])
    if not lanes:
        return None
    sound = as_float(takes.audio(i))
    start, stop = takes.clock.frame_start(first), takes.clock.frame_start(end)
    return Stretch(
        name=takes.names[i],
        sound=sound,
        first_frame=first,
        end_frame=end,
        heard=sound[start:stop],
        truth=truth,
        valid=valid,
        lanes=lanes,
        fps=takes.fps,
    )


def draw(stretch: Stretch, predicted: NDArray[np.float32], *, step: int, mean_r: float | None) -> bytes:
    """The picture as PNG.

    Args:
        predicted: ``[n_frames, 52]``, the curves of the whole take; may be a frame shorter than the truth.
        step: after which they were predicted.
        mean_r: what all validation takes were scored, for the title; None where nothing of them moves.
    """
    labels = labels_of(stretch, predicted)
    said = np.full((len(stretch.truth), N_CURVES), np.nan, np.float32)
    there = predicted[stretch.first_frame : stretch.end_frame]
    said[: len(there)] = there
    n_lanes = 1 + len(stretch.lanes)
    height = _TOP_INCHES + _LANE_INCHES * n_lanes + _BOTTOM_INCHES
    with drawing.style(**{"font.size": 9, "text.color": _INK}):
        figure = drawing.figure(WIDTH / DOTS_PER_INCH, height, dpi=DOTS_PER_INCH)
        bottom, top = _BOTTOM_INCHES / height, 1 - _TOP_INCHES / height
        axes = figure.add_axes((_LEFT, bottom, _RIGHT - _LEFT, top - bottom), facecolor="none")
        _axis_of_time(axes, stretch, n_lanes)
        _sound(axes, stretch, n_lanes - 1)
        for lane, curve in enumerate(stretch.lanes, start=1):
            _lane(axes, stretch, said[:, curve], curve, n_lanes - 1 - lane, labels[NAMES[curve]])
        _head(figure, stretch, height, step, mean_r)
        return drawing.picture(figure)


def labels_of(stretch: Stretch, predicted: NDArray[np.float32]) -> dict[str, float]:
    """Curve -> r over the tracked frames of the stretch, for each lane; ``predicted`` as in :func:`draw`."""
    said = predicted[stretch.first_frame : stretch.end_frame]
    both = np.flatnonzero(stretch.valid[: len(said)])
    if not len(both):
        return {NAMES[curve]: 0.0 for curve in stretch.lanes}
    r = pearson(said[both].astype(np.float64), stretch.truth[both].astype(np.float64))
    return {NAMES[curve]: float(r[curve]) for curve in stretch.lanes}


def _busiest(curves: NDArray[np.float32], valid: NDArray[np.bool_], n_frames: int) -> tuple[float, int]:
    """How much jaw and mouth move in the busiest ``n_frames`` of a take, or in all of a shorter one, and where."""
    mouth = [i for i, name in enumerate(NAMES) if name in (*REGIONS["jaw"], *REGIONS["mouth"])]
    moved = np.abs(np.diff(curves[:, mouth].astype(np.float64), axis=0)).sum(1) * (valid[1:] & valid[:-1])
    so_far = np.concatenate([[0.0], np.cumsum(moved)])
    if not len(moved):
        return 0.0, 0
    length = min(n_frames, len(curves)) - 1
    within = so_far[length:] - so_far[: len(so_far) - length]
    return float(within.max()), int(within.argmax())


def _lanes(truth: NDArray[np.float32]) -> tuple[int, ...]:
    """The curves to show, those with the largest spread first; of a left and a right one that with the larger."""
    spread = truth.std(0) * (np.ptp(truth, axis=0) > MOVING_RANGE)
    best = (spread > spread[MIRROR]) | ((spread == spread[MIRROR]) & (np.arange(N_CURVES) <= MIRROR))
    chosen = np.flatnonzero(best & (spread > 0))
    ordered: list[int] = chosen[np.argsort(-spread[chosen], kind="stable")].tolist()
    return tuple(ordered[:MOST_LANES])


def _axis_of_time(axes: Any, stretch: Stretch, n_lanes: int) -> None:
    axes.set_xlim(stretch.first_s, stretch.end_s)
    axes.set_ylim(0, n_lanes)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0, colors=_FAINT)
    length_s = stretch.end_s - stretch.first_s
    every_s = next(each for each in (0.1, 0.2, 0.5, 1.0) if length_s / each <= 12 or each == 1.0)
    ticks = np.arange(np.ceil(stretch.first_s / every_s), np.floor(stretch.end_s / every_s) + 1) * every_s
    axes.set_xticks(ticks, [f"{tick:g} s" for tick in ticks.round(1)])
    axes.grid(axis="x", color=_GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.hlines(range(n_lanes), stretch.first_s, stretch.end_s, color=_GRID, lw=0.8)


def _sound(axes: Any, stretch: Stretch, floor: int) -> None:
    """The waveform: least and largest sample of each slice, the loudest as high as the lane."""
    _, low, high = drawing.wave(stretch.heard, _N_SLICES)
    if len(low):
        scale = 0.45 / max(1e-4, float(np.abs(stretch.heard).max()))
        at_s = np.linspace(stretch.first_s, stretch.end_s, len(low))
        axes.fill_between(at_s, floor + 0.5 + low * scale, floor + 0.5 + high * scale, color=_TRUTH_EDGE, lw=0.4)
    _label(axes, floor + 0.5, ("sound",))


def _lane(axes: Any, stretch: Stretch, said: NDArray[np.float32], curve: int, floor: int, r: float) -> None:
    """One curve: the truth where it was tracked, the prediction everywhere."""
    truth = np.where(stretch.valid, stretch.truth[:, curve], np.nan)
    highest = float(np.nanmax([np.nanmax(truth), np.nanmax(np.nan_to_num(said))]))
    at_s = (stretch.first_frame + np.arange(len(truth))) / float(stretch.fps)
    up = floor + _FULL / max(1e-6, highest) * truth
    axes.fill_between(at_s, floor, up, color=_TRUTH, lw=0)
    axes.plot(at_s, up, color=_TRUTH_EDGE, lw=0.9)
    axes.plot(at_s, floor + _FULL / max(1e-6, highest) * said, color=_PREDICTION, lw=1.5, solid_joinstyle="round")
    _label(axes, floor + 0.45, (NAMES[curve], f"r {r:.2f}"))
    axes.annotate(
        f"{highest:.2f}",
        (1, floor + _FULL),
        (5, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=_FAINT,
    )


def _label(axes: Any, height: float, lines: Sequence[str]) -> None:
    """A lane's name, and under it what is said of it."""
    for i, (line, colour) in enumerate(zip(lines, (_INK, _PREDICTION))):
        axes.annotate(
            line,
            (0, height),
            (-9, 6.5 * (len(lines) - 1) - 13 * i),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
            color=colour,
            weight="bold" if i else "normal",
        )


def _head(figure: Any, stretch: Stretch, height: float, step: int, mean_r: float | None) -> None:
    """What is seen, after which step, how good it is; and which colour is what."""
    first, second = 1 - 0.22 / height, 1 - 0.46 / height
    name = stretch.name if len(stretch.name) <= _LONGEST_NAME else "…" + stretch.name[1 - _LONGEST_NAME :]
    score = "" if mean_r is None else f"  ·  mean r {mean_r:.3f}"
    edge = 0.012
    figure.text(edge, first, f"{name}  ·  step {step:,}{score}", fontsize=11.5, weight="bold", va="center")
    explained = "mean r: of all validation takes; r of a curve: of this stretch; right: a lane's highest value"
    figure.text(edge, second, explained, fontsize=8, color=_FAINT, va="center")
    figure.text(_RIGHT, first, "prediction", color=_PREDICTION, weight="bold", ha="right", va="center")
    figure.text(_RIGHT - 0.1, first, "■ truth", color=_FAINT, weight="bold", ha="right", va="center")
