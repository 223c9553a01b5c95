"""``koekao verify CORPUS``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from koekao.cli.console import Making, count, json_out, length, say
from koekao.cli.place import Place
from koekao.cli.progress import WorkProgress
from koekao.place import is_url

if TYPE_CHECKING:
    from koekao.corpus.datafile import DataFile

EXIT_PROBLEMS = 1


def verify(corpus: Place, /, *, takes: Path | None = None, json: bool = False) -> int | None:
    """Compare every byte of a corpus with what was packed.

    The columns beside it are looked at too. The exit code is 1 if anything is wrong, 0 if all is well.

    Args:
        corpus: a corpus.
        takes: the folder of takes that it was packed from; every source must still be what it was.
        json: print what was found as JSON.

    Examples:
        koekao verify corpus
        koekao verify corpus --takes takes
    """
    from koekao.corpus import verify as verify_corpus

    making, read = Making(), 0.0
    of_mb = None if is_url(corpus) else sum(path.stat().st_size for path in Path(corpus).rglob("*.arrow")) / 1e6
    with WorkProgress("reading every byte", "MB") as progress:

        def tell(file: DataFile) -> None:
            nonlocal read
            read += file.bytes / 1e6
            progress.tell(read, of_mb)

        problems = verify_corpus(corpus, takes, on_file=tell)
    if json:
        said = [{"where": p.where, "what": p.what, "expected": p.expected, "do": p.do} for p in problems]
        json_out(
            {"corpus": str(corpus), "takes": str(takes) if takes else None, "problems": said, "took_s": making.took_s}
        )
    else:
        for problem in problems:
            say(" ".join(str(problem).split()))
        took = f" ({read:.1f} MB read in {length(making.took_s)})"
        sources = " and so are its sources" if takes else ""
        say(count(len(problems), "problem") if problems else f"{corpus}: all is as it was packed{sources}{took}")
    return EXIT_PROBLEMS if problems else None
