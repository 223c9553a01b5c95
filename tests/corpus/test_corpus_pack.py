"""Laws of packing: what goes in comes out bit for bit, the same takes give the same bytes, and it is all or nothing."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koekao.corpus import Corpus, PackConfig, TakeReport, pack_takes
from koekao.errors import ConfigError, CurvesError, OutputError, SoundError, TakeError
from koekao.takes.take import Source, Take, as_float

MakeTake = Callable[..., Take]


def same(a: Any, b: Any) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Every take of a corpus by plain pyarrow, without koekao."""
    rows = []
    for path in sorted(folder.glob("shard-*.arrow")):
        with pa.memory_map(str(path)) as source:
            rows += pa.ipc.open_file(source).read_all().to_pylist()
    return rows


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("shard_bytes", [1, 30_000, 256_000_000])
def test_packed_takes_read_back_bit_equal(tmp_path: Path, take_of: MakeTake, dtype: str, shard_bytes: int) -> None:
    takes = {name: take_of(name, n_frames=n, dtype=dtype) for name, n in (("b", 1), ("a/x", 50), ("c", 133))}
    pack_takes(takes.values(), tmp_path / "c", PackConfig(shard_bytes=shard_bytes))
    corpus = Corpus.open(tmp_path / "c")
    assert corpus.names == ("a/x", "b", "c")
    assert corpus.audio_dtype == dtype
    assert corpus.shard.tolist() == {1: [0, 1, 2], 30_000: [0, 1, 1]}.get(shard_bytes, [0, 0, 0])
    for i, name in enumerate(corpus.names):
        take, back = takes[name], corpus.take(i)
        for kind in ("audio", "curves", "valid"):
            assert same(getattr(back, kind), getattr(take, kind))
            assert same(getattr(corpus, kind)(i), getattr(take, kind))
            assert not getattr(back, kind).flags.writeable
        assert dataclasses.replace(back, audio=0, curves=0, valid=0).__dict__ == (  # type: ignore[arg-type]
            dataclasses.replace(take, audio=0, curves=0, valid=0).__dict__  # type: ignore[arg-type]
        )
        assert (corpus.n_frames[i], corpus.n_samples[i]) == (take.n_frames, take.n_samples)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 70), min_size=1, max_size=6), st.integers(1, 200_000), st.sampled_from([24, 30, 59.94]))
def test_offsets_views_and_pyarrow_agree(
    tmp_path_factory: pytest.TempPathFactory, take_of: MakeTake, lengths: list[int], shard_bytes: int, fps: float
) -> None:
    folder = tmp_path_factory.mktemp("law") / "c"
    config = PackConfig(fps=fps, shard_bytes=shard_bytes)  # type: ignore[arg-type]
    pack_takes([take_of(f"t{i}", n_frames=n, fps=config.fps) for i, n in enumerate(lengths)], folder, config)
    corpus = Corpus.open(folder)
    rows = rows_of(folder)
    assert [row["name"] for row in rows] == list(corpus.names)
    for i, row in enumerate(rows):
        raw = (folder / f"shard-{corpus.shard[i]:05}.arrow").read_bytes()
        for kind, dtype, n_bytes in (
            ("audio", "<i2", 2 * corpus.n_samples[i]),
            ("curves", "<f4", 208 * corpus.n_frames[i]),
            ("valid", "u1", corpus.n_frames[i]),
        ):
            start = getattr(corpus, f"{kind}_offset")[i]
            assert np.array(row[kind], dtype).tobytes() == raw[start : start + n_bytes]
            assert getattr(corpus, kind)(i).tobytes() == raw[start : start + n_bytes]
        if i and corpus.shard[i - 1] == corpus.shard[i]:
            assert corpus.valid_offset[i - 1] + corpus.n_frames[i - 1] < shard_bytes, "the shard was full before"
        elif i:
            assert (folder / f"shard-{corpus.shard[i - 1]:05}.arrow").stat().st_size > shard_bytes, "it had room"


