"""Law: a Live Link packet is the layout that Unreal reads, byte for byte, and its time is the frame's."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koekao.arkit import HEAD_AND_EYES, ORDERS
from koekao.errors import WireError
from koekao.wire import still
from koekao.wire.livelink import decode, device_of, encode, frame_time
from wire_faces import UNREAL, known, value_of

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001), Fraction(60000, 1001)]
DEVICE = "D" * 36


def packet(**changes: object) -> bytes:
    """A good packet, written here, with changes to its fields."""
    field = {
        "version": 6, "device_length": 36, "device": DEVICE.encode(), "subject_length": 4, "subject": b"face",
        "frame": 3, "subframe": 0.75, "numerator": 30, "denominator": 1, "count": 61, "values": [0.5] * 61, "end": b"",
    } | changes  # fmt: skip
    return b"".join(
        (
            struct.pack(">B", field["version"]),
            struct.pack(">i", field["device_length"]) + field["device"],
            struct.pack(">i", field["subject_length"]) + field["subject"],
            struct.pack(">ifii", field["frame"], field["subframe"], field["numerator"], field["denominator"]),
            struct.pack(">B", field["count"]),
            struct.pack(f">{len(field['values'])}f", *field["values"]),
            field["end"],
        )
    )


def test_the_bytes_of_a_known_frame() -> None:
    values = [value_of(name) for name in UNREAL] + [(k - 4) / 16 for k in range(9)]
    by_hand = (
        b"\x06"
        + b"\x00\x00\x00\x24" + b"D" * 36
        + b"\x00\x00\x00\x04" + b"face"
        + b"\x00\x00\x00\x03" + b"\x3f\x40\x00\x00"  # 1/8 s at 30 fps: frame 3, subframe 0.75
        + b"\x00\x00\x00\x1e" + b"\x00\x00\x00\x01"
        + b"\x3d"
        + b"".join(struct.pack(">f", value) for value in values)
    )  # fmt: skip
    assert encode(known(), Fraction(30), "face", DEVICE) == by_hand
    assert len(by_hand) == 1 + 40 + 8 + 16 + 1 + 244


def test_a_reader_that_looks_for_the_subject_at_byte_41_finds_it() -> None:
    """Receivers exist that take a device id of 36 characters for granted."""
    data = encode(known(), Fraction(60000, 1001), "koekao")
    (length,) = struct.unpack(">i", data[41:45])
    assert data[45 : 45 + length] == b"koekao"
    frame, subframe, numerator, denominator, count = struct.unpack(">ifiiB", data[45 + length : 45 + length + 17])
    assert (numerator, denominator, count) == (60000, 1001, 61)
    assert Fraction(frame) + Fraction(subframe) == pytest.approx(Fraction(1, 8) * Fraction(60000, 1001), abs=1e-7)
    values = struct.unpack(">61f", data[45 + length + 17 :])
    assert dict(zip(UNREAL, values)) == {name: value_of(name) for name in UNREAL}


def test_sides_of_jaw_and_mouth_are_those_of_udp_and_not_of_the_csv() -> None:
    values = struct.unpack(">61f", encode(known(), Fraction(30), "face")[-244:])
    csv = ORDERS["livelink_csv"][2:]
    for side, at in {"JawLeft": 15, "JawRight": 16, "MouthLeft": 21, "MouthRight": 22}.items():
        assert UNREAL[at] == side and csv[at] != side
        assert values[at] == value_of(side)
    assert len({value_of(name) for name in UNREAL}) == 52
    assert decode(packet(values=[0.0] * 15 + [1.0] + [0.0] * 45)).curves.nonzero()[0].tolist() == [23]  # jawLeft


def test_what_is_read_is_what_was_written() -> None:
    read = decode(encode(known(), Fraction(30000, 1001), "face"))
    assert np.array_equal(read.curves, known().curves) and np.array_equal(read.pose, known().pose)
    assert (read.subject, read.device, read.fps) == ("face", device_of("face"), Fraction(30000, 1001))
    assert read.curves.dtype == read.pose.dtype == np.float32
    assert device_of("face") == device_of("face") != device_of("other") and len(device_of("face")) == 36
    assert len(HEAD_AND_EYES) == len(read.pose)


@pytest.mark.parametrize("fps", RATES)
@given(sample=st.integers(0, 48_000 * 36_000))
def test_the_time_is_the_frames_own_at_any_rate(fps: Fraction, sample: int) -> None:
    time_s = Fraction(sample, 48_000)
    number, subframe = frame_time(time_s, fps)
    assert 0 <= subframe < 1
    assert abs(number + Fraction(subframe) - time_s * fps) <= Fraction(1, 2**24)
    read = decode(encode(still(0, time_s, known().curves), fps, "face"))
    assert read.fps == fps and abs(read.time_s - time_s) * fps <= Fraction(1, 2**24)


@pytest.mark.parametrize("fps", RATES)
def test_frames_on_the_clock_have_no_subframe(fps: Fraction) -> None:
    for k in (0, 1, 7, 1_000_003):
        assert frame_time(k / fps, fps) == (k, 0.0)


def test_a_subframe_never_reaches_one() -> None:
    just_before = Fraction(1, 30) - Fraction(1, 10**12)
    assert frame_time(just_before, Fraction(30)) == (1, 0.0)


def test_what_cannot_be_sent_is_said() -> None:
    for subject in ("", "声", "a\0b", "x" * 65, "a\nb"):
        with pytest.raises(WireError, match="livelink:subject"):
            encode(known(), Fraction(30), subject)
    with pytest.raises(WireError, match=r"livelink:frame.*below 2\*\*31"):
        encode(still(0, Fraction(2**31, 30), known().curves), Fraction(30), "face")
    with pytest.raises(WireError, match="livelink:rate"):
        encode(known(), Fraction(2**32 + 1, 2**31 - 1), "face")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"version": 5}, "version"),
        ({"device_length": 3000}, "device"),
        ({"device_length": -1}, "device"),
        ({"device_length": 2**31 - 1}, "device"),
        ({"device": b"\xff" * 36}, "device"),
        ({"device": b"D" * 300, "device_length": 300}, "device"),
        ({"subject": b"a\0bc"}, "subject"),
        ({"subject_length": 5000}, "subject"),
        ({"frame": -1}, "time"),
        ({"subframe": 1.0}, "time"),
        ({"subframe": -0.25}, "time"),
        ({"subframe": float("nan")}, "time"),
        ({"denominator": 0}, "rate"),
        ({"denominator": -1, "numerator": -30}, "rate"),
        ({"numerator": 0}, "rate"),
        ({"numerator": 1001}, "rate"),
        ({"count": 52}, "count"),
        ({"count": 62}, "count"),
        ({"values": [0.5] * 60}, "values"),
        ({"values": [0.5] * 62}, "end"),
        ({"end": b"\0"}, "end"),
        ({"end": b"\0" * 9000}, "packet"),
        ({"values": [float("nan")] + [0.5] * 60}, "EyeBlinkLeft"),
        ({"values": [0.5] * 52 + [float("inf")] + [0.5] * 8}, "HeadYaw"),
    ],
)
def test_what_is_no_packet_is_refused_by_the_name_of_the_field(changes: dict[str, object], where: str) -> None:
    decode(packet())
    with pytest.raises(WireError) as refused:
        decode(packet(**changes))
    assert refused.value.where.startswith(f"livelink:{where}") and refused.value.expected


def test_every_part_of_a_packet_is_refused() -> None:
    whole = packet()
    for length in range(len(whole)):
        with pytest.raises(WireError):
            decode(whole[:length])
