"""A take as two files beside each other: ``name.wav`` and ``name.jsonl`` (or another format), readable as a take again.

Both files are written before either is published, so a full disk leaves no sound without its curves.

What it gives up: publishing the pair in one step; a machine that stops between the two renames leaves one of them.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path, PurePath

import numpy as np
import soundfile
from numpy.typing import NDArray

from koekao.atomic import publish_file
from koekao.clock import parse_fps
from koekao.errors import OutputError
from koekao.outputs import formats
from koekao.outputs.curve_file import written
from koekao.outputs.target import Target
from koekao.outputs.times import FrameTimes

_SUBTYPE = {"int16": "PCM_16", "float32": "FLOAT"}


def write_take(
    folder: str | Path,
    name: str,
    audio: NDArray[np.int16] | NDArray[np.float32],
    sample_rate: int,
    curves: NDArray[np.float32],
    fps: Fraction,
    *,
    format: str = "jsonl",
) -> tuple[Path, Path]:
    """Write one take into ``folder`` and return the paths of its sound and its curves.

    Args:
        folder: is made where it is not there.
        name: the take's name; ``"session1/take_03"`` goes into a folder below.
        audio: ``[n_samples]`` int16 (written as 16-bit PCM) or float32 in [-1, 1] (written as float).
        sample_rate: Hz.
        curves: ``[n_frames, 52]`` float32 in the canonical order.
        fps: frames a second of ``curves``.
        format: a name in :data:`koekao.outputs.FORMATS`.

    Raises:
        OutputError: a name that leads out of the folder, sound or curves that cannot be written as they are, or a
            place that cannot be written. Neither file is published then.
    """
    if not name or PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise OutputError(f"take name {name!r}", where=folder, expected="a path below the folder, without an ending")
    ending = formats.FORMATS[formats.format_name(Path(folder), format)].endings[0]
    sound_path, curves_path = Path(folder, name + ".wav"), Path(folder, name + ending)
    _check_sound(sound_path, audio, sample_rate)
    times = FrameTimes(fps=parse_fps(fps))
    with publish_file(sound_path) as sound, publish_file(curves_path) as temporary:
        try:
            # The temporary name ends in no known suffix, so the format has to be said.
            soundfile.write(sound, audio, sample_rate, subtype=_SUBTYPE[audio.dtype.name], format="WAV")
        except soundfile.SoundFileError as error:
            raise OutputError(f"the sound cannot be written ({error})", where=sound_path) from error
        with written(Target(path=curves_path, temporary=temporary, times=times), format) as file:
            file.append(curves)
    return sound_path, curves_path


def _check_sound(where: Path, audio: NDArray[np.int16] | NDArray[np.float32], sample_rate: int) -> None:
    if audio.ndim != 1 or audio.size == 0 or audio.dtype.name not in _SUBTYPE:
        raise OutputError(
            f"sound of shape {audio.shape} and type {audio.dtype}", where=where, expected="int16 or float32 [n_samples]"
        )
    if audio.dtype == np.float32 and not np.isfinite(audio).all():
        sample = int(np.argmin(np.isfinite(audio)))
        raise OutputError(f"{audio[sample]}", where=f"{where}:sample {sample}", expected="finite samples")
    if sample_rate <= 0:
        raise OutputError(f"sample rate {sample_rate}", where=where, expected="above 0 Hz")
