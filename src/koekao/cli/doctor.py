"""``koekao doctor``: what is installed here, what each extra adds, and what does not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from koekao.cli.console import count, json_out, say, table, working

if TYPE_CHECKING:
    from koekao.installation import Installation

EXIT_PROBLEMS = 1


def doctor(*, json: bool = False) -> int | None:
    """Say what is installed here and what does not go together.

    Of each extra it says what that adds and how to get it. The exit code is 1 if there is a problem. An extra that is
    not installed is none. Recordings are examined by koekao check.

    Args:
        json: print everything as JSON.

    Examples:
        koekao doctor
        koekao doctor --json
    """
    from koekao.installation import look

    with working("looking"):
        found = look()
    if json:
        json_out(found.as_dict())
    else:
        _show(found)
    return EXIT_PROBLEMS if found.problems else None


def _show(found: Installation) -> None:
    memory_gb = found.memory_gb
    torch, numba, llvmlite = (found.packages.get(name) for name in ("torch", "numba", "llvmlite"))
    kept = "nowhere" if found.kept_in is None else found.kept_in
    memory = "" if memory_gb is None else f"{memory_gb:.1f} GB of memory, "
    for title, said in (
        ("koekao", f"{found.koekao}, {found.place}"),
        ("Python", f"{found.python}, {found.executable}, {found.machine}"),
        ("torch", f"{torch or 'not installed'}, {count(found.threads, 'CPU thread')}"),
        ("GPU", _gpu(found)),
        ("sound", f"libsndfile {found.libsndfile}" if found.libsndfile else "no libsndfile"),
        ("compiler", f"numba {numba}, llvmlite {llvmlite}; loops kept in {kept}"),
        ("free", f"{memory}{found.disk_gb:.1f} GB of disk here"),
    ):
        say(f"{title:<10}{said}", style="bold", until=len(title))
    say("")
    rows = [(extra.name, "yes" if extra.installed else "no", extra.adds) for extra in found.extras]
    table("Extras", ("name", "here", "what it adds"), rows)
    missing = [extra.name for extra in found.extras if not extra.installed]
    if missing:
        say(f'get one, or several: pip install "koekao[{",".join(missing[:2])}]"')
    for problem in found.problems:
        say(f"problem: {problem}", style="bold red", until=len("problem:"))
    say(count(len(found.problems), "problem") if found.problems else "all is well; next: koekao demo")


def _gpu(found: Installation) -> str:
    if not found.gpus:
        return "none that NVIDIA's driver shows"
    cannot = " (this torch is built for CPUs alone)" if "+cpu" in (found.packages.get("torch") or "") else ""
    return "; ".join(found.gpus) + cannot
