"""``koekao check TAKES``: every take examined, a table here, a page to look at and a file for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from koekao.cli.console import MOST_TAKES, OUT, Making, count, length, say, short_length, table
from koekao.cli.place import expect
from koekao.cli.progress import WorkProgress
from koekao.takes.policies import Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from koekao.takes.doctor.report import Examined
    from koekao.takes.doctor.sync import Sync

EXIT_UNUSABLE = 2


def check(
    takes: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path(),
    read: str | None = None,
    order: Order | None = None,
    rows_fps: str | None = None,
    no_sync: bool = False,
    plots: int = 200,
    json: bool = False,
) -> int | None:
    """Examine recordings before training, and write a report.

    Writes report.html (the curves under the waveform, what was found, take by take) and report.json. A report that is
    there is written anew; other files are left alone. The exit code is 2 if a file cannot be used, whatever else is
    found.

    Args:
        takes: a folder of takes; or a sound, a file of curves, or what a take's two files have in common.
        output: the folder for the report.
        read: the format of the curves, where their content is not to decide.
        order: the order of curves in files that do not name them.
        rows_fps: rows a second, for curves without times.
        no_sync: do not measure how sound and curves lie to each other, which takes longest.
        plots: how many takes are plotted, the worst first.
        json: print what is in report.json instead of the table.

    Examples:
        koekao check takes
        koekao check takes --output report --no-sync
    """
    from koekao.api.takes import check as examine
    from koekao.takes.doctor.report import HTML_NAME, printable, report_text

    expect("takes", takes, "koekao check examines recordings; a corpus is compared by koekao verify")
    making = Making()
    with WorkProgress("examining", "takes") as progress:
        examined = examine(
            takes,
            output,
            read=read,
            order=order,
            rows_fps=rows_fps,
            sync=not no_sync,
            plots=plots,
            on_take=lambda done, of, name: progress.tell(done, of, printable(f"examining {name}")),
        )
    if json:
        OUT.print(report_text(examined), end="", soft_wrap=True)
    else:
        _say(examined, takes, output / HTML_NAME, making)
    return EXIT_UNUSABLE if any(not one.health.usable for one in examined) else None


def _say(examined: Sequence[Examined], takes: Path, report: Path, making: Making) -> None:
    """The worst takes as a table, what was found in them, and where to go from here."""
    from koekao.takes.doctor.report import levels_said, printable, summary

    shown = sorted(examined, key=lambda one: one.badness)[:MOST_TAKES]
    table(
        f"{printable(str(takes))}: {count(len(examined), 'take')}",
        ("take", "length", "rows/s", "lost", "sync", "findings"),
        [
            (
                printable(one.health.name),
                None if one.health.length_s is None else short_length(one.health.length_s),
                _rate(one),
                None if one.health.curves is None else f"{one.health.curves.lost_share:.1%}",
                _sync(one.health.sync),
                len(one.findings),
            )
            for one in shown
        ],
    )
    if len(shown) < len(examined):
        say(f"... and {count(len(examined) - len(shown), 'take')} more, none of them worse, in the report\n")
    for one in shown:
        told_of = [finding for finding in one.findings if finding.level != "note" or len(examined) == 1]
        if told_of:
            say(printable(one.health.name), style="bold")
        for finding in told_of:
            say(printable(f"  {finding.level}: {finding.what}{finding.when}\n    -> {finding.do}"))
    told = summary(examined)
    say(f"{length(3600 * told['hours'])} that can be used; takes: {levels_said(told['levels'])}")
    whole = any(one.health.usable and one.health.sound and one.health.curves for one in examined)
    then = ("koekao", "pack", printable(str(takes)), "CORPUS") if whole and takes.is_dir() else ()
    making.say(printable(f"the report {report}"), *then)


def _rate(one: Examined) -> str | None:
    curves = one.health.curves
    return None if curves is None or curves.rate_hz is None else f"{curves.rate_hz:.2f}"


def _sync(sync: Sync | None) -> str | None:
    if sync is None:
        return None
    return "unsure" if sync.sync_ms is None else f"{sync.sync_ms:+.0f} ms"
