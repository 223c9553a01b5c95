"""Law: what is published is whole; whatever goes wrong, the target is the old or the new, and no leftover stays."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from koekao import atomic
from koekao.atomic import (
    Unfinished,
    publish_file,
    publish_folder,
    publish_resumable,
    refuse_existing,
    unfinished,
    write_file,
)
from koekao.errors import OutputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(path: Path, text: str, *, overwrite: bool = False) -> None:
    with publish_folder(path, overwrite=overwrite) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text(text)


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_file_appears_whole_in_folders_that_are_made(tmp_path: Path) -> None:
    write_file(tmp_path / "x" / "y.json", b"one")
    write_file(tmp_path / "x" / "y.json", b"two")
    assert (tmp_path / "x" / "y.json").read_bytes() == b"two"
    assert names(tmp_path / "x") == ["y.json"]


def test_the_target_is_not_touched_before_the_end(tmp_path: Path) -> None:
    target = tmp_path / "y"
    target.write_bytes(b"old")
    with publish_file(target) as temporary:
        temporary.write_bytes(b"new")
        assert temporary.parent == tmp_path
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_an_error_while_writing_leaves_the_old_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    write_file(tmp_path / "file", b"old")
    put(tmp_path / "folder", "old")
    with pytest.raises(type(error)), publish_file(tmp_path / "file") as temporary:
        temporary.write_bytes(b"half")
        raise error
    with pytest.raises(type(error)), publish_folder(tmp_path / "folder", overwrite=True) as temporary:
        (temporary / "half").write_bytes(b"half")
        raise error
    assert (tmp_path / "file").read_bytes() == b"old"
    assert (tmp_path / "folder" / "deep" / "a").read_text() == "old"
    assert names(tmp_path) == ["file", "folder"]


def test_a_full_disk_is_told_with_the_target_and_publishes_nothing(tmp_path: Path) -> None:
    for publish in (publish_file, publish_folder):
        with pytest.raises(OutputError, match="nothing was published") as caught, publish(tmp_path / "t"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        assert caught.value.where == str(tmp_path / "t")
        assert "No space left on device" in caught.value.what
    assert names(tmp_path) == []


def test_a_limit_on_file_size_is_an_error_and_no_half_file(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from koekao.atomic import write_file\n"
        "from koekao.errors import OutputError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_file(Path(sys.argv[1]), bytes(5000))\n"
        "except OutputError as error: print(error.what)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "big")], capture_output=True, text=True, check=True
    )
    assert "File too large" in run.stdout
    assert names(tmp_path) == []


def test_a_folder_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    put(tmp_path / "c", "one")
    with pytest.raises(OutputError, match="exists already") as caught:
        put(tmp_path / "c", "two")
    assert caught.value.where == str(tmp_path / "c")
    assert "--overwrite" in caught.value.do
    put(tmp_path / "c", "two", overwrite=True)
    assert (tmp_path / "c" / "deep" / "a").read_text() == "two"
    assert names(tmp_path) == ["c"]
    refuse_existing(tmp_path / "c", overwrite=True)
    refuse_existing(tmp_path / "free", overwrite=False)


def test_replacing_works_with_and_without_the_atomic_exchange(tmp_path: Path, kernel: None) -> None:
    put(tmp_path / "c", "one")
    put(tmp_path / "c", "two", overwrite=True)
    assert (tmp_path / "c" / "deep" / "a").read_text() == "two"
    assert names(tmp_path) == ["c"]


def test_a_replaced_folder_stays_readable_for_those_who_have_it_open(tmp_path: Path) -> None:
    put(tmp_path / "c", "one")
    with (tmp_path / "c" / "deep" / "a").open() as reader:
        put(tmp_path / "c", "two", overwrite=True)
        assert reader.read() == "one"


@pytest.mark.parametrize("old", ["file", "link"])
def test_a_file_or_link_in_the_place_of_a_folder_is_replaced_without_leftover(tmp_path: Path, old: str) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "c").symlink_to(kept) if old == "link" else (tmp_path / "c").write_text("a file")
    put(tmp_path / "c", "two", overwrite=True)
    assert names(tmp_path) == ["c", "kept"]
    assert (tmp_path / "c" / "deep" / "a").read_text() == "two"
    assert names(kept) == []


def test_the_second_of_two_writers_is_told_and_the_first_stays(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists already"), publish_folder(tmp_path / "c") as late:
        (late / "b").write_text("late")
        put(tmp_path / "c", "first")
    assert (tmp_path / "c" / "deep" / "a").read_text() == "first"
    assert names(tmp_path) == ["c"]


class WithoutRenameat2:
    """A C library as that of other systems."""

    def __init__(self, *_: object, **__: object) -> None: ...


@pytest.fixture(params=["in one step", "in two steps"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of renaming: the kernel looks and renames, or we do."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # it is slow, and no matter here
    if request.param == "in two steps":
        monkeypatch.setattr(ctypes, "CDLL", WithoutRenameat2)


def run_before_line(n: int, code: Callable[[], None], *, meanwhile: Callable[[], None]) -> bool:
    """Run ``code``; before the ``n``-th line of the putting let ``meanwhile`` happen. Whether it has so many lines."""
    lines, putting, happened = itertools.count(), False, False

    def on_line(frame: types.FrameType, event: str, _: object) -> Any:
        nonlocal happened
        if event == "line" and not happened and next(lines) == n:
            happened = True
            sys.settrace(None)
            meanwhile()
            sys.settrace(on_call)
        return on_line

    def on_call(frame: types.FrameType, event: str, _: object) -> Any:
        nonlocal putting
        putting |= frame.f_code is atomic._put.__code__
        return on_line if putting and not happened and frame.f_code.co_filename == atomic.__file__ else None

    tracer = sys.gettrace()
    sys.settrace(on_call)
    try:
        code()
    finally:
        sys.settrace(tracer)
    return happened


def test_whenever_another_writer_publishes_one_of_the_two_wins(tmp_path: Path, kernel: None) -> None:
    """Before each line of the putting in turn another one puts his folder there: who was first stays, as with two who
    come one after the other."""
    for n in itertools.count():
        target, said = tmp_path / str(n) / "c", dict.fromkeys(("one", "other"), "")

        def write(text: str, target: Path = target, said: dict[str, str] = said) -> None:
            try:
                put(target, text)
                said[text] = "written"
            except OutputError as error:
                said[text] = str(error)

        if not run_before_line(n, partial(write, "one"), meanwhile=partial(write, "other")):
            break
        winner, loser = ("one", "other") if said["one"] == "written" else ("other", "one")
        assert said[winner] == "written" and f"{target}: exists already" in said[loser], n
        assert (target / "deep" / "a").read_text() == winner
        assert names(target.parent) == ["c"]
    assert n >= 3


@pytest.mark.parametrize("what", ["replaces", "removes", "removes and writes"])
def test_whatever_happens_while_a_folder_is_replaced_one_of_them_is_there_whole(
    tmp_path: Path, kernel: None, what: str
) -> None:
    """Before each line of a replacing another one replaces the old folder too, or it is removed."""
    for n in itertools.count():
        target = tmp_path / str(n) / "c"
        put(target, "old")

        def meanwhile(target: Path = target) -> None:
            if what != "replaces" and target.exists():
                shutil.rmtree(target)
            if what != "removes":
                put(target, "other", overwrite=True)

        if not run_before_line(n, partial(put, target, "one", overwrite=True), meanwhile=meanwhile):
            break
        left = names(target.parent)
        assert left == ["c"] or (what == "removes" and left == []), n
        assert left == [] or (target / "deep" / "a").read_text() in ("one", "other")
    assert n >= 3


def test_a_folder_that_cannot_be_put_in_the_place_of_another_leaves_that_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "c", "old")
    monkeypatch.setattr(ctypes, "CDLL", WithoutRenameat2)
    rename, asked = Path.rename, []

    def broken(self: Path, target: Path) -> Path:
        asked.append(self)
        if len(asked) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OutputError, match="Input/output error"):
        put(tmp_path / "c", "new", overwrite=True)
    assert (tmp_path / "c" / "deep" / "a").read_text() == "old"
    assert names(tmp_path) == ["c"]


@pytest.mark.parametrize("name", ["corpus", "corpus[1]", "a*b?"])
def test_leftovers_of_the_dead_are_swept_and_the_living_are_left_alone(tmp_path: Path, name: str) -> None:
    dead, alive = f".{name}.koekao-tmp-{dead_pid()}-00", f".{name}.koekao-tmp-{os.getpid()}-00"
    other = f".other.koekao-tmp-{dead_pid()}-00"
    for leftover in (dead, alive, other):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "half").write_text("half")
    (tmp_path / f"{dead}1").write_text("a file")
    put(tmp_path / name, "new")
    assert names(tmp_path) == sorted([alive, other, name])


def test_two_may_sweep_the_same_leftover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leftover = tmp_path / f".c.koekao-tmp-{dead_pid()}-00"
    leftover.mkdir()
    alive = atomic._alive

    def swept_by_another(pid: int) -> bool:
        leftover.rmdir()
        return alive(pid)

    monkeypatch.setattr(atomic, "_alive", swept_by_another)
    put(tmp_path / "c", "new")
    assert names(tmp_path) == ["c"]


def test_a_killed_writer_leaves_the_old_and_the_next_sweeps(tmp_path: Path) -> None:
    put(tmp_path / "c", "old")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from koekao.atomic import publish_folder\n"
        "with publish_folder(Path(sys.argv[1]), overwrite=True) as folder:\n"
        "    (folder / 'half').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "c")], check=False)
    assert run.returncode == -signal.SIGKILL
    assert (tmp_path / "c" / "deep" / "a").read_text() == "old"
    assert len(names(tmp_path)) == 2
    put(tmp_path / "c", "new", overwrite=True)
    assert names(tmp_path) == ["c"]


def test_a_reader_of_a_file_sees_the_old_or_the_new_at_any_time(tmp_path: Path) -> None:
    target, seen, done = tmp_path / "t", set(), threading.Event()
    write_file(target, b"0" * 5000)

    def read() -> None:
        while not done.is_set():
            seen.add(target.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(1, 20):
        write_file(target, b"%d" % (i % 10) * 5000)
    done.set()
    reader.join()
    assert {len(set(content)) for content in seen} == {1}
    assert {len(content) for content in seen} == {5000}


def leave(path: Path, error: BaseException, *, noted: str = "one\n", overwrite: bool = False) -> None:
    """A resumable writer that is interrupted after it has finished, and noted, one of two files."""
    with pytest.raises(type(error)), publish_resumable(path, overwrite=overwrite) as place:
        go_on(place, noted)
        raise error


def go_on(place: Unfinished, noted: str = "one\n") -> None:
    assert place.journal is not None
    (place.folder / "one").write_text("1")
    place.journal.write_text(noted)


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), GeneratorExit()])
def test_what_a_resumable_writer_noted_outlives_an_error(tmp_path: Path, error: BaseException) -> None:
    leave(tmp_path / "c", error)
    assert not (tmp_path / "c").exists()
    assert unfinished(tmp_path / "c") == tmp_path / ".c.koekao-part"
    with publish_resumable(tmp_path / "c") as place:
        assert place.journal is not None and place.journal.read_text() == "one\n"
        assert names(place.folder) == ["one"]
        (place.folder / "two").write_text("2")
    assert names(tmp_path / "c") == ["one", "two"] and names(tmp_path) == ["c"]
    assert unfinished(tmp_path / "c") is None


def test_a_resumable_writer_that_noted_nothing_leaves_nothing(tmp_path: Path) -> None:
    leave(tmp_path / "c", ValueError("mine"), noted="")
    assert names(tmp_path) == []


def test_a_full_disk_keeps_what_is_noted_and_says_where(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="nothing was published") as caught,
        publish_resumable(tmp_path / "c") as place,
    ):
        go_on(place)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert f"kept in {tmp_path / '.c.koekao-part'}" in caught.value.do
    assert names(tmp_path) == [".c.koekao-part"]


def test_a_second_writer_meanwhile_gets_a_place_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists already"), publish_resumable(tmp_path / "c") as first:
        go_on(first)
        with publish_resumable(tmp_path / "c") as second:
            assert second.journal is None and names(second.folder) == []
            (second.folder / "b").write_text("second")
        put(tmp_path / "other", "sweeps nothing of ours")
    assert names(tmp_path / "c") == ["b"] and names(tmp_path) == ["c", "other"]


def test_the_next_writer_of_any_kind_sweeps_what_is_held_by_nobody(tmp_path: Path) -> None:
    leave(tmp_path / "c", ValueError("mine"))
    leave(tmp_path / "d", ValueError("mine"))
    put(tmp_path / "c", "new")
    assert names(tmp_path) == [".d.koekao-part", "c"]
    with publish_resumable(tmp_path / "e") as place:
        go_on(place)
        put(tmp_path / "e2", "another target")
        with publish_folder(tmp_path / "e", overwrite=True):
            assert names(place.folder) == ["one"], "it is held"
        (tmp_path / "e").rmdir()
    assert names(tmp_path / "e") == ["one"]


def test_a_place_that_its_holder_has_just_removed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, flock = tmp_path / ".c.koekao-part", fcntl.flock
    left = [True, False]

    def finished_by_another(descriptor: int, how: int) -> None:
        if left:
            place.rmdir()
            if left.pop(0):
                place.mkdir()  # and a third one has made it again
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", finished_by_another)
    with publish_resumable(tmp_path / "c", overwrite=True) as made:
        assert made.folder.is_dir() and left == []
        monkeypatch.undo()
        with publish_resumable(tmp_path / "c", overwrite=True) as second:
            assert second.journal is None, "the lock is on the folder that is there"
    assert names(tmp_path) == ["c"]


def test_without_locks_there_is_a_place_that_does_not_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with publish_resumable(tmp_path / "c") as place:
        assert place.journal is None
        (place.folder / "a").write_text("a")
    assert names(tmp_path / "c") == ["a"] and names(tmp_path) == ["c"]


def test_a_file_in_the_place_of_a_folder_above_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for write in (lambda path: write_file(path, b"new"), lambda path: publish_folder(path).__enter__()):
        with pytest.raises(OutputError, match="file"):
            write(tmp_path / "file" / "a" / "b.csv")


def test_a_folder_of_ever_new_names_is_swept_of_the_dead_alone(tmp_path: Path) -> None:
    dead, living = tmp_path / f".step-1.koekao-tmp-{dead_pid()}-00", tmp_path / f".step-2.koekao-tmp-{os.getpid()}-00"
    for file in (dead, living, tmp_path / "step-1", tmp_path / ".notes"):
        file.write_text("x")
    atomic.sweep_folder(tmp_path)
    assert names(tmp_path) == sorted([living.name, "step-1", ".notes"])
    atomic.sweep_folder(tmp_path / "nowhere")
