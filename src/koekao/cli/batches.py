"""``koekao batches CORPUS``."""

from __future__ import annotations

from dataclasses import asdict
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from koekao.cli.console import count, json_out, say, table, working
from koekao.cli.place import Place
from koekao.errors import ConfigError
from koekao.windows.grid import Short
from koekao.windows.stride import Mode, Schedule

if TYPE_CHECKING:
    from koekao.batches import Loader


def batches(
    corpus: Place,
    /,
    *,
    kind: Literal["both", "streams", "clips"] = "both",
    split: Literal["train", "val", "test"] | None = None,
    batch_size: int | None = None,
    n_streams: int | None = None,
    window_frames: int = 256,
    clip_s: float = 10.0,
    stride: Mode = "progressive",
    initial_stride: int = 32,
    final_stride: int = 1,
    schedule: Schedule = "linear",
    dense_ratio: float = 0.1,
    short: Short = "pad",
    epoch: int = 0,
    max_epochs: int = 100,
    num_workers: int = 0,
    prefetch_factor: int | None = None,
    columns: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    drop_last: bool = False,
    seed: int = 0,
    seconds: float = 2.0,
    json: bool = False,
) -> None:
    """Show what a batch holds and how fast batches come.

    Args:
        corpus: a corpus.
        kind: streams, clips or both.
        split: only the takes of this split.
        batch_size: rows a batch. Default: 4 for streams, 16 for clips.
        n_streams: streams that the rows are shared out to. Default: 2.
        window_frames: frames a window of streams.
        clip_s: seconds a clip.
        stride: how far apart windows start.
        initial_stride: frames between windows at first (always, for sparse and mixed).
        final_stride: frames between windows in the last epoch of progressive.
        schedule: how progressive goes from one to the other.
        dense_ratio: share of dense windows in mixed.
        short: what becomes of takes that are shorter than a window.
        epoch: the epoch to look at.
        max_epochs: epochs that progressive is spread over.
        num_workers: gathering threads; 0 gathers inline.
        prefetch_factor: batches that threads may be ahead. Default: 1 with threads.
        columns: what is delivered: audio, blendshapes, names of packed features. Default: audio and blendshapes.
        drop_last: leave out batches that would need padding.
        seed: decides the order.
        seconds: how long to measure each kind.
        json: print everything as JSON.

    Examples:
        koekao batches corpus
        koekao batches corpus --kind streams --batch-size 16 --num-workers 2
    """
    from koekao.api.corpora import open as open_corpus

    if not 0 <= seconds < inf:
        raise ConfigError(f"--seconds {seconds}", expected="0 or more")
    opened = open_corpus(corpus, split=split)
    common: dict[str, Any] = {
        "epoch": epoch,
        "short": short,
        "drop_last": drop_last,
        "seed": seed,
        "num_workers": num_workers,
        "prefetch_factor": prefetch_factor,
        "columns": columns or ("audio", "blendshapes"),
    }
    loaders: dict[str, Loader] = {}
    if kind != "clips":
        loaders["streams"] = opened.streams(
            batch_size=4 if batch_size is None else batch_size,
            n_streams=n_streams,
            window_frames=window_frames,
            stride=stride,
            initial_stride=initial_stride,
            final_stride=final_stride,
            schedule=schedule,
            dense_ratio=dense_ratio,
            max_epochs=max_epochs,
            **common,
        )
    if kind != "streams":
        loaders["clips"] = opened.clips(batch_size=16 if batch_size is None else batch_size, clip_s=clip_s, **common)
    with working("measuring"):
        said = {name: _look_at(loader, seconds) for name, loader in loaders.items()}
    if json:
        return json_out(said)
    for name, one in said.items():
        _show(name, one)
    return None


def _look_at(loader: Loader, seconds: float) -> dict[str, Any]:
    from koekao.batches.describe import measure, structure

    plan, speed = loader.plan, measure(loader, seconds=seconds)
    entries = structure(loader.batch(0))
    return {
        "batch": [asdict(entry) for entry in entries],
        "bytes": sum(entry.n_bytes for entry in entries),
        "stride": plan.grid.stride,
        "epoch": loader.epoch,
        "windows": plan.n_windows,
        "batches": plan.n_batches,
        "dropped": plan.n_dropped,
        "padding_rows": plan.n_padding,
        "padded_takes": plan.grid.padded_takes,
        "skipped_takes": plan.grid.skipped_takes,
        "first_batch_s": speed.first_batch_s,
        "windows_per_s": speed.windows_per_s,
        "megabytes_per_s": speed.megabytes_per_s,
        "num_workers": loader.num_workers,
    }


def _show(name: str, one: dict[str, Any]) -> None:
    table(
        f"A batch of {name}",
        ("key", "shape", "dtype", "bytes", "values"),
        [
            (e["key"], list(e["shape"]), e["dtype"], f"{e['n_bytes']:,}" if e["n_bytes"] else "-", e["example"])
            for e in one["batch"]
        ],
    )
    say(f"{one['bytes']:,} bytes a batch")
    say(
        f"epoch {one['epoch']}: stride {one['stride']}, {count(one['windows'], 'window')} in "
        f"{count(one['batches'], 'batch', 'batches')}, {one['dropped']} dropped, "
        f"{count(one['padding_rows'], 'padding row')}"
    )
    say(f"takes shorter than a window: {one['padded_takes']} padded, {one['skipped_takes']} skipped")
    how = count(one["num_workers"], "thread") if one["num_workers"] else "inline"
    say(
        f"measured, {how}: {one['windows_per_s']:,.0f} windows/s, {one['megabytes_per_s']:,.0f} MB/s, "
        f"first batch after {1000 * one['first_batch_s']:.1f} ms\n"
    )
