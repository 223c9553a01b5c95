"""Pictures: the page that shows takes, animations and corpora, in a notebook or as a file; movies and strips."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from koekao.api.faces import predicting
from koekao.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page to look at: a notebook shows it under the cell; ``save`` keeps it as a file that needs no network.

    Attributes:
        text: the page as HTML.
        height: pixels that a notebook gives it.
    """

    text: str
    height: int = 720

    def save(self, path: str | Path) -> Path:
        """Write the page, or replace what is there. Raises OutputError: another ending than .html, no place for it."""
        from koekao.atomic import write_file

        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ConfigError(f"unknown ending {path.suffix!r}", where=path, expected=".html")
        write_file(path, self.text.encode())
        return path

    def __repr__(self) -> str:
        return f"<a page of {len(self.text) / 1e6:.1f} MB; .save('page.html') keeps it>"

    def _repr_html_(self) -> str:
        """How notebooks ask: in a frame of its own, so that neither disturbs the other."""
        inside, style = html.escape(self.text), f"width:100%;height:{self.height}px;border:0"
        return f'<iframe srcdoc="{inside}" style="{style}" sandbox="allow-scripts allow-downloads"></iframe>'


def view(
    thing: str | Path,
    other: str | Path | None = None,
    *,
    sound: str | Path | None = None,
    take: str | None = None,
    height: int = 720,
) -> Page:
    """Look at a corpus, a folder of takes, a take, an animation, or two of them: face, sound and curves on a page.

    >>> import koekao
    >>> page = koekao.view("takes/aoi_0001.jsonl")
    >>> page
    <a page of 2.0 MB; .save('page.html') keeps it>
    >>> page.save("take.html").name
    'take.html'

    Args:
        thing: what to look at; of a run (or ``model.onnx``) what it says of ``other``.
        other: a second animation or take; with a run a take, a sound or a corpus.
        sound: of an animation, where it does not lie beside it.
        take: only this take of a corpus or folder.
        height: pixels in a notebook.

    Raises:
        ConfigError: things that cannot be looked at together. TakeError, CorpusError: what cannot be read.
    """
    from koekao.viewer.showing import shown

    beside, heard = (None if path is None else Path(path) for path in (other, sound))
    seen = shown(Path(thing), beside, sound=heard, take=take, predicting=predicting)
    return Page(text=seen.page(served=False), height=height)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What :func:`render` drew: the file, how many pictures, the seconds of the animation, whether sound is in it."""

    output: Path
    pictures: int
    seconds: float
    sound: bool


def render(
    animation: str | Path,
    output: str | Path,
    *,
    other: str | Path | None = None,
    sound: str | Path | None = None,
    run: str | Path | None = None,
    size: int | None = None,
    at: Sequence[float] = (),
    pictures: int = 8,
    yaw: float = 0.0,
    pitch: float = 0.0,
    on_frame: Callable[[int, int], None] = lambda done, of: None,
) -> Rendered:
    """Draw an animation on the face: a movie with its sound (``.mp4``), or a strip of pictures (``.png``).

    >>> import koekao
    >>> koekao.render("takes/aoi_0001.jsonl", "strip.png", pictures=3, size=64).pictures
    3

    Args:
        animation: a file of curves, or a take. output: the file to make, or to replace.
        other: a second animation, whose face stands to the right. run: one whose prediction does.
        sound: the sound, where it does not lie beside the animation.
        size: pixels of a face; 720 in movies and 320 in strips where not given.
        at: seconds at which the pictures of a strip are taken; else ``pictures`` of them, evenly.
        yaw, pitch: degrees that the camera goes round to the subject's left, and up.
        on_frame: told how many pictures of a movie are done, and of how many.

    Raises:
        ConfigError: another ending, times outside, or the extra ``video`` is missing. TakeError: what cannot be read.
        OutputError: a place that cannot be written.
    """
    import numpy as np

    from koekao.head.render import Camera
    from koekao.viewer.movie import write_movie
    from koekao.viewer.showing import clip_to_draw
    from koekao.viewer.strip import draw_strip, strip_times, write_png

    output = Path(output)
    ending = output.suffix.lower()
    if ending not in (".mp4", ".png"):
        raise ConfigError(f"unknown ending {output.suffix!r}", where=output, expected=".mp4 or .png")
    camera = Camera(yaw_deg=yaw, pitch_deg=pitch)
    beside, heard = (None if path is None else Path(path) for path in (other, sound))
    clip = clip_to_draw(Path(animation), beside, heard, None if run is None else predicting(run))
    if ending == ".mp4":
        side = 720 if size is None else size
        n = write_movie(output, clip, width=side, height=side, camera=camera, on_frame=on_frame)
        return Rendered(output=output, pictures=n, seconds=clip.seconds, sound=clip.sound is not None)
    times = strip_times(clip.tracks[0].seconds, pictures, tuple(at))
    strips = [draw_strip(track, times, size=320 if size is None else size, camera=camera) for track in clip.tracks]
    write_png(output, np.concatenate(strips, axis=0))
    return Rendered(output=output, pictures=len(times), seconds=clip.seconds, sound=clip.sound is not None)
