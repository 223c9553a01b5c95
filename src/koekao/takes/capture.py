"""A movie of a face to a take: its sound, and the curves that a landmarker sees in its pictures.

Whoever has no phone with a depth camera has a webcam, and MediaPipe's face landmarker gives 51 of the 52 curves for
every picture. Each picture keeps its own time stamp, so a variable frame rate stays what it was; sound and curves both
begin where the pictures start. A picture without a face is left out, so that it is a gap for whoever reads the take,
and not a face at rest. The landmarker is a :class:`Landmarker`; koekao brings none and downloads none.

What it gives up: more than one face (the landmarker's first is taken); ``tongueOut``, which no such landmarker
measures, is 0; pictures are not looked at twice to smooth them. Source of the names: MediaPipe "Face landmark
detection", model card "Blendshape V2", whose ``_neutral`` is not a curve.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.atomic import publish_file, refuse_existing
from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes.curves import GAP_STEPS
from koekao.takes.sound.boxes import is_movie
from koekao.takes.sound.movie import open_movie, pictures_of, start_s
from koekao.takes.sound.reading import probe_sound, read_sound
from koekao.takes.sound.sound import Sound
from koekao.takes.source import read_source, require_file

NOT_MEASURED = "tongueOut"
MODEL_URL = "https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker"


class Landmarker(Protocol):
    """Sees the curves of a face in pictures that come one after another."""

    def see(self, picture: NDArray[np.uint8], time_ms: int) -> Mapping[str, float] | None:
        """The curves by name in ``picture`` ``[height, width, 3]`` (RGB, upright), or None where there is no face.
        ``time_ms`` increases from picture to picture."""


@dataclass(frozen=True, kw_only=True)
class Captured:
    """What a movie gave.

    Attributes:
        sound, curves: the two files written.
        pictures, seen: how many pictures there were, and in how many a face was found.
        rate_hz: pictures a second, measured: one over the median step; nan for one picture.
        duration_s: of the sound.
        gaps: how many stretches without a face, or without pictures, lie between two rows.
        longest_gap_s: the longest of them; 0 where there is none.
        repairs: what was done to the sound.
    """

    sound: Path
    curves: Path
    pictures: int
    seen: int
    rate_hz: float
    duration_s: float
    gaps: int
    longest_gap_s: float
    repairs: tuple[str, ...]


def capture(
    video: Path,
    folder: Path,
    landmarker: Landmarker,
    *,
    overwrite: bool = False,
    tell: Callable[[int], None] | None = None,
) -> Captured:
    """Write ``folder/NAME.wav`` (16-bit, mono, the movie's own rate) and ``folder/NAME.jsonl`` for the movie NAME.

    Args:
        video: a QuickTime or MP4 movie with pictures and sound.
        folder: where the take goes; made where it is missing.
        landmarker: what looks at the pictures.
        overwrite: replace a take of this name.
        tell: called with the number of pictures so far.

    Raises:
        SoundError: no movie, no sound, damaged; see :func:`koekao.takes.sound.movie.read_movie`.
        TakeError: no pictures, pictures without a time.
        CurvesError: no face in any picture, a curve without a name of ours or that is no number.
        OutputError: the take exists, or cannot be written.
    """
    video, folder = Path(video), Path(folder)
    wav, jsonl = folder / f"{video.stem}.wav", folder / f"{video.stem}.jsonl"
    for target in (wav, jsonl):
        refuse_existing(target, overwrite=overwrite)
    data, _ = read_source(video, SoundError)
    if not is_movie(data[:8]):
        raise TakeError(
            "is no movie", where=video, expected="QuickTime or MP4", do="convert it (ffmpeg -i old new.mp4)"
        )
    sound = read_sound(video, sample_rate=probe_sound(video).sample_rate)
    times_s, rows = _curves_of(data, video, landmarker, tell)
    if not rows:
        raise CurvesError(f"no face in {len(times_s)} pictures", where=video, do="record the face larger and in light")
    _write_sound(wav, sound)
    _write_curves(jsonl, rows)
    steps = np.diff(times_s)
    rate_hz = float(1 / np.median(steps)) if len(steps) else float("nan")
    holes = [step for step in np.diff([time_s for time_s, _ in rows]).tolist() if step * rate_hz > GAP_STEPS]
    return Captured(
        sound=wav,
        curves=jsonl,
        pictures=len(times_s),
        seen=len(rows),
        rate_hz=rate_hz,
        duration_s=sound.duration_s,
        gaps=len(holes),
        longest_gap_s=max(holes, default=0.0),
        repairs=sound.repairs,
    )


@contextmanager
def media_pipe(model: Path) -> Iterator[Landmarker]:
    """MediaPipe's face landmarker with the weights in ``model`` (``face_landmarker.task``).

    Raises:
        TakeError: there is no such file, it is no model, or MediaPipe is not installed.
    """
    if not model.is_file():
        what = "there is no such model"
        raise TakeError(
            what, where=model, do=f"download face_landmarker.task from {MODEL_URL}; koekao downloads nothing"
        )
    require_file(model, TakeError)
    try:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as fault:
        what = "seeing faces needs MediaPipe, which is not installed"
        raise TakeError(what, do='pip install "koekao[capture]"') from fault
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
    )
    try:
        seer = vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as fault:
        do = f"download face_landmarker.task again from {MODEL_URL}"
        raise TakeError(f"no model of a face landmarker ({str(fault).strip()})", where=model, do=do) from fault
    with seer:
        yield _MediaPipe(seer, mediapipe)


class _MediaPipe:
    def __init__(self, seer: Any, mediapipe: Any) -> None:
        self._seer, self._mediapipe = seer, mediapipe

    def see(self, picture: NDArray[np.uint8], time_ms: int) -> Mapping[str, float] | None:
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=picture)
        faces = self._seer.detect_for_video(image, time_ms).face_blendshapes
        if not faces:
            return None
        return {curve.category_name: curve.score for curve in faces[0] if curve.category_name != "_neutral"}


def _curves_of(
    data: bytes, video: Path, landmarker: Landmarker, tell: Callable[[int], None] | None
) -> tuple[list[float], list[tuple[float, dict[str, float]]]]:
    """The time of every picture in seconds from the first, and (time, curves) of those in which a face was seen."""
    times_s: list[float] = []
    rows: list[tuple[float, dict[str, float]]] = []
    last_ms = -1
    for time_s, picture in _pictures(data, video):
        if times_s and time_s <= times_s[-1]:
            what = f"time runs from {times_s[-1]:.6f} to {time_s:.6f} s"
            raise TakeError(what, where=f"{video}:picture {len(times_s)}", expected="pictures one after another")
        last_ms = max(last_ms + 1, round(1000 * time_s))
        seen = landmarker.see(picture, last_ms)
        if seen is not None:
            rows.append((time_s, _row(seen, f"{video}:picture {len(times_s)}")))
        times_s.append(time_s)
        if tell is not None:
            tell(len(times_s))
    return times_s, rows


def _pictures(data: bytes, video: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(seconds since the first picture, ``[height, width, 3]`` RGB, upright) of every picture."""
    with open_movie(io.BytesIO(data), video) as movie:
        stream = pictures_of(movie)
        if stream is None:
            raise TakeError("a movie without pictures", where=video, expected="a movie of a face")
        begin_s = start_s(movie)
        for n, frame in enumerate(movie.decode(stream)):
            if frame.pts is None:
                raise TakeError("a picture without a time", where=f"{video}:picture {n}", do="convert it with ffmpeg")
            # A phone held upright writes lying pictures and says by how many degrees to turn them.
            upright = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
            yield float(Fraction(frame.pts * frame.time_base) - begin_s), np.ascontiguousarray(upright)


def _row(seen: Mapping[str, float], where: str) -> dict[str, float]:
    """All 52 in order; a name that is none of ours, or a missing one, is an error of the landmarker."""
    unknown, missing = set(seen) - set(NAMES), set(NAMES) - set(seen) - {NOT_MEASURED}
    if unknown or missing:
        what = f"the landmarker's curves do not fit: unknown {sorted(unknown)}, missing {sorted(missing)}"
        raise CurvesError(what, where=where, expected="the 51 names of ARKit without tongueOut", do="use another model")
    row = {name: float(seen.get(name, 0.0)) for name in NAMES}
    wrong = next((name for name, value in row.items() if not np.isfinite(value)), None)
    if wrong is not None:
        raise CurvesError(f"{row[wrong]} is no number", where=f"{where}:{wrong}", do="use another model")
    return row


def _write_sound(path: Path, sound: Sound) -> None:
    import soundfile

    with publish_file(path) as temporary:
        soundfile.write(temporary, sound.samples, sound.sample_rate, format="WAV", subtype="PCM_16")


def _write_curves(path: Path, rows: list[tuple[float, dict[str, float]]]) -> None:
    lines = (json.dumps({"timestamp": round(time_s, 6), "blendshapes": row}, allow_nan=False) for time_s, row in rows)
    with publish_file(path) as temporary:
        temporary.write_text("".join(line + "\n" for line in lines), "utf-8")
