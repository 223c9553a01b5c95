"""How far the sound is from the mouth: offset and drift, with how sure that is.

Two numbers tell how a recording's sound lies against its curves. What is seen at the curves' time t is heard in the
sound at

    t + sync_ms / 1000 + drift_ms_per_min / 60000 * t

so ``sync_ms`` is how late the sound comes at time 0 (as one expects who shifts a file that began too late), and
``drift_ms_per_min`` how much later it gets in every minute of the curves (as one expects who plays 44 100 samples a
second as 44 056). The steps: the mouth that the sound makes likely (``hearing``), the pair that fits best among all in
reach (``lag_search``), and that pair to the millisecond (``lag_fit``). :func:`shifted` takes both out again.

Nothing is guessed. Silence, noise, music, a still mouth, the curves of another take, a few seconds: each gives None and
says why. So does an offset beyond 1.5 s, which nobody corrects unseen.

What it gives up: the zero is that of synthetic speech. On real faces it is as good as mouths are like it (on five real
takes whose files say nothing of an offset it lay within 22 ms); what changes between two takes of one face is known
better than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import MOVING_RANGE, N_CURVES, NAMES
from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes.doctor.hearing import hear, mouth_of
from koekao.takes.doctor.lag_fit import Fitted, fit
from koekao.takes.doctor.lag_search import FAR_S, Rough, search

REACH_S: Final = 1.5
"""The largest offset that is given."""
SHORTEST_S: Final = 6.0
"""Seconds of tracked rows, with sound, below which nothing is said."""
DRIFT_FROM_S: Final = 20.0
"""Seconds of tracked rows, with sound, from which a drift is told: fewer blocks cannot say how well they know it."""
SURE: Final = 0.5
"""Values are given from this confidence on."""
MOST_SYNC_ERROR_MS: Final = 30.0
MOST_DRIFT_ERROR_MS_PER_MIN: Final = 30.0

_HEIGHT: Final = 32.0
"""The height of the best pair that is half convincing. Of 536 pairs of synthetic sounds and mouths that do not belong
together (10 to 60 s) half reach 7, one in a hundred 18, the highest 21; real takes of 50 s reach 77, synthetic ones of
10 s 300."""
_RIVAL: Final = 0.6
_AGREEMENT_S: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Sync:
    """What was found of the time between sound and curves.

    Attributes:
        sync_ms: how late the sound comes against the curves at time 0, in ms; None where that is not sure.
        drift_ms_per_min: by how many ms a minute it comes later and later; None where that is not sure. Where it is
            None and ``sync_ms`` is not, ``sync_ms`` holds for a recording without drift.
        confidence: 0 to 1; values are given from 0.5 on.
        sync_error_ms, drift_error_ms_per_min: standard errors; None where there is nothing to estimate.
        why: what kept a value from being given; empty where both are.
    """

    sync_ms: float | None
    drift_ms_per_min: float | None
    confidence: float
    sync_error_ms: float | None = None
    drift_error_ms_per_min: float | None = None
    why: str = ""


def estimate_sync(
    audio: NDArray[np.int16] | NDArray[np.float32],
    sample_rate: int,
    time_s: NDArray[np.float64],
    values: NDArray[np.float32],
    tracked: NDArray[np.bool_],
) -> Sync:
    """Measure offset and drift of a recording. The same input gives the same answer.

    Args:
        audio: ``[n_samples]`` int16, or float32 in [-1, 1]; mono.
        sample_rate: Hz, 8000 or above.
        time_s: ``[n]`` strictly increasing, seconds from the start of the sound; steps may vary.
        values: ``[n, 52]`` in canonical order.
        tracked: ``[n]``; rows that are not tracked are passed over, whatever they hold.

    Raises:
        SoundError: the sound is not mono, not finite, or below 8000 Hz.
        CurvesError: shapes that do not fit, times that do not increase, a tracked value that is no number.
    """
    _check_sound(audio, sample_rate)
    _check_curves(time_s, values, tracked)
    in_reach = (time_s > -FAR_S) & (time_s < len(audio) / sample_rate + FAR_S)
    time_s, values = time_s[tracked & in_reach], values[tracked & in_reach]
    with_sound_s = _covered_s(time_s[(time_s >= 0) & (time_s <= len(audio) / sample_rate)])
    if with_sound_s < SHORTEST_S:
        return _unsure(f"{with_sound_s:.1f} s of tracked rows with sound are too short; {SHORTEST_S:g} s are needed")
    seen = mouth_of(values)
    moves = np.ptp(seen, axis=0) > MOVING_RANGE
    if not moves.any():
        return _unsure("the mouth does not move")
    heard = hear(audio, sample_rate)
    if heard is None:
        return _unsure("the sound is silent")
    seen, heard = np.ascontiguousarray(seen[:, moves]), np.ascontiguousarray(heard[:, moves])
    rough = search(heard, time_s, seen, reach_s=REACH_S)
    confidence = _confidence(rough)
    if confidence < SURE:
        return _unsure(_doubt(rough), confidence)
    return _fine(heard, time_s, seen, rough, confidence, with_drift=with_sound_s >= DRIFT_FROM_S)


def shifted(time_s: NDArray[np.float64], sync: Sync) -> NDArray[np.float64]:
    """The curves' times with offset and drift taken out: when each row is heard, in seconds of the sound.

    The sound stays as it is. Sound that comes late (``sync_ms`` above 0) makes all times later; sound that comes later
    and later spreads them. For curves put out of time by ``time_s = (true - sync_ms / 1000) / (1 + drift_ms_per_min /
    60000)`` this gives ``true``. A drift of None is none.

    Raises:
        TakeError: ``sync_ms`` is None.
    """
    if sync.sync_ms is None:
        raise TakeError(
            f"no offset to take out: {sync.why or 'it was not measured'}",
            expected="a measured sync_ms",
            do="leave the take as it is, or look at it and state the offset",
        )
    return np.asarray(time_s, np.float64) * (1 + (sync.drift_ms_per_min or 0.0) / 60_000) + sync.sync_ms / 1000


def _fine(
    heard: NDArray[np.float32],
    time_s: NDArray[np.float64],
    seen: NDArray[np.float32],
    rough: Rough,
    confidence: float,
    *,
    with_drift: bool,
) -> Sync:
    """The answer for a take whose sound and mouth belong together."""
    why, drift_error = f"a drift is told of takes of {DRIFT_FROM_S:g} s or more", None
    if with_drift:
        fitted = fit(heard, time_s, seen, offset_s=rough.offset_s, drift=rough.drift)
        drift_error = fitted.drift_error * 60_000
        known = drift_error <= MOST_DRIFT_ERROR_MS_PER_MIN or abs(fitted.drift) > 4 * fitted.drift_error
        why = "" if known else f"the drift is known to {drift_error:.0f} ms/min only"
    if why:
        fitted = fit(heard, time_s, seen, offset_s=rough.offset_s, drift=0.0, with_drift=False)
    trouble = _trouble(fitted, rough, time_s)
    if trouble:
        return _unsure(trouble, min(confidence, 0.8 * SURE))
    return Sync(
        sync_ms=fitted.offset_s * 1000,
        drift_ms_per_min=None if why else fitted.drift * 60_000,
        confidence=confidence,
        sync_error_ms=fitted.offset_error_s * 1000,
        drift_error_ms_per_min=drift_error,
        why=why,
    )


def _trouble(fitted: Fitted, rough: Rough, time_s: NDArray[np.float64]) -> str:
    """Why the fit is not to be believed; empty where it is."""
    error_ms = fitted.offset_error_s * 1000
    ends_s = time_s[[0, -1]]
    apart_s = fitted.offset_s - rough.offset_s + (fitted.drift - rough.drift) * ends_s
    if not (fitted.settled and np.abs(apart_s).max() <= _AGREEMENT_S):
        return "the offset does not settle: different parts of the take ask for different ones"
    if not error_ms <= MOST_SYNC_ERROR_MS:
        return f"the offset is known to {error_ms:.0f} ms only"
    if abs(fitted.offset_s) > REACH_S:
        return f"the sound seems to be {fitted.offset_s:+.2f} s late; offsets beyond {REACH_S:g} s are not given"
    return ""


def _confidence(rough: Rough) -> float:
    """Half where the best pair stands 32 spreads high, and where another reaches 60 % of it; the lower of the two."""
    if not rough.height > 0:
        return 0.0
    stands_out = 1 / (1 + (_HEIGHT / rough.height) ** 2)
    alone = 1 / (1 + (max(rough.rival, 0.0) / _RIVAL) ** 4)
    return float(min(stands_out, alone))


def _doubt(rough: Rough) -> str:
    """Why the search convinces nobody."""
    if rough.rival > 1 and rough.height * rough.rival > 2 * _HEIGHT:
        return f"the sound seems to be {rough.rival_offset_s:+.1f} s late; offsets beyond {REACH_S:g} s are not given"
    if rough.height > _HEIGHT:
        return f"offsets of {rough.offset_s:+.2f} and {rough.rival_offset_s:+.2f} s fit about equally well"
    return "no offset stands out: the mouth does not follow this sound"


def _unsure(why: str, confidence: float = 0.0) -> Sync:
    return Sync(sync_ms=None, drift_ms_per_min=None, confidence=confidence, why=why)


def _covered_s(time_s: NDArray[np.float64]) -> float:
    """How much time the rows cover, gaps left out."""
    if len(time_s) < 2:
        return 0.0
    steps = np.diff(time_s)
    return float(np.minimum(steps, 2 * np.median(steps)).sum())


def _check_sound(audio: NDArray[Any], sample_rate: int) -> None:
    if audio.ndim != 1:
        raise SoundError(f"sound of shape {audio.shape}", expected="[n_samples], mono")
    if sample_rate < 8000:
        raise SoundError(f"sample rate {sample_rate}", expected="8000 Hz or above, so that speech fits in")
    if audio.dtype != np.int16 and not np.isfinite(audio).all():
        bad = int(np.flatnonzero(~np.isfinite(audio))[0])
        raise SoundError(f"sample {bad} is {audio[bad]}", expected="finite numbers")


def _check_curves(time_s: NDArray[Any], values: NDArray[Any], tracked: NDArray[Any]) -> None:
    n = len(time_s)
    if time_s.shape != (n,) or values.shape != (n, N_CURVES) or tracked.shape != (n,):
        shapes = f"{time_s.shape} times, {values.shape} values, {tracked.shape} tracked"
        raise CurvesError(shapes, expected=f"[n], [n, {N_CURVES}] and [n]")
    if not (np.isfinite(time_s).all() and (np.diff(time_s) > 0).all()):
        raise CurvesError("the times do not increase", expected="finite, strictly increasing seconds")
    bad = np.argwhere(~np.isfinite(values) & tracked[:, None])
    if len(bad):
        row, curve = (int(i) for i in bad[0])
        raise CurvesError(f"{values[row, curve]} in a tracked row", where=f"{row}:{NAMES[curve]}", expected="a number")
