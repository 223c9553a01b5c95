"""The law: a file is what it holds, and what is unknown is refused with the list of what is known."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from take_files import curves, jsonl_line, write_jsonl, write_livelink

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.formats.registry import CURVE_FORMATS, read_curves


def test_content_decides_and_the_name_does_not(tmp_path: Path) -> None:
    values = curves(5)
    line = write_jsonl(tmp_path / "a.csv", values)
    phone = write_livelink(tmp_path / "b.jsonl", values)
    assert read_curves(line).format == "jsonl"
    assert read_curves(phone).format == "livelink"
    assert read_curves(str(phone), format="livelink").format == "livelink"
    assert np.array_equal(read_curves(line).values, values)


def test_every_format_knows_its_own_and_no_other(tmp_path: Path) -> None:
    files = {
        "jsonl": write_jsonl(tmp_path / "a", curves(2)),
        "livelink": write_livelink(tmp_path / "b", curves(2)),
    }
    assert [known.name for known in CURVE_FORMATS] == list(files)
    for name, path in files.items():
        assert [known.name for known in CURVE_FORMATS if known.sniff(path.read_text())] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "{}\n",
        '{"names": [], "frames": []}',
        "timeCode,blendShapes.JawOpen\n0,0\n",
        ",timeCode,blendShapes.EyeBlinkLeft\n0,0,0",
        "[1, 2]",
    ],
)
def test_unknown_formats_are_refused_with_the_known_ones(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(CurvesError, match=r"a\.csv:1: ") as caught:
        read_curves(path)
    if not text.startswith("timeCode"):  # that one is taken for a Live Link CSV without its columns
        assert "no known curve format" in caught.value.what
        assert "jsonl (" in caught.value.expected and "livelink (" in caught.value.expected


def test_an_unknown_format_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CurvesError, match="unknown curve format 'beat'; expected jsonl"):
        read_curves(write_jsonl(tmp_path / "a.jsonl", curves(2)), format="beat")


@pytest.mark.parametrize("write", [write_jsonl, write_livelink])
def test_byte_order_mark_crlf_and_empty_lines_at_the_end_are_read(tmp_path: Path, write: object) -> None:
    path = write(tmp_path / "a.txt", curves(4))
    plain = read_curves(path)
    body = path.read_bytes()
    for data in (
        b"\xef\xbb\xbf" + body,
        body.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + body.replace(b"\n", b"\r\n") + b"\r\n \r\n",
        body.rstrip(b"\n"),
    ):
        path.write_bytes(data)
        again = read_curves(path)
        assert np.array_equal(again.values, plain.values)
        assert np.array_equal(again.time_s, plain.time_s)
        assert again.source.sha256 != plain.source.sha256


@pytest.mark.parametrize("write", [write_jsonl, write_livelink])
@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda data: b"", "the file is empty (0 bytes)"),
        (lambda data: b" \r\n\n", "holds nothing but blanks"),
        (lambda data: data.decode().encode("utf-16"), "is UTF-16 text"),
        (lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"), "is UTF-16 text"),
        (lambda data: data.decode().encode("utf-16-le"), "byte 1: NUL byte"),
        (lambda data: data[:100] + b"\0" + data[100:], "byte 100: NUL byte"),
        (lambda data: b"\xef\xbb\xbf" + data[:100] + b"\0" + data[100:], "byte 103: NUL byte"),
        (lambda data: data[:50] + b"\xe9" + data[50:], "byte 50: byte 0xe9 is no UTF-8"),
        (lambda data: data + b"x" * 1_000_001, "a line of 1000001 characters"),
    ],
)
def test_what_is_no_utf8_text(tmp_path: Path, write: object, spoil: object, text: str) -> None:
    path = write(tmp_path / "a.txt", curves(3))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(CurvesError) as caught:
        read_curves(path)
    assert text in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(CurvesError, match=r"a\.csv: there is no such file"):
        read_curves(tmp_path / "a.csv")
    with pytest.raises(CurvesError, match="is not a plain file"):
        read_curves(tmp_path)


def test_the_source_is_the_file_that_was_read(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", curves(3))
    copy = Path(shutil.copy(path, tmp_path / "b.jsonl"))
    one, two = read_curves(path).source, read_curves(copy).source
    assert one.size == path.stat().st_size
    assert one.sha256 == two.sha256
    assert (one.path, two.path) == (str(path), str(copy))


def test_an_order_reaches_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = list(range(52))
    path.write_text(jsonl_line(0.0, row) + "\n")
    values = read_curves(path, order="ifacialmocap").values
    assert values[0, arkit.INDEX["mouthSmileRight"]] == 0
    assert values[0, arkit.INDEX["eyeLookOutLeft"]] == 1


def test_a_timecode_rate_reaches_the_reader(tmp_path: Path) -> None:
    path = write_livelink(tmp_path / "a.csv", curves(4))
    assert read_curves(path, timecode_rate=120).time_s[1] == pytest.approx(2 / 120)
