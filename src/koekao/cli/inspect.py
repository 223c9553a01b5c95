"""``koekao inspect THING``: a corpus, a folder of takes, a file of curves, a sound."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from koekao.arkit import N_CURVES
from koekao.cli.console import (
    ERRORS,
    MOST_TAKES,
    count,
    json_out,
    length,
    refused_dicts,
    say,
    say_refused,
    short_length,
    table,
    takes_table,
    working,
)
from koekao.cli.place import Place
from koekao.errors import ConfigError, KoekaoError, TakeError
from koekao.place import is_url, local_path
from koekao.takes.folder import (
    MOVIE_ENDINGS,
    SOUND_ENDINGS,
    all_curve_endings,
    is_curve_file,
)
from koekao.takes.policies import Order

_How = dict[str, Any]
"""What the files do not say themselves, as :func:`koekao.read_curves` takes it."""


def inspect(
    thing: Place,
    /,
    *,
    all_takes: bool = False,
    read: str | None = None,
    order: Order | None = None,
    rows_fps: str | None = None,
    json: bool = False,
) -> int | None:
    """Show what is in a corpus, a folder, a take or a sound.

    Of a folder every file is looked at; those that cannot be used are listed with the reason, and the exit code is 2.

    Args:
        thing: what to look at; of a corpus also the URL.
        all_takes: list every take of a large corpus.
        read: the format of the curves, where their content is not to decide.
        order: the order of curves in files that do not name them.
        rows_fps: rows a second in files whose rows have no times.
        json: print everything as JSON.

    Examples:
        koekao inspect takes
        koekao inspect face.csv
    """
    how: _How = {"format": read, "order": order, "fps": rows_fps}
    if is_url(thing):
        _corpus(thing, all_takes=all_takes, json=json)
        return None
    thing = local_path(thing)
    if (thing / "run.json").is_file():
        raise ConfigError("is a run", where=thing, do=f"read {thing / 'model_card.md'}, or koekao evaluate RUN CORPUS")
    if (thing / "corpus.json").is_file():
        _corpus(thing, all_takes=all_takes, json=json)
    elif thing.is_dir():
        return _folder(thing, how, json=json)
    elif thing.suffix.lower() in all_curve_endings():
        _curves(thing, how, json=json)
    else:
        _sound(thing, json=json)
    return None


def _corpus(path: Path | str, *, all_takes: bool, json: bool) -> None:
    from koekao.corpus import Corpus, describe

    summary = describe(Corpus.open(path))
    if json:
        return json_out(summary.as_dict() | {"refused": refused_dicts(summary.refused)})
    shown = summary.takes if all_takes else summary.takes[:MOST_TAKES]
    takes_table(f"{summary.path}: {count(summary.n_takes, 'take')}", shown)
    if len(shown) < summary.n_takes:
        say(f"... and {count(summary.n_takes - len(shown), 'take')} more: --all-takes")
    moving = [curve for curve in summary.curves if curve.moves_in]
    table(
        f"{len(moving)} of {len(summary.curves)} curves move",
        ("curve", "min", "max", "mean", "std", "moves in"),
        [(c.name, c.lowest, c.highest, c.mean, c.std, f"{c.moves_in:.0%}") for c in moving],
    )
    say(
        f"{length(summary.seconds)}: {count(summary.n_frames, 'frame')} at {summary.fps} fps, "
        f"{summary.sample_rate} Hz {summary.audio_dtype}, {summary.bytes_on_disk / 1e6:.1f} MB"
    )
    say("; ".join(f"{split} {length(3600 * hours)}" for split, hours in summary.hours_by_split.items() if hours))
    say_refused(summary.refused)
    return None


def _folder(path: Path, how: _How, *, json: bool) -> int | None:
    """Every file of curves below that is meant as a take, with a sound or not; then whether the takes are whole."""
    from koekao.takes import find_takes

    none: TakeError | None = None
    try:
        found = find_takes(path)
        takes, problems, ignored = len(found.pairs), found.problems, found.ignored
    except TakeError as error:
        none, takes, problems, ignored = error, 0, (error,), ()
    passed = set(ignored)
    files = sorted(
        file
        for file in path.rglob("*")
        if file not in passed and not _is_hidden(file.relative_to(path)) and is_curve_file(file)
    )
    if none is not None and not files:
        raise none
    within = Path(os.path.commonpath([file.parent for file in files])) if files else path
    looked_at: list[dict[str, Any]] = []
    refused: list[KoekaoError] = []
    with working("reading curves") as tell:
        for file in files:
            tell(f"reading {file.name}")
            try:
                looked_at.append(_look_at(file, how))
            except KoekaoError as error:
                refused.append(error)
    others = len(ignored)
    if json:
        reasons = [str(problem) for problem in (*refused, *problems)]
        json_out({"folder": str(path), "takes": takes, "files": looked_at, "problems": reasons, "other_files": others})
        return 2 if refused else None
    if looked_at:
        _curves_table(f"{within}: {count(len(looked_at), 'file')} of curves", looked_at, within)
    for problem in problems:
        say(str(problem))
    say(
        f"{count(takes, 'take')}, {count(len(refused), 'unusable file')}, {count(len(problems), 'problem')}, "
        f"{count(others, 'other file')}"
    )
    for reason in refused:
        say(f"koekao: {reason}", to=ERRORS)
    return 2 if refused else None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _look_at(path: Path, how: _How) -> dict[str, Any]:
    """What a file of curves says of itself, and how long the sound beside it is, where there is one."""
    from koekao.takes import probe_sound, read_curves

    sounds = [sound for ending in SOUND_ENDINGS + MOVIE_ENDINGS if (sound := path.with_suffix(ending)).is_file()]
    sound_s = probe_sound(sounds[0]).duration_s if sounds else None
    return {"file": str(path), "sound_s": sound_s} | read_curves(path, **how).summary()


def _curves(path: Path, how: _How, *, json: bool) -> None:
    one = _look_at(path, how)
    if json:
        return json_out(one)
    _curves_table(str(path), [one])
    names = "all of them" if len(one["moving"]) == N_CURVES else ", ".join(one["moving"]) or "none"
    return say(f"curves that move: {names}")


def _curves_table(title: str, looked_at: Sequence[dict[str, Any]], within: Path | None = None) -> None:
    """One row a file, named as seen from ``within``; of a single file the title is the name."""
    table(
        title,
        ("file", "sound", "curves", "rows", "rows/s", "clock", "gaps", "lost", "range", "moving"),
        [
            (
                None if within is None else Path(one["file"]).relative_to(within),
                None if one["sound_s"] is None else short_length(one["sound_s"]),
                short_length(one["duration_s"]),
                one["rows"],
                None if one["rate_hz"] is None else f"{one['rate_hz']:.2f}",
                one["clock_fps"],
                f"{one['gaps']} ({1000 * one['longest_gap_s']:.0f} ms)" if one["gaps"] else 0,
                one["untracked"] or None,
                None if one["min"] is None else f"{one['min']:.2f}..{one['max']:.2f}",
                len(one["moving"]),
            )
            for one in looked_at
        ],
    )
    lost = any(one["untracked"] for one in looked_at)
    say("gaps: where rows are missing (the longest)" + ("; lost: rows without a tracked face" if lost else ""))
    for one in looked_at:
        for note in one["notes"]:
            say(f"{one['file']}: {note}")


def _sound(path: Path, *, json: bool) -> None:
    from koekao.takes import probe_sound

    info = probe_sound(path)
    if json:
        return json_out({"file": str(path), "duration_s": info.duration_s} | asdict(info))
    return say(
        f"{path}: {length(info.duration_s)}, {count(info.n_samples, 'sample')} at {info.sample_rate} Hz, "
        f"{count(info.channels, 'channel')}, {info.subtype}"
    )
