"""``koekao inspect THING``: a corpus, a folder of takes, a file of curves, a sound."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from koekao.arkit import N_CURVES
from koekao.cli.console import MOST_TAKES, OUT, json_out, length, short_length, table, takes_table

_CURVE_ENDINGS = (".csv", ".jsonl", ".json")


def inspect(thing: Path, /, *, all_takes: bool = False, order: str | None = None, json: bool = False) -> None:
    """Show what is in a corpus, a folder of takes, a file of curves or a sound file.

    Args:
        thing: what to look at.
        all_takes: list every take of a large corpus.
        order: the order of curves in files that do not name them.
        json: print everything as JSON.
    """
    if (thing / "corpus.json").is_file():
        _corpus(thing, all_takes=all_takes, json=json)
    elif thing.is_dir():
        _folder(thing, order=order, json=json)
    elif thing.suffix.lower() in _CURVE_ENDINGS:
        _curves([thing], order=order, json=json)
    else:
        _sound(thing, json=json)


def _corpus(path: Path, *, all_takes: bool, json: bool) -> None:
    from koekao.corpus import Corpus, describe

    summary = describe(Corpus.open(path))
    if json:
        return json_out(summary.as_dict())
    shown = summary.takes if all_takes else summary.takes[:MOST_TAKES]
    takes_table(f"{summary.path}: {summary.n_takes} takes", shown)
    if len(shown) < summary.n_takes:
        OUT.print(f"... and {summary.n_takes - len(shown)} takes more: --all-takes")
    moving = [curve for curve in summary.curves if curve.moves_in]
    table(
        f"{len(moving)} of {len(summary.curves)} curves move",
        ("curve", "min", "max", "mean", "std", "moves in"),
        [(c.name, c.lowest, c.highest, c.mean, c.std, f"{c.moves_in:.0%}") for c in moving],
    )
    hours = ", ".join(f"{split} {length(3600 * h)}" for split, h in summary.hours_by_split.items())
    OUT.print(
        f"{length(summary.seconds)} ({summary.seconds / 3600:.3f} h), {summary.n_frames} frames at {summary.fps} fps, "
        f"{summary.sample_rate} Hz {summary.audio_dtype}, {summary.bytes_on_disk / 1e6:.1f} MB; {hours}"
    )
    return None


def _folder(path: Path, *, order: str | None, json: bool) -> None:
    """Every file of curves below, whether it has a sound beside it or not; then whether the takes are whole."""
    from koekao.errors import TakeError
    from koekao.takes import find_takes

    _curves(sorted(p for p in path.rglob("*") if _is_curves(p)), order=order, json=json)
    if json:
        return
    try:
        found = find_takes(path)
    except TakeError as error:
        OUT.print(str(error), markup=False, soft_wrap=True)
        return
    for problem in found.problems:
        OUT.print(str(problem), markup=False, soft_wrap=True)
    OUT.print(f"{len(found.pairs)} takes, {len(found.problems)} problems, {len(found.ignored)} other files")


def _is_curves(path: Path) -> bool:
    return path.suffix.lower() in _CURVE_ENDINGS and not path.name.startswith(".")


def _curves(paths: list[Path], *, order: str | None, json: bool) -> None:
    from koekao.takes import read_curves

    said: list[dict[str, Any]] = [{"file": str(path)} | read_curves(path, order=order).summary() for path in paths]
    if json:
        return json_out(said)
    table(
        "Curves",
        ("file", "rows", "length", "rows/s", "clock", "gaps", "longest", "lost", "range"),
        [
            (
                Path(one["file"]).name,
                one["rows"],
                short_length(one["duration_s"]),
                one["rate_hz"],
                one["clock_fps"],
                one["gaps"],
                f"{1000 * one['longest_gap_s']:.0f} ms",
                one["untracked"],
                f"{_or_nan(one['min']):.2f}..{_or_nan(one['max']):.3f}",
            )
            for one in said
        ],
    )
    OUT.print("gaps: places where rows are missing, and the longest; lost: rows without a tracked face")
    for one in said:
        moving = f"all {N_CURVES}" if len(one["moving"]) == N_CURVES else ", ".join(one["moving"]) or "nothing"
        OUT.print(f"{Path(one['file']).name} moves: {moving}", soft_wrap=True, highlight=False)
        for note in one["notes"]:
            OUT.print(f"{Path(one['file']).name}: {note}", markup=False, soft_wrap=True)
    return None


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _sound(path: Path, *, json: bool) -> None:
    from koekao.takes import probe_sound

    info = probe_sound(path)
    if json:
        return json_out({"file": str(path)} | asdict(info))
    table(str(path), ("what", "value"), [*asdict(info).items(), ("length", length(info.n_samples / info.sample_rate))])
    return None