def test_a_shard_is_plain_arrow_that_explains_itself(tmp_path: Path, take_of: MakeTake) -> None:
    pack_takes([take_of("a", fps=Fraction(30000, 1001))], tmp_path / "c", PackConfig(fps=Fraction(30000, 1001)))
    with pa.memory_map(str(tmp_path / "c" / "shard-00000.arrow")) as source:
        reader = pa.ipc.open_file(source)
        table = reader.read_all()
    assert table.schema.metadata[b"sample_rate"] == b"16000"
    assert table.schema.metadata[b"fps"] == b"30000/1001"
    assert table.schema.metadata[b"curves"].startswith(b"browDownLeft,") and reader.num_record_batches == 1
    assert str(table.schema.field("audio").type) == "large_list<item: int16>"
    assert str(table.schema.field("curves").type) == "large_list<item: fixed_size_list<item: float>[52]>"
    row = table.to_pylist()[0]
    assert (row["fps"], row["split"], row["sources"]) == (
        "30000/1001",
        "train",
        [{"path": "a.wav", "size": row["n_samples"], "sha256": "0" * 64}],
    )


def test_the_order_of_the_takes_does_not_matter(tmp_path: Path, ten: Sequence[Take]) -> None:
    config = PackConfig(shard_bytes=100_000, val=0.3)
    pack_takes(ten, tmp_path / "one", config)
    pack_takes(reversed(ten), tmp_path / "two", config)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    roster = [(take.name, take.speaker) for take in ten]
    stated = dataclasses.replace(config, audio="int16")
    pack_takes(iter(sorted(ten, key=lambda take: take.name)), tmp_path / "three", stated, roster=roster)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "three")
    assert not any(str(tmp_path).encode() in data for data in bytes_of(tmp_path / "one").values())


def test_the_id_changes_with_any_content(tmp_path: Path, take_of: MakeTake) -> None:
    take = take_of("a")
    variants = [
        take,
        dataclasses.replace(take, speaker="bob"),
        dataclasses.replace(take, repairs=()),
        dataclasses.replace(take, valid=~take.valid),
        dataclasses.replace(take, audio=take.audio ^ np.int16(1)),
    ]
    ids = {pack_takes([take], tmp_path / str(i)).id for i, take in enumerate(variants)}
    assert len(ids) == len(variants)


def test_numbers_add_up(tmp_path: Path, ten: Sequence[Take]) -> None:
    seen: list[TakeReport] = []
    report = pack_takes(ten, tmp_path / "c", PackConfig(val=0.2, test=["s0/t4"]), on_take=seen.append)
    assert (report.found, report.packed, report.refused, report.ignored) == (10, 10, (), 0)
    assert report.takes == tuple(seen)
    assert report.frames == sum(take.n_frames for take in ten)
    assert report.seconds == sum(take.n_samples for take in ten) / 16000
    assert report.by_split == {"train": 7, "val": 2, "test": 1}
    assert report.repaired == {"resample": 10}
    header = json.loads((tmp_path / "c" / "corpus.json").read_bytes())
    corpus = Corpus.open(tmp_path / "c")
    assert (report.id, len(corpus)) == (header["id"], 10) and corpus.id == header["id"]
    totals = header["totals"]
    for key in ("takes", "frames", "samples"):
        assert sum(split[key] for split in totals["by_split"].values()) == totals[key]
    assert totals["seconds"] == report.seconds == corpus.seconds
    for seen_take, take in zip(seen, sorted(ten, key=lambda take: take.name)):
        assert (seen_take.lowest, seen_take.highest) == (take.curves.min(), take.curves.max())
        assert seen_take.untracked == pytest.approx(1 - take.valid.mean())


def test_speakers_are_held_out_whole(tmp_path: Path, take_of: MakeTake) -> None:
    takes = [take_of(f"t{i:02}", n_frames=2, speaker=f"p{i % 6}") for i in range(24)]
    pack_takes(takes, tmp_path / "c", PackConfig(split_by="speaker", val=0.3, test=["p5"]))
    corpus = Corpus.open(tmp_path / "c")
    of = {split: {s for s, at in zip(corpus.speakers, corpus.splits) if at == split} for split in ("train", "val")}
    assert of["train"] & of["val"] == set() and len(of["val"]) == 2
    assert corpus.select(split="test").speakers == ("p5",) * 4


