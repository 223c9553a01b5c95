"""Law: a sink is what was written, and what cannot be is told with all that can."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.clock import Clock
from koekao.errors import ConfigError, OutputError, WireError
from koekao.takes import read_curves
from koekao.wire import SPECS, Counts, FaceFrame, listen, open_sink, still
from koekao.wire.address import Address, parse_address
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
        "from fractions import Fraction; from koekao.wire import open_sink, listen\n"
        "from koekao.errors import ConfigError\n"
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
        assert not (tmp_path / name).exists()  # whole or not at all
        assert sink.describe().endswith(f"to {tmp_path / name}")
    assert sink.counts == Counts(sent=50)
    assert np.array_equal(read_curves(tmp_path / name).values, np.stack([frame.curves for frame in frames]))


def test_a_file_stays_in_time_with_the_sound_whatever_is_missing(tmp_path: Path) -> None:
    """Row k is the face at k / fps: at rest before the first frame, as it was where frames are missing."""
    frames = moving(12, FPS)
    with open_sink(f"file:{tmp_path / 'face.jsonl'}", fps=FPS) as sink:
        for k in (2, 3, 7, 5, 7, 11):
            sink.send(frames[k])
    assert sink.counts == Counts(sent=4, dropped=2)
    track = read_curves(tmp_path / "face.jsonl")
    held = [None, None, 2, 3, 3, 3, 3, 7, 7, 7, 7, 11]
    for k, source in enumerate(held):
        assert np.array_equal(track.values[k], np.zeros(52) if source is None else frames[source].curves), k
    assert track.values.shape == (12, 52)
    assert track.time_s == pytest.approx([k / 30 for k in range(12)], abs=1e-6)


def test_a_face_is_held_as_it_was_even_if_its_memory_is_used_again(tmp_path: Path) -> None:
    curves = known().curves.copy()
    with FileSink(tmp_path / "face.jsonl", FPS) as sink:
        sink.send(still(0, Fraction(0), curves))
        curves[:] = 0
        sink.send(still(2, 2 / FPS, curves))
    values = read_curves(tmp_path / "face.jsonl").values
    assert np.array_equal(values, np.stack([known().curves, known().curves, np.zeros(52)]))


def test_a_frame_belongs_to_the_row_that_is_nearest(tmp_path: Path) -> None:
    """Frames that begin at whole samples are up to half a sample beside k / fps."""
    clock = Clock(16_000, Fraction(30000, 1001))
    with FileSink(tmp_path / "a.jsonl", clock.fps) as sink:
        for k in range(3000):
            sink.send(still(k, Fraction(clock.frame_start(k), clock.sample_rate), known().curves))
    assert sink.counts == Counts(sent=3000)


def test_a_frame_of_another_day_is_not_waited_for(tmp_path: Path) -> None:
    with FileSink(tmp_path / "a.jsonl", FPS) as sink:
        sink.send(known(0, Fraction(0)))
        sink.send(known(1, Fraction(10**9)))
        sink.send(known(2, 1 / FPS))
    assert sink.counts == Counts(sent=2, failed=1)
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 2


def test_head_and_eyes_are_written_where_the_format_has_a_place(tmp_path: Path) -> None:
    for name in ("a.csv", "a.json"):  # pytest makes an error of the warning that there is none
        with FileSink(tmp_path / name, FPS) as sink:
            sink.send(known(0, Fraction(0)))
        assert sink.counts == Counts(sent=1)
    row = (tmp_path / "a.csv").read_text().splitlines()[1].split(",")
    assert [float(cell) for cell in row[-9:]] == [(k - 4) / 16 for k in range(9)]


def test_no_frames_make_no_file(tmp_path: Path) -> None:
    with FileSink(tmp_path / "a.jsonl", FPS) as sink:
        pass
    assert list(tmp_path.iterdir()) == []
    sink.send(known())
    assert sink.counts == Counts(failed=1)


def test_a_full_disk_counts_and_is_told_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = FileSink(tmp_path / "a.jsonl", FPS)
    sink.send(known(0, Fraction(0)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sink._file, "_append", full)
        sink.send(known(1, 1 / FPS))
    sink.send(known(2, 2 / FPS))
    assert sink.counts.failed >= 1
    with pytest.raises(OutputError, match="earlier row could not be written"):
        sink.close()
    sink.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no place that even root cannot write to")
def test_a_place_that_cannot_be_written_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        open_sink("file:/proc/koekao/a.jsonl", fps=FPS)


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
