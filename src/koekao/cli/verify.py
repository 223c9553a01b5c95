"""``koekao verify CORPUS``."""

from __future__ import annotations

from pathlib import Path

from koekao.cli.console import count, json_out, say, working
from koekao.cli.place import Place

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

    with working("reading every byte"):
        problems = verify_corpus(corpus, takes)
    if json:
        said = [{"where": p.where, "what": p.what, "expected": p.expected, "do": p.do} for p in problems]
        json_out({"corpus": str(corpus), "takes": str(takes) if takes else None, "problems": said})
    else:
        for problem in problems:
            say(" ".join(str(problem).split()))
        sources = " and so are its sources" if takes else ""
        say(count(len(problems), "problem") if problems else f"{corpus}: all is as it was packed{sources}")
    return EXIT_PROBLEMS if problems else None
