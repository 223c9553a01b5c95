"""An animation as a movie with its sound: H.264 and AAC in MP4, one picture a frame, drawn without a window.

Frame k of the curves is picture k, shown from k / fps on; sample 0 of the sound is at 0. A movie that fails leaves
nothing behind. What it gives up: speed. A picture of 720 x 720 takes about 40 ms on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.atomic import publish_file
from koekao.errors import ConfigError
from koekao.head.render import Camera
from koekao.takes.take import as_float
from koekao.viewer.clip import Clip
from koekao.viewer.strip import draw_frame

_AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_SOUND_BLOCK = 1024


def write_movie(
    path: Path,
    clip: Clip,
    *,
    width: int = 720,
    height: int = 720,
    camera: Camera | None = None,
    on_frame: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Write the clip's tracks (two stand beside each other) as MP4; the number of pictures.

    Args:
        width, height: of a face, even numbers.
        on_frame: told how many pictures are done, and of how many.

    Raises:
        ConfigError: the extra ``video`` is missing, or an odd size. OutputError: the place cannot be written.
    """
    try:
        import av
    except ImportError as error:
        raise ConfigError("movies need PyAV", do='pip install "koekao[video]"') from error
    if width % 2 or height % 2 or width < 16 or height < 16:
        raise ConfigError(f"a movie of {width} x {height}", expected="even numbers of at least 16 pixels")
    fps = clip.tracks[0].fps
    n_frames = len(clip.tracks[0].values)
    with publish_file(path) as temporary, av.open(str(temporary), "w", format="mp4") as file:
        video = file.add_stream("libx264", rate=fps, options={"crf": "18", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = width * len(clip.tracks), height, "yuv420p"
        video.time_base = Fraction(1, 1) / fps
        sound = _sound_stream(file, clip)
        waiting = iter(()) if sound is None else _sound_frames(av, clip, sound.rate)
        for k in range(n_frames):
            picture = av.VideoFrame.from_ndarray(_faces(clip, k, width, height, camera), format="rgb24")
            picture.pts, picture.time_base = k, Fraction(1, 1) / fps
            file.mux(video.encode(picture))
            waiting = _until(file, sound, waiting, float((k + 1) / fps))
            on_frame(k + 1, n_frames)
        file.mux(video.encode(None))
        _until(file, sound, waiting, float(n_frames / fps))
        if sound is not None:
            file.mux(sound.encode(None))
    return n_frames


def _faces(clip: Clip, frame: int, width: int, height: int, camera: Camera | None) -> NDArray[np.uint8]:
    """The faces of all tracks at the time of a frame of the first."""
    at_s = frame / clip.tracks[0].fps
    shown = []
    for track in clip.tracks:
        own = min(len(track.values) - 1, int(at_s * track.fps))
        shown.append(draw_frame(track, own, width=width, height=height, camera=camera))
    return np.ascontiguousarray(np.concatenate(shown, axis=1))


def _sound_stream(file: Any, clip: Clip) -> Any:
    if clip.sound is None:
        return None
    rate = next((hz for hz in _AAC_RATES_HZ if hz >= clip.sample_rate), _AAC_RATES_HZ[-1])
    return file.add_stream("aac", rate=rate, layout="mono", options={"b": "128k"})


def _sound_frames(av: Any, clip: Clip, rate: int) -> Iterator[Any]:
    """The sound in blocks, at the rate of the stream, each with the sample at which it begins."""
    from koekao.takes.sound.shaping import to_rate

    samples, _ = to_rate(as_float(np.asarray(clip.sound)), clip.sample_rate, rate, Path(clip.name))
    samples = np.ascontiguousarray(samples, np.float32)
    for first in range(0, len(samples), _SOUND_BLOCK):
        block = av.AudioFrame.from_ndarray(samples[None, first : first + _SOUND_BLOCK], format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = rate, first, Fraction(1, rate)
        yield block


def _until(file: Any, stream: Any, blocks: Iterator[Any], seconds: float) -> Iterator[Any]:
    """Encode the blocks that begin before ``seconds``, so that pictures and sound lie beside each other in the file."""
    for block in blocks:
        file.mux(stream.encode(block))
        if (block.pts + block.samples) / block.sample_rate >= seconds:
            break
    return blocks
