"""A take as rows of the page: its numbers, and under them what was found, the plot, and where it came from."""

from __future__ import annotations

from html import escape

from koekao.takes.doctor.plot import plot
from koekao.takes.doctor.report import TAKE_LEVELS, Examined
from koekao.takes.doctor.sync import Sync

HEADS = (
    ("take", "text"),
    ("length", "number"),
    ("rows/s", "number"),
    ("lost", "number"),
    ("sync", "number"),
    ("findings", "number"),
)
"""Heading of each column and how it is sorted."""
_DIAL_MS = 200


def take_rows(one: Examined, *, plotted: bool) -> str:
    """One ``tbody``: the row of numbers, and a row with findings and plot where there are any."""
    health = one.health
    curves, sound = health.curves, health.sound
    rate_hz = None if curves is None else curves.rate_hz
    lost = None if curves is None else curves.lost_share
    sync_key = "" if health.sync is None or health.sync.sync_ms is None else f"{health.sync.sync_ms:.3f}"
    cells = (
        f'<th role="rowheader" scope="row" data-key="{_attribute(health.name)}">{escape(health.name)}</th>'
        + _number("length", health.length_s, None if health.length_s is None else _length(health.length_s))
        + _number("rows/s", rate_hz, None if rate_hz is None else f"{rate_hz:.2f}")
        + _number("lost", lost, None if lost is None else f"{100 * lost:.1f} %")
        + f'<td role="cell" class="sync" data-key="{sync_key}">{_sync(health.sync)}</td>'
        + f'<td role="cell" data-key="{-TAKE_LEVELS.index(one.level) * 1000 + len(one.findings)}">{_badges(one)}</td>'
    )
    facts = []
    if sound is not None:
        facts.append(
            f"sound {sound.sample_rate_hz} Hz, {sound.channels} ch, {sound.subtype}, "
            f"{sound.snr_db:.0f} dB over its floor"
        )
    if curves is not None:
        facts.append(f"curves {curves.format}, {curves.rows:,} rows, {len(curves.moving)} of 52 move, {_range(one)}")
    if health.sync is not None:
        facts += _sync_facts(health.sync)
    facts += [path.name for path in (health.sound_path, health.curves_path) if path is not None]
    notes = [*(sound.notes if sound else ()), *(curves.notes if curves else ())]
    said = " · ".join((*facts, *notes))
    words = " ".join((health.name, *(f"{f.name} {f.name.replace('_', ' ')} {f.what}" for f in one.findings))).lower()
    return (
        f'<tbody role="rowgroup" data-level="{one.level}" data-words="{_attribute(words)}">'
        f'<tr role="row" class="main">{cells}</tr>'
        f'<tr role="row" class="more"><td role="cell" colspan="{len(HEADS)}">{_findings(one)}'
        f'{plot(health, one.findings) if plotted else ""}<p class="facts">{escape(said)}</p></td></tr></tbody>'
    )


def _attribute(text: str) -> str:
    return escape(" ".join(text.split()), quote=True)


def _number(label: str, key: float | None, shown: str | None) -> str:
    if key is None:
        return f'<td role="cell" class="number soft" data-label="{label}" data-key="">-</td>'
    return f'<td role="cell" class="number" data-label="{label}" data-key="{key:.6g}">{shown}</td>'


def _length(seconds: float) -> str:
    tenths = round(10 * seconds)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def _range(one: Examined) -> str:
    curves = one.health.curves
    return "no range" if curves is None or curves.low is None else f"{curves.low:.3g} to {curves.high:.3g}"


def _badges(one: Examined) -> str:
    if not one.findings:
        return '<span class="badge fine">fine</span>'
    names = dict.fromkeys((finding.name, finding.level) for finding in one.findings)
    return "".join(f'<span class="badge {level}">{name.replace("_", " ")}</span>' for name, level in names)


def _findings(one: Examined) -> str:
    rows = [
        f'<li><span class="kind"><span class="badge {f.level}">{f.level}</span></span>'
        f'<span>{escape(f.what + f.when)} <span class="soft">&#8594; {escape(f.do)}</span></span></li>'
        for f in one.findings
    ]
    return f'<ul class="findings">{"".join(rows)}</ul>' if rows else ""


def _sync(sync: Sync | None) -> str:
    """The offset on a dial centred at 0, with its error; in words where there is none."""
    if sync is None:
        return '<span class="soft">-</span>'
    if sync.sync_ms is None:
        return f'<span class="soft" title="{_attribute(sync.why)}">unsure</span> <small>{sync.confidence:.2f}</small>'
    at, error = _on_dial(sync.sync_ms), abs(sync.sync_error_ms or 0.0)
    low, high = _on_dial(sync.sync_ms - error), _on_dial(sync.sync_ms + error)
    return (
        '<svg class="dial" viewBox="0 0 84 16" aria-hidden="true" xmlns="http://www.w3.org/2000/svg">'
        '<path class="rail" d="M2 8H82"/><path class="centre" d="M42 2V14"/>'
        f'<path class="error" d="M{low:.1f} 8H{high:.1f}"/><circle class="value" cx="{at:.1f}" cy="8" r="4" '
        f'fill-opacity="{0.25 + 0.75 * sync.confidence:.2f}"/></svg>'
        f"<span>{sync.sync_ms:+.0f} ms <small>{sync.confidence:.2f}</small></span>"
    )


def _sync_facts(sync: Sync) -> list[str]:
    drift, error = sync.drift_ms_per_min, sync.drift_error_ms_per_min
    said = [] if drift is None else [f"drift {drift:+.1f}{'' if error is None else f' ± {error:.1f}'} ms a minute"]
    return said + ([f"sync unsure: {sync.why}"] if sync.sync_ms is None and sync.why else [])


def _on_dial(sync_ms: float) -> float:
    return 42 + 38 * max(-1.0, min(1.0, sync_ms / _DIAL_MS))
