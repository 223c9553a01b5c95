"""The contact sheet shows all 52 by name, and both sides where no side is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import contact_sheet
from koekao.arkit import INDEX, NAMES
from koekao.head import make_head


def test_a_name_without_its_side_stands_for_both() -> None:
    curves = contact_sheet.curves_of({"mouthSmile": 0.5, "jawOpen": 1, "eyeBlinkLeft": 0.25})
    assert {NAMES[k]: float(curves[k]) for k in np.flatnonzero(curves)} == {
        "mouthSmileLeft": 0.5, "mouthSmileRight": 0.5, "jawOpen": 1.0, "eyeBlinkLeft": 0.25,
    }  # fmt: skip
    for named in contact_sheet.COMBINATIONS:
        assert contact_sheet.curves_of(named).any()


def test_every_target_is_drawn_and_none_looks_like_rest(tmp_path: Path) -> None:
    head = make_head()
    pictures = contact_sheet.targets(head, contact_sheet.FRONT, size=64)
    assert list(pictures) == list(NAMES)
    rest = contact_sheet.render(head, np.zeros(52), width=64, height=64, camera=contact_sheet.FRONT).astype(int)
    changed = {name: int((np.abs(picture - rest).max(axis=2) > 24).sum()) for name, picture in pictures.items()}
    assert min(changed.values()) >= 8, min(changed, key=lambda name: changed[name])
    left, right = (pictures[f"mouthSmile{side}"].astype(int) - rest for side in ("Left", "Right"))
    assert np.abs(left[:, 34:]).sum() > 3 * np.abs(left[:, :30]).sum()
    assert np.abs(right[:, :30]).sum() > 3 * np.abs(right[:, 34:]).sum()
    assert INDEX["mouthSmileLeft"] < INDEX["mouthSmileRight"]


def test_a_sheet_has_a_cell_for_each(tmp_path: Path) -> None:
    pictures = {f"a{k}": np.full((40, 40, 3), 90, np.uint8) for k in range(5)}
    sheet = contact_sheet.sheet(pictures, columns=3)
    assert sheet.shape == (80, 120, 3)
    assert (sheet[40:, 80:] == 255).all()
    assert (sheet[:40, :40] != 90).any()
