"""What takes long to write and was interrupted is gone on with, by one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from koekao.atomic import (
    Unfinished,
    publish_folder,
    publish_resumable,
    unfinished,
)
from koekao.errors import OutputError
from publishing import names, put


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
