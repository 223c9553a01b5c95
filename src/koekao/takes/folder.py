"""The takes in a folder: which sound goes with which curves.

A sound and a curve file with the same stem in the same folder are a take. Everything else that is found is accounted
for: a file without its partner is a problem with a name, files of other kinds are listed as ignored. The result does
not depend on the order in which the system lists a folder.

A take folder of the Live Link Face app is such a folder: ``X_iPhone.csv`` with ``X_iPhone.mov`` is a take, and what the
app writes beside them (:data:`APP_FILES`, and the same curves before and after calibration, ``X_iPhone_raw.csv``) is
ignored. A movie gives way to a sound of its stem, because whoever put one there cleaned it; a movie without curves is
no recording of ours. Files of endings that much else has (:data:`PERHAPS_CURVE_ENDINGS`) count only if they mention
what curves have.

What it gives up: links to folders are not followed (they can leave the root or run in a circle) but listed as ignored;
links to files are followed.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes.formats.registry import may_be_curves, registered_formats

SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
MOVIE_ENDINGS = (".mov", ".mp4", ".m4v", ".m4a")
"""Sound too, by the extra ``video``."""
CURVE_ENDINGS = (".jsonl", ".csv")
PERHAPS_CURVE_ENDINGS = (".json", ".txt", ".gltf", ".glb")
"""Endings of curve files and of much else: these files are curves if their content is."""

APP_FILES = ("frame_log.csv",)
"""What the Live Link Face app writes into a take folder under the ending of curves, without any; its ``take.json``,
``video_metadata.json``, ``audio_metadata.json``, pictures and depth are of other kinds."""
APP_CURVES = ("_raw", "_neutral", "_cal")
"""What the app puts behind the stem of a take for curves that are not the take's own."""

TIMELINE_ENDING = ".timeline.json"
"""``take.timeline.json`` says when sound and curves of the take start (:mod:`koekao.takes.timeline`)."""


def all_curve_endings() -> tuple[str, ...]:
    """Endings that files of curves have, those of registered formats (:func:`koekao.register_format`) among them.

    Raises:
        ConfigError: a plugin cannot be imported.
    """
    registered = (ending for known in registered_formats() for ending in known.endings)
    return tuple(dict.fromkeys((*CURVE_ENDINGS, *PERHAPS_CURVE_ENDINGS, *registered)))


@dataclass(frozen=True, kw_only=True)
class TakeFiles:
    """The files of a take: its sound, its curves, and what says when each of them starts, where somebody wrote that.

    ``name`` is the path below the folder without the ending, with ``/`` everywhere.
    """

    name: str
    speaker: str
    sound: Path
    curves: Path
    timeline: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that decide what is read."""
        return (self.sound, self.curves) + ((self.timeline,) if self.timeline is not None else ())


@dataclass(frozen=True)
class _Stem:
    """The files of one stem, by what their endings say they are."""

    sounds: list[Path] = field(default_factory=list)
    movies: list[Path] = field(default_factory=list)
    curves: list[Path] = field(default_factory=list)

    def add(self, path: Path) -> None:
        ending = path.suffix.lower()
        kind = self.sounds if ending in SOUND_ENDINGS else self.movies if ending in MOVIE_ENDINGS else self.curves
        kind.append(path)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a folder holds: takes by name; files that ought to be a take and are none; files of no concern."""

    pairs: tuple[TakeFiles, ...]
    problems: tuple[TakeError, ...]
    ignored: tuple[Path, ...]


def find_takes(root: str | Path) -> Found:
    """Find the takes in a folder and the folders below it.

    The speaker of ``root/anna/x_01.wav`` is ``anna``; of ``root/anna_01.wav``, by the stem up to the first ``_``, too.

    Raises:
        TakeError: ``root`` is missing, is no folder, or holds no take at all.
    """
    root = Path(root)
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "there is no such folder"
        raise TakeError(what, where=root, expected="a folder of recordings", do="check the path")
    problems: list[TakeError] = []
    ignored: list[Path] = []
    stems: dict[str, _Stem] = {}
    timelines: dict[str, Path] = {}
    endings = SOUND_ENDINGS + MOVIE_ENDINGS + all_curve_endings()
    for path in files_below(root, problems, ignored):
        if path.suffix.lower() not in endings:
            ignored.append(path)
        elif not path.is_file():
            what = "is a link to nothing, a link in a circle, or no plain file"
            problems.append(TakeError(what, where=path, do="remove it or mend the link"))
        elif path.name.lower().endswith(TIMELINE_ENDING):
            timelines[_take_name(root, path.with_suffix(""))] = path
        elif path.suffix.lower() in PERHAPS_CURVE_ENDINGS and not is_curve_file(path):
            ignored.append(path)
        else:
            stems.setdefault(_take_name(root, path), _Stem()).add(path)
    pairs: list[TakeFiles] = []
    for name, files in sorted(stems.items()):
        passed = _passed_over(name, files, stems)
        ignored += passed
        sounds = [path for path in files.sounds + files.movies if path not in passed]
        curves = [path for path in files.curves if path not in passed]
        if not sounds and not curves:
            continue
        problem = _problem(sounds, curves)
        if problem is not None:
            problems.append(problem)
        else:
            timeline = timelines.pop(name, None)
            pairs.append(
                TakeFiles(name=name, speaker=_speaker(name), sound=sounds[0], curves=curves[0], timeline=timeline)
            )
    alone = "a timeline without its take"
    problems += [TakeError(alone, where=path, expected="sound and curves beside it") for path in timelines.values()]
    if not pairs:
        raise _no_take(root, problems, ignored)
    return Found(pairs=tuple(pairs), problems=tuple(sorted(problems, key=str)), ignored=tuple(sorted(ignored)))


