"""Law: a sink is what was written, and what cannot be is told with all that can."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.errors import ConfigError, OutputError, WireError
from koekao.takes import read_curves
from koekao.wire import SPECS, Counts, FaceFrame, listen, open_sink
from koekao.wire.address import Address, parse_address
from koekao.wire.curve_file import CurveFile
from koekao.wire.filed import FileSink
from koekao.wire.printed import PrintSink
from wire_faces import known, moving

FPS = Fraction(30)


@pytest.mark.parametrize(
    ("text", "host", "port", "shown"),
    [
        ("", "127.0.0.1", 11, "127.0.0.1:11"),
        (":5", "127.0.0.1", 5, "127.0.0.1:5"),
        ("192.168.1.5", "192.168.1.5", 11, "192.168.1.5:11"),
        ("studio.local:65535", "studio.local", 65535, "studio.local:65535"),
        ("[::1]", "::1", 11, "[::1]:11"),
        ("[::1]:11111", "::1", 11111, "[::1]:11111"),
        ("[fe80::1%eth0]:3", "fe80::1%eth0", 3, "[fe80::1%eth0]:3"),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int, shown: str) -> None:
    address = parse_address(text, 11, "x")
    assert (address, str(address)) == (Address(host, port), shown)


@pytest.mark.parametrize("text", ["::1", "a:b", "a:65536", "[::1", "a b", "//127.0.0.1:1", "[]:1", "a:-1", "a:"])
def test_addresses_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"vmc: address .* expected HOST"):
        parse_address(text, 11, "vmc")


def test_what_is_loopback() -> None:
    assert all(Address(host, 1).is_loopback for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"))
    assert not any(Address(host, 1).is_loopback for host in ("0.0.0.0", "::", "192.168.1.5", "127.0.0.1.evil.org"))


@pytest.mark.parametrize(
    ("spec", "described"),
    [
        ("livelink", "Live Link 'koekao' at 30 fps to udp 127.0.0.1:11111"),
        ("livelink:localhost:5", "Live Link 'koekao' at 30 fps to udp localhost:5"),
        ("vmc", "VMC to udp 127.0.0.1:39539"),
        ("vmc:[::1]", "VMC to udp [::1]:39539"),
        ("ifacialmocap:127.0.0.1", "iFacialMocap to udp 127.0.0.1:49983"),
        ("print", "a line a frame on the screen"),
    ],
)
def test_a_sink_says_what_it_is(spec: str, described: str) -> None:
    with open_sink(spec, fps=FPS) as sink:
        assert sink.describe() == described
        assert sink.counts == Counts()


@pytest.mark.parametrize(
    "spec", ["", "osc", "livelink2", "ifacialmocap", "file", "file:", "print:x", "LIVELINK", "ws2:", "livelink "]
)
def test_a_sink_that_there_is_not_is_refused_with_all_there_are(spec: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_sink(spec, fps=FPS)
    assert all(form in str(refused.value) for form in SPECS) and repr(spec) in str(refused.value)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("vmc:a b", "address 'a b'"),
        ("livelink:no.such.host.invalid", "host 'no.such.host.invalid' cannot be found"),
        ("livelink:255.255.255.255", "cannot be sent to"),
        ("ws:192.0.2.1:1", "cannot be listened at"),
        ("file:face.fbx", r"face.fbx: unknown ending '.fbx'; expected .csv"),
        ("file:face", "unknown ending ''"),
    ],
)
def test_a_place_that_cannot_be_is_refused(spec: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        open_sink(spec, fps=FPS)


def test_rate_and_subject_are_checked() -> None:
    for subject in ("", "声", "a\0"):
        with pytest.raises(ConfigError, match="subject"):
            open_sink("print", fps=FPS, subject=subject)
    with pytest.raises(ConfigError, match="frame rate"):
        open_sink("print", fps=Fraction(0))


def test_receivers_that_there_are_not_are_refused() -> None:
    for spec in ("", "file:a.csv", "print"):
        with pytest.raises(ConfigError, match="one of livelink, vmc, ifacialmocap, ws"):
            listen(spec)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with pytest.raises(ConfigError, match="does not answer"):
        listen(f"ws:127.0.0.1:{port}")
    with listen("vmc::0") as receiver, pytest.raises(ConfigError, match="cannot be listened at"):
        listen(f"vmc:{receiver.address}")


def test_without_websockets_one_is_told_what_to_install() -> None:
    code = (
        "import sys; sys.modules['websockets'] = None; sys.modules['websockets.asyncio.server'] = None\n"
        "from fractions import Fraction; from koekao.wire import open_sink, listen; from koekao.errors import ConfigError\n"
        "for f in (lambda: open_sink('ws::0', fps=Fraction(30)), lambda: listen('ws')):\n"
        "    try: f()\n"
        "    except ConfigError as error: print(error.do)\n"
        "open_sink('livelink', fps=Fraction(30)).close()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ['pip install "koekao[live]"'] * 2


@pytest.mark.parametrize("name", ["face.jsonl", "face.csv", "FACE.JSON"])
def test_a_file_holds_every_frame(tmp_path: Path, name: str) -> None:
    frames = moving(50, FPS)
    with open_sink(f"file:{tmp_path / name}", fps=FPS) as sink:
        for frame in frames:
            sink.send(frame)
        assert list(tmp_path.iterdir()) == []  # whole or not at all
        assert sink.describe().endswith(f"to {tmp_path / name}")
    assert sink.counts == Counts(sent=50)
    assert np.array_equal(read_curves(tmp_path / name).values, np.stack([frame.curves for frame in frames]))


def test_rows_of_a_file_are_when_their_frames_are(tmp_path: Path) -> None:
    """From the first frame's time on; where frames are missing, each row is where it belongs."""

    def times(frames: list[FaceFrame]) -> list[float]:
        with open_sink(f"file:{tmp_path / 'face.jsonl'}", fps=FPS) as sink:
            for frame in frames:
                sink.send(frame)
        return [json.loads(line)["timestamp"] for line in (tmp_path / "face.jsonl").read_text().splitlines()]

    frames = moving(10, FPS)
    assert times(frames[3:]) == [round(k / 30, 6) for k in range(3, 10)]
    assert times(frames[:3] + frames[7:]) == pytest.approx([k / 30 for k in (0, 1, 2, 7, 8, 9)], abs=1e-9)


