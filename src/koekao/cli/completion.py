"""``koekao completion SHELL``: words that the shell fills in at Tab."""

from __future__ import annotations

from typing import Any, Literal

from koekao.cli.console import Making, json_out, say
from koekao.errors import ConfigError

Shell = Literal["bash", "zsh", "fish"]


def completion(shell: Shell | None = None, /, *, install: bool = False, json: bool = False) -> None:
    """Let the shell fill in words when Tab is pressed.

    It knows verbs, options, their choices and files. It prints a script for the shell; with --install the script is put
    where that shell looks for such, and of bash and zsh the file that they begin with (.bashrc, .zshrc) gets a line
    that loads it. It does not change until koekao does.

    Args:
        shell: bash, zsh or fish. Default: the one that this is started from.
        install: write the script and load it in every new shell.
        json: print the script, or with --install where it went, as JSON.

    Examples:
        koekao completion bash --install
        source <(koekao completion bash)
    """
    from koekao.cli.app import app

    making, meant = Making(), shell or _shell_here()
    of: dict[str, Any] = {"shell": meant}
    if not install:
        script = app.generate_completion(**of)
        return json_out(of | {"script": script}) if json else print(script, end="")
    path = app.install_completion(**of)
    if json:
        return json_out(of | making.as_dict([path]))
    say(f"open a new {meant} and press Tab after: koekao ")
    return making.say(path)


def _shell_here() -> Shell:
    """The shell that this was started from."""
    from cyclopts.completion.detect import ShellDetectionError, detect_shell

    try:
        found = detect_shell()
    except ShellDetectionError:
        found = None
    for known in ("bash", "zsh", "fish"):
        if found == known:
            return known
    raise ConfigError("cannot tell which shell this is", expected="bash, zsh or fish", do="koekao completion bash")
