"""Laws of a file that grows: cut in any way it is the same file; whole or nothing; bounded memory; nothing unsaid."""

from __future__ import annotations

import resource
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import INDEX, N_CURVES
from koekao.errors import ConfigError, OutputError
from koekao.outputs import FORMATS, Format, formats, open_curves, spool, write_curves
from koekao.outputs.target import Append, Frames, Target

RNG = np.random.default_rng(7)
CURVES = RNG.random((2345, N_CURVES), np.float32)
CURVES[:, INDEX["tongueOut"]] = 0  # which BEAT does not have
POSE = RNG.uniform(-0.5, 0.5, (2345, 9)).astype(np.float32)
FILES = ["a.csv", "a.jsonl", "a.json", "a.glb", "a.gltf", "a.usda", "a.usdc", "audio2face_csv.csv", "beat_json.json"]
FILES += ["unreal_json.json"]
EACH = pytest.mark.parametrize("file", FILES)


def format_of(file: str) -> str | None:
    """The files that are called by their format need it said."""
    return file.split(".")[0] if file.split(".")[0] in FORMATS else None


def ready(file: str) -> str:
    if ".usd" in file:
        pytest.importorskip("pxr", reason="usd-core is not installed")
    return file


@pytest.fixture(scope="module")
def whole_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of all frames, written at once from 1.5 s on."""

    @cache
    def write(file: str) -> Path:
        path = tmp_path_factory.mktemp("whole") / file
        write_curves(path, CURVES, 30, start_s=1.5, format=format_of(file))
        return path

    return write


@EACH
@pytest.mark.parametrize("pieces", [[1, 1, 1], [0, 7, 0, 1000, 1001], [2344]], ids=str)
def test_any_cut_gives_the_same_file(
    tmp_path: Path, whole_of: Callable[[str], Path], file: str, pieces: list[int]
) -> None:
    with open_curves(tmp_path / ready(file), 30, start_s=1.5, format=format_of(file)) as out:
        for part in np.split(CURVES, np.cumsum(pieces)):
            out.append(part)
        assert (out.n_frames, out.path) == (len(CURVES), tmp_path / file)
        assert out.format == (format_of(file) or formats.format_name(Path(file)))
    assert (tmp_path / file).read_bytes() == whole_of(file).read_bytes()


@pytest.mark.parametrize("file", ["a.csv", "a.jsonl"])
def test_a_pose_is_cut_with_its_curves(tmp_path: Path, file: str) -> None:
    write_curves(tmp_path / "whole" / file, CURVES, 30, pose=POSE)
    with open_curves(tmp_path / file, 30) as out:
        for at in range(0, len(CURVES), 300):
            out.append(CURVES[at : at + 300], POSE[at : at + 300])
    assert (tmp_path / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    write_curves(tmp_path / "none" / file, CURVES, 30)
    assert (tmp_path / file).read_bytes() != (tmp_path / "none" / file).read_bytes()


@EACH
def test_rows_are_lent_for_the_call_alone(tmp_path: Path, file: str) -> None:
    """A live program writes all its frames from one buffer."""
    write_curves(tmp_path / "whole" / ready(file), CURVES[:300], 30, format=format_of(file))
    buffer = np.empty((10, N_CURVES), np.float32)
    with open_curves(tmp_path / file, 30, format=format_of(file)) as out:
        for at in range(0, 300, 10):
            buffer[:] = CURVES[at : at + 10]
            out.append(buffer)
            buffer[:] = np.nan
    assert (tmp_path / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


@EACH
def test_an_error_in_the_middle_leaves_what_stood_there(tmp_path: Path, file: str) -> None:
    (tmp_path / ready(file)).write_text("before")
    with pytest.raises(ZeroDivisionError), open_curves(tmp_path / file, 30, format=format_of(file)) as out:
        out.append(CURVES)
        1 / 0
    assert (tmp_path / file).read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == [file]


@EACH
def test_nothing_is_published_without_frames(tmp_path: Path, file: str) -> None:
    with (
        pytest.raises(OutputError, match=rf"{file}: no frames; expected at least one"),
        open_curves(tmp_path / ready(file), 30, format=format_of(file)) as out,
    ):
        out.append(CURVES[:0])
    assert list(tmp_path.iterdir()) == []


@EACH
def test_a_full_disk_is_an_error_with_the_name_and_no_file(tmp_path: Path, file: str) -> None:
    """The limit is the kernel's own, on the size of a file: whatever part of a writer meets it, the disk is full."""
    ready(file)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(
            OutputError, match=rf"{file}: cannot be written \((.*File too large|Could not .*)\)\n  -> check the free"
        ):
            write_curves(tmp_path / file, CURVES, 30, format=format_of(file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_refused_rows_leave_the_file_as_it_was(tmp_path: Path) -> None:
    """A live program may go on without them; the place that is named counts from the beginning of the file."""
    bad, half = CURVES[:1500].copy(), POSE[:1500].copy()
    bad[1234, INDEX["jawOpen"]] = bad[1400, 0] = np.nan
    half[3, 4] = np.inf
    with open_curves(tmp_path / "a.csv", 30) as out:
        out.append(CURVES[:100])
        with pytest.raises(OutputError, match=r"a\.csv:frame 1334:jawOpen: 2 values are not finite, the first is nan"):
            out.append(bad)
        with pytest.raises(OutputError, match=r"a\.csv:frame 103:LeftEyePitch: 1 values are not finite"):
            out.append(CURVES[:1500], half)
        with pytest.raises(OutputError, match=r"the first is 1e\+39"):
            out.append(np.full((1, N_CURVES), 1e39))
        for pose in (POSE[:4], POSE[:5, :8], np.zeros((5, 9), int)):
            with pytest.raises(OutputError, match=r"a\.csv: (4 poses for 5 frames|pose of shape)"):
                out.append(CURVES[:5], pose)
        with pytest.raises(OutputError, match=r"a\.csv: curves of shape \(5, 51\)"):
            out.append(CURVES[:5, :51])
        assert out.n_frames == 100
        out.append(CURVES[100:200])
    write_curves(tmp_path / "b.csv", CURVES[:200], 30)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_half_a_row_is_never_published_even_if_the_caller_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full_at_the_second(target: Target) -> Iterator[Append]:
        def append(frames: Frames) -> None:
            target.temporary.touch()
            if frames.first:
                raise OSError(28, "No space left on device")

        yield append

    monkeypatch.setattr(formats, "FORMATS", {"jsonl": Format(endings=(".jsonl",), writing=full_at_the_second)})
    with (
        pytest.raises(OutputError, match=r"a\.jsonl: an earlier row could not be written .*No space left"),
        open_curves(tmp_path / "a.jsonl", 30) as out,
    ):
        out.append(CURVES[:5])
        with suppress(OSError):
            out.append(CURVES[:5])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match=r"a\.jsonl: cannot be written \(No space left"):  # noqa: SIM117
        with open_curves(tmp_path / "a.jsonl", 30) as out:
            out.append(CURVES[:2000])
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_callers_own_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    lost = ConnectionResetError("the microphone is gone")
    with pytest.raises(ConnectionResetError) as caught, open_curves(tmp_path / "a.csv", 30) as out:
        out.append(CURVES[:5])
        raise lost
    assert caught.value is lost
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    """At the call, not at the first frame."""
    for wrong, error in [
        ({"path": tmp_path / "a.xyz", "fps": 30}, OutputError),
        ({"path": tmp_path / "a.csv", "fps": 30, "format": "maya"}, OutputError),
        ({"path": tmp_path / "a.csv", "fps": 30, "start_s": -1.0}, OutputError),
        ({"path": tmp_path / "a.csv", "fps": 0}, ConfigError),
    ]:
        with pytest.raises(error):
            open_curves(**wrong)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", [name for name in FORMATS if not FORMATS[name].has_pose])
def test_a_pose_that_a_format_has_no_place_for_is_said_once_and_left_out(tmp_path: Path, format: str) -> None:
    if format == "usd":
        pytest.importorskip("pxr", reason="usd-core is not installed")
    with pytest.warns(UserWarning, match=f"a: {format} has no place for the rotations of head and eyes") as said:
        write_curves(tmp_path / "a", CURVES, 30, pose=POSE, format=format)
    assert len(said) == 1
    with warnings.catch_warnings(action="error"):
        write_curves(tmp_path / "b", CURVES, 30, pose=np.zeros_like(POSE), format=format)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


MOST_BYTES = {"unreal_json": 100, "gltf": 12}
"""What a format may hold a frame: Unreal's table its time as text, glTF as float32. USD holds all, not as Python's."""


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "usd"])
def test_the_memory_does_not_grow_with_the_file(tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peak of many frames against that of some; as float32 the rows between would be 208 bytes each."""

    def peak(n_blocks: int) -> int:
        tracemalloc.start()
        try:
            with open_curves(tmp_path / "a", 60, format=format) as out:
                for _ in range(n_blocks):
                    out.append(CURVES[:250])
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    monkeypatch.setattr(spool, "_BLOCK_ROWS", 500)  # else only many more frames would tell rows from what is at hand
    at_least = min(peak(2) for _ in range(2))
    bound = 2500 * MOST_BYTES.get(format, 0) + 100_000  # rows would be 520 000
    assert any(peak(12) - at_least < bound for _ in range(3))  # other threads allocate too, now and then


def test_times_are_exact_however_long_the_file_grows(tmp_path: Path) -> None:
    """Row 200 000 at 29.97 is at its own time, not at the sum of 200 000 steps."""
    times = []

    @contextmanager
    def listening(target: Target) -> Iterator[Append]:
        target.temporary.touch()
        yield lambda frames: times.append(frames.times.exact(frames.first))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "FORMATS", {"jsonl": Format(endings=(".jsonl",), writing=listening)})
        with open_curves(tmp_path / "a.jsonl", 29.97) as out:
            for _ in range(201):
                out.append(CURVES[:1000])
    assert times == [Fraction(1000 * k * 1001, 30000) for k in range(201)]
