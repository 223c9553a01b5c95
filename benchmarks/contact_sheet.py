"""Does every target of the head read as its name? Draw them all and look.

    python benchmarks/contact_sheet.py [folder, out/head unless given]

writes ``targets.png`` (the 52, each alone at 1, seen from the front), ``sides.png`` (the same, from 40 degrees to the
left), ``combinations.png`` and ``rest.png``, and prints how many pictures a second one core draws. The subject's left
is on the right of a picture. ``mouthClose`` alone is drawn as Apple defines it: for a jaw that is open.

Reading: on one core of a shared machine, 26 pictures of 640 x 640 a second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, N_CURVES, NAMES
from koekao.head import Head, make_head
from koekao.head.render import Camera, render

FRONT = Camera(field_deg=12.0, target_m=(0.0, -0.02, 0.0))
SIDE = Camera(field_deg=12.0, target_m=(0.0, -0.02, 0.0), yaw_deg=40.0)
VIEWS = {
    "front": Camera(),
    "three quarters": Camera(yaw_deg=35.0, pitch_deg=5.0),
    "left": Camera(yaw_deg=90.0),
    "from below": Camera(pitch_deg=-25.0),
    "from above": Camera(pitch_deg=30.0),
    "back": Camera(yaw_deg=160.0),
}
COMBINATIONS: Sequence[Mapping[str, float]] = (
    {"jawOpen": 1, "mouthClose": 1},
    {"jawOpen": 0.5, "mouthClose": 0.5},
    {"mouthSmile": 1, "mouthFunnel": 1},
    {"mouthSmile": 1, "eyeBlink": 1},
    {"mouthSmile": 1, "jawOpen": 0.6, "cheekSquint": 1},
    {"mouthPucker": 1, "jawOpen": 1},
    {"mouthFunnel": 1, "jawOpen": 0.5},
    {"mouthFrown": 1, "browDown": 1},
    {"tongueOut": 1, "jawOpen": 1},
    {"mouthRollLower": 1, "mouthRollUpper": 1},
    {"mouthStretch": 1, "mouthLowerDown": 1},
    {"noseSneer": 1, "mouthUpperUp": 1},
    {"cheekPuff": 1, "mouthPress": 1},
    {"browInnerUp": 1, "browOuterUp": 1, "eyeWide": 1, "jawOpen": 0.5},
    {"eyeBlink": 0.5},
    {"eyeLookDown": 1, "eyeBlink": 0.5},
    {"eyeLookUp": 1},
    {"eyeLookDown": 1},
    {"eyeLookOutLeft": 1, "eyeLookInRight": 1},
    {"eyeLookInLeft": 1, "eyeLookOutRight": 1},
    {"eyeLookUp": 1, "eyeLookOutLeft": 1, "eyeLookInRight": 1},
    {"eyeLookDown": 1, "eyeLookInLeft": 1, "eyeLookOutRight": 1},
    {"eyeSquint": 1, "cheekSquint": 1},
    {"jawLeft": 1, "mouthRight": 1},
)
"""A name without its side stands for both sides."""

Picture = NDArray[np.uint8]


def curves_of(named: Mapping[str, float]) -> NDArray[np.float32]:
    """``[52]`` of values by name; a name without its side sets both."""
    curves = np.zeros(N_CURVES, np.float32)
    for name, value in named.items():
        for whole in [name] if name in INDEX else [name + "Left", name + "Right"]:
            curves[INDEX[whole]] = value
    return curves


def sheet(pictures: Mapping[str, Picture], *, columns: int) -> Picture:
    """Pictures of one size in rows, each with its name in its corner."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(16)
    cells = []
    for name, picture in pictures.items():
        image = Image.fromarray(picture)
        ImageDraw.Draw(image).text((8, 5), name, fill=(20, 22, 30), font=font)
        cells.append(np.asarray(image))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    return np.concatenate([np.concatenate(cells[i : i + columns], 1) for i in range(0, len(cells), columns)])


def targets(head: Head, camera: Camera, *, size: int = 300) -> dict[str, Picture]:
    """Each of the 52 alone at 1."""
    eye = np.eye(N_CURVES, dtype=np.float32)
    return {name: render(head, eye[k], width=size, height=size, camera=camera) for k, name in enumerate(NAMES)}


def combinations(head: Head, *, size: int = 300) -> dict[str, Picture]:
    """What people's faces do at once."""
    pictures = {}
    for named in COMBINATIONS:
        title = "\n".join(name if value == 1 else f"{name} {value}" for name, value in named.items())
        pictures[title] = render(head, curves_of(named), width=size, height=size, camera=FRONT)
    return pictures


def pictures_a_second(head: Head, *, size: int = 640, n: int = 40) -> float:
    """By the processor's clock, as one core is busy."""
    curves = curves_of({"jawOpen": 0.5, "mouthSmile": 0.3, "eyeBlink": 0.2})
    render(head, curves, width=size, height=size)
    start = time.process_time()
    for _ in range(n):
        render(head, curves, [0.1] * 9, width=size, height=size)
    return n / (time.process_time() - start)


def main(folder: Path) -> None:
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    head, still = make_head(), np.zeros(N_CURVES, np.float32)
    rest = {name: render(head, still, width=520, height=520, camera=camera) for name, camera in VIEWS.items()}
    for name, pictures, columns in (
        ("targets", targets(head, FRONT), 8),
        ("sides", targets(head, SIDE), 8),
        ("combinations", combinations(head), 6),
        ("rest", rest, 3),
    ):
        Image.fromarray(sheet(pictures, columns=columns)).save(folder / f"{name}.png")
        print(folder / f"{name}.png")
    print(f"{pictures_a_second(head):.1f} pictures of 640 x 640 a second on one core")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out/head"))
