"""Help tells everything, fits 80 columns, and costs no torch."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import get_args

import pytest

import koekao
from koekao import arkit
from koekao.cli.app import VERBS as GROUPS
from koekao.cli.app import app, examples
from koekao.takes.policies import Order

VERBS = (
    *("demo", "doctor", "synthesize", "completion"),
    *("capture", "inspect", "check", "convert"),
    *("pack", "verify", "features", "batches"),
    *("pretrain", "train", "evaluate", "export"),
    *("animate", "live", "serve"),
    *("view", "plot", "render"),
)
"""In the order of the way, as help groups them."""


def shown(text: str) -> list[str]:
    """The first words of the rows of panels."""
    return [line.split()[1] for line in text.splitlines() if line.startswith("│ ") and line[2] != " "]


def test_the_verbs_are_listed_in_the_order_of_the_way(cli: Callable) -> None:
    said = cli("--help")
    assert (said.code, said.err) == (0, "")
    assert tuple(shown(said.out)[: len(VERBS)]) == VERBS
    assert tuple(verb.__name__ for group in GROUPS.values() for verb in group) == VERBS
    titles = [line.split()[1] for line in said.out.splitlines() if line.startswith("╭")]
    assert titles == [*GROUPS, "Help"]
    assert "--debug-errors" in said.out


def test_each_verb_is_told_in_one_line(cli: Callable) -> None:
    """A page to look over: no verb of the list goes on in a second line."""
    rows = [line for line in cli("--help").out.splitlines() if line.startswith("│")]
    assert len(rows) == len(VERBS) + len(("--help", "--version"))
    assert all(row.rstrip("│ ").endswith(".") for row in rows)


def test_without_a_word_it_shows_help(cli: Callable) -> None:
    assert cli() == cli("--help")


def test_it_says_its_version(cli: Callable) -> None:
    assert cli("--version").out.strip() == koekao.__version__


@pytest.mark.parametrize("verb", VERBS)
def test_each_parameter_is_described(verb: str) -> None:
    arguments = app[verb].assemble_argument_collection(parse_docstring=True)
    assert [argument.name for argument in arguments if argument.show and not argument.parameter.help] == []


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_fits_80_columns_and_holds_no_leftovers(cli: Callable, verb: str) -> None:
    said = cli(*verb.split(), "--help")
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines())) <= 80
    for leftover in ("None", "default: False", "default: {}", "--empty", "Literal", "``", ":class:"):
        assert leftover not in said.out


def test_words_that_may_be_left_out_have_names(cli: Callable) -> None:
    for verb, usage in {"view": "THING [OTHER]", "render": "ANIMATION [OTHER] --output PATH", "live": "[RUN]"}.items():
        assert cli(verb, "--help").out.startswith(f"Usage: koekao {verb} {usage} [OPTIONS]\n")


@pytest.mark.parametrize("verb", VERBS)
def test_json_is_offered_by_every_verb(cli: Callable, verb: str) -> None:
    assert "--json " in cli(verb, "--help").out


@pytest.mark.parametrize("verb", VERBS)
def test_examples_are_command_lines_that_can_be_read(cli: Callable, verb: str) -> None:
    """Each ends the help as it stands in the code, on a line of its own, and the options in it are there."""
    text = cli(verb, "--help").out
    _, _, told = text.partition("\nExamples:\n\n")
    lines = examples(next(one for group in GROUPS.values() for one in group if one.__name__ == verb))
    assert [line.rstrip() for line in told.splitlines()] == lines and lines
    assert any(f"koekao {verb}" in line for line in lines)
    for line in lines:
        words = shlex.split(line.replace("source <(", "").replace(")", ""))
        words = words[words.index("koekao") + 1 :]
        app.parse_args(words, print_error=False, exit_on_error=False)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_no_word_is_broken_and_nothing_is_a_wall(cli: Callable, verb: str) -> None:
    """Every word of the texts stands whole in some line, and a panel has at most 60 lines."""
    text = cli(*verb.split(), "--help").out
    for panel in text.split("╭")[1:]:
        assert panel.count("\n│") <= 60
    if verb:
        whole = set(text.replace("│", " ").split())
        for argument in app[verb].assemble_argument_collection(parse_docstring=True):
            if argument.show:
                assert set(re.sub("`", "", argument.parameter.help).split()) <= whole, argument.name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("trian", "a", "b"), 'Unknown command "trian". Did you mean "train"?'),
        (("train", "a", "b", "--minuts", "1"), "Unknown option: --minuts. Did you mean --minutes?"),
        (("pack", "a", "b", "--spilt-by", "take"), "Did you mean --split-by?"),
    ],
)
def test_a_typing_error_is_told_with_what_was_meant(cli: Callable, words: tuple[str, ...], told: str) -> None:
    said = cli(*words)
    assert (said.code, said.out) == (2, "") and told in said.err


def test_every_setting_of_training_has_an_option(cli: Callable) -> None:
    said = cli("train", "--help").out
    for name in koekao.TrainConfig.__dataclass_fields__:
        assert f"--{name.replace('_', '-')} " in said


def test_every_setting_of_pretraining_has_an_option(cli: Callable) -> None:
    said = cli("pretrain", "--help").out
    for name in koekao.training.PretrainConfig.__dataclass_fields__:
        assert f"--{name.replace('_', '-')} " in said


def test_the_orders_on_offer_are_those_that_there_are() -> None:
    assert get_args(Order) == tuple(arkit.ORDERS)


def test_help_and_usage_errors_do_not_wait_for_torch() -> None:
    seen = """
import sys
from koekao.cli import main
lines = (
    ["--help"],
    ["train", "--help"],
    ["train", "a", "b", "--epochs", "1", "--minutes", "1"],
    ["pretrain", "--help"],
    ["pretrain", "a", "b", "--steps", "0"],
    ["completion", "bash"],
    ["doctor", "--json"],
)
for words in lines:
    try:
        main(words)
    except SystemExit:
        pass
heavy = {"torch", "pyarrow", "soxr", "safetensors", "numba", "scipy", "matplotlib", "onnxruntime"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_threads_that_wait_are_told_not_to_spin_before_torch_comes() -> None:
    seen = "import os, sys, koekao.cli; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, env=env)
    assert done.stdout.split() == ["1000", "False"]
