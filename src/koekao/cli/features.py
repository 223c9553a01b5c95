"""``koekao features CORPUS``."""

from __future__ import annotations

import time
from pathlib import Path

from koekao.cli.console import count, json_out, length, say, working


def features(
    corpus: Path,
    /,
    *,
    stream: str = "mel",
    name: str | None = None,
    n_mels: int = 80,
    columns_per_frame: int = 2,
    n_fft: int = 1024,
    f_min: float = 20.0,
    f_max: float | None = None,
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Compute features of every take once and keep them beside the corpus, for training that need not compute them.

    The corpus itself stays as it is. Columns of other settings lie side by side.

    Args:
        corpus: a corpus.
        stream: mel (log-mel), prosody (how it is said: pitch, loudness, rhythm and their last 20 s), or an extra:
            opensmile (eGeMAPS; its licence is for non-commercial use only), hf:FOLDER (a speech network of your own).
        name: what the column is called. Default: as the stream.
        n_mels: mel bands.
        columns_per_frame: mel spectra a frame.
        n_fft: samples a mel spectrum.
        f_min: lowest frequency of mel in Hz.
        f_max: highest frequency of mel in Hz. Default: 8000, or half the sample rate if that is less.
        overwrite: replace the column of the same name and settings.
        json: print what was made as JSON.
    """
    from koekao.api import pack_features
    from koekao.corpus import Corpus

    opened = Corpus.open(corpus)
    began_s = time.perf_counter()
    with working("computing features") as tell:
        column = pack_features(
            opened,
            name,
            stream=stream,
            n_fft=n_fft,
            columns_per_frame=columns_per_frame,
            n_mels=n_mels,
            f_min_hz=f_min,
            f_max_hz=f_max,
            on_take=lambda take: tell(f"computed {take}"),
            overwrite=overwrite,
        )
    took_s = time.perf_counter() - began_s
    n_frames, n_bytes = int(column.n_frames.sum()), sum(shard.bytes for shard in column.files.header.shards)
    if json:
        made = {key: getattr(column, key) for key in ("name", "key", "config", "frame_shape")}
        made |= {"path": str(column.path), "takes": len(column), "frames": n_frames, "bytes": n_bytes}
        return json_out(made | {"seconds": opened.seconds, "took_s": took_s})
    shape = " x ".join(map(str, column.frame_shape))
    say(f"made {column.path}: {n_bytes / 1e6:.1f} MB")
    say(f"{shape} numbers for each of {count(n_frames, 'frame')} of {count(len(column), 'take')}")
    say(f"{length(opened.seconds)} of sound in {length(took_s)}: {opened.seconds / took_s:,.0f} times real time")
    return None
