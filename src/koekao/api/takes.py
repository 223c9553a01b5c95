"""Takes: recordings examined before they are packed, and synthetic ones to try things out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koekao.clock import parse_fps
from koekao.errors import ConfigError

if TYPE_CHECKING:
    from koekao.takes.doctor.report import Examined


def check(
    takes: str | Path,
    output: str | Path | None = None,
    *,
    read: str | None = None,
    order: str | None = None,
    rows_fps: Fraction | int | float | str | None = None,
    sync: bool = True,
    plots: int = 200,
    on_take: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> list[Examined]:
    """Examine recordings before anybody trains on them: rates, gaps, ranges, noise, and sound against mouth.

    >>> import koekao
    >>> [(one.health.name, one.health.usable, len(one.findings)) for one in koekao.check("takes", sync=False)][:1]
    [('aoi_0001', True, 1)]

    Args:
        takes: a folder of takes; or a sound, a file of curves, or what a take's two files have in common.
        output: also write report.html and report.json into this folder.
        read, order, rows_fps: what the files do not say themselves, as in :func:`koekao.read_curves`.
        sync: measure how sound and curves lie to each other, which takes longest.
        plots: how many takes the page plots, the worst first.
        on_take: told how many takes are done, of how many, and the name of the next.

    Returns:
        One examination a take: ``health`` (what was measured) and ``findings`` (what is to be done about it).

    Raises:
        TakeError: there is no take. OutputError: a file that is no report is in the way, or no place to write.
    """
    from koekao.atomic import write_file
    from koekao.takes.doctor.health import examine
    from koekao.takes.doctor.page import page
    from koekao.takes.doctor.report import HTML_NAME, JSON_NAME, Examined, refuse_other_files, report_text
    from koekao.takes.doctor.subjects import find_subjects

    if plots < 0:
        raise ConfigError(f"plots {plots}", expected="0 or more")
    folder = None if output is None else Path(output)
    if folder is not None:
        refuse_other_files(folder)
    subjects, examined = find_subjects(Path(takes)), []
    fps = None if rows_fps is None else str(rows_fps)
    for i, subject in enumerate(subjects):
        on_take(i, len(subjects), subject.name)
        examined.append(Examined.of(examine(subject, read=read, order=order, fps=fps, sync=sync)))
    if folder is not None:
        write_file(folder / JSON_NAME, report_text(examined).encode())
        write_file(folder / HTML_NAME, page(examined, place=Path(takes), most_plots=plots).encode())
    return examined


def synthesize(
    folder: str | Path,
    *,
    takes: int = 12,
    seconds: float = 20.0,
    voices: int = 3,
    fps: Fraction | int | float | str = 30,
    sample_rate: int = 16000,
    seed: int = 0,
    format: str = "jsonl",
    on_take: Callable[[int, int], None] = lambda done, of: None,
) -> float:
    """Write synthetic takes into a folder, to try things out; returns their length together in seconds.

    >>> import koekao
    >>> koekao.synthesize("some takes", takes=2, seconds=1.5)
    3.0

    Args:
        takes, seconds, voices, seed: how many, how long each, in how many voices; one seed makes one set.
        fps, sample_rate: of curves and sound. format: ``jsonl`` or ``livelink_csv``.
        on_take: told how many are written, and of how many.

    Raises:
        ConfigError: numbers that cannot be. OutputError: a place that cannot be written.
    """
    from koekao.outputs.folder import write_take
    from koekao.takes.synthetic.making import make_takes

    if takes < 1:
        raise ConfigError(f"{takes} takes", expected="at least 1")
    rates: dict[str, Any] = {"sample_rate": sample_rate, "fps": parse_fps(fps)}
    total_s = 0.0
    for n, take in enumerate(make_takes(takes, seconds=seconds, seed=seed, voices=voices, **rates), start=1):
        write_take(Path(folder), take.name, take.audio, take.sample_rate, take.curves, take.fps, format=format)
        total_s += take.duration_s
        on_take(n, takes)
    return total_s
