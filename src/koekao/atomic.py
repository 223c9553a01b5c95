"""Whole or nothing: files and folders that appear complete or not at all.

Everything is written to a hidden sibling, flushed to the disk and then renamed. A reader sees the old one or the new
one; a killed writer leaves a sibling that the next writer to the same target sweeps away. Replacing a folder uses
Linux's atomic exchange where there is one; elsewhere the old folder is set aside for the moment of the rename.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from koekao.errors import OutputError

_MARK = ".koekao-tmp-"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def write_file(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that it is there whole or not at all.

    Raises:
        OutputError: the disk is full or the folder cannot be written; nothing is published then.
    """
    with publish_file(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def publish_file(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling to write to; on a clean exit it becomes ``path``, on an error it is removed."""
    path = Path(path)
    temporary = _sibling(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def publish_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``; on a clean exit it becomes ``path``.

    Raises:
        OutputError: ``path`` exists and ``overwrite`` is false, or it cannot be written; nothing is published then.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    temporary = _sibling(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        temporary.mkdir()
        yield temporary
        for file in sorted(temporary.rglob("*")):
            _sync(file)
        _sync(temporary)
        refuse_existing(path, overwrite=overwrite)  # somebody may have published while we wrote
        if path.exists():
            _exchange(temporary, path)
        else:
            temporary.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        _remove(temporary)  # after an exchange this is what stood there before: a folder, or a file


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError if ``path`` is in the way."""
    if path.exists() and not overwrite:
        raise OutputError("exists already", where=path, do="choose another place, or say --overwrite to replace it")


def _sibling(path: Path) -> Path:
    return path.parent / f".{path.name}{_MARK}{os.getpid()}-{secrets.token_hex(4)}"


def _sweep(path: Path) -> None:
    """Remove what killed writers to the same target left behind. A living writer's sibling is left alone."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}{_MARK}*"):
        pid = leftover.name.rpartition(_MARK)[2].partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            _remove(leftover)  # another writer may be sweeping it too


def _remove(path: Path) -> None:
    """Remove a file or a folder, as far as it is still there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders atomically (renameat2); afterwards ``new`` names the old folder, which the caller removes."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 and renameat2(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(old), _RENAME_EXCHANGE) == 0:
        return
    aside = _sibling(old)
    old.rename(aside)
    new.rename(old)
    aside.rename(new)


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot be written ({error.strerror or error})",
        where=path,
        do="check the free space and the rights of the folder; nothing was published",
    )
