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

# Read when torch is first imported: threads that wait do not spin. On two cores with one more busy process beside,
# training steps came at 6100 windows/s instead of 100 to 400.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

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
