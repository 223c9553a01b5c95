"""When a run ends: by its plan, by the clock, by Ctrl-C; and that it can be gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.models.weights import read_tensors
from koekao.takes.synthetic.making import make_take
from koekao.training import TrainConfig, Trainer, length, open_run
from koekao.training import trainer as trainer_module
from koekao.training.length import seconds_a_step, steps_of_run

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
EVERY = pytest.mark.parametrize("name", ["sequential", "clips", "stream"])


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.model.state_dict().items()}


@EVERY
def test_debug_is_exactly_three_batches(start: Start, events: Events, name: str) -> None:
    trainer = start(name, debug=True)
    assert trainer.fit() == "debug: 3 batches"
    assert trainer.step == 3 and [line["step"] for line in events("step")] == [1, 2, 3]
    assert (trainer.run.best.is_file(), trainer.run.last.is_file()) == (True, True)


def test_debug_does_not_measure_the_machine(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(length, "seconds_a_step", lambda *args: pytest.fail("measured"))
    trainer = start(debug=True, epochs=None, minutes=5.0)
    trainer.fit()
    assert trainer.step == 3


@pytest.mark.parametrize("steps", [3, 5, 13])
def test_max_steps_is_exact_across_epochs(start: Start, events: Events, steps: int) -> None:
    trainer = start(max_steps=steps, epochs=9)
    assert trainer.fit() == f"{steps} steps done"
    assert trainer.step == trainer.n_steps == steps
    assert events("step")[-1]["learning_rate"] < trainer.config.learning_rate  # it was annealed over these steps


def test_max_steps_beyond_the_epochs_changes_nothing(start: Start) -> None:
    """The learning rate goes to 0 over what will really be trained."""
    trainer = start(epochs=1, max_steps=10**6)
    assert trainer.fit() == "all epochs done"
    assert trainer.n_steps == trainer.step < 100


def test_a_run_that_is_over_stays_as_it_is(start: Start, tmp_path: Path) -> None:
    """Resuming at its end trains nothing, whatever ended it."""
    for more, reason in (({"max_steps": 4}, "4 steps done"), ({"epochs": 1}, "all epochs done")):
        run = tmp_path / reason
        assert start(run=run, **more).fit() == reason
        before, best = read_tensors(run / "last.safetensors")[0], (run / "best.safetensors").read_bytes()
        again = start(run=run, resume=True)
        assert again.fit() == reason
        after = read_tensors(run / "last.safetensors")[0]
        assert all(torch.equal(after[name], before[name]) for name in before)
        assert (run / "best.safetensors").read_bytes() == best


class Clock:
    """A time that passes by a second at each training step, and at no other moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s, to_device = 1000.0, trainer_module.to_device
        fake = SimpleNamespace(monotonic=lambda: self.now_s, perf_counter=lambda: self.now_s)
        for module in (trainer_module, length):
            monkeypatch.setattr(module, "time", fake)

        def passing(batch: Any, device: Any) -> Any:
            self.now_s += 1
            return to_device(batch, device)

        monkeypatch.setattr(trainer_module, "to_device", passing)


