"""What a take must be before it may stand in a corpus.

The readers of :mod:`koekao.takes` deliver takes like this; a take made by somebody's own reader is held to the same.
Nothing is mended here: a take fits or is refused. The one conversion, int16 sound into a float32 corpus, is exact.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES, NAMES
from koekao.clock import Clock
from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes.take import Take, as_float

MAX_END_DIFFERENCE_FRAMES = 1
"""Sound and curves of a take end together, to the frame that the sound covers in part."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fitted(take: Take, clock: Clock, audio_dtype: str) -> Take:
    """``take`` with the sound type of the corpus.

    Raises:
        TakeError: a name that cannot be, other rates, no frames, arrays of another shape or type, a number that is not
            finite, sound and curves that do not end together, float32 sound for an int16 corpus.
    """
    _check_words(take)
    if take.clock != clock:
        seen = f"{take.sample_rate} Hz and {take.fps} fps"
        raise TakeError(seen, where=take.name, expected=f"{clock.sample_rate} Hz and {clock.fps} fps as the corpus")
    _check_sound(take, audio_dtype)
    _check_curves(take)
    covered = clock.frames_covering(take.n_samples)
    if abs(covered - take.n_frames) > MAX_END_DIFFERENCE_FRAMES:
        what = f"{take.n_frames} frames of curves for sound of {covered} frames ({take.n_samples} samples)"
        raise TakeError(what, where=take.name, expected="sound and curves that end together", do="cut the longer one")
    return dataclasses.replace(take, audio=as_float(take.audio)) if audio_dtype == "float32" else take


def _check_words(take: Take) -> None:
    parts = take.name.split("/")
    if "" in parts or ".." in parts or _CONTROL.search(take.name):
        raise TakeError(f"a take named {take.name!r}", expected="a name like session1/take_03")
    for words in (take.name, take.speaker, *take.repairs, *(source.path for source in take.sources)):
        try:
            words.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TakeError(f"a name that is no UTF-8: {words!r}", where=repr(take.name), do="rename it") from error


def _check_sound(take: Take, audio_dtype: str) -> None:
    audio: NDArray[Any] = take.audio
    if audio.ndim != 1 or audio.dtype not in (np.int16, np.float32):
        what = f"sound of shape {audio.shape}, {audio.dtype}"
        raise SoundError(what, where=take.name, expected="[n_samples] int16 or float32, mono")
    if len(audio) == 0:
        raise SoundError("no samples", where=take.name, expected="sound")
    if audio.dtype != np.int16 and audio_dtype == "int16":
        do = "pack with audio='float32', or read the take as int16"
        raise SoundError("float32 sound for a corpus of int16", where=take.name, do=do)
    wrong = np.flatnonzero(~np.isfinite(audio))
    if wrong.size:
        first = int(wrong[0])
        what = f"{wrong.size} samples are not finite, the first is {audio[first]}"
        raise SoundError(what, where=f"{take.name}:sample {first}", do="mend or leave out the recording")


def _check_curves(take: Take) -> None:
    curves, valid = take.curves, take.valid
    if curves.ndim != 2 or curves.shape[1] != N_CURVES or curves.dtype != np.float32:
        what = f"curves of shape {curves.shape}, {curves.dtype}"
        raise CurvesError(what, where=take.name, expected=f"[n_frames, {N_CURVES}] float32")
    if len(curves) == 0:
        raise CurvesError("no frames", where=take.name, expected="curves")
    if valid.shape != (len(curves),) or valid.dtype != np.bool_:
        what = f"valid of shape {valid.shape}, {valid.dtype}"
        raise CurvesError(what, where=take.name, expected=f"[{len(curves)}] bool")
    if not np.isfinite(curves).all():
        frame, curve = np.argwhere(~np.isfinite(curves))[0]
        where = f"{take.name}:frame {frame}:{NAMES[curve]}"
        raise CurvesError(f"{curves[frame, curve]} is no value of a curve", where=where, expected="finite numbers")