def is_curve_file(path: Path) -> bool:
    """Whether a file is one of curves, by its ending and, where that says little, by what it mentions."""
    ending = path.suffix.lower()
    if ending in PERHAPS_CURVE_ENDINGS:
        return may_be_curves(path)
    return ending in CURVE_ENDINGS or ending in all_curve_endings()


def files_below(root: Path, problems: list[TakeError], ignored: list[Path]) -> Iterator[Path]:
    """Every file that is not hidden; hidden ones, hidden folders and links to folders go to ``ignored``."""

    def unreadable(fault: OSError) -> None:
        what = f"the folder cannot be read ({fault.strerror or fault})"
        problems.append(TakeError(what, where=fault.filename or root, do="check its rights"))

    for folder, folders, files in os.walk(root, onerror=unreadable, followlinks=False):
        here = Path(folder)
        passed = [name for name in folders if name.startswith(".") or (here / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(passed))
        passed += [name for name in files if name.startswith(".")]
        ignored += [here / name for name in passed]
        yield from (here / name for name in sorted(files) if not name.startswith("."))


def _passed_over(name: str, files: _Stem, stems: dict[str, _Stem]) -> list[Path]:
    """The files of a stem that are no part of a take and are not meant to be one."""
    if files.sounds or not files.curves:
        return files.movies
    if not files.movies and all(_is_of_the_app(path, name, stems) for path in files.curves):
        return files.curves
    return []


def _is_of_the_app(path: Path, name: str, stems: dict[str, _Stem]) -> bool:
    """Whether the Live Link Face app wrote a file of curves, or that looks like one, beside the curves of a take."""
    takes = (name.removesuffix(suffix) for suffix in APP_CURVES if name.endswith(suffix))
    return path.name in APP_FILES or any(take in stems and stems[take].curves for take in takes)


def _take_name(root: Path, path: Path) -> str:
    # The same name is stored composed by some systems and decomposed by others (ガ), and then does not match itself.
    return unicodedata.normalize("NFC", path.relative_to(root).with_suffix("").as_posix())


def _speaker(name: str) -> str:
    folder, slash, _ = name.partition("/")
    return folder if slash else name.partition("_")[0] or name


def _problem(sounds: list[Path], curves: list[Path]) -> TakeError | None:
    """What keeps the files of one stem from being a take; None if nothing does."""
    if len(sounds) > 1 or len(curves) > 1:
        kind, several = (SoundError, sounds) if len(sounds) > 1 else (CurvesError, curves)
        names = ", ".join(path.name for path in several)
        return kind(
            f"{len(several)} files for one take: {names}", where=several[0], expected="one", do="keep one of them"
        )
    if not curves:
        return CurvesError("sound without curves", where=sounds[0], expected=_beside(sounds[0], all_curve_endings()))
    if not sounds:
        return SoundError(
            "curves without sound", where=curves[0], expected=_beside(curves[0], SOUND_ENDINGS + MOVIE_ENDINGS)
        )
    return None


def _beside(path: Path, endings: tuple[str, ...]) -> str:
    return " or ".join(path.stem + ending for ending in endings) + " beside it"


def _no_take(root: Path, problems: list[TakeError], ignored: list[Path]) -> TakeError:
    first = f"; the first: {str(problems[0]).splitlines()[0]}" if problems else ""
    sounds, curves = " ".join(SOUND_ENDINGS + MOVIE_ENDINGS), " ".join(all_curve_endings())
    return TakeError(
        f"no take ({len(problems)} problems, {len(ignored)} other files{first})",
        where=root,
        expected=f"a sound ({sounds}) and curves ({curves}) of the same name",
        do="put each pair into one folder under the same name",
    )
