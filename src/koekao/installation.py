"""What is installed here, and whether it goes together: what ``koekao doctor`` tells.

What is wanted and what is there comes from the metadata that pip leaves: nothing heavy is imported, and a package that
would fail to load does not stop the telling.

What it gives up: a package whose files are damaged looks installed. Of sound alone the library itself is loaded, for it
is a library of the system on some machines.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from koekao import __version__
from koekao.compiled import cache_folders

LEAST_GB = 1.0
_NVIDIA = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")


EXTRAS = {
    "video": "sound and pictures of mov and mp4; movies of faces",
    "live": "the microphone, and faces over WebSocket",
    "onnx": "koekao export, and models that run without torch",
    "plot": "koekao plot, and curves drawn into run folders",
    "tracking": "TensorBoard beside the log of a run",
    "capture": "takes from a video of a face, by MediaPipe",
    "usd": "animations as USD",
    "remote": "corpora at s3:// and https://",
    "ray": "packing on many machines",
    "hf": "features of a speech network of your own",
    "examples": "what the programs of examples/ need",
    "docs": "the site of the documents",
    "opensmile": "eGeMAPS features; for NON-COMMERCIAL use only",
}
"""What each ``pip install "koekao[NAME]"`` adds."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that does not go together: what was seen, what was expected, what to do."""

    what: str
    expected: str
    do: str

    def __str__(self) -> str:
        return f"{self.what}; expected {self.expected}\n  -> {self.do}"


@dataclass(frozen=True, kw_only=True)
class ExtraState:
    """An extra as it is here: all its packages with their versions (None: missing), and whether it can be used."""

    name: str
    adds: str
    packages: dict[str, str | None]
    installed: bool
    get: str


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Everything that is told; see :func:`look`."""

    koekao: str
    place: Path
    python: str
    executable: str
    machine: str
    packages: dict[str, str | None]
    threads: int
    gpus: tuple[str, ...]
    libsndfile: str | None
    kept_in: Path | None
    memory_gb: float | None
    disk_gb: float
    extras: tuple[ExtraState, ...]
    problems: tuple[Problem, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        told = asdict(self) | {"place": str(self.place), "kept_in": None if self.kept_in is None else str(self.kept_in)}
        return told | {"well": not self.problems}


def look() -> Installation:
    """Look at this installation; nothing is imported but the library that reads sound, nothing is written."""
    wanted = wishes("koekao")
    packages = {name_of(wish): version_of(name_of(wish)) for wish in wanted}
    extras = tuple(_state(name, adds) for name, adds in EXTRAS.items())
    libsndfile, kept_in = _libsndfile(), _kept_in()
    memory_gb, disk_gb = _memory_gb(), shutil.disk_usage(Path.cwd()).free / 1e9
    problems = [*_unmet("koekao", wanted), *_compiler_problems(packages), *_extra_problems(extras)]
    if not wanted:
        problems.append(Problem(
            what="koekao itself is not installed: its source alone was found", expected="an installed package",
            do="pip install --editable . in the folder of the repository",
        ))  # fmt: skip
    if packages.get("soundfile") and libsndfile is None:
        problems.append(Problem(
            what="soundfile finds no libsndfile", expected="the library itself",
            do="pip install --force-reinstall soundfile, or install libsndfile1 by the system's packages",
        ))  # fmt: skip
    if kept_in is None:
        problems.append(Problem(
            what="compiled loops cannot be kept: neither koekao's folder nor the user's cache can be written",
            expected="one of them", do="set XDG_CACHE_HOME to a folder that can be written",
        ))  # fmt: skip
    for free, of, do in ((memory_gb, "memory", "end something else"), (disk_gb, "disk here", "make room")):
        if free is not None and free < LEAST_GB:
            problems.append(Problem(what=f"{free:.1f} GB of {of} free", expected=f"{LEAST_GB:.0f} GB", do=do))
    return Installation(
        koekao=__version__,
        place=Path(__file__).parent,
        python=platform.python_version(),
        executable=sys.executable,
        machine=f"{platform.system()} {platform.machine()}",
        packages=packages,
        threads=_threads(),
        gpus=tuple(_gpus()),
        libsndfile=libsndfile,
        kept_in=kept_in,
        memory_gb=memory_gb,
        disk_gb=disk_gb,
        extras=extras,
        problems=tuple(problems),
    )


def wishes(package: str, extra: str = "") -> list[str]:
    """What an installed package asks for, or one of its extras does, as ``name>=1.2,<2``; nothing where it is not
    installed. Of marks only that of the extra is looked at. An extra that asks for others holds what they ask for: so
    our builder writes it."""
    try:
        lines = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        wish, _, mark = line.partition(";")
        if extra == next(iter(re.findall(r"extra\s*==\s*['\"]([\w.-]+)['\"]", mark)), ""):
            name = re.match(r"[\w.-]+(\[[\w,]+\])?", wish.strip())
            bounds = wish.strip()[name.end() :] if name else ""
            if name:
                found.append(name[0] + ",".join(sorted(bounds.strip(" ()").replace(" ", "").split(","), reverse=True)))
    return found


def name_of(wish: str) -> str:
    """The package that a requirement is of.

    >>> name_of("torch>=2.6,<2.14"), name_of("koekao[video]"), name_of("numpy")
    ('torch', 'koekao', 'numpy')
    """
    return re.split(r"[\s<>=!~;(\[]", wish, maxsplit=1)[0]


def version_of(package: str) -> str | None:
    """The version of a package that is installed, else None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def satisfies(version: str, wish: str) -> bool:
    """Whether a version is one that a requirement allows; marks of builds and of pre-releases are not looked at.

    >>> satisfies("2.11.0+cpu", "torch>=2.6,<2.14"), satisfies("2.5.1", "torch>=2.6"), satisfies("2.14.0", "a<2.14")
    (True, False, False)
    """
    have = _numbers(version)
    for sign, bound in re.findall(r"(>=|<=|==|!=|<|>)\s*([0-9][0-9.]*)", wish):
        wanted = _numbers(bound)
        width = max(len(have), len(wanted))
        left, right = (numbers + (0,) * (width - len(numbers)) for numbers in (have, wanted))
        met = {
            ">=": left >= right, "<=": left <= right, "==": left == right,
            "!=": left != right, "<": left < right, ">": left > right,
        }[sign]  # fmt: skip
        if not met:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _unmet(who: str, wishes: Sequence[str]) -> Iterator[Problem]:
    """What is missing, or is of a version that will not do."""
    for wish in wishes:
        version = version_of(name_of(wish))
        if version is None or not satisfies(version, wish):
            seen = "is not installed" if version is None else f"is {version}"
            yield Problem(what=f"{name_of(wish)} {seen}", expected=f"{wish}, for {who}", do=f'pip install "{wish}"')


