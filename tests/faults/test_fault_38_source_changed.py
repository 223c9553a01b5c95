"""Fault 38: a source that changed after packing, be it to the same size, is told by verify."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from forged import forge_rows, noise

from koekao.arkit import NAMES
from koekao.corpus import Corpus, PackConfig, pack, pack_takes
from koekao.errors import CorpusError
from koekao.takes.take import Source


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """Two recordings, packed into ``corpus`` beside them."""
    folder = tmp_path / "takes"
    for i, name in enumerate(("ann/one", "bob")):
        take, path = noise(i), folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(f"{path}.wav", take.audio, take.sample_rate, subtype="PCM_16")
        rows = enumerate(take.curves.astype(np.float64).tolist())
        lines = [json.dumps({"timestamp": k / 30, "blendshapes": dict(zip(NAMES, row))}) for k, row in rows]
        Path(f"{path}.jsonl").write_text("\n".join(lines) + "\n")
    pack(folder, tmp_path / "corpus", PackConfig(val=0.0))
    return folder


def told(takes: Path) -> list[str]:
    return [str(problem) for problem in Corpus.open(takes.parent / "corpus").verify(takes)]


def test_every_byte_of_a_source_counts(takes: Path) -> None:
    assert told(takes) == []
    rng = np.random.default_rng(0)
    for path in (takes / "ann" / "one.wav", takes / "bob.jsonl"):
        whole = path.read_bytes()
        for place in rng.integers(0, len(whole), 20):
            edited = bytearray(whole)
            edited[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(edited)
            (text,) = told(takes)
            assert text.startswith(f"{path}: a source of take '") and "was edited: SHA-256" in text
        path.write_bytes(whole)
    assert told(takes) == []


def test_a_source_grown_or_gone_is_told(takes: Path) -> None:
    (takes / "bob.wav").unlink()
    with (takes / "ann" / "one.jsonl").open("a") as file:
        file.write("\n")
    texts = told(takes)
    assert len(texts) == 2
    assert "one.jsonl: a source of take 'ann/one', holds" in texts[0]
    assert "bob.wav: a source of take 'bob', cannot be read (No such file or directory)" in texts[1]
    assert all("-> pack the takes again, or put back" in text for text in texts)


def test_without_the_folder_of_takes_sources_are_not_asked_for(takes: Path) -> None:
    (takes / "bob.wav").unlink()
    assert Corpus.open(takes.parent / "corpus").verify() == []
    with pytest.raises(CorpusError, match="no such folder"):
        Corpus.open(takes.parent / "corpus").verify(takes / "nowhere")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret"])
def test_a_source_outside_of_the_folder_is_told_and_not_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    pack_takes([noise(0)], tmp_path / "corpus")
    forged = [[{"path": path, "size": 1, "sha256": "0" * 64}]]
    forge_rows(tmp_path / "corpus", "sources", "sources.arrow", sources=forged)
    (tmp_path / "takes").mkdir()
    (problem,) = Corpus.open(tmp_path / "corpus").verify(tmp_path / "takes")
    assert f"take 's0/t0' names a source outside of the folder: {path!r}" in str(problem)


def test_a_synthetic_take_has_no_source_to_change(tmp_path: Path) -> None:
    pack_takes([noise(0, sources=())], tmp_path / "corpus")
    (tmp_path / "takes").mkdir()
    assert Corpus.open(tmp_path / "corpus").verify(tmp_path / "takes") == []
    pack_takes([noise(1, sources=(Source(path="a.wav", size=1, sha256=""),))], tmp_path / "other")
    assert len(Corpus.open(tmp_path / "other").verify(tmp_path / "takes")) == 1
