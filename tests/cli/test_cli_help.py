"""Help tells everything, fits 80 columns, and costs no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import get_args

import pytest

import koekao
from koekao import arkit
from koekao.cli.app import app
from koekao.takes.policies import Order

VERBS = (
    *("capture", "inspect", "check", "convert", "pack", "verify", "features", "batches"),
    *(
        "pretrain",
        "train",
        "evaluate",
        "animate",
        "view",
        "plot",
        "render",
        "live",
        "serve",
        "export",
        "synthesize",
        "demo",
    ),
)
WITH_JSON = set(VERBS) - {"demo", "view"}


def test_the_verbs_are_listed_in_the_order_of_the_way(cli: Callable) -> None:
    said = cli("--help")
    listed = [line.split()[1] for line in said.out.splitlines() if line.startswith("│ ") and line[2] != " "]
    assert (said.code, said.err) == (0, "")
    assert tuple(listed[: len(VERBS)]) == VERBS
    assert "--debug-errors" in said.out


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


@pytest.mark.parametrize("verb", VERBS)
def test_json_is_offered_where_something_is_found(cli: Callable, verb: str) -> None:
    assert ("--json" in cli(verb, "--help").out) == (verb in WITH_JSON)


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
)
for words in lines:
    try:
        main(words)
    except SystemExit:
        pass
print(sorted({"torch", "pyarrow", "soundfile", "soxr", "safetensors"} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_threads_that_wait_are_told_not_to_spin_before_torch_comes() -> None:
    seen = "import os, sys, koekao.cli; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, env=env)
    assert done.stdout.split() == ["1000", "False"]
