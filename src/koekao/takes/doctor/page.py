"""The report as one page: a summary, and one row a take with its plot; it needs no network, no library and no script.

The template, the style sheet and the small script that sorts and filters lie beside this module. Everything that comes
from a file's name or content is escaped, and a content security policy lets nothing run but that script, nothing be
fetched at all. The page is well-formed XML as well, so that a test can read it whole.

What it gives up: of more takes than :data:`MOST_PLOTS` only the worst have a plot; the others have their row and their
findings. A take with its plot is 7 kB, so a thousand takes are a page of 2 MB, or of 7 MB with a plot for each.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from koekao.arkit import N_CURVES
from koekao.takes.doctor.finding import LEVELS
from koekao.takes.doctor.page_rows import HEADS, take_rows
from koekao.takes.doctor.report import FORMAT, TAKE_LEVELS, Examined, printable, summary

MOST_PLOTS = 200
LEVEL_WORDS = {"unusable": "unusable", "problem": "with problems", "look": "to look at", "fine": "fine"}
_HISTOGRAM_MS, _BAR_MS, _MIDDLE_MS = 200, 20, 45
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LEGEND = (
    "Sync: how late the sound comes against the curves (negative: early), with its confidence from 0 to 1; the dial "
    "spans 200 ms to either side. Lost: share of the time without a tracked face, hatched in the plots. Each line of a "
    "plot shows the largest value in a 240th of the take, from 0 to 1; dashed lines mark the times of findings. "
    f"The same numbers, and more, are in report.json ({FORMAT})."
)


def page(takes: Sequence[Examined], *, place: Path, most_plots: int = MOST_PLOTS) -> str:
    """The report as HTML.

    Args:
        takes: what was examined, in any order; the page shows the worst first.
        place: where the takes are, for the heading.
        most_plots: how many of them, the worst, are plotted.
    """
    told = summary(takes)
    ordered = sorted(takes, key=lambda one: one.badness)
    script = _shipped("page.js")
    n_plots = min(most_plots, len(takes))
    lead = f"Checked by koekao: {_hours(told['hours'])} in {len(takes):,} {'take' if len(takes) == 1 else 'takes'}"
    lead += f"; the worst {n_plots:,} are plotted" if n_plots < len(takes) else ""
    filled = Template(_shipped("page.html")).substitute(
        title=escape(f"{place.name or place}: takes checked"),
        heading=escape(str(place)),
        lead=escape(lead),
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=_shipped("page.css"),
        script=script,
        tiles=_tiles(told),
        histogram=_histogram([one.health.sync.sync_ms for one in takes if one.health.sync is not None], len(takes)),
        found=_found(takes),
        coverage_said=_coverage_said(told),
        coverage=_coverage(told),
        choices=_choices(told["levels"]),
        heads="".join(f'<th role="columnheader" scope="col" data-kind="{kind}">{head}</th>' for head, kind in HEADS),
        takes="\n".join(take_rows(one, plotted=i < n_plots) for i, one in enumerate(ordered)),
        legend=escape(_LEGEND),
    )
    return _NOT_XML.sub("\ufffd", printable(filled))


def _shipped(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _hours(hours: float) -> str:
    minutes = 60 * hours
    return f"{minutes:.1f} minutes" if minutes < 90 else f"{hours:,.1f} hours"


def _tiles(told: dict[str, Any]) -> str:
    levels = told["levels"]
    hours, unit = _hours(told["hours"]).split(" ")
    tiles = [("", f"{told['takes']:,}", "take" if told["takes"] == 1 else "takes"), ("", hours, unit)]
    for level in TAKE_LEVELS:
        if levels[level] or level != "unusable":
            tiles.append((level if levels[level] else "none", f"{levels[level]:,}", LEVEL_WORDS[level]))
    return "".join(f'<li class="{kind}"><b>{number}</b> {words}</li>' for kind, number, words in tiles)


def _histogram(found_ms: Iterable[float | None], n_takes: int) -> str:
    """Offsets in bars of 20 ms; what is beyond 200 ms is counted in the last bar of its side."""
    sync_ms = np.array([value for value in found_ms if value is not None], np.float64)
    if not len(sync_ms):
        return "<p>No offset is sure, or none was measured.</p>"
    edges = np.arange(-_HISTOGRAM_MS - _BAR_MS / 2, _HISTOGRAM_MS + _BAR_MS, _BAR_MS)
    counts, _ = np.histogram(np.clip(sync_ms, edges[0], edges[-1] - 1e-9), edges)
    middles = edges[:-1] + _BAR_MS / 2
    kinds = np.where(np.abs(middles) + _BAR_MS / 2 <= _MIDDLE_MS, "middle", "far")
    bars = "".join(
        f'<i class="{kind}" style="height:{100 * n / counts.max():.0f}%" title="{middle:+.0f} ms: {n}"></i>'
        for middle, n, kind in zip(middles, counts, kinds)
    )
    said = f"median {np.median(sync_ms):+.0f} ms; sure for {len(sync_ms):,} of {n_takes:,}"
    return (
        f'<div class="histogram" role="img" aria-label="Histogram of offsets: {said}">{bars}</div>'
        f'<div class="scale" aria-hidden="true"><span>early, -{_HISTOGRAM_MS} ms</span><span>0</span>'
        f"<span>late, +{_HISTOGRAM_MS} ms</span></div><p>{said}</p>"
    )


def _found(takes: Sequence[Examined]) -> str:
    """Findings by name with the number of takes that have them, worst first."""
    counts: dict[tuple[int, str], int] = {}
    for one in takes:
        for key in {(LEVELS.index(finding.level), finding.name) for finding in one.findings}:
            counts[key] = counts.get(key, 0) + 1
    if not counts:
        return "<p>Nothing.</p>"
    rows = (
        f'<li><span class="badge {LEVELS[level]}">{name.replace("_", " ")}</span> {n:,}</li>'
        for (level, name), n in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    )
    return f'<ul class="found">{"".join(rows)}</ul>'


def _coverage_said(told: dict[str, Any]) -> str:
    moving = sum(n > 0 for n in told["moves_in_takes"].values())
    return f"{moving} of {N_CURVES} curves move in at least one take: which in how many"


def _coverage(told: dict[str, Any]) -> str:
    whole = told["takes_with_curves"]
    return "".join(
        f'<li>{name}<span class="bar" aria-hidden="true"><i style="width:{100 * n / max(1, whole):.0f}%"></i></span>'
        f'<span class="share">{n:,}/{whole:,}</span></li>'
        for name, n in told["moves_in_takes"].items()
    )


def _choices(levels: dict[str, int]) -> str:
    return "".join(
        f'<label><input type="checkbox" value="{level}" checked="checked"/> {LEVEL_WORDS[level]}</label>'
        for level in TAKE_LEVELS
        if levels[level]
    )
