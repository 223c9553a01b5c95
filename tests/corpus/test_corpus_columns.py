"""Laws of columns: what was computed is read back bit for bit, by selections too, and the corpus stays as it is."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from koekao.corpus import Corpus, PackConfig, pack_column, pack_takes
from koekao.errors import ConfigError, CorpusError, OutputError, TakeError
from koekao.takes.take import Take

CONFIG = {"n": 3, "f": 20.0, "name": "räum", "list": [1, 2]}


@pytest.fixture
def corpus(tmp_path: Path, ten: Sequence[Take]) -> Corpus:
    pack_takes(ten, tmp_path / "c", PackConfig(shard_bytes=100_000, val=0.2, test=["s0/t4"]))
    return Corpus.open(tmp_path / "c")


def values_of(corpus: Corpus, shape: tuple[int, ...] = (2, 3), seed: int = 0) -> Callable[[int], np.ndarray]:
    def compute(i: int) -> np.ndarray:
        return np.random.default_rng([seed, i]).standard_normal((int(corpus.n_frames[i]), *shape)).astype(np.float32)

    return compute


@pytest.mark.parametrize("shard_bytes", [1, 5000, 1 << 28])
@pytest.mark.parametrize("shape", [(2, 3), (1,), (5, 1, 2)])
def test_what_was_computed_is_read_back(corpus: Corpus, shape: tuple[int, ...], shard_bytes: int) -> None:
    before = {path.name: path.read_bytes() for path in corpus.path.iterdir()}
    seen: list[str] = []
    compute = values_of(corpus, shape)
    made = pack_column(corpus, "mel", shape, CONFIG, compute, on_take=seen.append, shard_bytes=shard_bytes)
    assert seen == list(corpus.names) and corpus.column_names == ("mel",)
    assert {path.name: path.read_bytes() for path in corpus.path.iterdir() if path.is_file()} == before
    for column in (made, corpus.column("mel"), Corpus.open(corpus.path).column("mel", made.key)):
        assert (column.name, column.key, column.config) == ("mel", made.key, CONFIG)
        assert (column.frame_shape, column.dtype, column.frame_bytes) == (shape, np.float32, 4 * np.prod(shape))
        assert len(column) == len(corpus)
        for i in range(len(corpus)):
            frames = column.frames(i)
            assert frames.tobytes() == compute(i).tobytes() and frames.shape == (corpus.n_frames[i], *shape)
            assert not frames.flags.writeable
            at = column.files.base_address(int(column.shard[i])) + int(column.offset[i])
            assert frames.ctypes.data == at and int(column.offset[i]) % 8 == 0
    assert len(made.files.header.shards) == {1: 10, 1 << 28: 1}.get(shard_bytes, len(made.files.header.shards))
    made.files.refuse_truncated(range(len(made.files.header.shards)))
    assert corpus.verify() == []


def test_a_selection_sees_its_own_takes(corpus: Corpus) -> None:
    pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus), shard_bytes=5000)
    for part in (corpus.select(split="val"), corpus.select(names=["s1/t9", "s0/t2"]), corpus.select(split="train")):
        column = part.column("mel")
        assert len(column) == len(part) and np.array_equal(column.n_frames, part.n_frames)
        again = pickle.loads(pickle.dumps(column))  # noqa: S301
        for i, take in enumerate(part.take_ids):
            assert column.frames(i).tobytes() == again.frames(i).tobytes() == values_of(corpus)(take).tobytes()


def test_anything_that_reads_arrow_reads_a_column(corpus: Corpus) -> None:
    made = pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus))
    table = pa.ipc.open_file(pa.BufferReader((made.path / "shard-00000.arrow").read_bytes())).read_all()
    assert table.schema.metadata[b"corpus"].decode() == corpus.id and table.schema.metadata[b"column"] == b"mel"
    rows = table.to_pylist()
    assert [row["name"] for row in rows] == list(corpus.names)
    for i, row in enumerate(rows):
        assert np.array(row["values"], np.float32).tobytes() == made.frames(i).tobytes()
        assert row["n_frames"] == corpus.n_frames[i]


def test_the_same_column_is_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    one = pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus))
    first = {path.name: path.read_bytes() for path in one.path.iterdir()}
    again = dict(reversed(CONFIG.items()))
    two = pack_column(corpus, "mel", (2, 3), again, values_of(corpus), overwrite=True)
    assert two.path == one.path and {path.name: path.read_bytes() for path in two.path.iterdir()} == first


def test_columns_of_other_settings_lie_side_by_side(corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match=r"holds no column 'mel'\n  -> the columns there: none yet"):
        corpus.column("mel")
    assert corpus.column_names == ()
    one = pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus))
    two = pack_column(corpus, "mel", (2, 3), CONFIG | {"n": 4}, values_of(corpus, seed=1))
    pack_column(corpus, "prosody", (4,), {}, values_of(corpus, (4,)))
    assert corpus.column_names == ("mel", "prosody")
    with pytest.raises(ConfigError, match=rf"2 columns 'mel'\n  -> name the key: .*{one.key[:12]}"):
        corpus.column("mel")
    for column, seed in ((one, 0), (two, 1)):
        for key in (column.key, column.key[:12], column.key[:9]):
            assert corpus.column("mel", key).frames(3).tobytes() == values_of(corpus, seed=seed)(3).tobytes()
    with pytest.raises(ConfigError, match=r"holds no column 'mel' with key 'ffff'; expected one of .*, "):
        corpus.column("mel", "ffff")
    with pytest.raises(ConfigError, match="holds no column 'mel' with key"):
        corpus.column("mel", one.key[:12] + "0" * 52)
    with pytest.raises(ConfigError, match=r"holds no column 'mal'\n  -> the columns there: mel, prosody"):
        corpus.column("mal")
    with pytest.raises(OutputError, match="exists already"):
        pack_column(corpus, "mel", (2, 3), CONFIG, lambda i: pytest.fail("computed before the place was looked at"))


def test_a_column_of_another_corpus_is_refused(corpus: Corpus, ten: Sequence[Take], tmp_path: Path) -> None:
    pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus))
    other = pack_takes(ten[1:], tmp_path / "other")
    (corpus.path / "columns").rename(tmp_path / "other" / "columns")
    with pytest.raises(CorpusError, match=rf"a column of corpus {corpus.id[:12]}...; expected corpus {other.id[:12]}"):
        Corpus.open(tmp_path / "other").column("mel")
    (problem,) = Corpus.open(tmp_path / "other").verify()
    assert corpus.id[:12] in str(problem) and other.id[:12] in str(problem)


def test_packing_the_takes_again_leaves_no_column_behind(corpus: Corpus, ten: Sequence[Take]) -> None:
    column = pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus))
    column.frames(0)
    pack_takes(ten, corpus.path, PackConfig(overwrite=True))
    assert Corpus.open(corpus.path).column_names == ()
    with pytest.raises(CorpusError, match="was replaced while it was open"):
        pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus))
    assert list((corpus.path / "columns").iterdir()) == []


def test_a_column_replaced_while_it_is_open_is_noticed(corpus: Corpus) -> None:
    column = pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus), shard_bytes=1)
    before = column.frames(0)
    pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus, seed=5), overwrite=True, shard_bytes=1)
    assert before.tobytes() == values_of(corpus)(0).tobytes()
    with pytest.raises(CorpusError, match="was replaced while it was open"):
        column.frames(1)


def wrong(values: np.ndarray, place: tuple[int, ...] | None = None, value: float = 0.0) -> np.ndarray:
    if place is not None:
        values[place] = value
    return values


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (
            lambda v: v.astype(np.float64),
            ConfigError,
            r"s0/t6: computed float64 \[50, 2, 3\]; expected float32",
        ),
        (lambda v: v[:-1], ConfigError, r"s0/t6: computed float32 \[49, 2, 3\]"),
        (lambda v: v.reshape(-1, 6), ConfigError, r"s0/t6: computed float32 \[50, 6\]"),
        (lambda v: v.tolist(), ConfigError, r"s0/t6: computed list"),
        (lambda v: wrong(v, (7, 1, 2), np.nan), TakeError, r"s0/t6:frame 7:\[1, 2\]: nan is no value"),
        (lambda v: wrong(v, (49, 0, 0), -np.inf), TakeError, r"s0/t6:frame 49:\[0, 0\]: -inf is no value"),
    ],
)
def test_what_is_no_value_is_refused_and_nothing_is_left(
    corpus: Corpus, spoil: Callable[[Any], Any], error: type[Exception], text: str
) -> None:
    good = values_of(corpus)
    assert corpus.names[3] == "s0/t6"
    with pytest.raises(error, match=text):
        pack_column(corpus, "mel", (2, 3), CONFIG, lambda i: spoil(good(i)) if i == 3 else good(i), shard_bytes=1)
    assert list((corpus.path / "columns").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "../mel"}, "a column named"),
        ({"name": "Mel-1"}, "a column named"),
        ({"frame_shape": ()}, "frame_shape"),
        ({"frame_shape": (2, 0)}, "frame_shape"),
        ({"frame_shape": (1 << 20, 1 << 20)}, "frame_shape"),
        ({"config": {"a": float("nan")}}, "config is no JSON"),
        ({"config": {"a": object()}}, "config is no JSON"),
    ],
)
def test_settings_that_cannot_be(corpus: Corpus, change: dict[str, Any], text: str) -> None:
    settings: dict[str, Any] = {"name": "mel", "frame_shape": (2, 3), "config": CONFIG} | change
    with pytest.raises(ConfigError, match=text):
        pack_column(corpus, compute=values_of(corpus), **settings)
    assert not (corpus.path / "columns").exists()


def test_a_selection_makes_no_column(corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match=r"a selection of 2 of 10 takes"):
        pack_column(corpus.select(split="val"), "mel", (2, 3), CONFIG, values_of(corpus))


def test_what_else_lies_there_is_no_column(corpus: Corpus) -> None:
    pack_column(corpus, "mel", (2, 3), CONFIG, values_of(corpus))
    (corpus.path / "columns" / ".mel-0123456789ab.koekao-tmp-1-aa").mkdir()
    (corpus.path / "columns" / "notes").mkdir()
    assert corpus.column_names == ("mel",) and corpus.verify() == []
    assert json.loads((corpus.column("mel").path / "column.json").read_text())["frame_shape"] == [2, 3]