def test_minutes_choose_the_epochs_that_fit(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of one second in one minute: the longest plan that is over before the minute is, and it is all trained."""
    Clock(monkeypatch)
    monkeypatch.setattr(length, "seconds_a_step", lambda *args: 1.0)
    trainer = start(epochs=None, minutes=1.0)
    assert trainer.fit() == "all epochs done"
    assert trainer.epochs > 1 and trainer.step == trainer.n_steps <= 60
    one_more = steps_of_run(trainer.config, trainer.train_takes, trainer.epochs + 1)
    assert one_more > 60 * 0.7


def test_minutes_that_are_over_end_the_run(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where steps turn out slower than measured, the time counts and not the plan; and it is saved and validated."""
    Clock(monkeypatch)
    monkeypatch.setattr(length, "seconds_a_step", lambda *args: 0.01)
    trainer = start(epochs=None, minutes=0.25)
    assert trainer.fit() == "0.25 minutes are over"
    assert 10 <= trainer.step <= 16 and trainer.best["step"] == trainer.step


def test_minutes_count_sessions_before(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    monkeypatch.setattr(length, "seconds_a_step", lambda *args: 0.01)
    start(epochs=None, minutes=0.25, stop_at=5).fit()
    trainer = start(resume=True)
    assert trainer.fit() == "0.25 minutes are over"
    assert 10 <= trainer.step <= 16


def test_a_tiny_time_in_real_time(start: Start) -> None:
    began = time.monotonic()
    reason = start(epochs=None, minutes=0.02).fit()
    assert reason in ("0.02 minutes are over", "all epochs done")
    assert time.monotonic() - began < 10


def test_the_measurement_leaves_the_run_untouched(start: Start, spoken: Corpus) -> None:
    """Model, random state and the position in the data are as they were; and a step takes a moment."""
    trainer = start()
    before, random_state = weights_of(trainer), torch.get_rng_state()
    spec = trainer.config.spec(4, spoken.clock, 1)
    assert 0 < seconds_a_step(trainer.config, trainer.train_takes, trainer.model, spec) < 1
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(value, before[name]) for name, value in trainer.model.state_dict().items())


def test_stop_from_another_thread(start: Start) -> None:
    """A run may also live in a thread, where no signal reaches it; stop() does."""
    trainer, reasons = start(epochs=500), []
    thread = threading.Thread(target=lambda: reasons.append(trainer.fit()))
    thread.start()
    deadline = time.monotonic() + 20
    while trainer.step < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    trainer.stop()
    thread.join(20)
    assert reasons == ["interrupted"] and open_run(trainer.run.path).read()["step"] == trainer.step >= 3


def test_ctrl_c_is_put_back_as_it_was(start: Start) -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []
    listener = SimpleNamespace(
        tell=lambda event, **values: seen.append(signal.getsignal(signal.SIGINT)), close=lambda: None
    )
    start(max_steps=1, listeners=[listener]).fit()
    assert signal.getsignal(signal.SIGINT) == before and before not in seen


def test_a_second_ctrl_c_ends_at_once(start: Start) -> None:
    """The first asks, the second raises; the checkpoint of the start is there to go on from."""

    def tell(event: str, **values: Any) -> None:
        if event == "step" and values["step"] == 2:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    trainer = start(listeners=[SimpleNamespace(tell=tell, close=lambda: None)])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.fit()
    finally:
        signal.signal(signal.SIGINT, before)
    assert trainer.step == 2
    resumed = start(resume=True, stop_at=4)
    assert resumed.fit() == "interrupted" and resumed.step == 4


def test_ctrl_c_saves_says_so_and_can_be_gone_on_from(tmp_path: Path, config_of: Callable[..., TrainConfig]) -> None:
    """A process of its own, interrupted as by a person: exit code 130, and the run goes on from that step."""
    pack_takes([make_take(1, seconds=2, voice="ken")], tmp_path / "corpus", PackConfig(val=0.0))
    settings = ["--epochs", "2000", "--batch-size", "2", "--window-frames", "24", "--model.dim", "8"]
    settings += ["--device", "cpu", "--num-workers", "1", "--initial-stride", "4"]
    command = [sys.executable, "-m", "koekao", "train", str(tmp_path / "corpus"), str(tmp_path / "run"), *settings]
    log = tmp_path / "run" / "log.jsonl"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (log.is_file() and '"step": 10,' in log.read_text()) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    record = open_run(tmp_path / "run").read()
    assert record["stopped"] == "interrupted" and record["step"] >= 10
    assert f"interrupted at step {record['step']}" in said and "--resume" in said and "Traceback" not in said
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in told[-2:]] == ["saved", "end"] and told[-1]["reason"] == "interrupted"
    resumed = Trainer(Corpus.open(tmp_path / "corpus"), tmp_path / "run", config_of(), resume=True)
    resumed._reason_to_stop = lambda *wishes: "enough" if resumed.step >= record["step"] + 2 else ""
    resumed.fit()
    assert resumed.step == record["step"] + 2 and resumed.config.window_frames == 24
