"""The command line: one thin file a verb, each a call into the rooms and a table of what came out.

Errors of koekao and of usage are printed as they are, without a traceback, and exit with 2; ``--debug-errors`` anywhere
on the line shows the traceback too. Ctrl-C exits with 130.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

# Read when torch is first imported: threads that wait do not spin. On a machine that does anything else beside,
# spinning made training thirty times slower; on an idle one it gained nothing that we could measure.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from cyclopts import App, CycloptsError
from rich.text import Text

from koekao import __version__
from koekao.cli.animate import animate
from koekao.cli.batches import batches
from koekao.cli.console import ERRORS
from koekao.cli.demo import demo
from koekao.cli.evaluate import evaluate
from koekao.cli.inspect import inspect
from koekao.cli.pack import pack
from koekao.cli.synthesize import synthesize
from koekao.cli.train import train
from koekao.errors import KoekaoError

DEBUG_FLAG = "--debug-errors"
EXIT_ERROR, EXIT_INTERRUPTED = 2, 130

app = App(
    name="koekao",
    help="Speech in, the 52 ARKit face curves out.\n\n"
    "The way of the data: TAKES -pack-> CORPUS -train-> RUN -animate-> face.csv. Begin with `koekao demo`.\n\n"
    "Say --debug-errors to see where in the code an error was raised.",
    version=__version__,
    help_format="rst",
)
for verb in (pack, inspect, batches, train, evaluate, animate, synthesize, demo):
    app.command(verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and exit: 0 done, 2 an error that was said, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    show_traceback = DEBUG_FLAG in words
    try:
        code = app(
            [word for word in words if word != DEBUG_FLAG],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except (KoekaoError, CycloptsError) as error:
        if show_traceback:
            traceback.print_exc()
        ERRORS.print(Text.assemble(("koekao: ", "bold red"), str(error)), soft_wrap=True)
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        ERRORS.print("koekao: interrupted")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # `koekao ... | head` is no fault
        sys.stderr.close()
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
