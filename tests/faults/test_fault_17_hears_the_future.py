"""Fault 17: a model hears further ahead than it declares. What is said after t changes no frame that is out by t."""

from __future__ import annotations

import numpy as np
import pytest
from small_faces import SETTINGS, face, live, speech

from koekao.animation import animate
from koekao.models import FaceModel


def last_safe(model: FaceModel, t: int) -> int:
    """The first frame whose own interval and look-ahead do not end by sample t."""
    return max(0, model.clock.frame_at(t) - model.look_ahead_frames)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("t", [1, 533, 534, 9001, 16_000, 31_700])
def test_fault_17_samples_after_t_change_no_frame_before(name: str, t: int) -> None:
    """Not by a bit, whatever comes; and the look-ahead is declared as small as it is, for the next frame hears it."""
    model, sound = face(name), speech()
    before = animate(model, sound)
    rng = np.random.default_rng(t)
    for rest in (rng.uniform(-1, 1, len(sound) - t), np.zeros(len(sound) - t), -sound[t:]):
        changed = sound.copy()
        changed[t:] = rest
        after, safe = animate(model, changed), last_safe(model, t)
        np.testing.assert_array_equal(after[:safe], before[:safe])
    changed[t:] = rng.uniform(-1, 1, len(sound) - t)
    assert not np.array_equal(animate(model, changed)[safe], before[safe])


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_17_sound_that_ends_there_gives_the_same_frames(name: str) -> None:
    """Of sound cut at t the frames up to t are those of the whole sound: nothing was there to be heard."""
    model, sound = face(name), speech()
    whole = animate(model, sound)
    for t in (4000, 9001, 20_000):
        safe = last_safe(model, t)
        np.testing.assert_allclose(live(model, sound[:t], 1600)[:safe], whole[:safe], atol=1e-5)
