"""The takes in a folder: which sound goes with which curves.

A sound and a curve file with the same stem in the same folder are a take. Everything else that is found is accounted
for: a file without its partner is a problem with a name, files of other kinds are listed as ignored. The result does
not depend on the order in which the system lists a folder.

What it gives up: links to folders are not followed (they can leave the root or run in a circle) but listed as ignored;
links to files are followed.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from koekao.errors import CurvesError, SoundError, TakeError

SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
CURVE_ENDINGS = (".jsonl", ".csv", ".json", ".txt", ".gltf", ".glb")


@dataclass(frozen=True, kw_only=True)
class TakeFiles:
    """The two files of a take. ``name`` is the path below the folder without the ending, with ``/`` everywhere."""

    name: str
    speaker: str
    sound: Path
    curves: Path


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
    stems: dict[str, tuple[list[Path], list[Path]]] = {}
    for path in _files(root, problems, ignored):
        ending = path.suffix.lower()
        if ending not in SOUND_ENDINGS + CURVE_ENDINGS:
            ignored.append(path)
        elif not path.is_file():
            what = "is a link to nothing, a link in a circle, or no plain file"
            problems.append(TakeError(what, where=path, do="remove it or mend the link"))
        else:
            sounds, curves = stems.setdefault(_take_name(root, path), ([], []))
            (sounds if ending in SOUND_ENDINGS else curves).append(path)
    pairs: list[TakeFiles] = []
    for name, (sounds, curves) in sorted(stems.items()):
        problem = _problem(sounds, curves)
        if problem is not None:
            problems.append(problem)
        else:
            pairs.append(TakeFiles(name=name, speaker=_speaker(name), sound=sounds[0], curves=curves[0]))
    if not pairs:
        raise _no_take(root, problems, ignored)
    return Found(pairs=tuple(pairs), problems=tuple(sorted(problems, key=str)), ignored=tuple(sorted(ignored)))


def _files(root: Path, problems: list[TakeError], ignored: list[Path]) -> Iterator[Path]:
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
        return CurvesError("sound without curves", where=sounds[0], expected=_beside(sounds[0], CURVE_ENDINGS))
    if not sounds:
        return SoundError("curves without sound", where=curves[0], expected=_beside(curves[0], SOUND_ENDINGS))
    return None


def _beside(path: Path, endings: tuple[str, ...]) -> str:
    return " or ".join(path.stem + ending for ending in endings) + " beside it"


def _no_take(root: Path, problems: list[TakeError], ignored: list[Path]) -> TakeError:
    first = f"; the first: {str(problems[0]).splitlines()[0]}" if problems else ""
    return TakeError(
        f"no take ({len(problems)} problems, {len(ignored)} other files{first})",
        where=root,
        expected=f"a sound ({' '.join(SOUND_ENDINGS)}) and curves ({' '.join(CURVE_ENDINGS)}) of the same name",
        do="put each pair into one folder under the same name",
    )
