"""The law: every file in the folder is a take, a problem or ignored, whatever order the system lists it in."""

from __future__ import annotations

import os
import random
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import CurvesError, SoundError, TakeError
from koekao.takes.folder import find_takes
from take_files import survives_pickling


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def test_pairs_are_found_by_stem_in_the_same_folder(tmp_path: Path) -> None:
    make(tmp_path, "b.wav", "b.csv", "a.FLAC", "a.JSONL", "t.1.wav", "t.1.csv")
    make(tmp_path, "s/x/a.ogg", "s/x/a.csv", "s/c.mp3", "s/c.jsonl")
    found = find_takes(tmp_path)
    assert [(pair.name, pair.sound.name, pair.curves.name) for pair in found.pairs] == [
        ("a", "a.FLAC", "a.JSONL"),
        ("b", "b.wav", "b.csv"),
        ("s/c", "c.mp3", "c.jsonl"),
        ("s/x/a", "a.ogg", "a.csv"),
        ("t.1", "t.1.wav", "t.1.csv"),
    ]
    assert found.pairs[3].sound == tmp_path / "s/x/a.ogg"
    assert (found.problems, found.ignored) == ((), ())
    assert find_takes(str(tmp_path)) == found


@pytest.mark.parametrize(
    ("name", "speaker"),
    [
        ("1114_2_01", "1114"),
        ("anna", "anna"),
        ("_odd", "_odd"),
        ("anna/take_01", "anna"),
        ("anna/day2/take_01", "anna"),
        ("a_b/take", "a_b"),
    ],
)
def test_the_speaker_is_told_by_folder_or_stem(tmp_path: Path, name: str, speaker: str) -> None:
    (pair,) = find_takes(make(tmp_path, name + ".wav", name + ".csv")).pairs
    assert (pair.name, pair.speaker) == (name, speaker)


def test_files_without_their_partner_are_problems_with_a_name(tmp_path: Path) -> None:
    make(tmp_path, "ok.wav", "ok.csv", "a.wav", "b.csv", "s/ok.wav", "t/ok.csv")
    found = find_takes(tmp_path)
    assert [pair.name for pair in found.pairs] == ["ok"]
    kinds = {str(problem.where).removeprefix(str(tmp_path) + "/"): problem for problem in found.problems}
    assert list(kinds) == ["a.wav", "b.csv", "s/ok.wav", "t/ok.csv"]
    assert isinstance(kinds["a.wav"], CurvesError) and isinstance(kinds["b.csv"], SoundError)
    assert "sound without curves; expected a.jsonl or a.csv or a.json" in str(kinds["a.wav"])
    assert (
        "curves without sound; expected b.wav or b.flac or b.ogg or b.mp3 or b.mov or b.mp4 or b.m4v or b.m4a beside it"
        in str(kinds["b.csv"])
    )
    assert all(map(survives_pickling, found.problems))


@pytest.mark.parametrize(
    ("names", "kind", "text"),
    [
        (("a.wav", "a.csv", "a.jsonl"), CurvesError, "2 files for one take: a.csv, a.jsonl; expected one"),
        (("a.wav", "a.flac", "a.csv"), SoundError, "2 files for one take: a.flac, a.wav; expected one"),
        (("a.wav", "a.flac"), SoundError, "2 files for one take"),
        (("a.wav", "a.WAV", "a.csv"), SoundError, "2 files for one take: a.WAV, a.wav"),
        (("a.mov", "a.mp4", "a.csv"), SoundError, "2 files for one take: a.mov, a.mp4; expected one"),
    ],
)
def test_two_candidates_for_one_take_are_a_problem(
    tmp_path: Path, names: tuple[str, ...], kind: type[TakeError], text: str
) -> None:
    found = find_takes(make(tmp_path, "ok.wav", "ok.csv", *names))
    (problem,) = found.problems
    assert type(problem) is kind
    assert text in str(problem)
    assert [pair.name for pair in found.pairs] == ["ok"]


