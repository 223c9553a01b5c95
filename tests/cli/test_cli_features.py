"""``koekao features``: says what it made; the column is there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from koekao.corpus import Corpus


def test_it_says_what_it_made(cli: Callable, copied: Any) -> None:
    said = cli("features", copied.corpus, "--n-mels", 8, "--columns-per-frame", 3, "--n-fft", 256, "--f-max", 4000)
    assert (said.code, said.err) == (0, "")
    corpus = Corpus.open(copied.corpus)
    column = corpus.column("mel")
    assert (column.frame_shape, column.config["n_fft"], column.config["f_max_hz"]) == ((3, 8), 256, 4000.0)
    lines = said.out.splitlines()
    assert lines[0] == "3 x 8 numbers for each of 1,200 frames of 4 takes"
    assert lines[1].startswith("40.0 s of sound, ") and lines[1].endswith(" times real time")
    assert lines[2].startswith(f"made {column.path} (0.1 MB) in ") and len(lines) == 3
    assert lines[2].endswith(f"; next: koekao train {copied.corpus} RUN")
    again = cli("features", copied.corpus, "--n-mels", 8, "--columns-per-frame", 3, "--n-fft", 256, "--f-max", 4000)
    assert again.code == 2 and "exists already" in again.err and "--overwrite" in again.err


def test_as_json_and_over_what_was_there(cli: Callable, copied: Any) -> None:
    words = ("features", copied.corpus, "--name", "low", "--n-mels", 4, "--f-min", 50, "--overwrite", "--json")
    for _ in range(2):
        said = cli(*words).json
        column = Corpus.open(copied.corpus).column("low")
        assert (said["path"], said["key"], said["frame_shape"]) == (str(column.path), column.key, [2, 4])
        assert (said["takes"], said["frames"], said["seconds"]) == (4, 1200, 40.0)
        assert said["config"] == column.config and said["config"]["f_min_hz"] == 50.0
        assert said["bytes"] > 1200 * 2 * 4 * 4 and said["took_s"] > 0


def test_settings_that_cannot_be(cli: Callable, copied: Any) -> None:
    said = cli("features", copied.corpus, "--f-max", 9000)
    assert (said.code, said.out) == (2, "") and "mel bands from 20.0 to 9000.0 Hz" in said.err


def test_another_stream_lies_beside_mel(cli: Callable, copied: Any) -> None:
    said = cli("features", copied.corpus, "--stream", "prosody", "--json").json
    column = Corpus.open(copied.corpus).column("prosody")
    assert (said["name"], said["key"], said["frame_shape"]) == ("prosody", column.key, [192])
    assert said["config"]["past_s"] == 20.0 and said["frames"] == 1200
    told = cli("features", copied.corpus, "--stream", "prosody", "--name", "mood")
    assert told.out.splitlines()[0] == "192 numbers for each of 1,200 frames of 4 takes"
    wrong = cli("features", copied.corpus, "--stream", "prosody", "--n-mels", 40)
    assert (wrong.code, wrong.out) == (2, "") and "settings of mel for the stream 'prosody'" in wrong.err
    unknown = cli("features", copied.corpus, "--stream", "voice")
    assert unknown.code == 2 and "expected one of mel, prosody, opensmile, hf:PATH" in unknown.err
