"""``koekao pack TAKES CORPUS``."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from koekao.cli.console import (
    ERRORS,
    MOST_TAKES,
    Making,
    count,
    json_out,
    length,
    refused_dicts,
    say,
    say_refused,
    takes_table,
)
from koekao.cli.place import expect
from koekao.cli.progress import PackingProgress
from koekao.takes.policies import TakePolicies

if TYPE_CHECKING:
    from koekao.corpus import PackReport

_DEFAULTS = TakePolicies()
_POLICIES = Group("What becomes of a take", sort_key=2)


def pack(
    takes: Path,
    corpus: Path,
    /,
    *,
    fps: str = "30",
    sample_rate: int = 16000,
    split_by: Literal["take", "speaker"] = "take",
    val: list[str] | None = None,
    test: list[str] | None = None,
    seed: int = 0,
    shard_mb: float = 256.0,
    engine: Literal["inline", "threads", "processes", "ray"] = "inline",
    workers: Annotated[int, Parameter(show_default=False)] = 0,
    policies: Annotated[TakePolicies, Parameter(name="*", group=_POLICIES)] = _DEFAULTS,
    skip_bad: bool = False,
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Check a folder of takes and pack it into a corpus.

    It is packed whole or not at all. A take is a sound and a curve file with the same stem (take.wav and take.jsonl or
    take.csv), at any depth. What was interrupted goes on where it stopped when the same command is given again.
    Whatever had to be done to a take is said, and stands in the corpus; with --strict a take that would need it is
    refused.

    Args:
        takes: folder of takes.
        corpus: folder to make.
        fps: frame rate of the corpus; curves are brought to it by interpolation in time.
        sample_rate: sample rate of the corpus in Hz; other sound is resampled.
        split_by: keep takes, or all takes of a speaker, on one side of a split.
        val: takes to validate on: a share (0.1), or a name or pattern ("anna_*"), which may be given several times.
            Default: 0.1, where there are at least 5.
        test: takes to test on: a share, or names and patterns. Default: none.
        seed: decides which takes a share picks.
        shard_mb: size of a shard, 10**6 bytes. Small ones (8) where the corpus will be read from afar through a cache
            that is much smaller than it.
        engine: who reads the takes; the corpus is the same. ray: the cluster that RAY_ADDRESS names, else this machine.
        workers: how many of them. Default: one a core.
        skip_bad: pack the rest where takes cannot be used; they are listed in the corpus.
        overwrite: replace a corpus that is there.
        json: print the report as JSON.

    Examples:
        koekao pack takes corpus
        koekao pack takes corpus --split-by speaker --val 0.1 --test "anna_*"
    """
    from koekao.atomic import unfinished
    from koekao.clock import parse_fps
    from koekao.corpus import PackConfig
    from koekao.corpus import pack as pack_folder

    config = PackConfig(
        fps=parse_fps(fps),
        sample_rate=sample_rate,
        split_by=split_by,
        val=_share_or_names(val, 0.1),
        test=_share_or_names(test, 0.0),
        seed=seed,
        skip_bad=skip_bad,
        overwrite=overwrite,
        shard_bytes=int(shard_mb * 1e6),
        engine=engine,
        n_workers=workers,
        policies=policies,
    )
    expect("takes", takes, "koekao pack TAKES CORPUS makes a corpus of recordings; koekao inspect tells what this is")
    making = Making()
    try:
        with PackingProgress() as progress:
            report = pack_folder(takes, corpus, config, on_progress=progress.tell)
            times_real_time = progress.times_real_time
    except KeyboardInterrupt:
        if place := unfinished(corpus):
            say(f"what is finished is kept in {place}, and the same command goes on after it", to=ERRORS)
        raise
    then = ("koekao", "train", report.path, "RUN")
    if json:
        plain = {"path": str(report.path), "refused": refused_dicts(report.refused)}
        return json_out(asdict(report) | plain | making.as_dict([report.path], *then))
    takes_table(f"Corpus {report.path}", report.takes[:MOST_TAKES])
    if len(report.takes) > MOST_TAKES:
        say(f"... and {count(len(report.takes) - MOST_TAKES, 'take')} more: koekao inspect {report.path} --all-takes")
    _say_sums(report)
    if report.resumed:
        say(f"{report.resumed} of them had been packed before")
    say("splits: " + ", ".join(f"{n} {split}" for split, n in report.by_split.items()))
    say_refused(report.refused)
    speed = f", {times_real_time:,.0f} times real time" if report.packed > report.resumed else ""
    return making.say(report.path, *then, more=speed)


def _say_sums(report: PackReport) -> None:
    """What became of everything that was found; the numbers add up."""
    say(
        f"found {report.found}, packed {report.packed} ({length(report.seconds)}): "
        f"{report.packed - report.mended} as recorded, {report.mended} repaired; "
        f"refused {len(report.refused)}, other files {report.ignored}"
    )
    for what, numbers in (("repaired", report.repaired), ("refused", report.refused_for)):
        if numbers:
            say(f"{what}: " + ", ".join(f"{name} {n}" for name, n in numbers.items()))


def _share_or_names(values: list[str] | None, default: float) -> float | tuple[str, ...]:
    """One plain decimal is a share, anything else are names or patterns (float() would take 1114_3_15 for a number)."""
    if values is None:
        return default
    return float(values[0]) if len(values) == 1 and re.fullmatch(r"-?\d*\.?\d+", values[0]) else tuple(values)
