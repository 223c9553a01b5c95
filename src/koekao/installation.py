"""What is installed here, and whether it goes together: what ``koekao doctor`` tells.

Versions come from the metadata that pip leaves, so nothing heavy is imported and a package that would fail to load does
not stop the telling. What is wanted of each stands in two tables, which a test holds against ``pyproject.toml``.

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

CORE = (
    "torch>=2.6,<2.14",
    "numpy>=1.26",
    "numba>=0.61",
    "llvmlite>=0.44",
    "pyarrow>=17",
    "msgspec>=0.20",
    "soundfile>=0.13",
    "scipy>=1.11",
    "soxr>=0.5",
    "safetensors>=0.5",
    "cyclopts>=4",
    "rich>=13",
    "pyyaml>=6.0.1",
)
"""What koekao cannot do without."""
LEAST_GB = 1.0
_NVIDIA = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")


@dataclass(frozen=True)
class Extra:
    """One of ``pip install "koekao[NAME]"``: what it adds, and the packages that it brings."""

    name: str
    adds: str
    needs: tuple[str, ...]


EXTRAS = (
    Extra("video", "sound and pictures of mov and mp4; movies of faces", ("av>=15",)),
    Extra("live", "the microphone, and faces over WebSocket", ("websockets>=15", "sounddevice>=0.4")),
    Extra(
        "onnx",
        "koekao export, and models that run without torch",
        ("torch>=2.9", "onnx>=1.17", "onnxscript>=0.5.4", "onnxruntime>=1.20"),
    ),
    Extra("plot", "koekao plot, and curves drawn into run folders", ("matplotlib>=3.9",)),
    Extra("tracking", "TensorBoard beside the log of a run", ("tensorboard>=2.17",)),
    Extra("capture", "takes from a video of a face, by MediaPipe", ("koekao[video]", "mediapipe>=0.10.14")),
    Extra("usd", "animations as USD", ("usd-core>=24.11",)),
    Extra("remote", "corpora at s3:// and https://", ("fsspec>=2024.6", "s3fs>=2024.6", "aiohttp>=3.9")),
    Extra("ray", "packing on many machines", ("ray>=2.9",)),
    Extra("hf", "features of a speech network of your own", ("transformers>=4.45",)),
    Extra(
        "examples",
        "what the programs of examples/ need",
        ("koekao[plot,live]", "lightning>=2.5", "accelerate>=1.2", "nbclient>=0.10", "ipykernel>=6.29", "pillow>=11"),
    ),
    Extra("docs", "the site of the documents", ("zensical>=0.0.73,<0.2",)),
    Extra("opensmile", "eGeMAPS features; for NON-COMMERCIAL use only", ("opensmile>=2.5",)),
)


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
    packages = {name_of(wish): version_of(name_of(wish)) for wish in CORE}
    extras = tuple(_state(extra) for extra in EXTRAS)
    libsndfile, kept_in = _libsndfile(), _kept_in()
    memory_gb, disk_gb = _memory_gb(), shutil.disk_usage(Path.cwd()).free / 1e9
    problems = [*_unmet("koekao", CORE), *_compiler_problems(packages), *_extra_problems(extras)]
    if packages["soundfile"] and libsndfile is None:
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
    if not packages["numba"]:
        return
    for line in metadata.requires("numba") or ():
        wish = line.partition(";")[0].replace(" ", "")
        version = version_of(name_of(wish))
        if "extra" not in line and version is not None and not satisfies(version, wish):
            yield Problem(
                what=f"{name_of(wish)} is {version} beside numba {packages['numba']}",
                expected=wish,
                do=f'pip install "{wish}", or pip install -U numba llvmlite',
            )


def _state(extra: Extra) -> ExtraState:
    packages = {name_of(wish): version_of(name_of(wish)) for wish in _wishes(extra)}
    met = all(version is not None and satisfies(version, wish) for version, wish in _versions(extra))
    get = f'pip install "koekao[{extra.name}]"'
    return ExtraState(name=extra.name, adds=extra.adds, packages=packages, installed=met, get=get)


def _wishes(extra: Extra) -> Iterator[str]:
    """All that an extra needs, what other extras of koekao bring to it included."""
    for wish in extra.needs:
        others = re.fullmatch(r"koekao\[([\w,]+)\]", wish)
        if others:
            for name in others[1].split(","):
                yield from next(_wishes(one) for one in EXTRAS if one.name == name)
        else:
            yield wish


def _versions(extra: Extra) -> Iterator[tuple[str | None, str]]:
    return ((version_of(name_of(wish)), wish) for wish in _wishes(extra))


def _extra_problems(extras: Sequence[ExtraState]) -> Iterator[Problem]:
    """An extra whose own packages are there, but one of them too old: half an extra fails later, and oddly."""
    core = {name_of(wish) for wish in CORE}
    for extra, state in zip(EXTRAS, extras, strict=True):
        own = [name for name in state.packages if name not in core]
        if not state.installed and all(state.packages[name] for name in own):
            wishes = [wish for version, wish in _versions(extra) if not (version and satisfies(version, wish))]
            yield from _unmet(f"koekao[{extra.name}]", wishes)


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
