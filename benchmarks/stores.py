"""Question: what does each neighbour read? Its own store, written once from the same wav and jsonl.

Command, one store (``loaders.py`` runs it for those that are missing): python benchmarks/stores.py TAKES STORES NAME

Neighbours that read by position share ``flat``: all sound and all curves end to end. Those that read samples in
shards get whole takes (from which streams cut their windows, as sequential training wants) and clips cut
beforehand, one after another; the latter is less work than koekao's, whose clips begin at every frame. Sound read
by position is kept as float32, which is stacked faster than int16 is converted (``peers/rows.py``); samples in
shards are int16.

Result: a folder a store, whole or not there at all.
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings import Recording, names_of, read_recordings
from workloads import FPS, N_CURVES, PCM_SCALE, SAMPLE_RATE, WORKLOADS, first_sample

PAST_THE_END_SAMPLES = 128
"""Zeros after each take's sound: a window's last frame may need up to 127 samples that the take does not have."""
SHARD_TAKES, SHARD_CLIPS = 8, 64


def _padded(audio: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.pad(audio, (0, PAST_THE_END_SAMPLES))


def _float32(audio: NDArray[np.int16]) -> NDArray[np.float32]:
    return audio.astype(np.float32) * PCM_SCALE


def _clips(takes: Path) -> Iterator[dict[str, Any]]:
    """Clips of 10 s, one after another: ``take``, ``start_frame``, ``audio`` int16, ``curves`` float32."""
    clip = WORKLOADS["clips"]
    for number, take in enumerate(read_recordings(takes)):
        for start in range(0, len(take.curves) - clip.n_frames + 1, clip.n_frames):
            begin = first_sample(start)
            audio, curves = take.audio[begin : begin + clip.n_samples], take.curves[start : start + clip.n_frames]
            if len(audio) == clip.n_samples:
                yield {"take": number, "start_frame": start, "audio": audio.copy(), "curves": curves.copy()}


def _whole(takes: Path) -> Iterator[dict[str, Any]]:
    """Whole takes: ``take``, ``audio`` int16, ``curves`` float32."""
    for number, take in enumerate(read_recordings(takes)):
        yield {"take": number, "audio": take.audio, "curves": take.curves}


def flat(takes: Path, folder: Path) -> None:
    recordings: list[Recording] = list(read_recordings(takes))
    sounds = [_padded(take.audio) for take in recordings]
    sound = np.concatenate(sounds)
    np.save(folder / "audio_int16.npy", sound)
    np.save(folder / "audio_float32.npy", _float32(sound))
    np.save(folder / "curves.npy", np.concatenate([take.curves for take in recordings]))
    lengths = np.array([len(take.curves) for take in recordings])
    audio_ends = np.cumsum([len(audio) for audio in sounds])
    index = {
        "names": [take.name for take in recordings],
        "n_frames": lengths.tolist(),
        "audio_begin": [0, *audio_ends[:-1].tolist()],
        "curves_begin": [0, *np.cumsum(lengths)[:-1].tolist()],
    }
    (folder / "takes.json").write_text(json.dumps(index), "utf-8")


def files(takes: Path, folder: Path) -> None:
    """Sound files as they are, and curves as one array a take: nobody parses JSON in training."""
    for take in read_recordings(takes):
        shutil.copyfile(takes / f"{take.name}.wav", folder / f"{take.name}.wav")
        np.save(folder / f"{take.name}.npy", take.curves)


def koekao(takes: Path, folder: Path) -> None:
    from koekao.corpus import PackConfig
    from koekao.corpus.pack import pack

    pack(takes, folder / "corpus", PackConfig(val=0.0))


def datasets(takes: Path, folder: Path) -> None:
    """``takes``: one row a take. ``seconds``: one row a second, the last of a take followed by one of zeros."""
    datasets = importlib.import_module("datasets")
    pa = importlib.import_module("pyarrow")
    table = importlib.import_module("datasets.table")

    def saved(batches: list[Any], name: str) -> None:
        datasets.Dataset(table.InMemoryTable(pa.concat_tables(batches))).save_to_disk(str(folder / name))

    whole, seconds = [], []
    for take in read_recordings(takes):
        audio, n_rows = _float32(take.audio), -(-len(take.curves) // FPS) + 1
        lists = pa.LargeListArray.from_arrays
        of_audio = lists(pa.array([0, len(audio)], pa.int64()), pa.array(audio))
        of_curves = lists(pa.array([0, take.curves.size], pa.int64()), pa.array(take.curves.reshape(-1)))
        whole.append(pa.table({"audio": of_audio, "curves": of_curves}))
        rows = {
            "audio": np.resize(np.pad(audio, (0, n_rows * SAMPLE_RATE)), n_rows * SAMPLE_RATE),
            "curves": np.resize(np.pad(take.curves, ((0, n_rows * FPS), (0, 0))), (n_rows * FPS, N_CURVES)),
        }
        sizes = {"audio": SAMPLE_RATE, "curves": FPS * N_CURVES}
        columns = {
            key: pa.FixedSizeListArray.from_arrays(pa.array(rows[key].reshape(-1)), size) for key, size in sizes.items()
        }
        seconds.append(pa.table(columns))
    saved(whole, "takes")
    saved(seconds, "seconds")


def webdataset(takes: Path, folder: Path) -> None:
    wds = importlib.import_module("webdataset")
    for name, samples, most in (("takes", _whole(takes), SHARD_TAKES), ("clips", _clips(takes), SHARD_CLIPS)):
        (folder / name).mkdir()
        with wds.ShardWriter(str(folder / name / "shard-%06d.tar"), maxcount=most, mtime=0, verbose=0) as shards:
            for sample in samples:
                key = f"{sample['take']:04d}-{sample.get('start_frame', 0):06d}"
                shards.write({"__key__": key, "i16": sample["audio"].tobytes(), "f32": sample["curves"].tobytes()})


def litdata(takes: Path, folder: Path) -> None:
    """``takes``: whole takes as samples. ``sound``, ``curves``: tracks that its ``read_window`` reads windows from."""
    writers = importlib.import_module("litdata.streaming.writer")
    temporal = importlib.import_module("litdata").TemporalArrayLoader

    def written(name: str, samples: Iterator[dict[str, Any]], **how: Any) -> None:
        writer = writers.BinaryWriter(str(folder / name), chunk_bytes="64MB", **how)
        for number, sample in enumerate(samples):
            writer[number] = sample
        writer.done()
        writer.merge()

    written("takes", _whole(takes))
    sound = ({"audio": _float32(_padded(take.audio))} for take in read_recordings(takes))
    written("sound", sound, item_loader=temporal())
    written("curves", ({"curves": take.curves} for take in read_recordings(takes)), item_loader=temporal())


def mosaic(takes: Path, folder: Path) -> None:
    from peers.mosaic import streaming

    numbers, arrays = {"take": "int"}, {"audio": "ndarray:int16", "curves": "ndarray:float32"}
    for name, samples, columns in (
        ("takes", _whole(takes), numbers | arrays),
        ("clips", _clips(takes), numbers | {"start_frame": "int"} | arrays),
    ):
        with streaming().MDSWriter(out=str(folder / name), columns=columns, size_limit="64mb") as writer:
            for sample in samples:
                writer.write(sample)


def lhotse(takes: Path, folder: Path) -> None:
    """Shar: sound as wav in one tar, curves as numpy in another, a manifest of cuts beside them."""
    lhotse = importlib.import_module("lhotse")
    whole = []
    with lhotse.NumpyFilesWriter(str(folder / "arrays")) as arrays:
        for number, take in enumerate(read_recordings(takes)):
            cut = lhotse.Recording.from_file(str(takes / f"{take.name}.wav")).to_cut()
            cut.curves = arrays.store_array(take.name, take.curves, frame_shift=1 / FPS, temporal_dim=0, start=0)
            cut.take, cut.start_frame = number, 0
            whole.append(cut)
    clips = []
    for cut in whole:
        for start in range(0, int(cut.curves.shape[0]) - 299, 300):
            clip = cut.truncate(offset=start / FPS, duration=10.0, preserve_id=False)
            if round(clip.duration * SAMPLE_RATE) == WORKLOADS["clips"].n_samples:
                clip.custom = {**clip.custom, "start_frame": start}
                clips.append(clip)
    fields = {"recording": "wav", "curves": "numpy"}
    for name, cuts, most in (("takes", whole, SHARD_TAKES), ("clips", clips, SHARD_CLIPS)):
        (folder / name).mkdir()
        lhotse.CutSet.from_cuts(cuts).to_shar(str(folder / name), fields=fields, shard_size=most)
    shutil.rmtree(folder / "arrays")


STORES: dict[str, Callable[[Path, Path], None]] = {
    make.__name__: make for make in (flat, files, koekao, datasets, webdataset, litdata, mosaic, lhotse)
}


def make_store(takes: Path, stores: Path, name: str) -> None:
    """Write store ``name`` of the takes, unless it is there."""
    if (stores / name).exists():
        return
    if not names_of(takes):
        raise FileNotFoundError(f"{takes}: no take (a wav with its jsonl)")
    unfinished = stores / f"{name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    STORES[name](takes, unfinished)
    unfinished.replace(stores / name)


if __name__ == "__main__":
    make_store(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
