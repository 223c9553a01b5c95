"""The verbs put together, and what the command line says of an error."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence

from cyclopts import App, CycloptsError, Parameter

from koekao import __version__
from koekao.cli.animate import animate
from koekao.cli.batches import batches
from koekao.cli.capture import capture
from koekao.cli.check import check
from koekao.cli.console import ERRORS, say
from koekao.cli.convert import convert
from koekao.cli.demo import demo
from koekao.cli.evaluate import evaluate
from koekao.cli.export import export
from koekao.cli.features import features
from koekao.cli.inspect import inspect
from koekao.cli.live import live
from koekao.cli.pack import pack
from koekao.cli.plot import plot
from koekao.cli.pretrain import pretrain
from koekao.cli.render import render
from koekao.cli.serve import serve
from koekao.cli.synthesize import synthesize
from koekao.cli.train import train
from koekao.cli.verify import verify
from koekao.cli.view import view
from koekao.errors import KoekaoError

EXIT_ERROR = 2
_VERBS: tuple[Callable[..., int | None], ...] = (
    capture,
    inspect,
    check,
    convert,
    pack,
    verify,
    features,
    batches,
    pretrain,
    train,
    evaluate,
    animate,
    view,
    plot,
    render,
    live,
    serve,
    export,
    synthesize,
    demo,
)


def _shown_default(value: object) -> str | None:
    """What help says of a default; that a switch is off and that nothing is set goes without saying."""
    return None if value is None or value is False or value in ({}, "") else str(value)


app = App(
    name="koekao",
    help="Speech in, the 52 ARKit face curves out.\n\n"
    "The way of the data: TAKES -pack-> CORPUS -train-> RUN -animate-> face.csv.\n\n"
    "Begin with koekao demo. With --debug-errors an error shows where in the code it was raised.",
    version=__version__,
    help_format="rst",
    default_parameter=Parameter(negative=(), show_default=_shown_default),
    suppress_keyboard_interrupt=False,
)
for _place, _verb in enumerate(_VERBS):
    # Only training has a switch that is on unless --no-... turns it off.
    app.command(_verb, sort_key=_place, default_parameter=Parameter(negative=None) if _verb is train else None)


def run(words: Sequence[str], *, show_traceback: bool) -> int:
    """Run one command line; its exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say_warning
            code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # `koekao ... | head` is no fault; what is still buffered has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KoekaoError, CycloptsError, OSError) as error:
        if show_traceback:
            traceback.print_exc()
        say(f"koekao: {_text(error)}", to=ERRORS, style="bold red", until=len("koekao:"))
        return EXIT_ERROR
    return code if isinstance(code, int) else 0


def _say_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning without the line of code that raised it."""
    say(f"koekao: warning: {message}", to=ERRORS, style="bold yellow", until=len("koekao: warning:"))


def _text(error: KoekaoError | CycloptsError | OSError) -> str:
    """What is said of an error: koekao's own say all; of the others where to look."""
    if isinstance(error, CycloptsError):
        verb = " ".join(error.command_chain or ())
        return f"{error}\n  -> {' '.join(filter(None, ('koekao', verb, '--help')))} tells what there is"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}\n  -> check the path, its rights and the disk"
    return str(error)
