"""Laws of writing a take: the sound comes back bit for bit, the curves beside it, and both files or none."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.arkit import N_CURVES, NAMES
from koekao.errors import OutputError
from koekao.outputs import Format, formats
from koekao.outputs.folder import write_take
from koekao.outputs.target import Append, Target

RNG = np.random.default_rng(4)
CURVES = RNG.random((30, N_CURVES), np.float32)
INT16 = RNG.integers(-32768, 32768, 16000).astype(np.int16)


@pytest.mark.parametrize(
    ("audio", "subtype"), [(INT16, "PCM_16"), (RNG.uniform(-1, 1, 16000).astype(np.float32), "FLOAT")]
)
def test_sound_and_curves_come_back(tmp_path: Path, audio: np.ndarray, subtype: str) -> None:
    sound_path, curves_path = write_take(tmp_path / "new", "take.1", audio, 16000, CURVES, Fraction(30))
    assert (sound_path, curves_path) == (tmp_path / "new" / "take.1.wav", tmp_path / "new" / "take.1.jsonl")
    info = soundfile.info(sound_path)
    assert (info.samplerate, info.channels, info.format, info.subtype) == (16000, 1, "WAV", subtype)
    np.testing.assert_array_equal(soundfile.read(sound_path, dtype=audio.dtype.name)[0], audio)
    lines = [json.loads(line) for line in curves_path.read_text().splitlines()]
    back = np.array([[line["blendshapes"][name] for name in NAMES] for line in lines], np.float32)
    np.testing.assert_array_equal(back, CURVES)


def test_a_name_may_lead_into_a_folder_below_and_the_format_may_be_chosen(tmp_path: Path) -> None:
    _, curves_path = write_take(tmp_path, "day1/a", INT16, 16000, CURVES, Fraction(30), format="livelink_csv")
    assert curves_path == tmp_path / "day1" / "a.csv"
    assert curves_path.read_text().startswith("Timecode,")


@pytest.mark.parametrize("name", ["", "../a", "/a", "b/../../a"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"take name .* expected a path below the folder"):
        write_take(tmp_path / "new", name, INT16, 16000, CURVES, Fraction(30))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("audio", [INT16.astype(np.float64), INT16[:0], np.stack([INT16, INT16])])
def test_sound_of_another_kind_is_refused(tmp_path: Path, audio: np.ndarray) -> None:
    with pytest.raises(OutputError, match=r"a\.wav: sound of shape .* expected int16 or float32 \[n_samples\]"):
        write_take(tmp_path, "a", audio, 16000, CURVES, Fraction(30))


def test_faults_name_their_place_and_leave_no_file(tmp_path: Path) -> None:
    audio = np.zeros(16000, np.float32)
    audio[77] = np.nan
    with pytest.raises(OutputError, match=r"a\.wav:sample 77: nan; expected finite samples"):
        write_take(tmp_path, "a", audio, 16000, CURVES, Fraction(30))
    curves = CURVES.copy()
    curves[3, 0] = np.inf
    with pytest.raises(OutputError, match=r"a\.jsonl:frame 3:browDownLeft"):
        write_take(tmp_path, "a", INT16, 16000, curves, Fraction(30))
    with pytest.raises(OutputError, match=r"unknown format 'wav'"):
        write_take(tmp_path, "a", INT16, 16000, CURVES, Fraction(30), format="wav")
    with pytest.raises(OutputError, match=r"a\.wav: sample rate 0"):
        write_take(tmp_path, "a", INT16, 0, CURVES, Fraction(30))
    assert list(tmp_path.iterdir()) == []


def test_no_sound_is_left_when_the_curves_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def breaks_off(target: Target) -> Iterator[Append]:
        yield lambda frames: target.temporary.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(formats, "FORMATS", {"jsonl": Format(endings=(".jsonl",), writing=breaks_off)})
    with pytest.raises(OutputError, match=r"a\.jsonl: cannot be written \(No space left on device\)"):
        write_take(tmp_path, "a", INT16, 16000, CURVES, Fraction(30))
    assert list(tmp_path.iterdir()) == []


def test_no_curves_are_left_when_the_sound_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile, "write", full)
    with pytest.raises(OutputError, match=r"a\.wav: the sound cannot be written \(System error"):
        write_take(tmp_path, "a", INT16, 16000, CURVES, Fraction(30))
    assert list(tmp_path.iterdir()) == []
