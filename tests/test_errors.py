"""Law: an error reaches the user as it was raised: its type, its place and its advice, through any process boundary."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys

import pytest
from torch._utils import ExceptionWrapper

import koekao.errors
from koekao.errors import (
    BatchError,
    ConfigError,
    CorpusError,
    CurvesError,
    KoekaoError,
    ModelError,
    OutputError,
    PlanError,
    RunError,
    SoundError,
    TakeError,
    WireError,
)

KINDS = [ConfigError, CorpusError, CurvesError, KoekaoError, ModelError, OutputError, PlanError, RunError, SoundError]
KINDS += [BatchError, TakeError, WireError]
every_kind = pytest.mark.parametrize("kind", KINDS)
TEXT = "a.csv:3:JawOpen: '0,5' is no number; expected 0 to 1\n  -> write 0.5"


def made(kind: type[KoekaoError]) -> KoekaoError:
    return kind("'0,5' is no number", where="a.csv:3:JawOpen", expected="0 to 1", do="write 0.5")


def test_every_error_of_the_module_is_in_this_test_and_has_the_one_root() -> None:
    found = {kind for _, kind in inspect.getmembers(koekao.errors, inspect.isclass) if issubclass(kind, Exception)}
    assert found == set(KINDS)
    assert all(issubclass(kind, KoekaoError) for kind in found)
    assert issubclass(SoundError, TakeError) and issubclass(CurvesError, TakeError)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "no takes"),
        ({"where": "here"}, "here: no takes"),
        ({"expected": "some"}, "no takes; expected some"),
        ({"do": "look"}, "no takes\n  -> look"),
        ({"where": 3, "expected": "some", "do": "look"}, "3: no takes; expected some\n  -> look"),
    ],
)
def test_the_text_names_place_fault_expectation_and_advice(fields: dict[str, object], text: str) -> None:
    assert str(TakeError("no takes", **fields)) == text


@every_kind
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_survive_pickling(kind: type[KoekaoError], protocol: int) -> None:
    error = pickle.loads(pickle.dumps(made(kind), protocol))  # noqa: S301
    assert type(error) is kind
    assert (error.what, error.where) == ("'0,5' is no number", "a.csv:3:JawOpen")
    assert (error.expected, error.do, str(error)) == ("0 to 1", "write 0.5", TEXT)
    assert str(copy.copy(error)) == str(copy.deepcopy(error)) == TEXT


@every_kind
def test_errors_survive_being_made_from_their_text(kind: type[KoekaoError]) -> None:
    error = kind(str(made(kind)))
    assert type(error) is kind
    assert str(error) == TEXT
    assert str(pickle.loads(pickle.dumps(error))) == TEXT  # noqa: S301


@every_kind
def test_errors_survive_a_worker_of_a_dataloader(kind: type[KoekaoError]) -> None:
    try:
        raise made(kind)
    except KoekaoError:
        wrapped = ExceptionWrapper(sys.exc_info(), where="in DataLoader worker process 0")
    with pytest.raises(kind, match=r"a\.csv:3:JawOpen: '0,5' is no number"):
        wrapped.reraise()
