"""Laws of opening: a corpus is a cheap value, a selection keeps identities, and a forged or damaged one is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.corpus.header import content_id, sha256_of
from koekao.errors import ConfigError, CorpusError, KoekaoError
from koekao.takes.take import Take

MakeTake = Callable[..., Take]


@pytest.fixture
def folder(tmp_path: Path, ten: Sequence[Take]) -> Path:
    pack_takes(ten, tmp_path / "c", PackConfig(shard_bytes=100_000, val=0.2, test=["s0/t4"]))
    return tmp_path / "c"


def edit_header(folder: Path, *, sign: bool = True, **changes: Any) -> None:
    """Change ``corpus.json``; signed, its id is right again, as a careful forger would have it."""
    path = folder / "corpus.json"
    data = json.loads(path.read_bytes()) | changes
    if sign:
        content = ("format", "version", "sample_rate", "fps", "audio_dtype", "curves", "shards", "index")
        data["id"] = content_id({key: data[key] for key in content})
    path.write_text(json.dumps(data))


def forge_index(folder: Path, **columns: list[Any]) -> None:
    """Rewrite columns of the index, with the checksum and the id that belong to it."""
    path = folder / "takes.arrow"
    table = pa.ipc.open_file(pa.BufferReader(path.read_bytes())).read_all()
    for name, values in columns.items():
        i = table.schema.get_field_index(name)
        table = table.set_column(i, name, pa.array(values, table.schema.field(name).type))
    with path.open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    edit_header(folder, index={"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)})


def test_opening_maps_nothing_and_shards_are_mapped_once(folder: Path) -> None:
    corpus = Corpus.open(folder)
    assert corpus.files._maps == {}
    part = corpus.select(split="val")
    part.audio(0)
    assert list(corpus.files._maps) == [part.shard[0]], "a selection has its own maps"
    assert corpus.shard_bytes(int(part.shard[0])) is part.shard_bytes(int(part.shard[0]))
    i = part.take_ids[0]
    assert part.audio(0).ctypes.data == corpus.audio(i).ctypes.data, "a view was copied"
    with pytest.raises(ValueError, match="read-only"):
        corpus.audio(i)[0] = 1  # type: ignore[index]


def test_a_selection_keeps_the_identities(folder: Path) -> None:
    corpus = Corpus.open(folder)
    assert (len(corpus), corpus.take_ids.tolist()) == (10, list(range(10)))
    parts = [corpus.select(split=split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [7, 2, 1]
    assert sorted(np.concatenate([part.take_ids for part in parts]).tolist()) == list(range(10))
    for part in (*parts, corpus.select(names=["s1/t9", "s0/t0"]), parts[0].select(names=[parts[0].names[2]])):
        assert part.id == corpus.id
        for i, row in enumerate(part.take_ids):
            assert part.names[i] == corpus.names[row] and part.speakers[i] == corpus.speakers[row]
            assert part.take(i).audio.tobytes() == corpus.take(row).audio.tobytes()
            assert part.take(i).sources == corpus.take(row).sources
            assert part.repairs[i] == corpus.repairs[row] == part.take(i).repairs
            assert part.n_frames[i] == len(part.curves(i)) == len(part.valid(i))
            assert part.splits[i] == corpus.splits[row]
    assert len(parts[0].select(split="val")) == 0
    assert parts[0].select(split="val").repairs == ()
    with pytest.raises(ConfigError, match="split 'validation'; expected train or val or test"):
        corpus.select(split="validation")
    with pytest.raises(ConfigError, match=r"holds no take 's0/t99'\n  -> did you mean s./t"):
        corpus.select(names=["s0/t99"])


def test_a_pickled_corpus_leaves_its_maps_behind(folder: Path) -> None:
    corpus = Corpus.open(folder).select(split="train")
    whole = [corpus.take(i) for i in range(len(corpus))]
    data = pickle.dumps(corpus)
    assert len(data) < 8192, "a pickle carries sound"
    back = pickle.loads(data)  # noqa: S301
    assert back.files._maps == {} and back.files._index is None
    for i, take in enumerate(whole):
        assert back.audio(i).tobytes() == take.audio.tobytes() and back.curves(i).tobytes() == take.curves.tobytes()
        assert (back.take(i).repairs, back.take(i).sources) == (take.repairs, take.sources)
    assert (back.id, back.names, back.clock) == (corpus.id, corpus.names, corpus.clock)


def test_verify_finds_every_flipped_bit(folder: Path) -> None:
    corpus = Corpus.open(folder)
    assert corpus.verify() == []
    rng = np.random.default_rng(0)
    for path in (*sorted(folder.glob("*.arrow")),):
        data = path.read_bytes()
        for place in rng.integers(0, len(data), 4):
            flipped = bytearray(data)
            flipped[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(flipped)
            problems = corpus.verify()
            assert [type(problem) for problem in problems] == [CorpusError]
            assert f"{path}: its content has changed" in str(problems[0])
        path.write_bytes(data)
    assert corpus.verify() == []
    (folder / "shard-00000.arrow").unlink()
    (folder / "shard-00001.arrow").write_bytes(b"")
    texts = [str(problem) for problem in corpus.verify()]
    assert "shard-00000.arrow: cannot be read" in texts[0] and "shard-00001.arrow: holds 0 bytes" in texts[1]


def test_a_shard_that_is_missing_or_cut_is_found_at_opening(folder: Path) -> None:
    shard = folder / "shard-00001.arrow"
    data = shard.read_bytes()
    shard.write_bytes(data[:-1])
    with pytest.raises(CorpusError, match=rf"shard-00001.arrow: holds {len(data) - 1} bytes; expected {len(data)}\n"):
        Corpus.open(folder)
    shard.unlink()
    with pytest.raises(CorpusError, match=r"shard-00001.arrow: cannot be read"):
        Corpus.open(folder)
    shard.write_bytes(data)
    corpus = Corpus.open(folder)
    shard.write_bytes(data[:-1])
    with pytest.raises(CorpusError, match=r"shard-00001.arrow: holds"):
        [corpus.audio(i) for i in range(len(corpus))]


def test_a_corpus_replaced_while_it_is_open_is_noticed(folder: Path, ten: Sequence[Take]) -> None:
    corpus = Corpus.open(folder)
    before = corpus.audio(0)
    was = before.tobytes()
    config = PackConfig(shard_bytes=100_000, val=0.2, test=["s0/t4"], seed=5, overwrite=True)
    pack_takes(ten, folder, config)
    assert before.tobytes() == was and corpus.audio(0).tobytes() == was
    with pytest.raises(CorpusError, match="was replaced while it was open"):
        corpus.audio(len(corpus) - 1)
    assert any("was replaced" in str(problem) for problem in corpus.verify())


@pytest.mark.parametrize(
    ("changes", "sign", "words"),
    [
        ({"version": 2}, True, ["version 2", "version 1", "newer koekao"]),
        ({"version": "1"}, True, ["corpus.json:version: '1'", "int"]),
        ({"format": "lerobot"}, True, ["format 'lerobot'", "'koekao-corpus'"]),
        ({"sample_rate": 48000}, False, ["its id", "edited"]),
        ({"id": "0" * 64}, False, ["its id 000000000000"]),
        ({"sample_rate": -1}, True, ["rate that cannot be", "-1"]),
        ({"sample_rate": True}, True, ["corpus.json:sample_rate: True"]),
        ({"fps": "1/0"}, True, ["rate that cannot be"]),
        ({"fps": "fast"}, True, ["rate that cannot be"]),
        ({"audio_dtype": "float64"}, True, ["corpus.json:audio_dtype", "'float64'"]),
        ({"audio_dtype": "float32"}, True, ["takes.arrow:row", "n_samples"]),
        ({"curves": ["jawOpen"]}, True, ["corpus.json:curves"]),
        ({"shards": []}, True, ["takes.arrow:row 0:shard"]),
        ({"shards": [7]}, True, ["corpus.json:shards: 7"]),
        (
            {"shards": [{"file": "../../etc/passwd", "bytes": 1, "sha256": "", "takes": 1}]},
            True,
            ["a shard named '../../etc/passwd'"],
        ),
        ({"shards": [{"file": "shard-00000.arrow", "bytes": -1, "sha256": "", "takes": 1}]}, True, ["expected -1"]),
        ({"index": {"file": "/etc/passwd", "bytes": 1, "sha256": ""}}, True, ["an index named '/etc/passwd'"]),
        ({"index": {"file": "takes.arrow", "bytes": 1, "sha256": ""}}, True, ["takes.arrow: holds"]),
        ({"refused": [3]}, True, ["corpus.json:refused"]),
        ({"ignored": None}, True, ["corpus.json:ignored: None"]),
    ],
)
def test_a_header_that_cannot_be_is_refused(
    folder: Path, changes: dict[str, Any], sign: bool, words: list[str]
) -> None:
    edit_header(folder, sign=sign, **changes)
    with pytest.raises(CorpusError) as caught:
        Corpus.open(folder)
    for word in words:
        assert word in str(caught.value)


BIG = 2**63 - 1


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        *[
            (f"{kind}_offset", value, f"{kind}_offset")
            for kind in ("audio", "curves", "valid")
            for value in (-8, BIG, BIG - 7)
        ],
        ("audio_offset", 12, "audio_offset: 12"),
        *[(column, value, column) for column in ("n_samples", "n_frames") for value in (BIG, 0, -1, 2**62)],
        ("n_samples", 40_000_000, "audio_offset"),
        ("shard", -1, "shard: -1"),
        ("shard", 1 << 20, "shard: 1048576"),
        ("split", "dev", "takes.arrow:split: 'dev'"),
        ("name", "a", "row 3: take 'a' follows 's0/t4'"),
        ("name", None, "takes.arrow:name: an empty cell"),
        ("repairs", ["clipped", None], "takes.arrow:repairs: an empty cell"),
        ("sources", [{"path": "a.wav", "size": 1, "sha256": None}], "takes.arrow:sources: an empty cell"),
    ],
)
def test_an_index_with_wild_numbers_is_refused(folder: Path, column: str, value: Any, text: str) -> None:
    table = pa.ipc.open_file(pa.BufferReader((folder / "takes.arrow").read_bytes())).read_all()
    values = table.column(column).to_pylist()
    values[3] = value
    forge_index(folder, **{column: values})
    with pytest.raises(CorpusError) as caught:
        Corpus.open(folder)
    assert text in str(caught.value) and "takes.arrow" in str(caught.value)


def test_a_payload_that_ends_just_past_its_shard_is_refused(folder: Path) -> None:
    corpus = Corpus.open(folder)
    size = len(corpus.shard_bytes(int(corpus.shard[3])))
    room = (size - int(corpus.audio_offset[3])) // 2
    n_samples = corpus.n_samples.tolist()
    n_samples[3] = room
    forge_index(folder, n_samples=n_samples)
    assert Corpus.open(folder).audio(3).nbytes == 2 * room
    n_samples[3] = room + 1
    forge_index(folder, n_samples=n_samples)
    with pytest.raises(CorpusError, match=r"takes.arrow:row 3:audio_offset: .* for take 's0/t6'; expected room for"):
        Corpus.open(folder)


def test_a_header_that_counts_other_takes_than_the_index_is_refused(folder: Path) -> None:
    shards = json.loads((folder / "corpus.json").read_bytes())["shards"]
    seen = shards[1]["takes"]
    shards[1]["takes"] += 1
    edit_header(folder, shards=shards)
    with pytest.raises(
        CorpusError, match=rf"takes\.arrow:shard: {seen} takes of shard-00001.arrow; expected {seen + 1}"
    ):
        Corpus.open(folder)


def test_an_index_that_is_none_is_refused(folder: Path) -> None:
    path = folder / "takes.arrow"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    with pytest.raises(CorpusError, match=r"takes\.arrow: its content has changed"):
        Corpus.open(folder)
    for data in (b"ARROW1 but not really", whole.replace(b"speaker", b"\xffpeaker"), whole[:-40]):
        path.write_bytes(data)
        edit_header(folder, index={"file": path.name, "bytes": len(data), "sha256": sha256_of(path)})
        with pytest.raises(CorpusError, match=r"takes\.arrow: is no Arrow file"):
            Corpus.open(folder)
    path.write_bytes(whole.replace(b"speaker", b"speaken"))
    edit_header(folder, index={"file": path.name, "bytes": len(whole), "sha256": sha256_of(path)})
    with pytest.raises(CorpusError, match=r"takes\.arrow:speaker: missing or of another type; expected string"):
        Corpus.open(folder)
    path.unlink()
    with pytest.raises(CorpusError, match=r"takes.arrow: cannot be read"):
        Corpus.open(folder)


def test_what_is_no_corpus_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere: no such folder"):
        Corpus.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"empty: holds no corpus.json; expected a corpus"):
        Corpus.open(tmp_path / "empty")
    (tmp_path / "takes" / "day1").mkdir(parents=True)
    (tmp_path / "takes" / "day1" / "a.WAV").touch()
    with pytest.raises(CorpusError, match=r"takes: holds no corpus.json\n  -> .*`koekao pack .*takes CORPUS`"):
        Corpus.open(tmp_path / "takes")
    with pytest.raises(CorpusError, match="is a file"):
        Corpus.open(tmp_path / "takes" / "day1" / "a.WAV")
    for junk in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"version": ' + b"9" * 5000 + b"}"):
        (tmp_path / "empty" / "corpus.json").write_bytes(junk)
        with pytest.raises(CorpusError, match=r"corpus\.json: is no JSON"):
            Corpus.open(tmp_path / "empty")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_of_the_header_is_an_error_or_harmless(folder: Path, data: st.DataObject) -> None:
    """Mutated bytes either do not open, with our error, or open the same corpus."""
    path = folder / "corpus.json"
    whole = path.read_bytes()
    corpus_id = json.loads(whole)["id"]
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.integers(0, 20))
    changed = whole[:at] + data.draw(st.binary(max_size=6)) + whole[at + cut :]
    try:
        path.write_bytes(changed)
        try:
            assert Corpus.open(folder).id == corpus_id
        except KoekaoError as error:
            assert isinstance(error, CorpusError) and str(folder) in str(error)
    finally:
        path.write_bytes(whole)
