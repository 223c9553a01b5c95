"""The verbs put together, and what the command line says of an error."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from inspect import Parameter as Parameter_
from inspect import getdoc, signature

from cyclopts import App, CycloptsError, Group, Parameter

from koekao import __version__
from koekao.cli.animate import animate
from koekao.cli.batches import batches
from koekao.cli.capture import capture
from koekao.cli.check import check
from koekao.cli.completion import completion
from koekao.cli.console import ERRORS, say
from koekao.cli.convert import convert
from koekao.cli.demo import demo
from koekao.cli.doctor import doctor
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
Verb = Callable[..., int | None]
VERBS: dict[str, tuple[Verb, ...]] = {
    "Begin": (demo, doctor, synthesize, completion),
    "Recordings": (capture, inspect, check, convert),
    "Corpus": (pack, verify, features, batches),
    "Training": (pretrain, train, evaluate, export),
    "Faces": (animate, live, serve),
    "Pictures": (view, plot, render),
}
"""In the order of the way that data goes."""
_HELP = """Speech in, the 52 ARKit face curves out.

The way of the data: TAKES -pack-> CORPUS -train-> RUN -animate-> face.csv.

An error says where, what was seen, what was expected and what to do, and ends with 2. With --debug-errors it also shows
where in the code it was raised."""
_FIRST = """First steps:

| koekao doctor
| koekao demo
| koekao VERB --help"""


def _shown_default(value: object) -> str | None:
    """What help says of a default; that a switch is off and that nothing is set goes without saying."""
    return None if value is None or value is False or value in ({}, (), "") else str(value)


def _usage(verb: Verb) -> str | None:
    """What is said first of a verb some of whose words may be left out; cyclopts calls them all ARGS."""
    words, optional, named = [verb.__name__], False, []
    for name, parameter in signature(verb).parameters.items():
        if parameter.kind is Parameter_.POSITIONAL_ONLY:
            needed = parameter.default is Parameter_.empty
            optional = optional or not needed
            words.append(name.upper() if needed else f"[{name.upper()}]")
        elif parameter.default is Parameter_.empty:
            named.append(f"--{name} PATH")
    return f"Usage: koekao {' '.join((*words, *named))} [OPTIONS]" if optional else None


def examples(verb: Verb) -> list[str]:
    """The command lines at the end of a verb's docstring."""
    _, _, lines = (getdoc(verb) or "").partition("\nExamples:\n")
    return [line.strip() for line in lines.splitlines() if line.strip()]


def _epilogue(verb: Verb) -> str:
    return "Examples:\n\n" + "\n".join(f"| {line}" for line in examples(verb))


app = App(
    name="koekao",
    help=_HELP,
    version=__version__,
    help_format="rst",
    help_epilogue=_FIRST,
    group_commands=Group("Help", sort_key=len(VERBS)),
    default_parameter=Parameter(negative=(), show_default=_shown_default),
    suppress_keyboard_interrupt=False,
)
for _row, (_title, _verbs) in enumerate(VERBS.items()):
    _group = Group(_title, sort_key=_row)
    for _place, _verb in enumerate(_verbs):
        app.command(
            _verb,
            group=_group,
            sort_key=_place,
            usage=_usage(_verb),
            help_epilogue=_epilogue(_verb),
            # Only training has a switch that is on unless --no-... turns it off.
            default_parameter=Parameter(negative=None) if _verb is train else None,
        )


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
