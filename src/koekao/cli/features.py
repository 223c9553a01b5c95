"""``koekao features CORPUS``."""

from __future__ import annotations

import itertools
from pathlib import Path

from koekao.cli.console import Making, count, json_out, length, say
from koekao.cli.progress import WorkProgress


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
    """Compute features of every take once, beside the corpus.

    Training then need not compute them. The corpus itself stays as it is. Columns of other settings lie side by side.

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

    Examples:
        koekao features corpus
        koekao features corpus --stream prosody
    """
    from koekao.api.corpora import pack_features
    from koekao.corpus import Corpus

    opened = Corpus.open(corpus)
    making, done = Making(), itertools.count(1)
    with WorkProgress("computing features", "takes") as progress:
        column = pack_features(
            opened,
            name,
            stream=stream,
            n_fft=n_fft,
            columns_per_frame=columns_per_frame,
            n_mels=n_mels,
            f_min_hz=f_min,
            f_max_hz=f_max,
            on_take=lambda _: progress.tell(next(done), len(opened)),
            overwrite=overwrite,
        )
    n_frames, n_bytes = int(column.n_frames.sum()), sum(shard.bytes for shard in column.files.header.shards)
    then = ("koekao", "train", corpus, "RUN")
    if json:
        made = {key: getattr(column, key) for key in ("name", "key", "config", "frame_shape")}
        made |= {"path": str(column.path), "takes": len(column), "frames": n_frames, "bytes": n_bytes}
        return json_out(made | {"seconds": opened.seconds} | making.as_dict([column.path], *then))
    shape = " x ".join(map(str, column.frame_shape))
    say(f"{shape} numbers for each of {count(n_frames, 'frame')} of {count(len(column), 'take')}")
    speed = opened.seconds / making.took_s
    say(f"{length(opened.seconds)} of sound, {speed:,.0f} times real time")
    return making.say(f"{column.path} ({n_bytes / 1e6:.1f} MB)", *then)
