"""Fault 29: a stated rate that is wrong is measured from the times and reported with what it would cost."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import LIVELINK_CSV_CURVES, ORDERS, canonical, from_canonical
from koekao.takes import read_curves
from koekao.takes.doctor.curve_findings import of_curves
from koekao.takes.doctor.curve_health import examine_curves
from koekao.takes.doctor.finding import Finding
from koekao.takes.synthetic.making import make_take


def phone(path: Path, *, rows_hz: float, clock: int = 60, seconds: float = 20) -> Path:
    """A Live Link Face CSV with ``rows_hz`` rows a second on a timecode of ``clock`` frames a second."""
    curves = make_take(2, seconds=seconds, fps=round(rows_hz)).curves
    cells = from_canonical(curves, [canonical(name) or name for name in LIVELINK_CSV_CURVES])
    lines = [",".join(ORDERS["livelink_csv"])]
    for k, row in enumerate(cells):
        thousandths = round(k * clock / rows_hz * 1000)
        second, within = divmod(thousandths, clock * 1000)
        code = f"09:30:{second:02}:{within // 1000:02}.{within % 1000:03}"
        lines.append(",".join([code, "61", *(f"{value:.7f}" for value in row), *["0.0"] * 9]))
    path.write_text("\n".join(lines) + "\n")
    return path


def told(path: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in of_curves(examine_curves(read_curves(path)))}


def test_30_rows_a_second_in_a_clock_of_60(tmp_path: Path) -> None:
    path = phone(tmp_path / "take.csv", rows_hz=30)
    health = examine_curves(read_curves(path))
    assert (health.stated_clock, health.rate_hz, health.nominal_hz) == (Fraction(60), pytest.approx(30), 30)
    (finding,) = told(path).values()
    assert (finding.name, finding.level) == ("clock_is_not_rate", "note")
    assert finding.what == "30.00 rows a second on a timecode of 60 frames a second"


def test_59_904_is_not_60(tmp_path: Path) -> None:
    (finding,) = told(phone(tmp_path / "take.csv", rows_hz=59.904)).values()
    assert (finding.name, finding.level) == ("rate_not_as_stated", "look")
    assert "59.904 rows a second" in finding.what and "the file says 60" in finding.what
    assert "96 ms out after a minute" in finding.what


@pytest.mark.parametrize("rows_hz", [60, 60.02])
def test_a_rate_within_a_twentieth_of_a_percent_is_as_stated(tmp_path: Path, rows_hz: float) -> None:
    assert told(phone(tmp_path / "take.csv", rows_hz=rows_hz)) == {}


@pytest.mark.parametrize(
    ("stated", "off_ms"), [(Fraction(30000, 1001), 60), (Fraction(24), 15000), (Fraction(60), 30000)]
)
def test_a_stated_rate_of_rows_is_put_beside_their_times(tmp_path: Path, stated: Fraction, off_ms: int) -> None:
    track = replace(read_curves(phone(tmp_path / "take.csv", rows_hz=30)), stated_clock=None, stated_fps=stated)
    (finding,) = of_curves(examine_curves(track))
    assert (finding.name, finding.level) == ("rate_not_as_stated", "look")
    assert f"the file says {stated}" in finding.what and f"{off_ms} ms out" in finding.what
    assert list(of_curves(examine_curves(replace(track, stated_fps=Fraction(30))))) == []


def test_gaps_do_not_change_the_rate(tmp_path: Path) -> None:
    lines = phone(tmp_path / "take.csv", rows_hz=30).read_text().splitlines()
    kept = np.delete(np.array(lines), np.r_[50:55, 200:260, 401])
    path = tmp_path / "gaps.csv"
    path.write_text("\n".join(kept) + "\n")
    assert examine_curves(read_curves(path)).rate_hz == pytest.approx(30, abs=1e-3)
    assert set(told(path)) == {"clock_is_not_rate", "gaps"}
