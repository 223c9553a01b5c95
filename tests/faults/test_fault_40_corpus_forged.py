"""Fault 40: another version of the format, a hand-made header or index with wild numbers: refused, both said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from forged import edit_header, forge_rows, pack_ten, read_rows, sign_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koekao.corpus import Corpus, FrameColumn, pack_column
from koekao.corpus.datafile import sha256_of
from koekao.corpus.fields import content_id
from koekao.errors import CorpusError, KoekaoError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pack_ten(tmp_path / "c")


SHARD = {"file": "shard-00000.arrow", "bytes": 1, "sha256": "", "takes": 1}


@pytest.mark.parametrize(
    ("changes", "sign", "words"),
    [
        ({"version": 3}, True, ["version 3", "version 2", "newer koekao"]),
        ({"version": 1}, True, ["version 1", "version 2", "pack the takes again"]),
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
        ({"index": {"file": "/etc/passwd", "bytes": 1, "sha256": ""}}, True, ["a file named '/etc/passwd'"]),
        ({"index": {"file": "takes.arrow", "bytes": 1, "sha256": ""}}, True, ["takes.arrow: holds"]),
        ({"sources": {"file": "takes.arrow", "bytes": 1, "sha256": ""}}, True, ["corpus.json:sources: a file named"]),
        ({"sources": {"file": "sources.arrow", "bytes": 1, "sha256": ""}}, True, ["sources.arrow: holds"]),
        ({"sources": None}, True, ["corpus.json:sources: None"]),
        ({"shards": [{**SHARD, "takes": -1}]}, True, ["corpus.json:shards: -1 takes"]),
        ({"shards": [{**SHARD, "takes": 2**70}]}, True, ["corpus.json:shards: 1180591620717411303424 takes"]),
        ({"shards": [{**SHARD, "bytes": 2**70}]}, True, ["shard-00000.arrow: holds"]),
        ({"shards": [{**SHARD, "bytes": 1e3}]}, True, ["corpus.json:bytes: 1000.0"]),
        ({"record_sha256": "0" * 64}, False, ["its record_sha256 000000000000", "edited"]),
        ({"totals": {"takes": 10}}, False, ["its record_sha256", "edited"]),
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
        ("speaker", None, "takes.arrow:speaker: an empty cell"),
    ],
)
def test_an_index_with_wild_numbers_is_refused(folder: Path, column: str, value: Any, text: str) -> None:
    values = read_rows(folder / "takes.arrow").column(column).to_pylist()
    values[3] = value
    forge_rows(folder, **{column: values})
    with pytest.raises(CorpusError) as caught:
        Corpus.open(folder)
    assert text in str(caught.value) and "takes.arrow" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("repairs", ["clipped", None], "sources.arrow:repairs: an empty cell"),
        ("sources", [{"path": "a.wav", "size": 1, "sha256": None}], "sources.arrow:sources: an empty cell"),
        ("fps", None, "sources.arrow:fps: an empty cell"),
    ],
)
def test_sources_with_holes_are_refused_by_those_who_ask(folder: Path, column: str, value: Any, text: str) -> None:
    values = read_rows(folder / "sources.arrow").column(column).to_pylist()
    values[3] = value
    forge_rows(folder, "sources", "sources.arrow", **{column: values})
    corpus = Corpus.open(folder)
    for ask in (lambda: corpus.repairs, lambda: corpus.take(0)):
        with pytest.raises(CorpusError, match=text):
            ask()


def test_sources_of_fewer_takes_are_refused(folder: Path) -> None:
    table = read_rows(folder / "sources.arrow")
    with (folder / "sources.arrow").open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.slice(0, 9))
    sign_file(folder, "sources", "sources.arrow")
    with pytest.raises(CorpusError, match=r"sources.arrow: 9 rows; expected 10"):
        Corpus.open(folder).repairs


def test_a_dictionary_that_does_not_hold_the_code_is_refused(folder: Path) -> None:
    """Codes are looked up without a check, so they are checked here."""
    table = read_rows(folder / "takes.arrow")
    for code in (7, -1):
        codes = pa.array([0, 1, code, *[0] * 7], pa.int32())
        words = pa.DictionaryArray.from_arrays(codes, pa.array(["ann", "bob"]), safe=False)
        forged = table.set_column(1, "speaker", words)
        with (folder / "takes.arrow").open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(forged)
        sign_file(folder, "index", "takes.arrow")
        with pytest.raises(CorpusError, match=r"takes.arrow: is no Arrow file"):
            Corpus.open(folder)


def test_a_dictionary_with_a_hole_is_refused(folder: Path) -> None:
    table = read_rows(folder / "takes.arrow")
    words = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 5, pa.int32()), pa.array(["ann", None]))
    with (folder / "takes.arrow").open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.set_column(1, "speaker", words))
    sign_file(folder, "index", "takes.arrow")
    with pytest.raises(CorpusError, match=r"takes.arrow:speaker: an empty cell"):
        Corpus.open(folder)


@pytest.mark.parametrize("row", range(1, 10))
def test_names_that_do_not_rise_are_refused(folder: Path, row: int) -> None:
    names = read_rows(folder / "takes.arrow").column("name").to_pylist()
    names[row] = names[row - 1]
    forge_rows(folder, name=names)
    with pytest.raises(CorpusError, match=rf"row {row}: take '{names[row]}' follows '{names[row]}'; expected rising"):
        Corpus.open(folder)


def test_an_index_in_several_pieces_is_refused(folder: Path) -> None:
    table = read_rows(folder / "takes.arrow")
    with (folder / "takes.arrow").open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    sign_file(folder, "index", "takes.arrow")
    with pytest.raises(CorpusError, match=r"takes.arrow: 4 record batches; expected 1"):
        Corpus.open(folder)


def test_a_payload_that_ends_just_past_its_shard_is_refused(folder: Path) -> None:
    corpus = Corpus.open(folder)
    size = len(corpus.shard_bytes(int(corpus.shard[3])))
    room = (size - int(corpus.audio_offset[3])) // 2
    n_samples = corpus.n_samples.tolist()
    n_samples[3] = room
    forge_rows(folder, n_samples=n_samples)
    assert Corpus.open(folder).audio(3).nbytes == 2 * room
    n_samples[3] = room + 1
    forge_rows(folder, n_samples=n_samples)
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
        sign_file(folder, "index", path.name)
        with pytest.raises(CorpusError, match=r"takes\.arrow: is no Arrow file"):
            Corpus.open(folder)
    path.write_bytes(whole.replace(b"speaker", b"speaken"))
    sign_file(folder, "index", path.name)
    with pytest.raises(CorpusError, match=r"takes\.arrow:speaker: missing or of another type; expected dict"):
        Corpus.open(folder)
    path.unlink()
    with pytest.raises(CorpusError, match=r"takes.arrow: cannot be read"):
        Corpus.open(folder)


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


class TestColumn:
    """The same for a column beside the corpus."""

    @pytest.fixture
    def column(self, folder: Path) -> FrameColumn:
        corpus = Corpus.open(folder)
        return pack_column(
            corpus, "mel", (2, 3), {"n": 1}, lambda i: np.ones((int(corpus.n_frames[i]), 2, 3), np.float32)
        )

    def edit(self, column: FrameColumn, *, sign: bool = True, **changes: Any) -> None:
        path = column.path / "column.json"
        data = json.loads(path.read_bytes()) | changes
        if sign:
            data["id"] = content_id({key: value for key, value in data.items() if key != "id"})
        path.write_text(json.dumps(data, indent=1) + "\n")

    def forge(self, column: FrameColumn, **columns: list[Any]) -> None:
        path = column.path / "rows.arrow"
        table = read_rows(path)
        for name, values in columns.items():
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.int64()))
        with path.open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        self.edit(column, rows={"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)})

    @pytest.mark.parametrize(
        ("changes", "sign", "words"),
        [
            ({"version": 2}, True, ["version 2", "version 1", "newer koekao"]),
            ({"version": 0}, True, ["version 0", "version 1", "make the column again"]),
            ({"format": "koekao-corpus"}, True, ["format 'koekao-corpus'", "'koekao-column'"]),
            ({"config": {"n": 2}}, True, ["its key", "edited"]),
            ({"frame_shape": [3, 2]}, False, ["its id", "edited"]),
            ({"frame_shape": [2, 300]}, True, ["rows.arrow:row", "room for all of n_frames"]),
            ({"frame_shape": []}, True, ["column.json:frame_shape: []"]),
            ({"frame_shape": [0]}, True, ["column.json:frame_shape: [0]"]),
            ({"frame_shape": [2.0]}, True, ["column.json:frame_shape: [2.0]"]),
            ({"frame_shape": [2**40, 2**40]}, True, ["column.json:frame_shape"]),
            ({"dtype": "float64"}, True, ["column.json:dtype: 'float64'"]),
            ({"name": "mal"}, True, ["a column in the folder 'mel-", "expected mal-"]),
            ({"shards": []}, True, ["rows.arrow:row 0:shard"]),
            ({"shards": [{**SHARD, "file": "../shard-00000.arrow"}]}, True, ["a shard named '../shard-00000.arrow'"]),
            ({"shards": [{**SHARD, "bytes": -1}]}, True, ["shard-00000.arrow: holds", "make the column again"]),
            ({"rows": {"file": "/etc/passwd", "bytes": 1, "sha256": ""}}, True, ["a file named '/etc/passwd'"]),
            ({"corpus": "0" * 64}, True, ["a column of corpus 000000000000"]),
        ],
    )
    def test_a_header_that_cannot_be_is_refused(
        self, folder: Path, column: FrameColumn, changes: dict[str, Any], sign: bool, words: list[str]
    ) -> None:
        self.edit(column, sign=sign, **changes)
        with pytest.raises(CorpusError) as caught:
            Corpus.open(folder).column("mel")
        for word in words:
            assert word in str(caught.value)
        assert any(words[0] in str(problem) for problem in Corpus.open(folder).verify())

    @pytest.mark.parametrize(
        ("name", "value", "text"),
        [
            *[("offset", value, "row 3:offset") for value in (-8, BIG, BIG - 7, 12)],
            *[("n_frames", value, "row 3:n_frames") for value in (0, -1)],
            *[("n_frames", value, "row 3:offset") for value in (BIG, 2**62, 10_000)],
            ("n_frames", 49, "49 frames of take 's0/t6'; expected 50"),
            ("shard", 1, "row 3:shard: 1"),
            ("shard", -1, "row 3:shard: -1"),
            ("shard", None, "an empty cell"),
        ],
    )
    def test_rows_with_wild_numbers_are_refused(
        self, folder: Path, column: FrameColumn, name: str, value: int | None, text: str
    ) -> None:
        values: list[Any] = read_rows(column.path / "rows.arrow").column(name).to_pylist()
        values[3] = value
        self.forge(column, **{name: values})
        with pytest.raises(CorpusError) as caught:
            Corpus.open(folder).column("mel")
        assert "rows.arrow" in str(caught.value) and text in str(caught.value)

    def test_rows_of_fewer_takes_are_refused(self, folder: Path, column: FrameColumn) -> None:
        path = column.path / "rows.arrow"
        table = read_rows(path)
        with path.open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table.slice(0, 9))
        shards = [shard.entry() | {"takes": 9} for shard in column.files.header.shards]
        rows = {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        self.edit(column, shards=shards, rows=rows)
        with pytest.raises(CorpusError, match=r"rows.arrow: 9 takes; expected 10, as in the corpus"):
            Corpus.open(folder).column("mel")
