"""A list tells names and lengths at once, looks into a take when asked, and once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import INDEX
from koekao.corpus import Corpus, PackConfig, pack
from koekao.errors import ConfigError, CurvesError
from koekao.outputs.folder import write_take
from koekao.takes.doctor.finding import Finding
from koekao.takes.synthetic.making import make_take
from koekao.viewer import Clip, Listing, list_corpus, list_folder
from koekao.viewer.listing import SPARK_SLICES, spark


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("takes")
    for k, name in enumerate(("anna/a", "ben/b")):
        take = make_take(k, seconds=9)
        audio = take.audio.copy()
        if k:
            audio[1000:9000] = np.where(audio[1000:9000] < 0, -32768, 32767)
        write_take(root, name, audio, take.sample_rate, take.curves, take.fps)
    return root


@pytest.fixture(scope="module")
def corpus(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    place = tmp_path_factory.mktemp("packed") / "corpus"
    pack(folder, place, PackConfig(val=0, test=0))
    return Corpus.open(place)


def test_a_corpus_is_listed(corpus: Corpus) -> None:
    listing = list_corpus(corpus)
    assert [(row["name"], row["speaker"], row["split"], row["seconds"]) for row in listing.rows] == [
        ("anna/a", "anna", "train", 9.0),
        ("ben/b", "ben", "train", 9.0),
    ]
    assert listing.clip(1).name == "ben/b"
    assert np.array_equal(listing.clip(0).tracks[0].values, corpus.curves(0))
    assert listing.place_of("ben/b") == 1
    with pytest.raises(ConfigError, match="no take 'c'"):
        listing.place_of("c")


def test_what_the_doctor_finds_in_packed_takes_are_its_flags(corpus: Corpus) -> None:
    listing = list_corpus(corpus)
    said = [" ".join(what for _, what in listing.details(place)["flags"]) for place in (0, 1)]
    assert "clip" in said[1] and "clip" not in said[0]
    assert listing.details(1)["flags"][0][0] == "problem"


def test_a_folder_is_listed_and_what_is_broken_says_so(folder: Path, tmp_path: Path) -> None:
    assert [row["name"] for row in list_folder(folder).rows] == ["anna/a", "ben/b"]
    take = make_take(3, seconds=1)
    write_take(tmp_path, "c", take.audio, take.sample_rate, take.curves, take.fps)
    write_take(tmp_path, "d", take.audio, take.sample_rate, take.curves, take.fps)
    (tmp_path / "d.csv").write_text("Timecode,BlendShapeCount\n")
    listing = list_folder(tmp_path)
    assert listing.clip(0).name == "c"
    with pytest.raises(CurvesError, match="2 files for one take"):
        listing.clip(1)
    assert listing.details(1)["flags"][0][0] == "problem"
    assert len(listing.details(0)["spark"]) == SPARK_SLICES


def test_worst_comes_first_and_nothing_is_looked_at_twice() -> None:
    looked = []

    def look(place: int) -> tuple[str, list[Finding]]:
        looked.append(place)
        return "0", [Finding(name=level, level=level, what=level, do="") for level in ("note", "problem", "look")]

    def clip(place: int) -> Clip:
        raise AssertionError

    listing = Listing(title="x", rows=[{"name": "a"}], clip=clip, look=look)
    assert [level for level, _ in listing.details(0)["flags"]] == ["problem", "look", "note"]
    listing.details(0)
    assert looked == [0]


def test_the_small_picture_keeps_the_highest_of_each_slice() -> None:
    curves = np.zeros((SPARK_SLICES * 10, 52), np.float32)
    curves[13, INDEX["jawOpen"]] = 1.0
    curves[25, INDEX["browInnerUp"]] = 1.0  # no part of the mouth
    assert spark(curves) == "09" + "0" * (SPARK_SLICES - 2)
    assert spark(curves[:3]) == "000"
