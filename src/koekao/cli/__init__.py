"""The command line: one thin file a verb, each a call into the rooms and a table of what came out.

Errors of koekao and of usage are printed as they are, without a traceback, and exit with 2; ``--debug-errors`` anywhere
on the line shows the traceback too. Ctrl-C exits with 130.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence

# Read when torch is first imported: threads that wait do not spin. On a machine that does anything else beside,
# spinning made training thirty times slower; on an idle one it gained nothing that we could measure.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from cyclopts import App, CycloptsError, Parameter
from rich.text import Text

from koekao import __version__
from koekao.cli.animate import animate
from koekao.cli.batches import batches
from koekao.cli.console import ERRORS, say
from koekao.cli.demo import demo
from koekao.cli.evaluate import evaluate
from koekao.cli.inspect import inspect
from koekao.cli.pack import pack
from koekao.cli.synthesize import synthesize
from koekao.cli.train import train
from koekao.errors import KoekaoError

DEBUG_FLAG = "--debug-errors"
EXIT_ERROR, EXIT_INTERRUPTED = 2, 130


def _shown_default(value: object) -> str | None:
    """What help says of a default; that a switch is off and that nothing is set goes without saying."""
    return None if value is False or value == {} else str(value)


app = App(
    name="koekao",
    help="Speech in, the 52 ARKit face curves out.\n\n"
    "The way of the data: TAKES -pack-> CORPUS -train-> RUN -animate-> face.csv.\n\n"
    "Begin with koekao demo. Say --debug-errors to see where in the code an error was raised.",
    version=__version__,
    help_format="rst",
    default_parameter=Parameter(negative_iterable=(), show_default=_shown_default),
    suppress_keyboard_interrupt=False,
)
_VERBS: tuple[Callable[..., int | None], ...] = (pack, inspect, batches, train, evaluate, animate, synthesize, demo)
for place, verb in enumerate(_VERBS):
    app.command(verb, sort_key=place)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and exit: 0 done, 2 an error that was said, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    show_traceback = DEBUG_FLAG in words
    try:
        code = _run([word for word in words if word != DEBUG_FLAG])
    except (KoekaoError, CycloptsError, OSError) as error:
        if show_traceback:
            traceback.print_exc()
        say(Text.assemble(("koekao: ", "bold red"), _text(error)), to=ERRORS)
        code = EXIT_ERROR
    except KeyboardInterrupt:
        say("koekao: interrupted", to=ERRORS)
        code = EXIT_INTERRUPTED
    sys.exit(code)


def _run(words: Sequence[str]) -> int:
    """Run a verb; its exit code."""
    try:
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # `koekao ... | head`; what is still buffered has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _text(error: KoekaoError | CycloptsError | OSError) -> str:
    """What is said of an error: koekao's own say all; of the others where to look."""
    if isinstance(error, CycloptsError):
        verb = " ".join(error.command_chain or ())
        return f"{error}\n  -> {' '.join(filter(None, ('koekao', verb, '--help')))} tells what there is"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}\n  -> check the path, its rights and the disk"
    return str(error)
