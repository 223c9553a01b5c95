"""``koekao view THING [OTHER]``: the page, served on this machine or written as one file."""

from __future__ import annotations

import sys
import threading
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from koekao.cli.console import count, length, say, working
from koekao.errors import ConfigError
from koekao.interrupt import on_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable

    from koekao.viewer import Clip
    from koekao.viewer.serving import Shown


def view(
    thing: Path,
    other: Path | None = None,
    /,
    *,
    sound: Path | None = None,
    take: str | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    model: Path | None = None,
    web: Path | None = None,
    port: int = 0,
    no_open: bool = False,
) -> None:
    """Look at takes, animations and corpora: face, sound and curves on one page.

    Examples: koekao view CORPUS; koekao view face.csv --sound speech.wav; koekao view truth.csv other.csv; koekao view
    RUN take.wav (what the run says beside what is true, where there are curves).

    Args:
        thing: a corpus, a folder of takes, a take, an animation file, or a run (or model.onnx).
        other: a second animation or take to compare with; with a run what it animates: a take, a sound or a corpus.
        sound: the sound of an animation, where it does not lie beside it.
        take: only this take of a corpus or folder.
        output: write one file instead, which opens from the disk without a network.
        model: a model.onnx: the page can record 10 s of the microphone and animate them (served pages alone).
        web: the folder of the browser library that it needs. Default: the wheel's, or web/dist of a checkout.
        port: of the server. Default: any that is free.
        no_open: do not open the browser.
    """
    from koekao.atomic import write_file
    from koekao.viewer.serving import served

    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"unknown ending {output.suffix!r}", where=output, expected=".html")
    if output is not None and model is not None:
        raise ConfigError("--model of a page that is kept as a file", where=output, do="look at it without -o")
    with working("reading"):
        shown = _model(_shown(thing, other, sound, take), model, web)
        page = None if output is None else shown.page(served=False)
    if output is not None and page is not None:
        write_file(output, page.encode())
        return say(f"{output}: {len(page) / 1e6:.1f} MB, {_what(shown)}")
    with served(shown, port=port) as address:
        say(f"{_what(shown)}: {address}  (Ctrl-C ends)")
        sys.stdout.flush()  # who reads it through a pipe waits for the address
        if not no_open:
            webbrowser.open(address)
        over = threading.Event()
        with on_interrupt(over.set):
            over.wait()
    return None


def _what(shown: Shown) -> str:
    if shown.listing is not None:
        return f"{shown.listing.title}, {count(len(shown.listing), 'take')}"
    return "nothing" if shown.clip is None else f"{shown.clip.name}, {length(shown.clip.seconds)}"


def is_corpus(place: Path) -> bool:
    return (place / "corpus.json").is_file()


def is_run(place: Path) -> bool:
    """Whether something is what animates: a run's folder or an exported model."""
    return place.suffix.lower() == ".onnx" or (place / "run.json").is_file()


def _shown(thing: Path, other: Path | None, sound: Path | None, take: str | None) -> Shown:
    """What there is to see."""
    from koekao.corpus import Corpus
    from koekao.viewer import clip_of, list_corpus, list_folder
    from koekao.viewer.serving import Shown

    if other is not None and is_run(other) and not is_run(thing):
        thing, other = other, thing
    add: Callable[[Clip], Clip] = lambda clip: clip  # noqa: E731
    if is_run(thing):
        if other is None:
            raise ConfigError(
                "a run alone shows nothing", where=thing, do=f"koekao view {thing} TAKE or CORPUS or SOUND"
            )
        add, thing, other = predicting(thing), other, None
    if thing.is_dir():
        if other is not None:
            raise ConfigError("a folder beside something else", where=thing, do="name one take: --take NAME")
        listing = list_corpus(Corpus.open(thing), add=add) if is_corpus(thing) else list_folder(thing, add=add)
        if take is None:
            return Shown(listing=listing)
        return Shown(clip=listing.clip(listing.place_of(take)))
    if take is not None:
        raise ConfigError("--take of one take", where=thing, do="leave it out")
    clip = add(clip_of(thing, sound=sound))
    if not clip.tracks:
        raise ConfigError("a sound without curves", where=thing, do=f"name a run too: koekao view RUN {thing}")
    return Shown(clip=clip if other is None else compared(clip, other))


def compared(clip: Clip, other: Path) -> Clip:
    """The clip with the curves of another file beside its own."""
    from koekao.viewer import clip_of

    second = clip_of(other)
    if not second.tracks:
        raise ConfigError("holds no curves", where=other, expected="an animation or a take to compare with")
    labels = clip.tracks[0].label, second.tracks[0].label
    if labels[0] == labels[1]:  # two runs write the same name into two folders
        labels = f"{labels[0]} (1)", f"{labels[1]} (2)"
    tracks = (replace(clip.tracks[0], label=labels[0]), replace(second.tracks[0], label=labels[1]))
    heard = clip if clip.sound is not None else second
    return replace(heard, name=f"{clip.name} and {second.name}", tracks=tracks, notes=(*clip.notes, *second.notes))


def predicting(run: Path) -> Callable[[Clip], Clip]:
    """What puts a run's prediction beside the curves of a clip."""
    from fractions import Fraction

    import numpy as np

    from koekao.animation import animate
    from koekao.api import engine
    from koekao.takes.sound.shaping import to_rate
    from koekao.takes.take import as_float
    from koekao.viewer import Curves

    face = engine(run)
    clock = face.clock

    def add(clip: Clip) -> Clip:
        if clip.sound is None:
            raise ConfigError("no sound to animate", where=clip.name, do="name a take with its sound, or a sound")
        heard, _ = to_rate(as_float(clip.sound), clip.sample_rate, clock.sample_rate, Path(clip.name))
        values = animate(face, np.ascontiguousarray(heard, np.float32))
        said = Curves(label=f"prediction ({run.name})", fps=Fraction(clock.fps), values=values)
        truth = tuple(replace(track, label="truth") for track in clip.tracks)
        return replace(clip, tracks=(*truth, said))

    return add


def _model(shown: Shown, model: Path | None, web: Path | None) -> Shown:
    """What is shown with what records and animates in the page, if that was asked for."""
    from koekao.viewer.library import library

    if model is None:
        return shown
    folder = library(web)
    if model.suffix.lower() != ".onnx" or not model.is_file():
        raise ConfigError("is no model.onnx", where=model, do="make one with koekao export RUN -o model.onnx")
    return replace(shown, model=model, web=folder)
