"""Whom the doctor sees: every file of a folder that is a take or ought to be part of one, or a take that is named.

Unlike packing it turns nobody away: curves without sound and sound without curves are examined for what they are, and
files that hinder each other (two sounds of one take) come as an error with a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes.endings import MOVIE_ENDINGS, SOUND_ENDINGS
from koekao.takes.folder import TIMELINE_ENDING, find_takes, is_curve_file

_TAKES = "a folder of takes, a sound, a file of curves, or what a take's two files have in common"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A take to examine: its name and its files, as far as it has them, or what keeps them from being a take.

    ``timeline`` is the file that says when sound and curves start, where there is one.
    """

    name: str
    sound: Path | None = None
    curves: Path | None = None
    timeline: Path | None = None
    error: TakeError | None = None


def find_subjects(place: Path) -> list[Subject]:
    """The takes at ``place``, by name.

    Args:
        place: a folder; or one file of a take, or both files' path without the ending, which give that take.

    Raises:
        TakeError: there is nothing of the kind.
    """
    if place.is_dir():
        return _in_folder(place)
    if place.exists():
        named = [place] + [path for path in _beside(place.with_suffix("")) if _kind(path) != (_kind(place) or "curves")]
        return [_of_files(place.with_suffix("").name, named)]
    named = _beside(place)
    if not named:
        raise TakeError("there is no such take", where=place, expected=_TAKES, do="check the path")
    return [_of_files(place.name, named)]


def _in_folder(folder: Path) -> list[Subject]:
    try:
        found = find_takes(folder)
    except TakeError:  # no sound and curves stand together; each is seen alone
        subjects = _loose(folder)
        if not subjects:
            raise
        return subjects
    subjects = [
        Subject(name=pair.name, sound=pair.sound, curves=pair.curves, timeline=pair.timeline) for pair in found.pairs
    ]
    subjects += [_of_problem(folder, problem) for problem in found.problems]
    return sorted(subjects, key=lambda subject: subject.name)


def _loose(folder: Path) -> list[Subject]:
    stems: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if path.is_file() and _kind(path) and not any(part.startswith(".") for part in below.parts):
            stems.setdefault(below.with_suffix("").as_posix(), []).append(path)
    return [_of_files(name, paths) for name, paths in sorted(stems.items())]


def _of_problem(folder: Path, problem: TakeError) -> Subject:
    """A file without its partner is examined alone; every other problem stays one."""
    path = Path(problem.where)
    name = path.relative_to(folder).with_suffix("").as_posix() if path.is_relative_to(folder) else str(path)
    if path.is_file() and _kind(path) and _beside(path.with_suffix("")) == [path]:
        return _of_files(name, [path])
    return Subject(name=name, error=problem)


def _of_files(name: str, paths: list[Path]) -> Subject:
    sounds = [path for path in paths if _kind(path) == "sound"]
    sounds = [path for path in sounds if path.suffix.lower() in SOUND_ENDINGS] or sounds  # a movie gives way
    curves = [path for path in paths if _kind(path) != "sound"]
    for several, kind in ((sounds, SoundError), (curves, CurvesError)):
        if len(several) > 1:
            names = ", ".join(path.name for path in several)
            what = f"{len(several)} files for one take: {names}"
            return Subject(name=name, error=kind(what, where=several[0], expected="one", do="keep one of them"))
    timeline = next((path.with_suffix(TIMELINE_ENDING) for path in sounds + curves), None)
    return Subject(
        name=name,
        sound=sounds[0] if sounds else None,
        curves=curves[0] if curves else None,
        timeline=timeline if timeline is not None and timeline.is_file() else None,
    )


def _beside(stem: Path) -> list[Path]:
    """The files of a take by its path without the ending, endings in any case."""
    if not stem.parent.is_dir():
        return []
    return sorted(path for path in stem.parent.iterdir() if path.stem == stem.name and _kind(path) and path.is_file())


def _kind(path: Path) -> str:
    """``"sound"`` or ``"curves"``, as packing sees the file; empty for any other."""
    if path.suffix.lower() in SOUND_ENDINGS + MOVIE_ENDINGS:
        return "sound"
    return "curves" if not path.name.endswith(TIMELINE_ENDING) and is_curve_file(path) else ""
