"""What becomes of a take whose sound and mouth are apart, by policy: told, mended by moving the curves, or refused."""

from __future__ import annotations

from dataclasses import replace

from koekao.errors import TakeError
from koekao.takes.curves import CurveTrack
from koekao.takes.policies import TakePolicies
from koekao.takes.sound.reading import Sound


def synced(name: str, sound: Sound, track: CurveTrack, policies: TakePolicies) -> tuple[CurveTrack, list[str]]:
    """The track under the policy ``sync``, and what is to be said.

    A take is apart if its offset at the beginning or at the end exceeds ``policies.sync_tolerance_ms``.

    Raises:
        TakeError: it is apart, and that is to be refused.
    """
    if policies.sync == "off":
        return track, []
    from koekao.takes.doctor.sync import estimate_sync, shifted

    found = estimate_sync(sound.samples, sound.sample_rate, track.time_s, track.values, track.tracked)
    if found.sync_ms is None:
        return track, [f"note: sync not sure ({found.why}), nothing done"]
    drift = found.drift_ms_per_min or 0.0
    words = f"the sound comes {found.sync_ms:+.0f} ms late, drifting {drift:+.1f} ms/min"
    if found.drift_ms_per_min is None:
        words = f"the sound comes {found.sync_ms:+.0f} ms late (drift not sure)"
    words += f", confidence {found.confidence:.2f}"
    at_the_end = found.sync_ms + drift * sound.duration_s / 60
    if max(abs(found.sync_ms), abs(at_the_end)) <= policies.sync_tolerance_ms:
        return track, [f"note: in sync: {words}"]
    if policies.sync == "refuse":
        raise TakeError(
            f"out of sync: {words}",
            where=name,
            expected=f"within {policies.sync_tolerance_ms:g} ms",
            do="look at it with koekao check, or let it be mended with sync=fix",
        )
    if policies.sync == "fix":
        return replace(track, time_s=shifted(track.time_s, found)), [f"sync: {words}; the curves were moved"]
    return track, [f"note: out of sync: {words}"]
