"""What is shown of a thing that a person names: a corpus, a folder, a take, an animation, a run, or two of them.

Who makes predictions is handed in, because to look at things needs no model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from koekao.corpus import Corpus
from koekao.errors import ConfigError
from koekao.viewer.clip import Clip
from koekao.viewer.listing import list_corpus, list_folder
from koekao.viewer.reading import clip_of
from koekao.viewer.serving import Shown

Add = Callable[[Clip], Clip]
"""What puts more curves beside those of a clip."""


def is_corpus(place: Path) -> bool:
    return (place / "corpus.json").is_file()


def is_run(place: Path) -> bool:
    """Whether something is what animates: a run's folder or an exported model."""
    return place.suffix.lower() == ".onnx" or (place / "run.json").is_file()


def shown(
    thing: Path,
    other: Path | None = None,
    *,
    sound: Path | None = None,
    take: str | None = None,
    predicting: Callable[[Path], Add],
) -> Shown:
    """What there is to see of a corpus, a folder, a take, an animation or a run.

    Args:
        other: what stands beside it. sound: of an animation. take: only this one, of many.
        predicting: makes of a run what adds its prediction to a clip.

    Raises:
        ConfigError: things that cannot be looked at together. TakeError, CorpusError: what cannot be read.
    """
    if other is not None and is_run(other) and not is_run(thing):
        thing, other = other, thing
    add: Add = lambda clip: clip  # noqa: E731
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
    second = clip_of(other)
    if not second.tracks:
        raise ConfigError("holds no curves", where=other, expected="an animation or a take to compare with")
    labels = clip.tracks[0].label, second.tracks[0].label
    if labels[0] == labels[1]:  # two runs write the same name into two folders
        labels = f"{labels[0]} (1)", f"{labels[1]} (2)"
    tracks = (replace(clip.tracks[0], label=labels[0]), replace(second.tracks[0], label=labels[1]))
    heard = clip if clip.sound is not None else second
    return replace(heard, name=f"{clip.name} and {second.name}", tracks=tracks, notes=(*clip.notes, *second.notes))


def clip_to_draw(animation: Path, other: Path | None, sound: Path | None, add: Add | None) -> Clip:
    """The clip of an animation with what is to stand beside it: what ``add`` adds, or another animation."""
    clip = clip_of(animation, sound=sound)
    if add is not None:
        clip = add(clip)
    if not clip.tracks:
        raise ConfigError("a sound without curves", where=animation, do="say with --run who animates it")
    return clip if other is None else compared(clip, other)
