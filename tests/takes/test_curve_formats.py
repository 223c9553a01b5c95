"""The law: a file is what it holds, and what is unknown is refused with the list of what is known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.formats import curve_file
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.registry import CURVE_FORMATS, read_curves
from take_files import (
    curves,
    jsonl_line,
    one_of_each,
    write_jsonl,
    write_livelink,
)


def test_content_decides_and_the_name_does_not(tmp_path: Path) -> None:
    values = curves(5)
    line = write_jsonl(tmp_path / "a.csv", values)
    phone = write_livelink(tmp_path / "b.jsonl", values)
    assert read_curves(line).format == "jsonl"
    assert read_curves(phone).format == "livelink_csv"
    assert read_curves(str(phone), format="livelink_csv").format == "livelink_csv"
    assert np.array_equal(read_curves(line).values, values)


def test_every_format_knows_its_own_and_no_other(tmp_path: Path) -> None:
    files = one_of_each(tmp_path)
    assert {name for name, _ in files} == {known.name for known in CURVE_FORMATS}
    for (name, way), path in files.items():
        file = CurveFile.read(path)
        asked = CURVE_FORMATS[:1] if way == "glb" else CURVE_FORMATS  # what comes after gltf needs text
        assert [known.name for known in asked if known.sniff(file)] == [name], path
        track = read_curves(path, fps=30)
        assert (track.format, len(track)) == (name, 3)
        assert np.array_equal(read_curves(path, format=name, fps=30).values, track.values)


def test_every_other_format_refuses_a_file_by_name_of_format(tmp_path: Path) -> None:
    """A stated format wins over the content and says where it does not fit; only a CSV may be read as another one."""
    for (name, _), path in one_of_each(tmp_path).items():
        for other in {known.name for known in CURVE_FORMATS} - {name}:
            if other in ("mediapipe", "named_csv") and name in ("mediapipe", "named_csv", "livelink_csv"):
                continue
            with pytest.raises(CurvesError) as caught:
                read_curves(path, format=other, fps=30)
            assert caught.value.where.startswith(str(path))


def test_a_json_document_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def decode(text: str, path: str, looks: str) -> object:
        parsed.append(path)
        return json.loads(text)

    monkeypatch.setattr(curve_file, "decode_document", decode)
    files = [path for (_, way), path in one_of_each(tmp_path).items() if way in ("list", "json", "indented", "gltf")]
    for path in files:
        read_curves(path, fps=30)
    assert parsed == list(map(str, files))


@pytest.mark.parametrize(
    "module", ["named_json", "mediapipe_json", "named_csv", "audio2face", "ifacialmocap", "unreal"]
)
def test_named_files_are_read_by_no_order_of_ours(module: str) -> None:
    source = Path(curve_file.__file__).with_name(module + ".py").read_text()
    assert "ORDERS" not in source and "order_named" not in source


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "{}\n",
        "timeCode,blendShapes.JawOpen\n0,0\n",
        ",timeCode,JawOpen\n0,0,0",
        "frame,timestamp,confidence\n0,0,0",
        "[1, 2]",
        "[]",
        "null",
        '[{"name": "x"}]',
        '{"take": 1, "frames": [1, 2]}',
        '{"blendshapes": 3}',
        "1,2,3\n4,5,6",
        "a-1|b-2",
    ],
)
def test_unknown_formats_are_refused_with_the_known_ones(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(CurvesError, match=r"a\.csv:1") as caught:
        read_curves(path)
    if not text.startswith(("timeCode", '{"blend', "a-1")):  # those are taken for one that does not have its curves
        assert "no known curve format" in caught.value.what
        assert all(f"{known.name} (" in caught.value.expected for known in CURVE_FORMATS)


def test_an_unknown_format_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CurvesError, match="unknown curve format 'beat'; expected gltf"):
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
