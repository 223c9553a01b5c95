"""Sound without curves: the files of speech that there is more of than of recorded faces.

Curves beside a sound do not matter here. As among takes, hidden files and links to folders are passed over, and a movie
gives way to a sound of its stem. A file is known to be sound by its ending, so that notes and pictures lie beside it
undisturbed; what it holds is found out when it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from koekao.errors import SoundError, TakeError
from koekao.takes.endings import MOVIE_ENDINGS, SOUND_ENDINGS
from koekao.takes.folder import files_below


def find_sounds(places: Sequence[str | Path]) -> tuple[Path, ...]:
    """The sound files in folders (at any depth) and those that are named themselves, each once, in the order given.

    Raises:
        TakeError: a place or a folder below it that is missing or cannot be read, or that holds no sound.
    """
    found: dict[Path, Path] = {}
    for place in map(Path, places):
        for path in _sounds_below(place) if place.is_dir() else [place]:
            if not path.exists():
                raise SoundError("there is no such file", where=path, do="check the path")
            found.setdefault(path.resolve(), path)
    return tuple(found.values())


def _sounds_below(folder: Path) -> list[Path]:
    problems: list[TakeError] = []
    files = [*files_below(folder, problems, [])]
    if problems:
        raise problems[0]
    sounds = [path for path in files if path.suffix.lower() in SOUND_ENDINGS]
    stems = {path.with_suffix("") for path in sounds}
    movies = [p for p in files if p.suffix.lower() in MOVIE_ENDINGS and p.with_suffix("") not in stems]
    if not sounds and not movies:
        endings = " ".join(SOUND_ENDINGS + MOVIE_ENDINGS)
        raise SoundError("no sound in this folder", where=folder, expected=f"files ending in {endings}")
    return sorted([*sounds, *movies])
