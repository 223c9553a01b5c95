"""Windows a second as a picture: a dot a contestant, its range over the rounds as a line, the limit dashed.

The axis is logarithmic, for the slowest and the fastest differ by two powers of ten; dots, because the length of a bar
means nothing on such an axis. The background is transparent and the ink of a middle grey, readable on white and black.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contestants import LIMITS_OF_ONE_THREAD
from results import Figures

INK = "#6e7781"
FAINT = "#6e778140"
COLOURS = {"koekao": "#e8590c", "peer": INK}
_WEIGHTS = {"koekao": "bold", "peer": "normal"}
_DOT_POINTS = {"koekao": 10.0, "peer": 7.0}


def draw(figures: Mapping[str, Sequence[Figures]], to: Path) -> None:
    """Draw a panel for each workload of ``figures`` into ``to`` with the endings .svg and .png."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    most = max(sum(row.kind != "limit" for row in rows) for rows in figures.values())
    style: Any = {"font.size": 11, "font.family": "DejaVu Sans", "svg.hashsalt": "koekao", "text.color": INK}
    with pyplot.rc_context(style):
        drawing, panels = pyplot.subplots(
            1, len(figures), figsize=(6.6 * len(figures), 1.5 + 0.36 * most), squeeze=False, layout="constrained"
        )
        for panel, (title, rows) in zip(panels[0], figures.items(), strict=True):
            _panel(panel, title, rows)
        for ending, how in ((".svg", {"metadata": {"Date": None}}), (".png", {"dpi": 160})):
            drawing.savefig(to.with_suffix(ending), transparent=True, **how)
        pyplot.close(drawing)


def _panel(panel: Any, title: str, rows: Sequence[Figures]) -> None:
    shown = sorted((row for row in rows if row.kind != "limit"), key=lambda row: row.windows_per_s)
    limit = max((row.windows_per_s for row in rows if row.name in LIMITS_OF_ONE_THREAD), default=None)
    panel.set_xscale("log")
    for place, row in enumerate(shown):
        colour, weight = COLOURS[row.kind], _WEIGHTS[row.kind]
        panel.plot([row.lowest, row.highest], [place, place], color=colour, lw=2.5, alpha=0.5, solid_capstyle="round")
        panel.plot(row.windows_per_s, place, "o", color=colour, ms=_DOT_POINTS[row.kind])
        figure = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "center"}
        panel.annotate(f"{row.windows_per_s:,.0f}", (1.0, place), color=colour, weight=weight, **figure)
    fastest = max(row.highest for row in shown)
    if limit is not None:
        fastest = max(fastest, limit)
        panel.axvline(limit, color=INK, ls=(0, (4, 3)), lw=1.2)
        where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "right", "va": "bottom"}
        panel.annotate(f"limit of\none thread\n{limit:,.0f}", (limit, 0.0), (-7, 6), color=INK, fontsize=9, **where)
    panel.set_yticks(range(len(shown)), [row.label for row in shown])
    panel.tick_params(which="both", colors=INK, length=0)
    for label, row in zip(panel.get_yticklabels(), shown, strict=True):
        label.set(color=COLOURS[row.kind], weight=_WEIGHTS[row.kind])
    slowest = min(row.lowest for row in shown)
    span = math.log(fastest / slowest)
    panel.set_xlim(slowest * math.exp(-0.06 * span), fastest * math.exp(0.28 * span))  # room for the figures
    panel.set_ylim(-0.7, len(shown) - 0.3)
    rounded = [digit * 10**power for power in range(9) for digit in (1, 2, 5)]
    ticks = [tick for tick in rounded if slowest <= tick <= fastest]
    panel.set_xticks(ticks, [f"{tick // 1000}k" if tick >= 1000 else str(tick) for tick in ticks])
    panel.minorticks_off()
    panel.grid(axis="x", color=FAINT, lw=0.8)
    panel.set_axisbelow(True)
    panel.spines[:].set_visible(False)
    panel.set_xlabel("windows a second", color=INK)
    panel.set_title(title, color=INK, loc="left", weight="bold", fontsize=12)
