"""Runs that are judged by more than position: what the settings say is what is told, for every trainer."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from koekao.training import Trainer

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
LOSSES: dict[str, dict[str, float]] = {
    "sequential": {"acceleration": 0.1, "closure": 0.2, "consistency": 0.3},
    "clips": {"closure": 0.2},
    "stream": {"acceleration": 0.1, "closure": 0.2},
}
EVERY = pytest.mark.parametrize("name", LOSSES)


@EVERY
def test_every_loss_is_told_and_they_add_up(start: Start, events: Events, name: str) -> None:
    three_in_a_row = {"stride": "dense", "batch_size": 6} if name == "sequential" else {}
    start(name, losses={"terms": LOSSES[name], "regions": {"mouth": 2}}, **three_in_a_row).fit()
    own = {"sequential": {"velocity"}, "clips": set(), "stream": {"velocity", "correlation"}}[name]
    for step in events("step"):
        told = {key.removeprefix("loss_"): value for key, value in step.items() if key.startswith("loss_")}
        assert told.keys() == {"position", *own, *LOSSES[name]}
        assert step["loss"] == pytest.approx(sum(told.values()), abs=1e-5) and math.isfinite(step["loss"])
    assert any(step["loss_closure"] > 0 for step in events("step"))
    assert "acceleration" not in LOSSES[name] or any(step["loss_acceleration"] > 0 for step in events("step"))


@EVERY
def test_weights_change_with_the_epoch_and_a_resume_knows_it(
    start: Start, events: Events, tmp_path: Path, same_checkpoint: Callable[[Path, Path], None], name: str
) -> None:
    """The closure comes in with the last epoch; a run that was stopped there is the run in one go, to the bit."""
    losses = {"terms": {"closure": 0.2}, "by_epoch": {"closure": [[0.9, 0], [1, 1]]}}
    start(name, run=tmp_path / "whole", losses=losses).fit()
    steps = events("step", tmp_path / "whole")
    last = max(step["epoch"] for step in steps)
    assert [step["epoch"] == last or "loss_closure" not in step for step in steps] == [True] * len(steps)
    in_last = [step["step"] for step in steps if "loss_closure" in step]
    assert in_last
    start(name, run=tmp_path / "parts", losses=losses, stop_at=in_last[0]).fit()
    start(name, run=tmp_path / "parts", resume=True).fit()
    same_checkpoint(tmp_path / "parts", tmp_path / "whole")


def test_weights_change_with_the_stride(start: Start, events: Events) -> None:
    """Progressive from 6 to 3 frames: the velocity counts from stride 4 down."""
    start("sequential", losses={"by_stride": {"velocity": [[4, 1], [5, 0]]}}).fit()
    epochs = {step["epoch"]: "loss_velocity" in step for step in events("step")}
    assert epochs[0] is False and epochs[max(epochs)] is True


def test_one_window_a_stream_has_neither_velocity_nor_acceleration(start: Start, events: Events) -> None:
    """And they cost nothing there."""
    start("sequential", batch_size=2, n_streams=2, max_steps=3, losses={"terms": {"acceleration": 1.0}}).fit()
    assert [step["loss_velocity"] + step["loss_acceleration"] for step in events("step")] == [0, 0, 0]
