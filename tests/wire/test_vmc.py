"""Law: any OSC reader finds the 52 under their names, each packet fits a network, and Apply comes last."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from koekao.arkit import NAMES
from koekao.errors import ConfigError, WireError
from koekao.wire import osc
from koekao.wire.vmc import MOST_BUNDLE_BYTES, VmcReader, encode
from wire_faces import UNREAL, known, value_of

VALUE, APPLY = "/VMC/Ext/Blend/Val", "/VMC/Ext/Blend/Apply"


def heard(datagrams: list[bytes]) -> list[tuple[str, list[object]]]:
    """What the other package reads."""
    return [(each.message.address, each.message.params) for data in datagrams for each in OscPacket(data).messages]


def written(*messages: tuple[str, list[object]]) -> bytes:
    """A bundle that the other package writes."""
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, arguments in messages:
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        bundle.add_content(message.build())
    return bundle.build().dgram


def face(value: float = 0.5, names: list[str] = UNREAL) -> list[tuple[str, list[object]]]:
    return [(VALUE, [name, value]) for name in names]


def test_another_reader_finds_names_and_values_and_apply_last() -> None:
    messages = heard(encode(known()))
    assert messages[:2] == [("/VMC/Ext/OK", [1]), ("/VMC/Ext/T", [0.125])]
    assert {name: value for address, (name, value) in messages[2:-1] if address == VALUE} == {
        name: value_of(name) for name in UNREAL
    }
    assert messages[-1] == (APPLY, [])
    assert [address for address, _ in messages].count(APPLY) == 1 and len(messages) == 55


def test_the_bytes_of_a_message_and_of_a_bundle() -> None:
    message = osc.message(VALUE, "JawOpen", 0.5)
    assert message == b"/VMC/Ext/Blend/Val\0\0" + b",sf\0" + b"JawOpen\0" + b"\x3f\x00\x00\x00"
    assert osc.message(APPLY) == b"/VMC/Ext/Blend/Apply\0\0\0\0" + b",\0\0\0"
    assert osc.message("/VMC/Ext/OK", 1) == b"/VMC/Ext/OK\0" + b",i\0\0" + b"\0\0\0\1"
    assert osc.bundle([message]) == b"#bundle\0" + b"\0\0\0\0\0\0\0\1" + b"\0\0\0\x24" + message
    (first, *_), jaw = encode(known()), osc.message(VALUE, "JawOpen", value_of("JawOpen"))
    assert b"\0\0\0\x24" + jaw in first
    assert first.startswith(b"#bundle\0" + b"\0\0\0\0\0\0\0\1" + b"\0\0\0\x14" + osc.message("/VMC/Ext/OK", 1))


def test_no_bundle_is_larger_than_a_network_carries_whole() -> None:
    for spelling in ("pascal", "canonical"):
        assert all(len(each) <= MOST_BUNDLE_BYTES <= 1400 for each in encode(known(), spelling))
        assert len(encode(known(), spelling)) == 2


def test_names_are_spelt_as_asked() -> None:
    names = {params[0] for address, params in heard(encode(known(), "canonical")) if address == VALUE}
    assert names == set(NAMES)
    with pytest.raises(ConfigError, match="pascal or canonical"):
        encode(known(), "snake")


@pytest.mark.parametrize("spelling", ["pascal", "canonical"])
def test_what_is_read_is_what_was_written(spelling: str) -> None:
    reader = VmcReader()
    frames = [frame for data in encode(known(), spelling) for frame in reader.feed(data)]
    assert len(frames) == 1 and np.array_equal(frames[0].curves, known().curves)
    assert frames[0].time_s == 0.125


def test_what_another_writer_sends_is_read() -> None:
    """With bones, other clips and no time; in one bundle, or a message a packet."""
    bone = ("/VMC/Ext/Bone/Pos", ["Head", 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    messages = [("/VMC/Ext/OK", [1, 3, 0, 1]), bone, (VALUE, ["Joy", 0.25]), *face(), (APPLY, [])]
    (frame,) = VmcReader().feed(written(*messages))
    assert (frame.curves == 0.5).all() and frame.time_s is None
    reader = VmcReader()
    apart = [frame for each in osc.decode(written(*messages)) for frame in reader.feed(again(each))]
    assert len(apart) == 1 and (apart[0].curves == 0.5).all()


def again(message: osc.Message) -> bytes:
    builder = OscMessageBuilder(message.address)
    for argument in message.arguments:
        builder.add_arg(argument)
    return builder.build().dgram


def test_a_frame_of_which_a_packet_was_lost_is_refused_and_the_next_is_whole() -> None:
    reader = VmcReader()
    first, second = encode(known(time_s=Fraction(1)))
    with pytest.raises(WireError, match=r"vmc:/VMC/Ext/Blend/Apply: \d+ of the 52 curves are missing"):
        reader.feed(second)
    reader.feed(first)  # its end is lost
    frames = [frame for data in encode(known(time_s=Fraction(2))) for frame in reader.feed(data)]
    assert [frame.time_s for frame in frames] == [2.0]


def test_values_of_two_frames_are_never_mixed() -> None:
    reader = VmcReader()
    reader.feed(written(("/VMC/Ext/T", [1.0]), *face(0.25, UNREAL[:30])))
    with pytest.raises(WireError, match="30 of the 52"):
        reader.feed(written(("/VMC/Ext/T", [2.0]), *face(0.75, UNREAL[30:]), (APPLY, [])))


def test_nothing_of_a_frame_outlives_it() -> None:
    reader = VmcReader()
    assert len(reader.feed(written(("/VMC/Ext/T", [1.0]), *face(), (APPLY, [])))) == 1
    with pytest.raises(WireError, match="52 of the 52"):
        reader.feed(written((APPLY, [])))
    assert [frame.time_s for frame in reader.feed(written(*face(), (APPLY, [])))] == [None]


def test_a_packet_that_is_none_ends_the_frame_it_came_in() -> None:
    reader = VmcReader()
    reader.feed(written(*face(names=UNREAL[:30])))
    with pytest.raises(WireError):
        reader.feed(b"noise")
    with pytest.raises(WireError, match="30 of the 52"):
        reader.feed(written(*face(names=UNREAL[30:]), (APPLY, [])))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "osc:address"),
        (b"\xff\xfe\0\0", "osc:address"),
        (b"VMC\0", "osc:address"),
        (b"/a", "osc:address"),
        (b"/a\0x,\0\0\0", "osc:address"),
        (b"/a\0\0if\0\0", "osc:types"),
        (b"/a\0\0,i\0\0\0\0", "osc:/a:argument 1"),
        (b"/a\0\0,q\0\0", "osc:/a:argument 1"),
        (b"/a\0\0,si\0ab\0\0", "osc:/a:argument 2"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "osc:/a:argument 1"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "osc:/a:argument 1"),
        (b"/a\0\0,\0\0\0more", "osc:end"),
        (b"/a\0\0," + b"T" * 99 + b"\0" * 4, "osc:types"),
        (b"#bundle\0", "osc:time tag"),
        (b"#bundle\0" + bytes(8) + b"\x7f\xff\xff\xff", "osc:element"),
        (b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xff", "osc:element"),
        (b"#bundle\0" + bytes(8) + b"\0\0", "osc:element length"),
        (b"#bundle\0" + bytes(8) + b"\0\0\0\0", "osc:address"),
        (bytes(9000), "osc:packet"),
        (osc.message(VALUE, "JawOpen"), f"vmc:{VALUE}"),
        (osc.message(VALUE, "JawOpen", 1), f"vmc:{VALUE}"),
        (osc.message(VALUE, 0.5, "JawOpen"), f"vmc:{VALUE}"),
        (osc.message(VALUE, "JawOpen", float("nan")), "vmc:jawOpen"),
        (osc.message(VALUE, "JawOpen", float("-inf")), "vmc:jawOpen"),
        (b"/VMC/Ext/Blend/Val\0\0,sd\0JawOpen\0" + struct.pack(">d", 1e300), "vmc:jawOpen"),
        (osc.message("/VMC/Ext/T", float("nan")), "vmc:time"),
        (osc.message(APPLY), f"vmc:{APPLY}"),
    ],
)
def test_what_is_no_packet_is_refused_by_the_name_of_the_field(data: bytes, where: str) -> None:
    with pytest.raises(WireError) as refused:
        VmcReader().feed(data)
    assert refused.value.where == where and refused.value.expected


def test_bundles_do_not_nest_without_end() -> None:
    data = osc.message("/a")
    for _ in range(osc.DEEPEST):
        data = osc.bundle([data])
    assert [message.address for message in osc.decode(data)] == ["/a"]
    with pytest.raises(WireError, match="osc:bundle"):
        osc.decode(osc.bundle([data]))
    for _ in range(300):
        data = osc.bundle([data])
    with pytest.raises(WireError):
        osc.decode(data)


def test_arguments_of_every_kind_are_read() -> None:
    types = b"/a\0\0,ifhdtsbTFNI\0\0\0\0"
    values = struct.pack(">ifqdQ", -2, 0.5, -(2**40), 0.1, 2**63) + b"xyz\0" + b"\0\0\0\3abc\0"
    (message,) = osc.decode(types + values)
    assert message.arguments == (-2, 0.5, -(2**40), 0.1, 2**63, "xyz", b"abc", True, False, None, float("inf"))
    assert osc.decode(b"/a\0\0") == [osc.Message("/a", ())]
