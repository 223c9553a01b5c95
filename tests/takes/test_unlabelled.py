"""Sounds without curves: all that are there, each once, and nothing that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from koekao.errors import TakeError
from koekao.takes.unlabelled import find_sounds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.wav", "a.WAV", "deep/er/c.flac", "d.mp3", "e.ogg", "film.mov", "clean.mov", "clean.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("a.csv", "notes.txt", ".hidden.wav", "a.timeline.json"):
        (tmp_path / name).touch()
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.wav").touch()
    return tmp_path


def test_every_sound_at_any_depth_and_a_movie_where_there_is_no_sound_of_its_name(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in find_sounds([folder])]
    assert found == ["a.WAV", "b.wav", "clean.wav", "d.mp3", "deep/er/c.flac", "e.ogg", "film.mov"]


def test_several_places_in_their_order_and_each_file_once(folder: Path) -> None:
    found = find_sounds([folder / "e.ogg", folder / "deep", str(folder), folder / "b.wav"])
    names = [path.name for path in found]
    assert names[:3] == ["e.ogg", "c.flac", "a.WAV"] and len(names) == len(set(names)) == 7


def test_a_file_that_is_named_counts_whatever_its_ending(folder: Path) -> None:
    assert find_sounds([folder / "notes.txt"]) == (folder / "notes.txt",)


def test_what_is_not_there(folder: Path) -> None:
    with pytest.raises(TakeError, match=r"nothing: there is no such file"):
        find_sounds([folder, folder / "nothing"])
    (folder / "empty").mkdir()
    with pytest.raises(TakeError, match=r"empty: no sound in this folder; expected files ending in \.wav \.flac"):
        find_sounds([folder / "empty"])
    (folder / "gone.wav").symlink_to(folder / "away.wav")
    with pytest.raises(TakeError, match=r"gone\.wav: there is no such file"):
        find_sounds([folder])
