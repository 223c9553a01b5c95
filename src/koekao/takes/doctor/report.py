"""The report of a folder of takes for programs: plain values with stable keys, and the order in which takes are shown.

``report.json`` is ``{"format": "koekao-check", "version": 1, "summary": {...}, "takes": [...]}``; numbers that could
not be had are null, there is no NaN. Keys are only ever added within a version.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from koekao.arkit import NAMES
from koekao.errors import OutputError
from koekao.takes.doctor.curve_health import CurveHealth
from koekao.takes.doctor.finding import LEVELS, Finding
from koekao.takes.doctor.findings import findings_of, worst
from koekao.takes.doctor.health import Health
from koekao.takes.doctor.sound_health import SoundHealth
from koekao.takes.doctor.spans import Span

FORMAT, VERSION = "koekao-check", 1
JSON_NAME, HTML_NAME = "report.json", "report.html"
TAKE_LEVELS = ("unusable", *LEVELS[:2], "fine")
"""What a take can be, from worst to best."""
_MOST_SPANS = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Examined:
    """A take with what is to be said of it."""

    health: Health
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, health: Health) -> Examined:
        return cls(health=health, findings=findings_of(health))

    @cached_property
    def level(self) -> str:
        """One of :data:`TAKE_LEVELS`."""
        return worst(self.findings) if self.health.usable else TAKE_LEVELS[0]

    @property
    def badness(self) -> tuple[int, tuple[int, ...], str]:
        """Sorts the worst takes first: by level, by how many findings of each, by name."""
        counted = Counter(finding.level for finding in self.findings)
        return TAKE_LEVELS.index(self.level), tuple(-counted[level] for level in LEVELS), self.health.name


def report(takes: Sequence[Examined]) -> dict[str, Any]:
    """The whole report as plain values, takes in the order given."""
    return {"format": FORMAT, "version": VERSION, "summary": summary(takes), "takes": [take_dict(one) for one in takes]}


def report_text(takes: Sequence[Examined]) -> str:
    """The report as JSON, its texts as :func:`printable` has them."""
    return json.dumps(_written(report(takes)), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def summary(takes: Sequence[Examined]) -> dict[str, Any]:
    """Number of takes, hours that can be used, takes of each level, findings by name, takes in which a curve moves."""
    moves = Counter(name for one in takes if one.health.curves is not None for name in one.health.curves.moving)
    levels = Counter(one.level for one in takes)
    return {
        "takes": len(takes),
        "hours": sum(one.health.length_s or 0.0 for one in takes if one.health.usable) / 3600,
        "levels": {level: levels[level] for level in TAKE_LEVELS},
        "findings": dict(sorted(Counter(f.name for one in takes for f in one.findings).items())),
        "takes_with_curves": sum(one.health.curves is not None for one in takes),
        "moves_in_takes": {name: moves[name] for name in NAMES},
    }


def take_dict(one: Examined) -> dict[str, Any]:
    """One take as plain values."""
    health, sync = one.health, one.health.sync
    return {
        "name": health.name,
        "level": one.level,
        "usable": health.usable,
        "sound_file": None if health.sound_path is None else str(health.sound_path),
        "curves_file": None if health.curves_path is None else str(health.curves_path),
        "length_s": health.length_s,
        "curves_longer_s": health.curves_longer_s,
        "sync_ms": None if sync is None else _finite(sync.sync_ms),
        "drift_ms_per_min": None if sync is None else _finite(sync.drift_ms_per_min),
        "confidence": None if sync is None else _finite(sync.confidence),
        "sync_error_ms": None if sync is None else _finite(sync.sync_error_ms),
        "drift_error_ms_per_min": None if sync is None else _finite(sync.drift_error_ms_per_min),
        "sync_why": "" if sync is None else sync.why,
        "sound": None if health.sound is None else _sound_dict(health.sound),
        "curves": None if health.curves is None else _curves_dict(health.curves),
        "findings": [_finding_dict(finding) for finding in one.findings],
        "errors": [str(error) for error in health.errors],
    }


def _finding_dict(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "level": finding.level,
        "what": finding.what,
        "do": finding.do,
        "at_s": list(finding.at_s[:_MOST_SPANS]),
    }


def _sound_dict(sound: SoundHealth) -> dict[str, Any]:
    return {
        "duration_s": sound.duration_s,
        "sample_rate_hz": sound.sample_rate_hz,
        "channels": sound.channels,
        "subtype": sound.subtype,
        "peak": sound.peak,
        "dc_offset": sound.dc_offset,
        "silent_share": sound.silent_share,
        "silent_channels": list(sound.silent_channels),
        "noise_dbfs": sound.noise_dbfs,
        "speech_dbfs": sound.speech_dbfs,
        "snr_db": sound.snr_db,
        "clipped_runs": sound.clipped_runs,
        "clipped_samples": sound.clipped_samples,
        "clipped_share": sound.clipped_share,
        "notes": list(sound.notes),
    }


def _curves_dict(curves: CurveHealth) -> dict[str, Any]:
    sides = curves.sides
    return {
        "format": curves.format,
        "rows": curves.rows,
        "start_s": curves.start_s,
        "end_s": curves.end_s,
        "duration_s": curves.duration_s,
        "rate_hz": curves.rate_hz,
        "stated_fps": _stated(curves.stated_fps),
        "stated_clock": _stated(curves.stated_clock),
        "nominal_hz": curves.nominal_hz,
        "rate_off": curves.rate_off,
        "jitter_ms": curves.jitter_ms,
        "gaps": len(curves.gaps),
        "longest_gap_s": curves.longest_gap_s,
        "gaps_s": curves.gaps_s,
        "missing_rows": curves.missing_rows,
        "untracked_rows": curves.untracked_rows,
        "untracked_share": curves.untracked_share,
        "lost_share": curves.lost_share,
        "lost": _spans_list((*curves.gaps, *curves.untracked)),
        "min": curves.low,
        "max": curves.high,
        "outside_share": curves.outside_share,
        "far_outside_share": curves.far_outside_share,
        "moving": list(curves.moving),
        "dead": list(curves.dead),
        "stuck": {name: list(span) for name, span in curves.stuck.items()},
        "frozen": _spans_list(curves.frozen),
        "asymmetry": sides.asymmetry,
        "still_sides": list(sides.still_sides),
        "sides": {"eyes": sides.eyes, "jaw": sides.jaw, "corners": sides.corners},
        "notes": list(curves.notes),
    }


def _spans_list(spans: Iterable[Span]) -> list[list[float]]:
    return [list(span) for span in sorted(spans)[:_MOST_SPANS]]


def _stated(rate: Fraction | None) -> str | None:
    return None if rate is None else str(rate)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def printable(text: str) -> str:
    """Text that can be written as UTF-8. File names may hold bytes that are no text, and JSON halves of characters;
    both come as lone surrogates and are written as ``\\udce9``."""
    return text.encode("utf-8", "backslashreplace").decode()


def _written(value: Any) -> Any:
    """Plain values with every text in them printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): _written(one) for key, one in value.items()}
    return [_written(one) for one in value] if isinstance(value, list) else value


def is_report(path: Path) -> bool:
    """Whether a file is a report of ours, JSON or HTML, by its first kilobyte."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return FORMAT.encode() in file.read(1024)


def refuse_other_files(folder: Path) -> None:
    """Reports are written again freely; whatever else has their name is left alone.

    Raises:
        OutputError: ``folder`` is a file, or holds a file of a report's name that is no report.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError("is not a folder", where=folder, do="name another place with -o")
    for path in (folder / JSON_NAME, folder / HTML_NAME):
        if path.exists() and not is_report(path):
            raise OutputError(
                "exists already and is no report of koekao check",
                where=path,
                do="name another folder with -o, or move it away",
            )


def levels_said(levels: Mapping[str, int]) -> str:
    """``"1 unusable, 2 with problems, 1 to look at, 5 fine"``, without what there is none of."""
    words = {"unusable": "unusable", "problem": "with problems", "look": "to look at", "fine": "fine"}
    return ", ".join(f"{levels[level]:,} {words[level]}" for level in TAKE_LEVELS if levels[level]) or "none"