def test_int16_sound_becomes_float32_exactly_and_never_the_other_way(tmp_path: Path, take_of: MakeTake) -> None:
    mixed = [take_of("a"), take_of("b", dtype="float32")]
    assert pack_takes(mixed, tmp_path / "c").audio_dtype == "float32"
    corpus = Corpus.open(tmp_path / "c")
    assert same(corpus.audio(0), as_float(mixed[0].audio)) and same(corpus.audio(1), mixed[1].audio)
    with pytest.raises(SoundError, match=r"b: float32 sound for a corpus of int16\n  -> pack with audio='float32'"):
        pack_takes(mixed, tmp_path / "d", PackConfig(audio="int16"))


def test_a_view_with_strides_is_stored_as_it_reads(tmp_path: Path, take_of: MakeTake) -> None:
    take = take_of("a")
    odd = dataclasses.replace(
        take, curves=np.asfortranarray(take.curves), audio=take.audio[::-1], valid=take.valid[::-1]
    )
    pack_takes([odd], tmp_path / "c")
    corpus = Corpus.open(tmp_path / "c")
    assert same(corpus.curves(0), take.curves) and same(corpus.audio(0), np.ascontiguousarray(odd.audio))
    assert same(corpus.valid(0), np.ascontiguousarray(odd.valid))


def test_source_paths_are_never_absolute(tmp_path: Path, take_of: MakeTake) -> None:
    sources = tuple(Source(path=path, size=1, sha256="") for path in (f"{tmp_path}/deep/a.wav", "deep/a.csv"))
    pack_takes([take_of("a", sources=sources)], tmp_path / "c")
    assert [source.path for source in Corpus.open(tmp_path / "c").take(0).sources] == ["a.wav", "deep/a.csv"]


BAD: list[tuple[dict[str, Any], type[TakeError], str]] = [
    ({"name": ""}, TakeError, "a take named ''"),
    ({"name": "/x"}, TakeError, "a take named '/x'"),
    ({"name": "../x"}, TakeError, "a take named '../x'"),
    ({"name": "x\ny"}, TakeError, "a take named"),
    ({"speaker": "\udcff"}, TakeError, "no UTF-8"),
    ({"sample_rate": 8000}, TakeError, "bad: 8000 Hz and 30 fps; expected 16000 Hz and 30 fps"),
    ({"fps": Fraction(60)}, TakeError, "bad: 16000 Hz and 60 fps"),
    ({"audio": np.zeros((10, 2), np.int16)}, SoundError, "bad: sound of shape (10, 2), int16"),
    ({"audio": np.zeros(9, np.float64)}, SoundError, "float64"),
    ({"audio": np.zeros(0, np.int16)}, SoundError, "bad: no samples"),
    ({"curves": np.zeros((40, 51), np.float32)}, CurvesError, "bad: curves of shape (40, 51)"),
    ({"curves": np.zeros((40, 52))}, CurvesError, "float64"),
    ({"curves": np.zeros((0, 52), np.float32), "valid": np.zeros(0, bool)}, CurvesError, "bad: no frames"),
    ({"valid": np.ones(39, bool)}, CurvesError, "bad: valid of shape (39,), bool; expected [40] bool"),
    ({"valid": np.ones(40, np.uint8)}, CurvesError, "uint8"),
    ({"audio": np.zeros(16000, np.int16)}, TakeError, "bad: 40 frames of curves for sound of 30 frames"),
    ({"n_frames": 38, "audio": np.zeros(21333, np.int16)}, TakeError, "38 frames of curves for sound of 40"),
]