def test_other_and_hidden_files_are_ignored_and_listed(tmp_path: Path) -> None:
    others = [".hidden/a.csv", "._ok.wav", ".DS_Store", "README.md", "s/video.mov", "wav", "ok.wav.bak"]
    found = find_takes(make(tmp_path, "ok.wav", "ok.csv", *others))
    assert found.problems == ()
    listed = [path.relative_to(tmp_path).as_posix() for path in found.ignored]
    assert set(listed) == {*others[1:], ".hidden"}
    assert found.ignored == tuple(sorted(found.ignored))


APP_TAKE = "20261125_Slate_1/Slate_1_iPhone"
BESIDE = [
    "20261125_Slate_1/take.json",
    "20261125_Slate_1/frame_log.csv",
    "20261125_Slate_1/video_metadata.json",
    "20261125_Slate_1/audio_metadata.json",
    "20261125_Slate_1/depth_data.bin",
    "20261125_Slate_1/depth_metadata.mhaical",
    "20261125_Slate_1/thumbnail.jpg",
    APP_TAKE + ".jpg",
    APP_TAKE + "_raw.csv",
    APP_TAKE + "_neutral.csv",
    APP_TAKE + "_cal.csv",
]


def below(root: Path, paths: tuple[Path, ...]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_a_take_folder_of_the_phone_is_one_take_and_its_companions_are_ignored(tmp_path: Path) -> None:
    found = find_takes(make(tmp_path, APP_TAKE + ".csv", APP_TAKE + ".mov", *BESIDE))
    (pair,) = found.pairs
    assert (pair.name, pair.speaker) == (APP_TAKE, "20261125_Slate_1")
    assert (pair.sound.name, pair.curves.name) == ("Slate_1_iPhone.mov", "Slate_1_iPhone.csv")
    assert found.problems == ()
    assert below(tmp_path, found.ignored) == sorted(BESIDE)


def test_a_sound_beside_a_movie_wins(tmp_path: Path) -> None:
    found = find_takes(make(tmp_path, "a.csv", "a.mov", "a.wav", "b.csv", "b.MP4", "c.csv", "c.m4a"))
    assert [pair.sound.name for pair in found.pairs] == ["a.wav", "b.MP4", "c.m4a"]
    assert (found.problems, below(tmp_path, found.ignored)) == ((), ["a.mov"])


def test_companions_are_takes_of_their_own_where_they_have_a_sound(tmp_path: Path) -> None:
    found = find_takes(make(tmp_path, "a.csv", "a.wav", "a_raw.csv", "a_raw.wav", "frame_log.csv", "frame_log.wav"))
    assert [pair.name for pair in found.pairs] == ["a", "a_raw", "frame_log"]
    assert (found.problems, found.ignored) == ((), ())
    found = find_takes(make(tmp_path, "a_cal.csv", "a_cal.mov"))
    assert [pair.name for pair in found.pairs] == ["a", "a_cal", "a_raw", "frame_log"]
    assert (found.problems, found.ignored) == ((), ())


def test_only_beside_their_take_are_they_companions(tmp_path: Path) -> None:
    found = find_takes(
        make(tmp_path, "a.csv", "a.wav", "s/a_raw.csv", "b_raw.csv", "a_raw2.csv", "araw.csv", "d.wav", "d_cal.csv")
    )
    names = sorted(Path(problem.where).name for problem in found.problems)
    assert names == ["a_raw.csv", "a_raw2.csv", "araw.csv", "b_raw.csv", "d.wav", "d_cal.csv"]
    assert found.ignored == ()


def test_json_and_text_count_only_if_they_hold_curves(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "a.csv")
    lines = '{"timestamp": 0, "blendshapes": {}}'
    for name, text in (
        ("a.txt", "hello, said the speaker"),
        ("a.json", '{"scene": 3}'),
        ("b.json", '{"scene": 3}'),
        ("c.txt", lines),
        ("d.json", lines),
        ("e.txt", ""),
    ):
        (tmp_path / name).write_text(text)
    make(tmp_path, "c.wav", "e.wav")
    found = find_takes(tmp_path)
    assert [(pair.sound.name, pair.curves.name) for pair in found.pairs] == [("a.wav", "a.csv"), ("c.wav", "c.txt")]
    assert below(tmp_path, found.ignored) == ["a.json", "a.txt", "b.json", "e.txt"]
    texts = [str(problem).splitlines()[0] for problem in found.problems]
    assert ["d.json: curves without sound" in texts[0], "e.wav: sound without curves" in texts[1]] == [True, True]


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_the_listing(order: random.Random) -> None:
    names = [
        "a.wav",
        "a.csv",
        "b.wav",
        "c.jsonl",
        "d.md",
        ".e",
        "s/a.wav",
        "s/a.csv",
        "t/a.csv",
        "t/a.wav",
        "t/u/b.csv",
        "t/u/c.mov",
        "t/u/c.csv",
        "t/u/c_raw.csv",
        "t/u/frame_log.csv",
        "s/a.mov",
    ]
    results = set()
    real = os.walk
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = make(Path(folder), *names)

        def walk(*given: object, **options: object):
            for here, folders, files in real(*given, **options):
                order.shuffle(folders)
                order.shuffle(files)
                yield here, folders, files

        plain = find_takes(root)
        patch.setattr(os, "walk", walk)
        for _ in range(3):
            found = find_takes(root)
            assert found.pairs == plain.pairs
            assert found.ignored == plain.ignored
            results.add(tuple(map(str, found.problems)))
        assert results == {tuple(map(str, plain.problems))}


def test_links_to_folders_are_not_followed_and_links_to_files_are(tmp_path: Path) -> None:
    elsewhere = make(tmp_path / "elsewhere", "x.wav", "x.csv")
    root = make(tmp_path / "root", "a.wav", "c.wav", "sub/b.wav", "sub/b.csv")
    (root / "a.csv").symlink_to(elsewhere / "x.csv")
    (root / "out").symlink_to(elsewhere)
    (root / "sub/loop").symlink_to(root)
    (root / "gone.wav").symlink_to(elsewhere / "nothing")
    (root / "self.wav").symlink_to(root / "self.wav")
    found = find_takes(root)
    assert [pair.name for pair in found.pairs] == ["a", "sub/b"]
    assert found.ignored == (root / "out", root / "sub/loop")
    names = [Path(problem.where).name for problem in found.problems]
    assert names == ["c.wav", "gone.wav", "self.wav"]
    assert "is a link to nothing" in str(found.problems[1])


def test_the_same_name_in_two_unicode_forms_is_one_take(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "ガギ_1") for form in ("NFC", "NFD"))
    assert composed != apart
    (pair,) = find_takes(make(tmp_path, composed + ".wav", apart + ".csv")).pairs
    assert (pair.name, pair.speaker) == (composed, composed[:2])
    assert pair.curves.name == apart + ".csv"


def test_folders_that_hold_no_take(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="nowhere: there is no such folder"):
        find_takes(tmp_path / "nowhere")
    with pytest.raises(TakeError, match=r"a\.wav: is not a folder"):
        find_takes(make(tmp_path, "a.wav") / "a.wav")
    with pytest.raises(TakeError, match=r"no take \(1 problems, 0 other files; the first: .*a\.wav: sound without"):
        find_takes(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TakeError, match=r"no take \(0 problems, 0 other files\); expected a sound"):
        find_takes(empty)


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path, "ok.wav", "ok.csv", "locked/a.wav", "locked/a.csv")
    real = os.scandir

    def locked(path: object):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", locked)
    found = find_takes(root)
    assert [pair.name for pair in found.pairs] == ["ok"]
    assert "locked: the folder cannot be read (Permission denied)" in str(found.problems[0])
