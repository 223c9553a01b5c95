"""What the numbers of a take mean: named findings, each a sentence with its numbers and one on what to do.

Of sound and of curves alone the two neighbours of this module speak; here are the two together, and files that cannot
be used. Thresholds are constants with their reasons. A finding is never a repair: what is to be done about it is
decided where takes are packed, by a policy with a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from koekao.takes.doctor.curve_findings import of_curves
from koekao.takes.doctor.finding import LEVELS, Finding
from koekao.takes.doctor.health import Health
from koekao.takes.doctor.sound_findings import of_sound
from koekao.takes.doctor.sync import Sync

LENGTH_LOOK_S, LENGTH_PROBLEM_S = 0.1, 1.0
"""Sound and curves end apart: 0.1 s are three frames; 1 s is what packing cuts unless it is allowed more."""
START_LOOK_S = 0.1
"""Curves begin so long after the sound, or before it."""
SYNC_LOOK_MS = 45.0
"""ITU-R BT.1359-1: sound that comes 45 ms early is noticed (125 ms late)."""
DRIFT_LOOK_MS = 17.0
"""Over the take: half a frame of 30 a second."""
SHORT_S = 256 / 30
"""A training window of 256 frames at 30 a second, 8.53 s: what is shorter is filled up."""


def findings_of(health: Health) -> tuple[Finding, ...]:
    """Everything that is to be said of a take, worst first."""
    found = [
        Finding(name="unusable", level="problem", what=_one_line(error), do=error.do or "see what is said of it")
        for error in health.errors
    ]
    if health.sound is not None:
        found += of_sound(health.sound)
    if health.curves is not None:
        found += of_curves(health.curves)
    found += _of_both(health)
    if health.sync is not None:
        found += _of_sync(health.sync, health.length_s or 0.0)
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


def worst(findings: Sequence[Finding]) -> str:
    """The worst level among findings; ``"fine"`` where there is nothing above a note."""
    return next((level for level in LEVELS[:2] if any(one.level == level for one in findings)), "fine")


def _one_line(error: Exception) -> str:
    return str(error).split("\n  -> ", 1)[0].replace("\n", " ")


def _of_both(health: Health) -> Iterator[Finding]:
    if health.sound is None and health.sound_path is None and health.curves is not None:
        what = "curves without sound"
        yield Finding(name="no_sound", level="look", what=what, do="put the sound of the same name beside them")
    if health.curves is None and health.curves_path is None and health.sound is not None:
        what = "sound without curves"
        yield Finding(name="no_curves", level="look", what=what, do="put the curves of the same name beside it")
    longer_s = health.curves_longer_s
    if longer_s is not None and health.curves is not None and abs(longer_s) > LENGTH_LOOK_S:
        which = "after" if longer_s > 0 else "before"
        yield Finding(
            name="lengths_differ",
            level="problem" if abs(longer_s) > LENGTH_PROBLEM_S else "look",
            what=f"the curves end {abs(longer_s):.2f} s {which} the sound",
            do="check that the two are of one recording; pack cuts up to its length_tolerance_s at the end",
        )
    if health.sound is not None and health.curves is not None and abs(health.curves.start_s) > START_LOOK_S:
        which = "after" if health.curves.start_s > 0 else "before"
        what = f"the curves begin {abs(health.curves.start_s):.2f} s {which} the sound"
        yield Finding(name="starts_differ", level="look", what=what, do="nothing, if the times are right")
    if health.length_s is not None and health.length_s < SHORT_S:
        what = f"{health.length_s:.2f} s are shorter than a window of 256 frames at 30 a second ({SHORT_S:.2f} s)"
        yield Finding(name="short", level="note", what=what, do="nothing: the window is filled up")


def _of_sync(sync: Sync, length_s: float) -> Iterator[Finding]:
    if sync.sync_ms is None and sync.why and sync.confidence > 0:  # 0: there was nothing to measure, told elsewhere
        what = f"how late or early the sound comes is not sure: {sync.why}"
        do = "check that sound and curves are of one recording, and that the voice is that of the face"
        yield Finding(name="sync_unsure", level="look", what=what, do=do)
    if sync.sync_ms is not None and abs(sync.sync_ms) > SYNC_LOOK_MS:
        which = "late" if sync.sync_ms > 0 else "early"
        what = f"the sound comes {abs(sync.sync_ms):.0f} ms {which} against the curves"
        do = f"take it out (koekao pack --sync fix); confidence {sync.confidence:.2f}"
        yield Finding(name="out_of_sync", level="look", what=what, do=do)
    drift = sync.drift_ms_per_min
    if (
        drift is None
        or abs(drift) * length_s / 60 <= DRIFT_LOOK_MS
        or abs(drift) <= 2 * (sync.drift_error_ms_per_min or 0)
    ):
        return
    which = "later" if drift > 0 else "earlier"
    what = (
        f"the sound comes {abs(drift):.1f} ms {which} every minute, {abs(drift) * length_s / 60:.0f} ms over the take"
    )
    yield Finding(
        name="drift", level="look", what=what, do="one of the clocks is wrong: take it out (koekao pack --sync fix)"
    )