@pytest.mark.parametrize(("wrong", "error", "text"), BAD, ids=[text for _, _, text in BAD])
def test_a_take_that_cannot_be_is_refused_by_name(
    tmp_path: Path, take_of: MakeTake, wrong: dict[str, Any], error: type[TakeError], text: str
) -> None:
    made = {"name": "bad", **wrong}
    rates = {key: made[key] for key in ("sample_rate", "fps") if key in made}
    bad = dataclasses.replace(take_of(made.pop("name"), **made), **rates)
    with pytest.raises(error) as caught:
        pack_takes([take_of("good"), bad], tmp_path / "c")
    assert type(caught.value) is error
    assert text in str(caught.value)
    assert "found 2 takes: 1 can be packed, 1 refused; nothing was written" in str(caught.value)
    assert "--skip-bad packs the rest" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    report = pack_takes([take_of("good"), bad], tmp_path / "c", PackConfig(skip_bad=True))
    assert (report.found, report.packed, [name for name, _ in report.refused]) == (2, 1, [bad.name])
    assert text in report.refused[0][1]
    assert Corpus.open(tmp_path / "c").refused == report.refused


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused_with_their_place(tmp_path: Path, take_of: MakeTake, value: float) -> None:
    take = take_of("bad", dtype="float32")
    take.curves[7, 24] = value
    take.audio[99] = value
    with pytest.raises(SoundError, match=r"bad:sample 99: 1 samples are not finite"):
        pack_takes([take], tmp_path / "c")
    take.audio[99] = 0
    with pytest.raises(CurvesError, match=r"bad:frame 7:jawOpen: -?(nan|inf) is no value"):
        pack_takes([take], tmp_path / "c")


def test_every_refused_take_is_told_with_its_reason(tmp_path: Path, take_of: MakeTake) -> None:
    takes = [take_of("a"), take_of("b", sample_rate=8000), take_of("c", valid=np.ones(2, bool)), take_of("d")]
    with pytest.raises(TakeError) as caught:
        pack_takes(takes, tmp_path / "c")
    lines = str(caught.value).splitlines()
    assert "found 4 takes: 2 can be packed, 2 refused; nothing was written" in lines[0]
    assert lines[1].startswith("  - b: 8000 Hz") and lines[2].startswith("  - c: valid of shape (2,)")
    assert "--skip-bad packs the rest" in lines[3] and len(lines) == 4
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TakeError, match=r"found 2 takes: 0 can be packed, 2 refused.*\n.*\n.*\n  -> no take can be"):
        pack_takes(takes[1:3], tmp_path / "c", PackConfig(skip_bad=True))
    with pytest.raises(TakeError, match="no takes; expected at least one"):
        pack_takes([], tmp_path / "c", PackConfig(skip_bad=True))


def test_after_a_refusal_takes_are_checked_but_no_longer_written(tmp_path: Path, take_of: MakeTake) -> None:
    takes = [take_of("a"), take_of("b", sample_rate=8000), take_of("c"), take_of("d", valid=np.ones(2, bool))]
    written: list[TakeReport] = []
    with pytest.raises(TakeError, match="2 refused"):
        pack_takes(takes, tmp_path / "c", on_take=written.append)
    assert [report.name for report in written] == ["a"]
    pack_takes(takes, tmp_path / "c", PackConfig(skip_bad=True), on_take=written.append)
    assert [report.name for report in written] == ["a", "a", "c"]


def test_two_takes_of_one_name_are_refused(tmp_path: Path, take_of: MakeTake) -> None:
    with pytest.raises(TakeError, match="two takes are named 'a'"):
        pack_takes([take_of("a"), take_of("a", n_frames=3)], tmp_path / "c", PackConfig(skip_bad=True))


