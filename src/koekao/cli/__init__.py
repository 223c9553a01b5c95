"""The command line: one thin file a verb, each a call into the rooms and a table of what came out.

Errors of koekao and of usage are printed as they are, without a traceback, and exit with 2; ``--debug-errors`` anywhere
on the line shows the traceback too. Ctrl-C exits with 130, also while modules are still being imported, which is why
the verbs are imported inside :func:`main`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

# Read when torch is first imported: how long a thread spins before it sleeps. Training steps on two cores, in
# windows/s, idle and beside one busy process: GNU's own choice 9900 and 2000 (100 to 400 beside several), 1000 turns
# 6100 and 4600, no spinning 4000 and 6000.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

DEBUG_FLAG = "--debug-errors"
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and exit: 0 done, 2 an error that was said, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be in no encoding
    try:
        from koekao.cli.app import run

        code = run([word for word in words if word != DEBUG_FLAG], show_traceback=DEBUG_FLAG in words)
    except KeyboardInterrupt:
        print("koekao: interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    sys.exit(code)
