"""Fault 33: byte order marks, line ends, encodings, separators, ragged rows, open quotes, NUL, endless lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from curve_builders import BUILT, IS_JSON, TIMES

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes import read_curves

BOM = b"\xef\xbb\xbf"


def good(way: str) -> bytes:
    return BUILT[way].build(BUILT[way].names, TIMES, [[f"0.{k}5"] * arkit.N_CURVES for k in (1, 2, 3)]).encode()


@pytest.mark.parametrize("way", BUILT)
@pytest.mark.parametrize(
    "change",
    [
        lambda data: BOM + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: BOM + data.replace(b"\n", b"\r\n") + b"\r\n\r\n",
        lambda data: data.rstrip(b"\n"),
        lambda data: data + b"\n  \n",
    ],
)
def test_fault_33_what_editors_do_to_text_does_no_harm(
    tmp_path: Path, way: str, change: Callable[[bytes], bytes]
) -> None:
    plain, other = tmp_path / "plain", tmp_path / "other"
    plain.write_bytes(good(way))
    other.write_bytes(change(good(way)))
    assert read_curves(other).values.tobytes() == read_curves(plain).values.tobytes()
    assert read_curves(other).time_s.tobytes() == read_curves(plain).time_s.tobytes()


@pytest.mark.parametrize("way", BUILT)
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data.decode().encode("utf-16"), "is UTF-16 text"),
        (lambda data: data.decode().encode("utf-16-le"), "NUL byte"),
        (lambda data: data.decode().encode("utf-32"), "UTF-"),
        (lambda data: data[:200] + b"\0" + data[200:], "byte 200: NUL byte"),
        (lambda data: data[:200] + b"\xe9" + data[200:], "byte 200: byte 0xe9 is no UTF-8"),
        (lambda data: b"", "the file is empty"),
        (lambda data: b"\n \t\r\n", "holds nothing but blanks"),
    ],
)
def test_fault_33_what_is_no_utf8_text_is_said(
    tmp_path: Path, way: str, spoil: Callable[[bytes], bytes], says: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(spoil(good(way)))
    with pytest.raises(CurvesError) as caught:
        read_curves(path)
    assert says in str(caught.value) and str(caught.value).startswith(str(path))


@pytest.mark.parametrize("way", [way for way in BUILT if way not in IS_JSON])
def test_fault_33_semicolons_ragged_rows_and_quotes_are_refused_with_their_row(tmp_path: Path, way: str) -> None:
    path = tmp_path / "file"
    lines = good(way).decode().splitlines()
    middle = 1 if way == "ifacialmocap" else 2
    for spoil in (
        lambda line: line.replace("|" if way == "ifacialmocap" else ",", "", 1),  # a cell too few
        lambda line: line.replace("0.25", '"0.25', 1),
        lambda line: line.replace("0.25", '"0.25"', 1),
    ):
        path.write_text("\n".join([*lines[:middle], spoil(lines[middle]), *lines[middle + 1 :]]))
        with pytest.raises(CurvesError) as caught:
            read_curves(path)
        assert caught.value.where.startswith(f"{path}:{middle + 1}"), caught.value.where
    path.write_text("\n".join(lines).replace(",", ";").replace("|", ";"))
    with pytest.raises(CurvesError, match=rf"{path}:1"):
        read_curves(path)


@pytest.mark.parametrize("way", IS_JSON)
def test_fault_33_json_that_is_cut_or_too_deep_is_refused(tmp_path: Path, way: str) -> None:
    path, data = tmp_path / "file", good(way)
    for spoilt in (data.rstrip()[:-1], data[: len(data) // 2], data.replace(b"0.25", b"[" * 100_000, 1)):
        path.write_bytes(spoilt)
        with pytest.raises(CurvesError) as caught:
            read_curves(path)
        assert caught.value.where.startswith(str(path))


ENDLESS = """
import resource, sys
from koekao.takes import read_curves
from koekao.errors import CurvesError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_curves(sys.argv[1])
except CurvesError as error:
    print(str(error).splitlines()[0][-200:])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
@pytest.mark.parametrize(
    "begin", [b"Timecode,BlendShapeCount,EyeBlinkLeft", b'{"timestamp": 0, "blendshapes": {', b"[1", b"x"]
)
def test_fault_33_a_line_of_100_mb_is_refused_in_bounded_memory(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(begin)
        for _ in range(100):
            file.write(b",0.123456789" * 83_333)
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    said, grown_mb = done.stdout.strip().splitlines()
    assert said
    assert int(grown_mb) < 6 * 100  # the bytes, the text and its lines; never a cell as an object of its own
