"""Whole or nothing: files and folders that appear complete or not at all.

Everything is written to a hidden sibling, flushed to the disk and then renamed. A reader sees the old one or the new
one; a killed writer leaves a sibling that the next writer to the same target sweeps away. Of several who publish a
folder at once, and none is to replace another's, one wins. Replacing a folder uses Linux's atomic exchange where there
is one; elsewhere the old folder is set aside for the moment of the rename.

What takes long to write can be resumed (:func:`publish_resumable`): its sibling has a lasting name and a journal of the
writer's, and outlives errors and kills as long as there is something in the journal. What that gives up: a disk keeps
an unfinished folder until somebody goes on with it or removes it, so whoever leaves one says where it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from koekao.errors import OutputError

_MARK = ".koekao-tmp-"
_LASTING_MARK = ".koekao-part"
_AT_FDCWD, _RENAME_NOREPLACE, _RENAME_EXCHANGE = -100, 1, 2


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
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        remove(temporary)


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
        _sync_all(temporary)
        _put(temporary, path, overwrite=overwrite)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        remove(temporary)  # after an exchange this is what stood there before: a folder, or a file


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A folder on its way: what is in ``folder`` will be the target. ``journal`` is a file beside it for the writer to
    note what is finished, empty at first; None where nothing outlives this writer."""

    folder: Path
    journal: Path | None


@contextlib.contextmanager
def publish_resumable(path: Path, *, overwrite: bool = False) -> Iterator[Unfinished]:
    """Yield a folder that becomes ``path`` on a clean exit, with what an interrupted writer to ``path`` left in it.

    After an error or a kill it stays (:func:`unfinished` tells where) if there is something in its journal. One writer
    holds it; a second one at the same time, or one on a file system without locks, gets a folder as of
    :func:`publish_folder`. A writer that finds at the end that another one was first leaves nothing.

    Raises:
        OutputError: as :func:`publish_folder`.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    place = _lasting(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(place)
    except OSError as error:
        raise _cannot_write(path, error) from error
    if lock is None:
        with publish_folder(path, overwrite=overwrite) as folder:
            yield Unfinished(folder=folder, journal=None)
        return
    content, keep = place / "content", True
    try:
        _sweep_temporaries(path)
        if content.is_symlink() or not content.is_dir():
            remove(content)  # what was replaced by a writer that was killed the moment after
        content.mkdir(exist_ok=True)
        (place / "journal").touch()
        yield Unfinished(folder=content, journal=place / "journal")
        _sync_all(content)
        keep = False  # from here on it is published, or somebody else was first
        _put(content, path, overwrite=overwrite)
    except OSError as error:
        raise _cannot_write(path, error, unfinished(path) if keep else None) from error
    finally:
        if not keep or unfinished(path) is None:
            remove(place)
        os.close(lock)


def unfinished(path: Path) -> Path | None:
    """Where a writer of :func:`publish_resumable` has left, or has under its hands, something to go on with."""
    journal = _lasting(path) / "journal"
    return journal.parent if journal.is_file() and journal.stat().st_size else None


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError if ``path`` is in the way."""
    if path.exists() and not overwrite:
        raise _exists_already(path)


def _exists_already(path: Path) -> OutputError:
    return OutputError("exists already", where=path, do="choose another place, or say --overwrite to replace it")


def _sibling(path: Path) -> Path:
    return path.parent / f".{path.name}{_MARK}{os.getpid()}-{secrets.token_hex(4)}"


def _lasting(path: Path) -> Path:
    return path.parent / f".{path.name}{_LASTING_MARK}"


