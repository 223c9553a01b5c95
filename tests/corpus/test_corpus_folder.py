"""Law: a folder of recordings becomes a corpus of what is in it, every fault is told with its file, nothing is half."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.arkit import INDEX, NAMES
from koekao.corpus import Corpus, PackConfig, describe, pack
from koekao.errors import ConfigError, CurvesError, KoekaoError, OutputError, SoundError, TakeError
from koekao.takes.take import Take

REAL = Path(__file__).parents[3] / "shared" / "data" / "takes"
PACK = importlib.import_module("koekao.corpus.pack")  # the package gives that name to the function


def write_take(folder: Path, take: Take, subtype: str = "PCM_16") -> None:
    """A take as a wav and a jsonl file."""
    path = folder / take.name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(f"{path}.wav", take.audio, take.sample_rate, subtype=subtype)
    lines = [
        json.dumps({"timestamp": frame / 30, "blendshapes": dict(zip(NAMES, row))})
        for frame, row in enumerate(take.curves.astype(np.float64).tolist())
    ]
    Path(f"{path}.jsonl").write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path: Path, take_of: Callable[..., Take]) -> Path:
    for name in ("ann/t1", "ann/t2", "bob/t1", "bob/t2", "cy_1", "cy_2"):
        write_take(tmp_path / "takes", take_of(name, n_frames=15))
    (tmp_path / "takes" / "notes.txt").write_text("hello")
    return tmp_path / "takes"


def test_a_folder_reads_back_as_it_was_recorded(tmp_path: Path, folder: Path, take_of: Callable[..., Take]) -> None:
    report = pack(folder, tmp_path / "c", PackConfig(val=["bob/*"]))  # type: ignore[arg-type]
    assert (report.found, report.packed, report.refused, report.ignored) == (6, 6, (), 1)
    corpus = Corpus.open(tmp_path / "c")
    assert corpus.names == ("ann/t1", "ann/t2", "bob/t1", "bob/t2", "cy_1", "cy_2")
    assert corpus.speakers == ("ann", "ann", "bob", "bob", "cy", "cy")
    assert corpus.splits == ("train", "train", "val", "val", "train", "train")
    for i, name in enumerate(corpus.names):
        made, back = take_of(name, n_frames=15), corpus.take(i)
        np.testing.assert_array_equal(back.audio, made.audio)
        np.testing.assert_array_equal(back.curves, made.curves)
        assert {source.path for source in back.sources} == {f"{name}.wav", f"{name}.jsonl"}
        for source in back.sources:
            data = (folder / source.path).read_bytes()
            assert (source.size, source.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    header = json.loads((tmp_path / "c" / "corpus.json").read_bytes())
    assert header["ignored"] == ["notes.txt"]


def test_neither_the_place_nor_the_listing_matters(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "lone.jsonl").write_text("{}")
    elsewhere = tmp_path / "else" / "where"
    shutil.copytree(folder, elsewhere, copy_function=shutil.copyfile)
    config = PackConfig(skip_bad=True)
    pack(folder, tmp_path / "one", config)
    monkeypatch.chdir(tmp_path / "else")
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda *a, **k: (_turned(*entry) for entry in walk(*a, **k)))
    pack("where", tmp_path / "two", config)
    for file in ("corpus.json", "takes.arrow", "shard-00000.arrow"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    header = (tmp_path / "two" / "corpus.json").read_text()
    assert str(tmp_path) not in header and "where" not in header
    assert json.loads(header)["refused"][0]["take"] == "lone.jsonl"


def _turned(here: str, folders: list[str], files: list[str]) -> tuple[str, list[str], list[str]]:
    folders.reverse()
    files.reverse()
    return here, folders, files


def test_float_sound_makes_a_float_corpus(tmp_path: Path, folder: Path, take_of: Callable[..., Take]) -> None:
    assert pack(folder, tmp_path / "a").audio_dtype == "int16"
    take = take_of("dan/t1", dtype="float32")
    write_take(folder, take, "FLOAT")
    assert pack(folder, tmp_path / "b").audio_dtype == "float32"
    corpus = Corpus.open(tmp_path / "b")
    np.testing.assert_array_equal(corpus.audio(corpus.names.index("dan/t1")), take.audio)
    assert pack(folder, tmp_path / "c", PackConfig(audio="int16")).audio_dtype == "int16"


def test_one_fault_keeps_its_type_and_its_place(tmp_path: Path, folder: Path) -> None:
    path = folder / "ann" / "t2.jsonl"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].replace('"jawOpen": 0.', '"jawOpen": "wide" , "x": 0.')
    path.write_text("\n".join(lines))
    with pytest.raises(CurvesError) as caught:
        pack(folder, tmp_path / "c")
    text = str(caught.value)
    assert text.startswith(f"{path}:5") and "jawOpen" in text
    assert "found 6 takes: 5 can be packed, 1 refused; nothing was written" in text and "--skip-bad" in text
    assert not (tmp_path / "c").exists()
    report = pack(folder, tmp_path / "c", PackConfig(skip_bad=True))
    assert (report.found, report.packed, len(report.takes)) == (6, 5, 5)
    assert [name for name, _ in report.refused] == ["ann/t2"]
    assert report.refused[0][1].startswith("ann/t2.jsonl:5"), "the reason names the place below the folder"
    assert "ann/t2" not in Corpus.open(tmp_path / "c").names


def test_every_fault_is_told_at_once(tmp_path: Path, folder: Path) -> None:
    (folder / "ann" / "t1.wav").write_bytes(b"RIFF")
    (folder / "bob" / "t1.jsonl").write_bytes(b"")
    (folder / "cy_1.wav").unlink()
    with pytest.raises(TakeError) as caught:
        pack(folder, tmp_path / "c")
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("found 6 takes: 3 can be packed, 3 refused; nothing was written")
    for name in ("ann/t1.wav", "bob/t1.jsonl", "cy_1.jsonl"):
        assert sum(line.startswith(f"  - {folder / name}") for line in lines) == 1, f"{name} in {lines}"
    assert len(lines) == 5 and "--skip-bad packs the rest" in lines[4]
    report = pack(folder, tmp_path / "c", PackConfig(skip_bad=True))
    assert (report.packed, len(report.refused)) == (3, 3)
    assert str(tmp_path) not in (tmp_path / "c" / "corpus.json").read_text()


def test_the_only_validation_take_may_be_refused(tmp_path: Path, folder: Path) -> None:
    (folder / "bob" / "t1.wav").write_bytes(b"")
    report = pack(folder, tmp_path / "c", PackConfig(skip_bad=True, val=("bob/t1",)))
    assert report.by_split == {"train": 5, "val": 0, "test": 0}
    assert len(Corpus.open(tmp_path / "c").select(split="val")) == 0


def test_a_file_without_rights_is_a_refused_take(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(files: object, **settings: object) -> Take:
        raise PermissionError(13, "Permission denied", str(folder / "ann" / "t1.wav"))

    monkeypatch.setattr(PACK, "load_take", load)
    with pytest.raises(TakeError, match=r"ann/t1.wav: cannot be read \(Permission denied\)"):
        pack(folder, tmp_path / "c")


def test_targets_that_cannot_be_are_refused_before_anything_is_read(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PACK, "find_takes", lambda root: pytest.fail("the folder was read"))
    (tmp_path / "link").symlink_to(folder)
    overwrite = PackConfig(overwrite=True)
    for target in (folder, folder / "c", tmp_path / "link" / "c", folder / ".." / "takes" / "x" / "y"):
        with pytest.raises(OutputError, match="would lie inside the folder of takes"):
            pack(folder, target, overwrite)
    with pytest.raises(OutputError, match="holds the folder of takes"):
        pack(folder, tmp_path, overwrite)
    (tmp_path / "c").mkdir()
    with pytest.raises(OutputError, match="c: exists already"):
        pack(folder, tmp_path / "c")
    with pytest.raises(TakeError, match="no such folder"):
        monkeypatch.undo()
        pack(tmp_path / "nowhere", tmp_path / "d")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "link", "takes"]


def test_a_split_that_cannot_be_is_told_before_sound_is_read(tmp_path: Path, folder: Path) -> None:
    for path in folder.rglob("*.wav"):
        path.write_bytes(b"")
    with pytest.raises(ConfigError, match="no take matches 'zoe'"):
        pack(folder, tmp_path / "c", PackConfig(val=("zoe",)))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real takes are not beside the repository")
def test_real_takes_show_a_mouth_that_moves(tmp_path: Path) -> None:
    (tmp_path / "takes").mkdir()
    for ending in ("wav", "jsonl"):
        shutil.copyfile(REAL / f"1114_3_15.{ending}", tmp_path / "takes" / f"1114_3_15.{ending}")
    report = pack(tmp_path / "takes", tmp_path / "c")
    assert (report.packed, report.audio_dtype) == (1, "int16")
    corpus = Corpus.open(tmp_path / "c")
    sound, _ = soundfile.read(REAL / "1114_3_15.wav", dtype="int16")
    np.testing.assert_array_equal(corpus.audio(0), sound[: corpus.n_samples[0]])
    assert len(sound) - corpus.n_samples[0] < 16000 and corpus.fps == Fraction(30)
    moving = describe(corpus).takes[0].moving
    assert "jawOpen" in moving and 5 < len(moving) < 20
    assert not any(name.startswith(("brow", "eye")) for name in moving)
    row = json.loads((REAL / "1114_3_15.jsonl").read_text().splitlines()[100])
    assert corpus.curves(0)[100, INDEX["jawOpen"]] == np.float32(row["blendshapes"]["jawOpen"])


def test_all_errors_are_ours(tmp_path: Path, folder: Path) -> None:
    """A folder with every file cut at some byte packs what is whole, and says the rest."""
    rng = np.random.default_rng(3)
    for path in sorted(folder.rglob("*.*"))[::2]:
        data = path.read_bytes()
        path.write_bytes(data[: int(rng.integers(len(data)))])
    try:
        report = pack(folder, tmp_path / "c", PackConfig(skip_bad=True))
        assert report.found == report.packed + len(report.refused) == 6
    except KoekaoError as error:
        assert isinstance(error, (SoundError, CurvesError, TakeError))
