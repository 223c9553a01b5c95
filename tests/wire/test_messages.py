"""Law: a message is the JSON that the documents show, gives every float32 back, and nothing else is taken for one."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from koekao.arkit import HEAD_AND_EYES, NAMES
from koekao.errors import WireError
from koekao.wire import still
from koekao.wire.messages import (
    MOST_MESSAGE_BYTES,
    Every,
    FrameMessage,
    Hello,
    decode,
    decode_command,
    encode_command,
    encode_frame,
    encode_hello,
)
from wire_faces import known, moving

FRAME: dict[str, Any] = {
    "frame": 3,
    "time": 0.125,
    "blendshapes": {name: (k + 1) / 64 for k, name in enumerate(NAMES)},
    "pose": [(k - 4) / 16 for k in range(9)],
}
HELLO: dict[str, Any] = {
    "hello": "koekao",
    "version": 1,
    "subject": "face",
    "fps": "30000/1001",
    "names": list(NAMES),
    "pose": list(HEAD_AND_EYES),
}


def test_the_messages_of_a_known_frame() -> None:
    assert json.loads(encode_frame(known())) == FRAME
    assert list(json.loads(encode_frame(known()))["blendshapes"]) == list(NAMES)
    assert encode_frame(known()).startswith('{"frame": 3, "time": 0.125, "blendshapes": {"browDownLeft": 0.015625, ')
    assert json.loads(encode_hello(Fraction(30000, 1001), "face")) == HELLO
    assert json.loads(encode_hello(Fraction(60), "face"))["fps"] == "60"
    assert json.loads(encode_command(Every(frames=2))) == {"command": "every", "frames": 2}


def test_what_is_read_is_what_was_written() -> None:
    odd = still(2**53 - 1, Fraction(1, 3), np.geomspace(1e-40, 3e38, 52).astype(np.float32))
    for frame in (*moving(20, Fraction(60)), odd):
        read = decode(encode_frame(frame))
        assert isinstance(read, FrameMessage)
        assert np.array_equal(read.curves, frame.curves) and np.array_equal(read.pose, frame.pose)
        assert (read.number, read.time_s) == (frame.number, float(frame.time_s))
    assert decode(encode_hello(Fraction(30000, 1001), "face")) == Hello(subject="face", fps=Fraction(30000, 1001))
    assert decode_command(encode_command(Every(frames=7))) == Every(frames=7)


def test_names_are_what_counts_and_not_their_order() -> None:
    turned = FRAME | {"blendshapes": dict(reversed(FRAME["blendshapes"].items()))}
    read = decode(json.dumps(turned))
    assert isinstance(read, FrameMessage) and np.array_equal(read.curves, known().curves)


def shapes(**changes: Any) -> dict[str, Any]:
    return FRAME | {"blendshapes": FRAME["blendshapes"] | changes}


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ("", "message"),
        ("[]", "message"),
        ("1", "message"),
        ("{}", "message"),
        ("[" * 9000, "message"),
        ('{"frame": ' + "[" * 900 + "]" * 900 + ', "time": 0, "blendshapes": 0, "pose": 0}', "blendshapes"),
        (json.dumps(FRAME | {"more": 1}), "message"),
        (json.dumps(FRAME)[:-1] + ', "frame": 4}', "message"),
        (json.dumps(FRAME).replace("0.125", "NaN", 1), "message"),
        (json.dumps(FRAME).replace("0.125", "9" * 5000, 1), "message"),
        (json.dumps(FRAME).replace("0.125", "1e999", 1), "time"),
        (FRAME | {"time": -1}, "time"),
        (FRAME | {"time": True}, "time"),
        (FRAME | {"time": 10**400}, "time"),
        (FRAME | {"frame": 0.5}, "frame"),
        (FRAME | {"frame": True}, "frame"),
        (FRAME | {"frame": -1}, "frame"),
        (FRAME | {"frame": 2**53}, "frame"),
        (FRAME | {"pose": [0] * 8}, "pose"),
        (FRAME | {"pose": "123456789"}, "pose"),
        (FRAME | {"pose": [0, 0, "0", *[0] * 6]}, "HeadRoll"),
        (FRAME | {"blendshapes": list(range(52))}, "blendshapes"),
        (shapes(jawopen=1), "blendshapes"),
        (FRAME | {"blendshapes": dict.fromkeys(NAMES[1:], 0)}, "blendshapes"),
        (shapes(jawOpen=None), "jawOpen"),
        (shapes(jawOpen=True), "jawOpen"),
        (shapes(jawOpen=1e39), "jawOpen"),
        (shapes(jawOpen=10**50), "jawOpen"),
        (HELLO | {"hello": "other"}, "version"),
        (HELLO | {"version": 2}, "version"),
        (HELLO | {"version": True}, "version"),
        (HELLO | {"subject": ""}, "subject"),
        (HELLO | {"subject": "a\0b"}, "subject"),
        (HELLO | {"subject": "\ud800"}, "subject"),
        (HELLO | {"fps": 30}, "fps"),
        (HELLO | {"fps": "30/0"}, "fps"),
        (HELLO | {"fps": "9" * 5000}, "fps"),
        (HELLO | {"names": list(NAMES[1:])}, "names"),
        (HELLO | {"names": [*NAMES[1:], NAMES[0]]}, "names"),
        (HELLO | {"pose": []}, "pose"),
        (" " * MOST_MESSAGE_BYTES + "{}", "message"),
    ],
)
def test_what_is_no_message_is_refused_by_the_name_of_the_field(message: Any, where: str) -> None:
    with pytest.raises(WireError) as refused:
        decode(message if isinstance(message, str) else json.dumps(message))
    assert refused.value.where == f"websocket:{where}" and refused.value.expected
    assert len(str(refused.value)) < 400 + len(", ".join(FRAME))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "message"),
        ('{"command": "every"}', "message"),
        ('{"command": "every", "frames": 2, "more": 1}', "message"),
        ('{"command": "stop", "frames": 2}', "command"),
        ('{"command": [[[]]], "frames": 2}', "command"),
        ('{"command": "every", "frames": 0}', "frames"),
        ('{"command": "every", "frames": 1001}', "frames"),
        ('{"command": "every", "frames": "2"}', "frames"),
        ('{"command": "every", "frames": true}', "frames"),
        (" " * 1024 + '{"command": "every", "frames": 2}', "message"),
    ],
)
def test_what_is_no_command_is_refused_by_the_name_of_the_field(text: str, where: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_command(text)
    assert refused.value.where == f"websocket:{where}"
