"""``koekao view THING [OTHER]``: the page, served on this machine or written as one file."""

from __future__ import annotations

import sys
import threading
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, count, json_line, json_out, length, say, working
from koekao.errors import ConfigError
from koekao.interrupt import on_interrupt

if TYPE_CHECKING:
    from koekao.viewer.serving import Shown


def view(
    thing: Path,
    other: Path | None = None,
    /,
    *,
    sound: Path | None = None,
    take: str | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    model: Path | None = None,
    web: Path | None = None,
    port: Annotated[int, Parameter(show_default=False)] = 0,
    no_open: bool = False,
    json: bool = False,
) -> None:
    """Look at takes, animations and corpora on a page.

    It shows the face, the sound and the curves on one clock. With a run it shows what the run says of a sound beside
    what is true, where there are curves.

    Args:
        thing: a corpus, a folder of takes, a take, an animation file, or a run (or model.onnx).
        other: a second animation or take to compare with; with a run what it animates: a take, a sound or a corpus.
        sound: the sound of an animation, where it does not lie beside it.
        take: only this take of a corpus or folder.
        output: write one file instead, which opens from the disk without a network.
        model: a model.onnx: the page can record 10 s of the microphone and animate them (served pages alone).
        web: the folder of the browser library that it needs. Default: the wheel's, or web/dist of a checkout.
        port: of the server. Default: any that is free.
        no_open: do not open the browser.
        json: print the address as one line of JSON; with --output what was written.

    Examples:
        koekao view corpus
        koekao view face.csv --sound speech.wav
        koekao view truth.csv other.csv -o compared.html
        koekao view run take.wav
    """
    from koekao.api.faces import predicting
    from koekao.atomic import write_file
    from koekao.viewer.page import refuse_other_ending
    from koekao.viewer.serving import served
    from koekao.viewer.showing import shown as what_is_shown

    if output is not None:
        refuse_other_ending(output)
    if not 0 <= port <= 65535:
        raise ConfigError(f"port {port}", expected="0 to 65535")
    if output is not None and model is not None:
        raise ConfigError("--model of a page that is kept as a file", where=output, do="look at it without -o")
    making = Making()
    with working("reading"):
        seen = what_is_shown(thing, other, sound=sound, take=take, predicting=predicting)
        shown = _model(seen, model, web)
        page = None if output is None else shown.page(served=False)
    if output is not None and page is not None:
        write_file(output, page.encode())
        if json:
            return json_out({"output": str(output), "bytes": len(page.encode())} | making.as_dict([output]))
        return making.say(f"{output} ({len(page.encode()) / 1e6:.1f} MB, {_what(shown)})")
    over = threading.Event()
    with served(shown, port=port) as address, on_interrupt(over.set):  # who reads the address may say Ctrl-C at once
        if json:
            json_line({"address": address, "shows": _what(shown)})
        else:
            say(f"{_what(shown)}: {address}  (Ctrl-C ends)")
        sys.stdout.flush()  # who reads it through a pipe waits for the address
        if not no_open:
            webbrowser.open(address)
        over.wait()
    return None


def _what(shown: Shown) -> str:
    if shown.listing is not None:
        return f"{shown.listing.title}, {count(len(shown.listing), 'take')}"
    return "nothing" if shown.clip is None else f"{shown.clip.name}, {length(shown.clip.seconds)}"


def _model(shown: Shown, model: Path | None, web: Path | None) -> Shown:
    """What is shown with what records and animates in the page, if that was asked for."""
    from koekao.viewer.library import library

    if model is None:
        return shown
    folder = library(web)
    if model.suffix.lower() != ".onnx" or not model.is_file():
        raise ConfigError("is no model.onnx", where=model, do="make one with koekao export RUN -o model.onnx")
    return replace(shown, model=model, web=folder)