def test_a_roster_is_kept_to(tmp_path: Path, take_of: MakeTake) -> None:
    config, roster = PackConfig(audio="int16"), [("a", "ann"), ("b", "ann")]
    with pytest.raises(ConfigError, match="audio='auto' with a roster"):
        pack_takes([], tmp_path / "c", roster=roster)
    for takes, text in (
        ([take_of("b"), take_of("a")], "take 'a' comes after 'b'"),
        ([take_of("a"), take_of("a")], "each name once"),
        ([take_of("a")], "b: is in the roster but never came"),
        ([take_of("a"), take_of("b"), take_of("c")], "c: is not in the roster"),
        ([take_of("a"), take_of("b", speaker="bob")], "expected 'b' of 'ann'"),
    ):
        with pytest.raises(TakeError, match=text):
            pack_takes(iter(takes), tmp_path / "c", config, roster=roster)
        assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_middle_leaves_nothing_and_the_old_corpus_alone(tmp_path: Path, ten: Sequence[Take]) -> None:
    target = tmp_path / "c"
    roster = [(take.name, take.speaker) for take in ten]

    def breaking(error: BaseException) -> Iterator[Take]:
        yield from sorted(ten, key=lambda take: take.name)[:4]
        raise error

    config = PackConfig(audio="int16", overwrite=True, shard_bytes=1)
    for old in (None, "there"):
        if old:
            pack_takes(ten[:3], target)
        before = bytes_of(target) if old else None
        for error in (ZeroDivisionError(), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                pack_takes(breaking(error), target, config, roster=roster)
        with pytest.raises(TakeError, match="the takes cannot be read"):
            pack_takes(breaking(OSError(5, "Input/output error")), target, config, roster=roster)
        assert (bytes_of(target) if old else None) == before
        assert list(tmp_path.iterdir()) == ([target] if old else [])


def test_only_a_corpus_is_replaced_and_only_if_asked(tmp_path: Path, ten: Sequence[Take]) -> None:
    pack_takes(ten[:2], tmp_path / "c")
    before = bytes_of(tmp_path / "c")
    with pytest.raises(OutputError, match="exists already"):
        pack_takes(_never(), tmp_path / "c")
    assert bytes_of(tmp_path / "c") == before
    assert pack_takes(ten, tmp_path / "c", PackConfig(overwrite=True)).packed == len(Corpus.open(tmp_path / "c")) == 10
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("dear")
    for wrong in ("letters", "letters/love.txt"):
        with pytest.raises(OutputError, match="is no corpus"):
            pack_takes(_never(), tmp_path / wrong, PackConfig(overwrite=True))
    assert (tmp_path / "letters" / "love.txt").read_text() == "dear"


def _never() -> Iterator[Take]:
    pytest.fail("a take was read before the target was looked at")
    yield


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from noise_takes import make_take
from koekao.corpus import PackConfig, pack_takes

def takes():
    for i in range(4):
        if i == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
        yield make_take(f"t{i}")

roster = [(f"t{i}", "ann") for i in range(4)]
pack_takes(takes(), sys.argv[2], PackConfig(audio="int16", shard_bytes=1), roster=roster)
"""


@pytest.mark.parametrize("after", [0, 3])
def test_a_killed_packer_leaves_no_corpus_and_the_next_one_sweeps(
    tmp_path: Path, take_of: MakeTake, after: int
) -> None:
    target = tmp_path / "c"
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(target), str(after)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1, "the killed packer wrote somewhere else"
    pack_takes([take_of("a")], target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[1]); from noise_takes import make_take\n"
        "from koekao.corpus import pack_takes\nfrom koekao.errors import OutputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: pack_takes([make_take('a', n_frames=900)], sys.argv[2])\n"
        "except OutputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "c")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "cannot be written" in done.stdout and "nothing was published" in done.stdout, done
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"audio": "int8"}, "audio='int8'"),
        ({"split_by": "day"}, "split_by='day'"),
        ({"shard_bytes": 0}, "shard_bytes=0"),
        ({"val": 2.0}, "val=2.0"),
        ({"fps": 0}, "frame rate 0"),
        ({"sample_rate": 0}, "sample rate 0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        PackConfig(**wrong)


def test_settings_are_made_uniform() -> None:
    config = PackConfig(fps=59.94, val="a*", test=["b"])  # type: ignore[arg-type]
    assert (config.fps, config.val, config.test) == (Fraction(60000, 1001), ("a*",), ("b",))
