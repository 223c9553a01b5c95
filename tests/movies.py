"""Movies made for the tests, whose times and timecode are known, and a landmarker that sees a face in grey pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import NAMES

av = pytest.importorskip("av", reason="movies need PyAV: the extra koekao[video]")


def write_movie(
    path: Path,
    sound: np.ndarray | None,
    rate: int = 48000,
    *,
    codec: str = "pcm_s16le",
    sound_start: int = 0,
    hole: tuple[int, int] = (0, 0),
    n_pictures: int = 30,
    fps: int = 30,
    picture_start: int = 0,
    picture_steps: Sequence[int] = (),
    timecode: str = "",
) -> Path:
    """A movie of grey pictures, white at the top, each brighter than the one before.

    Args:
        sound: ``[n]`` or ``[n, channels]`` int16; None for a movie without.
        sound_start: samples by which the sound starts later than the movie.
        hole: (sample, how many): from this sample on the sound comes so much later.
        n_pictures, fps, picture_start: how many, how fast, and from which frame on.
        picture_steps: frames between pictures, where they are not 1.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w", format="mp4" if path.suffix != ".mov" else "mov") as movie:
        pictures = movie.add_stream("mpeg4", rate=fps) if n_pictures else None
        if pictures is not None:
            pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
            if timecode:
                pictures.metadata["timecode"] = timecode
        track = None
        if sound is not None:
            rows = sound.reshape(len(sound), -1)
            layout = {1: "mono", 2: "stereo", 8: "7.1", 16: "hexadecagonal"}[rows.shape[1]]
            track = movie.add_stream(codec, rate=rate, layout=layout)
        if pictures is not None:
            places = picture_start + np.cumsum([0, *(picture_steps or [1] * (n_pictures - 1))])
            for k, place in enumerate(places.tolist()):
                image = np.full((48, 64, 3), 8 * (k % 30), np.uint8)
                image[:16] = 255
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                picture.pts, picture.time_base = place, Fraction(1, fps)
                movie.mux(pictures.encode(picture))
            movie.mux(pictures.encode())
        if track is not None:
            for first in range(0, len(rows), 1000):
                block = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(rows[first : first + 1000].reshape(1, -1)), format="s16", layout=layout
                )
                late = hole[1] if hole[1] and first >= hole[0] else 0
                block.sample_rate, block.pts, block.time_base = rate, sound_start + first + late, Fraction(1, rate)
                movie.mux(track.encode(block))
            movie.mux(track.encode())
    return path


MEASURED = [name for name in NAMES if name != "tongueOut"]


class Brightness:
    """Sees a jaw as far open as a picture is bright at the bottom, and no face in the pictures it is told to miss."""

    def __init__(self, missed: range | tuple[int, ...] = (), **curves: float) -> None:
        self.missed, self.curves = missed, curves
        self.times_ms: list[int] = []
        self.shapes: set[tuple[int, ...]] = set()

    def see(self, picture: np.ndarray, time_ms: int) -> Mapping[str, float] | None:
        self.times_ms.append(time_ms)
        self.shapes.add(picture.shape)
        assert picture.dtype == np.uint8 and picture.flags.c_contiguous
        if len(self.times_ms) - 1 in self.missed:
            return None
        return dict.fromkeys(MEASURED, 0.25) | {"jawOpen": float(picture[-16:].mean() / 255)} | self.curves
