"""How far the lips are apart, from the curves, and when they count as closed.

No single curve says it. ``jawOpen`` parts the lips, ``mouthClose`` takes that back ("closure of the lips independent of
jaw position", Apple's ARFaceAnchor), the lower lip drawn down and the upper lip drawn up part them further, and lips
that are pressed, or both rolled in, touch whatever the jaw does. A lower lip rolled in alone is an /f/ and no closure::

    opening = jawOpen - mouthClose + mouthLowerDown + mouthUpperUp - mouthPress - min(mouthRollLower, mouthRollUpper)

with the mean of left and right where a curve has sides. It is in curve units: 0 is a neutral face, whose lips meet,
below 0 they are held together with force. That closed is 0.05 and open 0.10 is a choice that hardly decides anything:
on 495 s of recorded speech 0.03 and 0.10, or 0.08 and 0.15, find 469 or 507 closures where these find 488; and two
phone recordings of a face at rest lie at -0.01 to 0.04, where jaw and lips alone would say 0.10 to 0.13.

What it gives up: curves are no lips. Two people with the same curves may differ by a millimetre at the mouth, and a
face whose neutral pose is an open mouth is never closed here.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from koekao.arkit import INDEX

CLOSED_BELOW = 0.05
"""Lips with this opening or less are closed."""
OPEN_ABOVE = 0.10
"""Lips farther apart than this are open; in between they are what they were before, so that noise closes no mouth."""

Curves = TypeVar("Curves")
"""An array or a tensor: whatever can be indexed, added and divided. Named by neither, so that this loads no torch."""


def lip_opening(curves: Curves) -> Curves:
    """The opening ``[...]`` of faces ``[..., 52]``, array or tensor; differentiable almost everywhere.

    Where both lips are rolled in alike, each has half the gradient.
    """

    faces = cast("Any", curves)

    def one(name: str) -> Any:
        return faces[..., INDEX[name]]

    def both(name: str) -> Any:
        return (one(name + "Left") + one(name + "Right")) / 2

    lower, upper = one("mouthRollLower"), one("mouthRollUpper")
    rolled = (lower + upper - abs(lower - upper)) / 2
    parted = one("jawOpen") - one("mouthClose") + both("mouthLowerDown") + both("mouthUpperUp")
    return cast("Curves", parted - both("mouthPress") - rolled)
