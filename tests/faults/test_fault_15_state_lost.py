"""Fault 15: the state of a stream is lost where it is saved or exported, or that of another stream is used.

It is saved and goes on to the bit; the exported model carries it, too; and what is not the state of these streams is an
error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_faces import SETTINGS, animators, speech

from exported_faces import exported_face, exported_file
from koekao.animation import Animators
from koekao.animation.torch_engine import TorchEngine
from koekao.errors import ModelError
from koekao.runtime import OnnxEngine

SOUND = np.stack([speech(7)[:32_000], speech(8)[:32_000]])
CUT = 13_001


def straight(of: Animators) -> list[Any]:
    parts = [of.push(SOUND), of.finish()]
    return [np.concatenate([part.of(row) for part in parts]) for row in (0, 1)]


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_15_saved_and_taken_up_in_another_process_it_goes_on_to_the_bit(name: str, tmp_path: Path) -> None:
    """Through a file, between any two samples, by a fresh model of the same weights."""
    first = animators(name, 2)
    before = first.push(SOUND[:, :CUT])
    np.savez(tmp_path / "state.npz", **first.state_dict())
    again = animators(name, 2)
    again.push(SOUND[:, 5000:9000])  # what it was before counts no more
    with np.load(tmp_path / "state.npz") as file:
        again.load_state_dict(dict(file))
    rest, owed = again.push(SOUND[:, CUT:]), again.finish()
    other = animators(name, 2)
    expected = [other.push(SOUND[:, :CUT]), other.push(SOUND[:, CUT:]), other.finish()]
    for row in (0, 1):
        seen = np.concatenate([part.of(row) for part in (before, rest, owed)])
        np.testing.assert_array_equal(seen, np.concatenate([part.of(row) for part in expected]))


@pytest.mark.parametrize("name", ["sequential 59.94 fps", "stream 59.94 fps, no look-ahead, lively"])
def test_fault_15_an_exported_model_carries_its_state_in_and_out(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing of it was traced into the file as a constant: rows that have heard different things stay different."""
    engine = OnnxEngine(exported_file(name, tmp_path_factory))
    first = Animators(engine, 2)
    before = first.push(SOUND[:, :CUT])
    again = Animators(engine, 2)
    again.load_state_dict(first.state_dict())
    rest, owed = again.push(SOUND[:, CUT:]), again.finish()
    for row, expected in enumerate(straight(Animators(TorchEngine(exported_face(name)), 2))):
        seen = np.concatenate([part.of(row) for part in (before, rest, owed)])
        np.testing.assert_allclose(seen, expected, atol=1e-4)
    empty = Animators(engine, 2)
    empty.load_state_dict(Animators(engine, 2).state_dict())
    forgotten = np.concatenate([empty.push(SOUND[:, CUT:]).of(0), empty.finish().of(0)])
    assert not np.allclose(forgotten[:5], np.concatenate([rest.of(0), owed.of(0)])[:5], atol=1e-4)


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_15_the_state_of_others_is_an_error(name: str) -> None:
    """Of fewer streams, of another model, or with a part missing; the streams it was offered to are as they were."""
    rows = animators(name, 2)
    rows.push(SOUND[:, :CUT])
    before = rows.state_dict()
    other = next(one for one in SETTINGS if one != name)
    lacking = {key: value for key, value in before.items() if key != "heard_samples"}
    for wrong in (animators(name, 3).state_dict(), animators(other, 2).state_dict(), lacking, {}):
        with pytest.raises(ModelError, match="of the saved state is") as error:
            rows.load_state_dict(wrong)
        assert "the same model" in error.value.do
    after = rows.state_dict()
    assert before.keys() == after.keys() and all(np.array_equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_15_a_step_with_the_state_of_other_streams_is_an_error(name: str) -> None:
    engine = animators(name, 2).engine
    with pytest.raises(ModelError, match=r"temporal state .* has shape"):
        engine.step(np.zeros((2, 1600), np.float32), engine.init_state(3))
