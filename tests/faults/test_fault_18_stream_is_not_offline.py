"""Fault 18: live curves are not the offline ones. They are, to 1e-5, in chunks of 1, 2, 3, 7 frames or samples, or all.

The law of it, for more rates and chunks at random, is tests/laws/test_live_law.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from small_faces import SETTINGS, face, live, speech

from koekao.animation import animate


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("n_frames", [1, 2, 3, 7, 1000])
def test_fault_18_in_chunks_of_frames(name: str, n_frames: int) -> None:
    model, sound = face(name), speech()
    offline = animate(model, sound)
    assert offline.std(0).max() > 0.02  # a face that moves
    seen = live(model, sound, model.clock.frame_start(n_frames))
    assert seen.shape == offline.shape
    np.testing.assert_allclose(seen, offline, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("n_samples", [1, 2, 3, 7])
def test_fault_18_in_chunks_of_samples(name: str, n_samples: int) -> None:
    model, sound = face(name), speech()[6000 : 6000 + 700 * n_samples]
    np.testing.assert_allclose(live(model, sound, n_samples), animate(model, sound), atol=1e-5, rtol=0)
