"""Law: packets are the text of the app's developer page, names with _L and _R, hundredths, degrees."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from koekao.arkit import HEAD_AND_EYES, INDEX, NAMES
from koekao.errors import WireError
from koekao.wire import FaceFrame, still
from koekao.wire.ifacialmocap import decode, encode
from wire_faces import known, moving

ORDER = """
mouthSmile_R eyeLookOut_L mouthUpperUp_L eyeWide_R mouthClose mouthPucker mouthRollLower eyeBlink_R eyeLookDown_L
cheekSquint_R eyeBlink_L tongueOut jawRight eyeLookIn_R cheekSquint_L mouthDimple_L mouthPress_L eyeSquint_L mouthRight
mouthShrugLower eyeLookUp_R eyeLookOut_R mouthPress_R cheekPuff jawForward mouthLowerDown_L mouthFrown_L mouthShrugUpper
browOuterUp_L browInnerUp mouthDimple_R browDown_R mouthUpperUp_R mouthRollUpper mouthFunnel mouthStretch_R mouthFrown_R
eyeLookDown_R jawOpen jawLeft browDown_L mouthSmile_L noseSneer_R mouthLowerDown_R noseSneer_L eyeWide_L mouthStretch_L
browOuterUp_R eyeLookIn_L eyeSquint_R eyeLookUp_L mouthLeft
""".split()  # noqa: SIM905 (as it is written elsewhere)
ANGLES = "=head#10.5,-20,30,0.1,0.2,-0.3|rightEye#1,2,3|leftEye#4,5,6|"


def text(sign: str = "-", angles: str = ANGLES, **values: str) -> bytes:
    """Curve k of the app's order is k, except for ``values``."""
    return "".join([f"{name}{sign}{values.get(name, k)}|" for k, name in enumerate(ORDER)] + [angles]).encode()


def test_the_text_of_a_known_frame() -> None:
    curves, pose = np.zeros(52, np.float32), np.zeros(9, np.float32)
    curves[INDEX["jawLeft"]], curves[INDEX["mouthSmileRight"]], curves[INDEX["jawOpen"]] = 0.25, 1.0, 0.124
    pose[HEAD_AND_EYES.index("HeadPitch")] = math.radians(10)
    pose[HEAD_AND_EYES.index("HeadYaw")] = math.radians(-20)
    pose[HEAD_AND_EYES.index("HeadRoll")] = math.radians(30)
    pose[HEAD_AND_EYES.index("LeftEyePitch")] = math.radians(4)
    pose[HEAD_AND_EYES.index("RightEyeYaw")] = math.radians(2)
    whole = {"jawLeft": 25, "mouthSmile_R": 100, "jawOpen": 12}
    faces = "".join(f"{name}-{whole.get(name, 0)}|" for name in ORDER)
    data = encode(FaceFrame(0, Fraction(0), curves, pose)).decode()
    sent, _, angles = data.partition("=")
    assert sent == faces
    head, right, left, end = angles.split("|")
    assert [part.split("#")[0] for part in (head, right, left)] == ["head", "rightEye", "leftEye"] and end == ""
    numbers = [[float(number) for number in part.split("#")[1].split(",")] for part in (head, right, left)]
    assert numbers[0] == pytest.approx([10, -20, 30, 0, 0, 0], abs=2e-6)
    assert numbers[1] == pytest.approx([0, 2, 0], abs=2e-6) and numbers[2] == pytest.approx([4, 0, 0], abs=2e-6)
    assert "e" not in angles.replace("head", "").replace("rightEye", "").replace("leftEye", "")


@pytest.mark.parametrize("sign", ["-", "&"])
def test_a_packet_of_the_app_is_read(sign: str) -> None:
    packet = decode(text(sign))
    for k, name in enumerate(ORDER):
        canonical = name.replace("_L", "Left").replace("_R", "Right")
        assert packet.curves[INDEX[canonical]] == np.float32(k / 100)
    degrees = dict(zip(HEAD_AND_EYES, np.degrees(packet.pose.astype(float)).tolist()))
    assert degrees == pytest.approx(
        {
            "HeadPitch": 10.5, "HeadYaw": -20, "HeadRoll": 30,
            "RightEyePitch": 1, "RightEyeYaw": 2, "RightEyeRoll": 3,
            "LeftEyePitch": 4, "LeftEyeYaw": 5, "LeftEyeRoll": 6,
        },
        rel=1e-5,
    )  # fmt: skip


def test_other_ways_of_writing_it_are_read() -> None:
    assert decode(text() + b"").curves.max() == np.float32(0.51)
    assert decode(b"trackingStatus-1|hapihapi-0|FM_SAD-0|" + text()).curves.shape == (52,)
    assert (decode(text(angles="")).pose == 0).all()
    assert (decode(text(angles="=|head#1,2,3|")).pose != 0).sum() == 3
    assert decode(text("&", jawOpen="-3")).curves[INDEX["jawOpen"]] == np.float32(-0.03)
    assert decode(text(jawOpen="12.5")).curves[INDEX["jawOpen"]] == np.float32(0.125)
    spelt = text().replace(b"_L", b"Left").replace(b"_R", b"Right")
    assert np.array_equal(decode(spelt).curves, decode(text()).curves)


def test_what_is_read_is_what_was_written_to_a_hundredth() -> None:
    for frame in moving(20, Fraction(60)):
        packet = decode(encode(frame))
        assert np.abs(packet.curves - frame.curves).max() <= 0.005 + 1e-7
        assert np.abs(packet.pose - frame.pose).max() <= 1e-6
        assert np.array_equal(decode(encode(still(0, Fraction(0), packet.curves))).curves, packet.curves)


def test_values_beyond_the_format_are_cut() -> None:
    curves = np.array([-0.5, 1.5, 3e38, 0.996, *([0.0] * 48)], np.float32)
    assert decode(encode(still(0, Fraction(0), curves))).curves[:4].tolist() == [0, 1, 1, 1]
    assert len(encode(known())) < 1400 and len(NAMES) == 52


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "browDownLeft"),
        (b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719", "curves"),
        (text(jawOpen="nan"), "curves"),
        (text(jawOpen="1e9"), "curves"),
        (text(jawOpen="1_0"), "curves"),
        (text(jawOpen="0,5"), "curves"),
        (text(jawOpen="٣"), "packet"),
        (text(jawOpen="9" * 400), "curves"),
        (text().replace(b"jawOpen", b"jawOpem"), "curves"),
        (text().replace(b"jawOpen", b"jaw\0pen"), "curves"),
        (text().replace(b"jawOpen-38|", b""), "jawOpen"),
        (text().replace(b"jawLeft", b"jawOpen"), "jawOpen"),
        (text() + b"\xff", "packet"),
        (b"trackingStatus-0|" + text(), "trackingStatus"),
        (text(angles="=head#1,2|"), "head"),
        (text(angles="=head#1,2,3,4|"), "head"),
        (text(angles="=head#1,2,nan|"), "head"),
        (text(angles="=head#1,2,3,4,5,inf|"), "head"),
        (text(angles="=rightEye#1,2,3,4,5,6|"), "rightEye"),
        (text(angles="=head#1,2,3|head#1,2,3|"), "angles"),
        (text(angles="=nose#1,2,3|"), "angles"),
        (text(angles="=head|"), "head"),
        (text() + b"|" * 9000, "packet"),
    ],
)
def test_what_is_no_packet_is_refused_by_the_name_of_the_field(data: bytes, where: str) -> None:
    with pytest.raises(WireError) as refused:
        decode(data)
    assert refused.value.where == f"ifacialmocap:{where}" and refused.value.expected