def _lock(place: Path) -> int | None:
    """Make the folder ``place`` and hold it alone until the descriptor is closed; None where that cannot be had.

    The lock is the kernel's: it goes with the process, however that ends.
    """
    import fcntl  # not on every system

    while True:
        place.mkdir(exist_ok=True)
        with contextlib.ExitStack() as stack, contextlib.suppress(FileNotFoundError):
            descriptor = os.open(place, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            except OSError:  # there are no locks here
                with contextlib.suppress(OSError):
                    place.rmdir()
                return None
            if os.path.samestat(os.fstat(descriptor), place.stat()):
                stack.pop_all()
                return descriptor
        # Its holder has just finished and removed it: once more.


def _sweep(path: Path) -> None:
    """Remove what killed writers to the same target left behind. What a living writer is at is left alone."""
    _sweep_temporaries(path)
    if _lasting(path).is_dir():
        lock = _lock(_lasting(path))
        if lock is not None:
            remove(_lasting(path))
            os.close(lock)


def sweep_folder(folder: Path) -> None:
    """Remove what killed writers to any name in ``folder`` left behind: for files that each have another name, so that
    no next writer to the same target comes along. What a living writer is at is left alone."""
    _remove_of_the_dead(folder.glob(f".*{_MARK}*"))


def _sweep_temporaries(path: Path) -> None:
    _remove_of_the_dead(path.parent.glob(f".{glob.escape(path.name)}{_MARK}*"))


def _remove_of_the_dead(temporaries: Iterator[Path]) -> None:
    for leftover in temporaries:
        pid = leftover.name.rpartition(_MARK)[2].partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            remove(leftover)  # another writer may be sweeping it too


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as it is still there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # where a parent is a file, nothing is there
            path.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sync(path: Path) -> None:
    """Have the content of a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_all(folder: Path) -> None:
    for file in sorted(folder.rglob("*")):
        sync(file)
    sync(folder)


def _put(folder: Path, path: Path, *, overwrite: bool) -> None:
    """Let ``folder`` be ``path``; afterwards it names what stood there before, if anything did.

    Whether the place is free is told by the rename itself, so of writers who come there at the same moment without
    ``overwrite`` one wins; with it all do, one after the other.
    """
    while True:
        try:
            _rename_to_free(folder, path)
        except FileExistsError:
            if not overwrite:
                raise _exists_already(path) from None
            if not _exchange(folder, path):
                continue
        sync(path.parent)
        return


def _rename_to_free(folder: Path, path: Path) -> None:
    """Rename a folder to a name that nobody has. Raises FileExistsError: somebody has it; nothing is changed then.

    Where the kernel cannot look and rename in one step, a plain rename is what keeps a folder that another writer has
    put there in between: only an empty one would be replaced by it.
    """
    if _renameat2(folder, path, _RENAME_NOREPLACE):
        return
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    try:
        folder.rename(path)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        raise


def _exchange(new: Path, old: Path) -> bool:
    """Swap two folders; afterwards ``new`` names the old one, which the caller removes. False: ``old`` is free now, or
    another writer has taken the place meanwhile, and nothing is changed."""
    aside = _sibling(old)
    try:
        if _renameat2(new, old, _RENAME_EXCHANGE):
            return True
        old.rename(aside)
    except FileNotFoundError:
        if not new.exists():
            raise
        return False
    try:
        _rename_to_free(new, old)
    except OSError as error:
        with contextlib.suppress(FileExistsError):
            _rename_to_free(aside, old)
        remove(aside)  # in its place is what another writer has replaced it by
        if isinstance(error, FileExistsError):
            return False
        raise
    aside.rename(new)
    return True


def _renameat2(old: Path, new: Path, flag: int) -> bool:
    """Linux's rename with a condition; False where the system or the file system has none. Raises OSError."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.ENOTSUP):
        return False  # also what a sandbox says to a call that it does not know
    raise OSError(number, os.strerror(number), str(new))


def _cannot_write(path: Path, error: OSError, kept: Path | None = None) -> OutputError:
    goes_on = f"; what is finished is kept in {kept}, and the same command goes on from there" if kept else ""
    return OutputError(
        f"cannot be written ({error.strerror or error})",
        where=path,
        do=f"check the free space and the rights of the folder; nothing was published{goes_on}",
    )