def _compiler_problems(packages: dict[str, str | None]) -> Iterator[Problem]:
    """numba works with one llvmlite and few numpys, and says so in its metadata."""
    for wish in wishes("numba"):
        version = version_of(name_of(wish))
        if version is not None and not satisfies(version, wish):
            yield Problem(
                what=f"{name_of(wish)} is {version} beside numba {packages['numba']}",
                expected=wish,
                do=f'pip install "{wish}", or pip install -U numba llvmlite',
            )


def _state(name: str, adds: str) -> ExtraState:
    versions = {wish: version_of(name_of(wish)) for wish in wishes("koekao", name)}
    met = all(version is not None and satisfies(version, wish) for wish, version in versions.items())
    packages = {name_of(wish): version for wish, version in versions.items()}
    return ExtraState(name=name, adds=adds, packages=packages, installed=met, get=f'pip install "koekao[{name}]"')


def _extra_problems(extras: Sequence[ExtraState]) -> Iterator[Problem]:
    """An extra whose own packages are there, but one of them too old: half an extra fails later, and oddly."""
    core = {name_of(wish) for wish in wishes("koekao")}
    for extra in extras:
        if not extra.installed and all(version for name, version in extra.packages.items() if name not in core):
            yield from _unmet(f"koekao[{extra.name}]", wishes("koekao", extra.name))


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> list[str]:
    """What NVIDIA's own tool sees; torch would take seconds to say the same."""
    if shutil.which(_NVIDIA[0]) is None:
        return []
    try:
        said = subprocess.run(_NVIDIA, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in said.splitlines() if line.strip()]


def _libsndfile() -> str | None:
    try:
        import soundfile
    except (ImportError, OSError):  # the package, or the library that it looks for
        return None
    return str(soundfile.__libsndfile_version__)


def _kept_in() -> Path | None:
    """The first folder for compiled loops that can be written, or could be made."""
    for folder in cache_folders("koekao.machine"):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            return folder
    return None


def _memory_gb() -> float | None:
    """What programs can still have, where the system says it."""
    try:
        said = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return None
    return None if said is None else int(said[1]) * 1024 / 1e9
