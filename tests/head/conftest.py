from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from koekao.head import Head, make_head
from koekao.head.part import Part
from koekao.head.skin import skin


@pytest.fixture(scope="session")
def head() -> Head:
    return make_head()


@pytest.fixture(scope="session")
def skin_part(head: Head) -> Part:
    """The skin with its marks; its vertices are the first of the head."""
    made = skin()
    assert head.parts["skin"] == slice(0, made.n)
    np.testing.assert_allclose(head.positions[: made.n], made.places * 0.1, atol=1e-7)
    return made


@pytest.fixture(scope="session")
def lip_pairs(skin_part: Part) -> NDArray[np.int64]:
    """``[n, 2]``: vertices of the upper and the lower lip that touch at rest."""
    meet = np.flatnonzero(
        (skin_part.marks["rim"] == 0) & (skin_part.marks["lip"] == 1) & (skin_part.marks["inner"] == 0)
    )
    upper, lower = (meet[skin_part.marks["lip_down"][meet] * sign > 0] for sign in (-1, 1))
    order = [some[np.argsort(skin_part.places[some, 0])] for some in (upper, lower)]
    return np.stack(order, axis=1)
