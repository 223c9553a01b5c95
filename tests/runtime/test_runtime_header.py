"""The header of an exported model: read as it was written, and nothing believed that does not fit."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from koekao.arkit import NAMES
from koekao.clock import Clock
from koekao.errors import ModelError
from koekao.runtime import Header
from koekao.runtime.header import read_header

CLOCK = Clock(16000, Fraction(30000, 1001))


def header(**more: Any) -> Header:
    fresh = {
        "next_frame": np.array(0, np.int64),
        "sound": np.zeros(3000, np.float32),
        "past": np.array([[0.25, -1e-30, np.pi], [1, 2, 3]], np.float32),
        "summary": np.array([0.1], np.float64),
        "started": np.array(True),
    }
    facts: dict[str, Any] = {
        "model": "stream",
        "config": {"dim": 16, "features": {"fps": "30000/1001"}},
        "koekao": "0.1.0",
        "clock": CLOCK,
        "look_ahead_frames": 3,
        "first_samples": CLOCK.frame_start(3),
        "weights_sha256": "00" * 32,
        "fresh": fresh,
    }
    return Header(**facts | more)


def changed(**more: Any) -> str:
    said = json.loads(header().as_text()) | more
    return json.dumps({name: value for name, value in said.items() if value is not ...})


def state(name: str, **more: Any) -> list[dict[str, Any]]:
    """The state of the header with one entry changed, or without it."""
    said = json.loads(header().as_text())["state"]
    return [entry | (more if entry["name"] == name else {}) for entry in said if more or entry["name"] != name]


def test_what_is_written_is_read() -> None:
    said, written = read_header(header().as_text(), "model.onnx"), header()
    for name in ("model", "config", "koekao", "clock", "look_ahead_frames", "first_samples", "weights_sha256"):
        assert getattr(said, name) == getattr(written, name), name
    assert list(said.fresh) == list(written.fresh)
    for name, value in written.fresh.items():
        assert (said.fresh[name].dtype, said.fresh[name].shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(said.fresh[name], value)


def test_the_text_is_what_other_programs_are_told_it_is() -> None:
    said = json.loads(header().as_text())
    assert (said["format"], said["version"], said["fps"], said["sample_rate"]) == (
        "koekao-onnx",
        1,
        "30000/1001",
        16000,
    )
    assert said["curves"] == list(NAMES)
    by_name = {entry["name"]: entry for entry in said["state"]}
    assert by_name["sound"] == {"name": "sound", "dtype": "float32", "shape": [3000]}, "zeros need no text"
    assert by_name["started"] == {"name": "started", "dtype": "bool", "shape": [], "base64": "AQ=="}
    assert by_name["summary"]["base64"] == "mpmZmZmZuT8=", "little-endian, whatever machine wrote it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no koekao header among its metadata; expected a model made by koekao export"),
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "names no format"),
        (changed(format="onnx"), "names no format"),
        (changed(version=True), "names no format"),
        (changed(version="1"), "names no format"),
        (changed(version=2), "format version 2; expected up to 1\n  -> install a newer koekao"),
        (changed(curves=[*NAMES[1:], NAMES[0]]), "other curves; expected the 52 of ARKit in their order"),
        (changed(curves=...), "no curves in its koekao header"),
        (changed(fps="0"), "its clock cannot be: frame rate '0'"),
        (changed(fps=30), "fps is 30 in its koekao header; expected str"),
        (changed(sample_rate=16000.0), "sample_rate is 16000.0"),
        (changed(sample_rate=-1), "its clock cannot be: sample rate -1"),
        (changed(look_ahead_frames=-1), "look_ahead_frames -1"),
        (changed(look_ahead_frames=10**9), "look_ahead_frames 1000000000"),
        (changed(first_samples=1600), "look_ahead_frames 3 with first_samples 1600"),
        (changed(model=...), "no model in its koekao header; expected str"),
        (changed(config="{}"), "config is '{}'"),
        (changed(koekao=1), "koekao is 1"),
        (changed(weights_sha256=...), "no weights_sha256"),
        (changed(state={}), "state is {}"),
        (changed(state=["past"]), "an entry of state is 'past'"),
        (changed(state=state("next_frame")), "no next_frame in its state"),
        (changed(state=state("next_frame", dtype="float32")), "no next_frame in its state"),
        (changed(state=state("next_frame", shape=[1])), "no next_frame in its state"),
        (changed(state=state("sound")), "no sound in its state; expected at least 1602 float32"),
        (changed(state=state("sound", shape=[1601])), "no sound in its state"),
        (changed(state=state("sound", dtype="float64")), "no sound in its state"),
        (changed(state=state("past", dtype="object")), "state 'past' is object"),
        (changed(state=state("past", dtype="float16")), "state 'past' is float16"),
        (changed(state=state("past", shape=[3, -2])), "state 'past' is float32 [3, -2]"),
        (changed(state=state("past", shape=[2, "3"])), "state 'past' is float32 [2, '3']"),
        (changed(state=state("sound", shape=[2**40])), "state 'sound' is float32 [1099511627776]"),
        (changed(state=state("past", shape=[2, 4])), "state 'past' has 24 bytes; expected 32"),
        (changed(state=state("past", base64="AAA")), "state 'past' is no base64"),
        (changed(state=state("past", base64="ééé=")), "state 'past' is no base64"),
        (changed(state=state("past", base64="!" + "A" * 32)), "state 'past' is no base64"),
        (changed(state=state("past", base64=7)), "base64 is 7"),
    ],
)
def test_what_does_not_fit_is_refused(text: str | None, told: str) -> None:
    with pytest.raises(ModelError) as refused:
        read_header(text, "model.onnx")
    assert str(refused.value).startswith("model.onnx: ") and told in str(refused.value)
