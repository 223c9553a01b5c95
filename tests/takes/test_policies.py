"""The law: whatever is done to a recording has a name and stands in the take; strict refuses what would need it."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import soundfile

from koekao import arkit
from koekao.corpus import Corpus, PackConfig, pack
from koekao.errors import CurvesError, TakeError
from koekao.outputs import write_curves
from koekao.takes import TakeFiles, TakePolicies, find_takes, load_take, policies
from koekao.takes.doctor.sync import Sync
from koekao.takes.policies import REPAIRS, name_of, repairs_among
from koekao.takes.rates import METHODS
from koekao.takes.sound.reading import MONO_POLICIES
from take_files import curves, noise, write_jsonl, write_livelink


def files_in(folder: Path, curve_ending: str = ".jsonl") -> TakeFiles:
    return TakeFiles(name="a", speaker="a", sound=folder / "a.wav", curves=folder / f"a{curve_ending}")


def a_take(folder: Path, *, channels: int = 1, rate: int = 16000, seconds: float = 1, subtype: str = "PCM_16") -> None:
    """A second of noise, and curves of 30 rows beside it."""
    sound = noise(round(rate * seconds))
    data = np.stack([sound] * channels, axis=1) if channels > 1 else sound
    soundfile.write(folder / "a.wav", data, rate, subtype=subtype)
    write_jsonl(folder / "a.jsonl", curves(30))


def test_choices_are_those_of_the_readers() -> None:
    assert get_args(policies.Mono) == MONO_POLICIES
    assert get_args(policies.Method) == METHODS
    assert get_args(policies.Order) == tuple(arkit.ORDERS)


def test_a_recording_that_needs_nothing_passes_strict(tmp_path: Path) -> None:
    a_take(tmp_path, seconds=1.02)
    take = load_take(files_in(tmp_path), policies=TakePolicies(strict=True))
    assert take.repairs == ("note: 20 ms of sound at the end, less than a frame, not used",)
    assert repairs_among(take.repairs) == []


@pytest.mark.parametrize(
    ("spoil", "settings", "needed"),
    [
        ({"channels": 2}, {}, ["mono"]),
        ({"rate": 48000}, {}, ["resample", "round"]),
        ({"seconds": 1.2}, {}, ["trim"]),
        ({"seconds": 1.2}, {"ends": "pad"}, ["pad", "gaps"]),
    ],
)
def test_strict_names_every_repair_that_a_recording_would_need(
    tmp_path: Path, spoil: dict[str, Any], settings: dict[str, Any], needed: list[str]
) -> None:
    a_take(tmp_path, **spoil)
    repaired = load_take(files_in(tmp_path), policies=TakePolicies(**settings))
    assert [name_of(repair) for repair in repairs_among(repaired.repairs)] == needed
    with pytest.raises(TakeError) as caught:
        load_take(files_in(tmp_path), policies=TakePolicies(strict=True, **settings))
    assert all(f"{name}: " in caught.value.what for name in needed)
    assert caught.value.what.startswith(f"needs {len(needed)} repair")
    assert "a.wav" in caught.value.where and "a.jsonl" in caught.value.where


def test_curves_may_need_a_rate_and_gaps_filled(tmp_path: Path) -> None:
    a_take(tmp_path)
    kept = np.r_[0:10, 18:30]
    write_curves(tmp_path / "a.jsonl", curves(30)[kept], Fraction(30), time_s=kept / 30)
    take = load_take(files_in(tmp_path))
    assert [name_of(repair) for repair in take.repairs] == ["rate", "gaps"]
    assert set(map(name_of, repairs_among(take.repairs))) <= REPAIRS.keys()


def test_a_scale_of_a_hundred_is_brought_to_one_where_that_is_asked_for(tmp_path: Path) -> None:
    a_take(tmp_path)
    values = curves(30) * np.float32(100)
    write_jsonl(tmp_path / "a.jsonl", values)
    kept = load_take(files_in(tmp_path))
    assert kept.curves.tobytes() == values.tobytes()
    assert "look like 0 to 100, which values=rescale" in kept.repairs[0]
    scaled = load_take(files_in(tmp_path), policies=TakePolicies(values="rescale"))
    assert np.abs(scaled.curves - curves(30)).max() < 1e-7
    assert scaled.repairs[0].startswith("rescale: values from 0")
    write_jsonl(tmp_path / "a.jsonl", curves(30) * np.float32(1.2))
    overshoot = load_take(files_in(tmp_path), policies=TakePolicies(values="rescale"))
    assert overshoot.curves.max() > 1.1 and overshoot.repairs[0].startswith("note: ")


@pytest.mark.parametrize("value", [1.05, 40.0, -0.2])
def test_values_outside_are_refused_with_their_place_where_that_is_asked_for(tmp_path: Path, value: float) -> None:
    a_take(tmp_path)
    values = curves(30)
    values[7, arkit.INDEX["jawOpen"]] = value
    write_jsonl(tmp_path / "a.jsonl", values)
    with pytest.raises(CurvesError, match=r"a\.jsonl:frame 7:jawOpen: 1 values outside \[0, 1\]") as caught:
        load_take(files_in(tmp_path), policies=TakePolicies(values="refuse"))
    assert f"the first is {value:g}" in caught.value.what


FOUND = Sync(sync_ms=100.0, drift_ms_per_min=-12.0, confidence=0.9)
UNSURE = Sync(sync_ms=None, drift_ms_per_min=None, confidence=0.1, why="the mouth does not move")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Any:
    def as_found(found: Sync) -> None:
        monkeypatch.setattr("koekao.takes.doctor.sync.estimate_sync", lambda *_: found)

    return as_found


def test_a_take_out_of_sync_is_reported_fixed_or_refused(tmp_path: Path, measured: Any) -> None:
    a_take(tmp_path, seconds=1.5)
    write_jsonl(tmp_path / "a.jsonl", curves(45))
    measured(FOUND)
    words = "the sound comes +100 ms late, drifting -12.0 ms/min, confidence 0.90"
    plain = load_take(files_in(tmp_path))
    reported = load_take(files_in(tmp_path), policies=TakePolicies(sync="report"))
    assert reported.repairs[0] == f"note: out of sync: {words}" and plain.repairs == ()
    assert reported.curves.tobytes() == plain.curves.tobytes()
    fixed = load_take(files_in(tmp_path), policies=TakePolicies(sync="fix"))
    assert fixed.repairs[0] == f"sync: {words}; the curves were moved"
    assert fixed.audio.tobytes()[: fixed.n_samples] == plain.audio.tobytes()[: fixed.n_samples]
    later = 3  # the sound comes 3 frames late, so the curves go 3 frames later
    assert np.abs(fixed.curves[later + 1 : 40] - plain.curves[1 : 40 - later]).max() < 0.05
    with pytest.raises(TakeError, match="out of sync: the sound comes"):
        load_take(files_in(tmp_path), policies=TakePolicies(sync="refuse"))


@pytest.mark.parametrize("policy", ["report", "fix", "refuse"])
def test_what_is_in_sync_or_not_sure_is_left_as_it_is_and_said(tmp_path: Path, measured: Any, policy: str) -> None:
    a_take(tmp_path)
    for found, words in ((UNSURE, "note: sync not sure (the mouth does not move)"), (FOUND, "note: in sync: ")):
        measured(found)
        how = TakePolicies(sync=policy, sync_tolerance_ms=101.0)  # type: ignore[arg-type]
        take = load_take(files_in(tmp_path), policies=how)
        assert take.repairs[0].startswith(words)
        assert take.curves.tobytes() == curves(30).tobytes()


def bwf(path: Path, samples: np.ndarray, rate: int, since_midnight: int) -> None:
    """A Broadcast Wave File (EBU Tech 3285) whose sound begins ``since_midnight`` samples after midnight."""
    soundfile.write(path, samples, rate, subtype="PCM_16")
    data = path.read_bytes()
    bext = bytearray(602)
    bext[338:346] = struct.pack("<Q", since_midnight)
    chunk = b"bext" + struct.pack("<I", len(bext)) + bytes(bext)
    body = data[8:12] + chunk + data[12:]
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


@pytest.mark.parametrize("later_ms", [-500, 0, 500])
def test_two_timecodes_lay_curves_where_they_were(tmp_path: Path, later_ms: int) -> None:
    """The phone's clock and the recorder's clock tell one time of day; across midnight, too."""
    write_livelink(tmp_path / "a.csv", curves(60), start_s=86_399)
    bwf(tmp_path / "a.wav", noise(32000), 16000, (86_399_000 - later_ms) * 16 % (86_400_000 * 16))
    take = load_take(files_in(tmp_path, ".csv"))
    begin = max(0, later_ms * 30 // 1000)
    shift = later_ms * 30 // 1000
    said = f"start: curves begin {later_ms:+.1f} ms from the start of the sound, by their timecodes"
    assert (said in take.repairs) == bool(later_ms)
    frames = np.arange(begin + 1, min(take.n_frames, 60 + shift))
    assert np.abs(take.curves[frames] - curves(60)[frames - shift]).max() < 2e-3
    assert not take.valid[: max(0, begin - 1)].any() and take.valid[begin + 1 : frames[-1]].all()


def test_a_recorder_that_runs_on_is_cut_where_timecodes_tell_how_the_two_lie(tmp_path: Path) -> None:
    write_livelink(tmp_path / "a.csv", curves(60), start_s=40_000)
    bwf(tmp_path / "a.wav", noise(16000 * 20), 16000, 39_999 * 16000)
    take = load_take(files_in(tmp_path, ".csv"))
    assert take.n_frames == 90 and np.flatnonzero(take.valid)[0] == 30
    assert "trim: 17000 ms of sound at the end" in take.repairs


def test_timecodes_of_two_recordings_do_not_meet(tmp_path: Path) -> None:
    write_livelink(tmp_path / "a.csv", curves(60), start_s=40_000)
    bwf(tmp_path / "a.wav", noise(32000), 16000, 41_000 * 16000)
    with pytest.raises(TakeError, match=r"the curves begin -1000\.000 s from the start of the sound"):
        load_take(files_in(tmp_path, ".csv"))


def test_a_timeline_beside_a_take_wins(tmp_path: Path) -> None:
    a_take(tmp_path, seconds=2)
    (tmp_path / "a.timeline.json").write_text('{"sound_start_s": 10.0, "curves_start_s": 10.5}')
    (files,) = find_takes(tmp_path).pairs
    assert files.timeline == tmp_path / "a.timeline.json"
    take = load_take(files)
    assert take.repairs[0] == "start: curves begin +500.0 ms from the start of the sound, by a.timeline.json"
    assert take.curves[15:45].tobytes() == curves(30).tobytes()
    assert [Path(source.path).name for source in take.sources] == ["a.wav", "a.jsonl", "a.timeline.json"]
    assert np.flatnonzero(take.valid).tolist() == list(range(15, 45))
    write_livelink(tmp_path / "a.csv", curves(60), start_s=40_000)
    bwf(tmp_path / "a.wav", noise(32000), 16000, 41_000 * 16000)
    (tmp_path / "a.jsonl").unlink()
    (files,) = find_takes(tmp_path).pairs
    assert load_take(files).repairs[0].endswith("by a.timeline.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", r"a\.timeline\.json: no timeline: list"),
        ("{}", "no timeline: nothing"),
        ('{"start": 1}', "no timeline: start"),
        ('{"curves_start_s": "1"}', r"a\.timeline\.json:curves_start_s: '1'; expected seconds"),
        ('{"curves_start_s": NaN}', "nan; expected seconds"),
        ('{"curves_start_s": 1e999}', "inf; expected seconds"),
        ('{"curves_start_s": 100}', r"the curves begin \+100\.000 s .* by a\.timeline\.json, and do not meet it"),
        ('{"curves_start_s": 1', "no JSON"),
    ],
)
def test_a_timeline_that_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    a_take(tmp_path)
    (tmp_path / "a.timeline.json").write_text(text)
    with pytest.raises(TakeError, match=says):
        load_take(find_takes(tmp_path).pairs[0])


def test_a_timeline_without_its_take_is_a_problem(tmp_path: Path) -> None:
    a_take(tmp_path)
    (tmp_path / "b.timeline.json").write_text("{}")
    (problem,) = find_takes(tmp_path).problems
    assert "b.timeline.json: a timeline without its take" in str(problem)


def test_the_numbers_of_a_packing_add_up(tmp_path: Path) -> None:
    """found = packed + refused, packed = as recorded + repaired; and the corpus holds the repairs of each take."""
    spoils: dict[str, dict[str, Any]] = {
        "clean": {},
        "stereo": {"channels": 2},
        "fast": {"rate": 44100},
        "both": {"channels": 2, "seconds": 1.5},
        "nothing": {"seconds": 0.01},
    }
    for name, spoil in spoils.items():
        (tmp_path / "takes" / name).mkdir(parents=True)
        a_take(tmp_path / "takes" / name, **spoil)
    (tmp_path / "takes" / "clean" / "alone.jsonl").write_text("x")
    report = pack(tmp_path / "takes", tmp_path / "corpus", PackConfig(val=0.0, skip_bad=True))
    assert (report.found, report.packed, len(report.refused)) == (6, 4, 2)
    assert sum(report.refused_for.values()) == len(report.refused)
    assert report.mended == 3 and report.repaired == {"mono": 2, "resample": 1, "round": 1, "trim": 1}
    corpus = Corpus.open(report.path)
    told = {take.name: [name_of(repair) for repair in take.repairs] for take in map(corpus.take, range(len(corpus)))}
    assert told == {
        "both/a": ["mono", "trim"],
        "clean/a": [],
        "fast/a": ["resample", "round"],
        "stereo/a": ["mono"],
    }
    strict = PackConfig(val=0.0, skip_bad=True, policies=TakePolicies(strict=True))
    report = pack(tmp_path / "takes", tmp_path / "strict", strict)
    assert (report.packed, report.mended, len(report.refused)) == (1, 0, 5)
