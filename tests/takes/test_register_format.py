"""Law of formats from outside: they are read like koekao's own, asked first, and what their code does wrong is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import koekao
from koekao.arkit import NAMES
from koekao.errors import ConfigError, CurvesError, TakeError
from koekao.takes import CurveTrack, find_takes
from koekao.takes.formats import CurveFile, CurveFormat, ReadOptions, Rows, layout_of, registry
from koekao.takes.synthetic.making import make_take
from take_files import curves, one_of_each, write_livelink

Reader = Callable[[CurveFile, ReadOptions], CurveTrack]


def knows(file: CurveFile) -> bool:
    return file.head.startswith("MINE")


def read(file: CurveFile, options: ReadOptions) -> CurveTrack:
    header, *lines = file.text.lines
    layout = layout_of(header.split()[1:] or NAMES, f"{file.path}:1")
    rows = Rows(lambda row: f"{file.path}:{row + 2}")
    for line in lines:
        time_s, *cells = map(float, line.split())
        rows.add(time_s, layout.pick(cells))
    return rows.track(file.path, "whatever", file.source)


MINE = CurveFormat("mine", "MINE jawOpen ...", knows, read, endings=(".mine", ".txt"))


@pytest.fixture(autouse=True)
def none_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", {})
    yield


def write_mine(path: Path, values: np.ndarray, *, named: bool = True) -> Path:
    lines = ["MINE " + " ".join(NAMES if named else ())]
    lines += [f"{k / 30} " + " ".join(f"{value:.6f}" for value in row) for k, row in enumerate(values)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_it_is_read_by_content_by_name_and_converted(tmp_path: Path) -> None:
    file = write_mine(tmp_path / "a.bin", curves(5))
    with pytest.raises(CurvesError, match="no known curve format"):
        koekao.read_curves(file)
    assert koekao.register_format(MINE) is MINE
    track = koekao.read_curves(file)
    assert (track.format, len(track)) == ("mine", 5)  # by its name, whatever the reader said
    np.testing.assert_allclose(track.values, curves(5), atol=1e-6)
    assert koekao.read_curves(file, format="mine").format == "mine"
    assert koekao.convert(file, tmp_path / "a.csv").read == "mine"
    with pytest.raises(CurvesError, match=r"expected .*mine \(MINE jawOpen \.\.\.\)"):
        koekao.read_curves(file, format="yours")


def test_files_of_koekaos_own_formats_are_what_they_were(tmp_path: Path) -> None:
    koekao.register_format(MINE)
    for (name, _), path in one_of_each(tmp_path).items():
        assert koekao.read_curves(path, fps=30).format == name


def test_it_is_asked_before_koekaos_own(tmp_path: Path) -> None:
    """A CSV of Live Link, of somebody who knows better how it is to be read."""
    file = write_livelink(tmp_path / "a.csv", curves(4))

    def better(file: CurveFile, options: ReadOptions) -> CurveTrack:
        return replace(koekao.read_curves(file.path, format="livelink_csv"), notes=("better",))

    koekao.register_format(CurveFormat("better", "", lambda file: file.head.startswith("Timecode"), better))
    assert (koekao.read_curves(file).format, koekao.read_curves(file).notes) == ("better", ("better",))


def test_takes_of_it_are_found_by_their_endings_and_packed(tmp_path: Path) -> None:
    """``.mine`` is an ending of curves; ``.txt`` is that of much else, and counts where the format knows the file."""
    import soundfile

    folder = tmp_path / "takes"
    for name, ending in (("a_1", ".mine"), ("a_2", ".txt")):
        take = make_take(3, seconds=1.0, name=name)
        write_mine(folder / (name + ending), take.curves, named=False)
        soundfile.write(folder / f"{name}.wav", take.audio, take.sample_rate)
    (folder / "notes.txt").write_text("not a take", "utf-8")
    with pytest.raises(TakeError, match="no take"):
        find_takes(folder)
    koekao.register_format(MINE)
    found = find_takes(folder)
    assert [(pair.name, pair.curves.suffix) for pair in found.pairs] == [("a_1", ".mine"), ("a_2", ".txt")]
    assert [path.name for path in found.ignored] == ["notes.txt"] and not found.problems
    assert koekao.pack(folder, tmp_path / "corpus", koekao.PackConfig(val=0.0)).packed == 2


def broken(file: CurveFile, options: ReadOptions) -> CurveTrack:
    raise KeyError("jaw")


def nothing(file: CurveFile, options: ReadOptions) -> CurveTrack:
    return None  # type: ignore[return-value]


def no_number(file: CurveFile, options: ReadOptions) -> CurveTrack:
    track = read(file, options)
    track.values[2, 24] = np.nan
    return track


@pytest.mark.parametrize(
    ("reader", "what", "where"),
    [
        (broken, "curve format mine fails when it reads it (KeyError: 'jaw')", ""),
        (nothing, "the reader of mine returned a NoneType", ""),
        (no_number, "nan", f":frame 2:{NAMES[24]}"),
    ],
)
def test_what_its_reader_does_wrong_is_an_error_of_the_file(
    tmp_path: Path, reader: Reader, what: str, where: str
) -> None:
    file = write_mine(tmp_path / "a.mine", curves(4))
    koekao.register_format(replace(MINE, read=reader))
    with pytest.raises(CurvesError) as caught:
        koekao.read_curves(file)
    assert caught.value.what == what and caught.value.where == f"{file}{where}" and caught.value.do


def test_its_own_errors_go_through_as_they_are(tmp_path: Path) -> None:
    file = write_mine(tmp_path / "a.mine", curves(4))
    file.write_text(file.read_text("utf-8").replace("jawOpen", "jawOpened"), "utf-8")
    koekao.register_format(MINE)
    with pytest.raises(CurvesError, match="1 of the 52 curves are missing: jawOpen") as caught:
        koekao.read_curves(file)
    assert caught.value.where == f"{file}:1"


def test_one_that_wants_text_does_not_know_what_is_binary_and_a_fault_in_asking_is_told(tmp_path: Path) -> None:
    binary = tmp_path / "b.mine"
    binary.write_bytes(b"\0\1\2")
    koekao.register_format(MINE)
    with pytest.raises(CurvesError, match="NUL byte"):
        koekao.read_curves(binary)
    koekao.register_format(CurveFormat("packed", "", lambda file: file.data[:1] == b"\0", broken))
    with pytest.raises(CurvesError, match="packed fails when it reads it"):  # it was asked, though it is no text
        koekao.read_curves(binary)
    koekao.register_format(CurveFormat("packed", "", lambda file: bool(file.data[9]), read))
    with pytest.raises(CurvesError, match=r"packed fails when it is asked whether it knows it \(IndexError"):
        koekao.read_curves(binary)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "Mine"}, "a curve format called 'Mine'; expected small letters"),
        ({"name": "livelink_csv"}, "curve format 'livelink_csv' is koekao's own"),
        ({"endings": ("mine",)}, "ending 'mine' of curve format 'mine'"),
        ({"endings": (".WAV",)}, "ending '.WAV'"),
        ({"endings": (".wav",)}, "none that sound or movies have"),
    ],
)
def test_what_cannot_be_registered_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        koekao.register_format(replace(MINE, **wrong))  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert registry.registered_formats() == ()