def test_a_frame_that_is_not_later_is_left_out_of_a_file(tmp_path: Path) -> None:
    frames = moving(3, FPS)
    with FileSink(tmp_path / "a.jsonl", FPS) as sink:
        for frame in (frames[0], frames[2], frames[1], frames[2]):
            sink.send(frame)
    sink.send(frames[2])
    assert sink.counts == Counts(sent=2, dropped=2, failed=1)
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 2


def test_no_frames_make_no_file(tmp_path: Path) -> None:
    with FileSink(tmp_path / "a.jsonl", FPS):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_counts_and_does_not_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = moving(4, FPS)
    written = os.pwrite
    full = iter([False, True, False, False])
    monkeypatch.setattr(os, "pwrite", lambda *a: written(a[0], a[1][:7], a[2]) if next(full) else written(*a))
    with FileSink(tmp_path / "a.jsonl", FPS) as sink:
        for frame in frames:
            sink.send(frame)
    assert sink.counts == Counts(sent=3, failed=1)
    rows = read_curves(tmp_path / "a.jsonl").values
    assert np.array_equal(rows, np.stack([frames[k].curves for k in (0, 2, 3)]))


def test_a_place_that_cannot_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sink = FileSink(tmp_path / "file" / "a.jsonl", FPS)
    sink.send(known())
    with pytest.raises(OutputError, match="cannot be written"):
        sink.close()
    sink.close()


def test_rows_do_not_pile_up_in_memory(tmp_path: Path) -> None:
    import tracemalloc

    file, frame = CurveFile(tmp_path / "a.jsonl", FPS), known()
    file.append(0, Fraction(0), frame.curves)
    tracemalloc.start()
    for k in range(1, 5000):
        file.append(k, k / FPS, frame.curves)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 20_000  # 5000 rows are a megabyte
    file.close()
    assert len(read_curves(tmp_path / "a.jsonl").values) == 5000


def test_a_line_a_frame() -> None:
    curves = np.zeros(52, np.float32)
    curves[[24, 31, 37]] = 0.52, -0.75, 0.004
    out = io.StringIO()
    with PrintSink(out) as sink:
        sink.send(FaceFrame(12, Fraction(2, 5), curves, np.zeros(9, np.float32)))
    sink.send(known())
    assert (
        out.getvalue() == "    12     0.400 s  mouthFunnel -0.75  jawOpen 0.52  mouthPucker 0.00  browDownLeft 0.00\n"
    )
    assert sink.counts == Counts(sent=1, failed=1)


def test_a_screen_that_is_gone_does_not_raise() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    sink = PrintSink(Gone())
    sink.send(known())
    sink.send(known())
    assert sink.counts == Counts(failed=2)


def test_errors_of_the_wire_are_koekaos() -> None:
    with pytest.raises(WireError, match="livelink:version"):
        from koekao.wire.livelink import decode

        decode(b"\0")
