"""The loop: what is told, when it stops, what stands on the disk then, and what it refuses to do."""

from __future__ import annotations

import json
import math
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
from koekao.errors import ConfigError, ModelError, RunError
from koekao.models import load_model
from koekao.models.weights import read_tensors
from koekao.takes.synthetic import make_take
from koekao.training import TrainConfig, Trainer, open_run
from koekao.training import trainer as trainer_module
from koekao.training.parts import seconds_a_step, steps_of_run
from koekao.training.schedule import learning_rate

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
BOTH = pytest.mark.parametrize("name", ["sequential", "clips"])


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.model.state_dict().items()}


# --- what a run leaves behind


@BOTH
def test_a_whole_run_and_its_folder(start: Start, events: Events, tmp_path: Path, name: str, spoken: Corpus) -> None:
    trainer = start(name)
    planned = steps_of_run(trainer.config, trainer.train_takes, trainer.config.epochs or 0)
    assert trainer.fit() == "all epochs done"
    assert trainer.step == planned > 10
    files = {entry.name for entry in (tmp_path / "run").iterdir()}
    assert files == {"run.json", "log.jsonl", "last.safetensors", "best.safetensors", "ridge.safetensors"}
    record = open_run(tmp_path / "run").read()
    assert record["config"] == json.loads(json.dumps(trainer.config.as_dict()))
    assert record["corpus"]["id"] == spoken.id and record["step"] == planned == record["steps_planned"]
    assert record["stopped"] == "all epochs done" and record["best"] == trainer.best
    assert set(record["trained_on"]) == {"ken_10000", "aoi_10001", "sora_10002", "aoi_10004"}
    told = [line["event"] for line in events()]
    assert told[:2] == ["begin", "saved"] and told[-2:] == ["saved", "end"]
    assert [line["step"] for line in events("step")] == list(range(1, planned + 1))
    begin, end = events("begin")[0], events("end")[0]
    assert (begin["train_takes"], begin["val_takes"], begin["steps"], begin["from_step"]) == (4, 1, planned, 0)
    assert (begin["trainer"], begin["device"]) == (name, "cpu")
    assert begin["parameters"] == sum(p.numel() for p in trainer.model.parameters())
    assert (end["step"], end["reason"]) == (planned, "all epochs done")


@BOTH
def test_steps_tell_their_losses_and_the_learning_rate(start: Start, events: Events, name: str) -> None:
    trainer = start(name, epochs=2, learning_rate=0.004, warmup=0.3)
    trainer.fit()
    for line in events("step"):
        expected = learning_rate(line["step"] - 1, trainer.n_steps, peak=0.004, warmup=0.3)
        assert line["learning_rate"] == pytest.approx(expected)
        terms = [value for key, value in line.items() if key.startswith("loss_")]
        assert line["loss"] == pytest.approx(sum(terms), abs=1e-5) and line["windows_per_s"] > 0
    first, last = events("step")[0], events("step")[-1]
    assert ("loss_velocity" in first) is (name == "sequential")
    assert last["learning_rate"] < first["learning_rate"]


def test_the_optimiser_uses_the_learning_rate_of_the_schedule(start: Start) -> None:
    """At a rate of 0 (after the last planned step) nothing moves: the schedule is obeyed by every group."""
    trainer = start(max_steps=1, weight_decay=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer_module, "learning_rate", lambda *args, **more: 0.0)
        before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
        trainer.fit()
    assert all(torch.equal(p, before[name]) for name, p in trainer.model.named_parameters())


def test_resets_are_told_by_take_name_and_row(start: Start, events: Events) -> None:
    """Each reset of the batches and no other, in every epoch: {row: take}."""
    trainer = start(epochs=2)
    trainer.fit()
    loader, expected, step = trainer.parts.loader, [], 0
    for epoch in (0, 1):
        loader.set_epoch(epoch)
        for batch in loader:
            rows = batch["reset"].nonzero().flatten().tolist()
            if rows:
                expected.append((step, {str(row): batch["file_names"][row] for row in rows}))
            step += 1
    assert [(line["step"], line["rows"]) for line in events("reset")] == expected
    names = [name for _, rows in expected for name in rows.values()]
    assert sorted(names) == sorted(trainer.train_takes.names * 2)  # every take begins once an epoch


def test_the_clip_trainer_has_nothing_to_reset(start: Start, events: Events) -> None:
    start("clips", max_steps=2).fit()
    assert events("reset") == []


def test_steps_are_told_now_and_then(start: Start, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a session, for the impatient, and then every tenth."""
    monkeypatch.setattr(trainer_module, "_TELL_EVERY_STEPS", 10)
    start(max_steps=21, epochs=9).fit()
    assert [line["step"] for line in events("step")] == [1, 10, 20]


def test_listeners_hear_everything_and_are_closed(start: Start, events: Events) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    closed: list[bool] = []
    listener = SimpleNamespace(
        tell=lambda event, **values: told.append((event, values)), close=lambda: closed.append(True)
    )
    start(max_steps=2, listeners=[listener]).fit()
    assert [event for event, _ in told] == [line["event"] for line in events()] and closed == [True]
    json.dumps(told)


# --- when it stops


@BOTH
def test_debug_is_exactly_three_batches(start: Start, events: Events, name: str) -> None:
    trainer = start(name, debug=True)
    assert trainer.fit() == "debug: 3 batches"
    assert trainer.step == 3 and [line["step"] for line in events("step")] == [1, 2, 3]
    assert (trainer.run.best.is_file(), trainer.run.last.is_file()) == (True, True)


def test_debug_does_not_measure_the_machine(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_module, "seconds_a_step", lambda *args: pytest.fail("measured"))
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
        monkeypatch.setattr(trainer_module, "time", fake)

        def passing(batch: Any, device: Any) -> Any:
            self.now_s += 1
            return to_device(batch, device)

        monkeypatch.setattr(trainer_module, "to_device", passing)


def test_minutes_choose_the_epochs_that_fit(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of one second in one minute: the longest plan that is over before the minute is, and it is all trained."""
    Clock(monkeypatch)
    monkeypatch.setattr(trainer_module, "seconds_a_step", lambda *args: 1.0)
    trainer = start(epochs=None, minutes=1.0)
    assert trainer.fit() == "all epochs done"
    assert trainer.epochs > 1 and trainer.step == trainer.n_steps <= 60
    one_more = steps_of_run(trainer.config, trainer.train_takes, trainer.epochs + 1)
    assert one_more > 60 * 0.7


def test_minutes_that_are_over_end_the_run(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where steps turn out slower than measured, the time counts and not the plan; and it is saved and validated."""
    Clock(monkeypatch)
    monkeypatch.setattr(trainer_module, "seconds_a_step", lambda *args: 0.01)
    trainer = start(epochs=None, minutes=0.25)
    assert trainer.fit() == "0.25 minutes are over"
    assert 10 <= trainer.step <= 16 and trainer.best["step"] == trainer.step


def test_minutes_count_sessions_before(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    monkeypatch.setattr(trainer_module, "seconds_a_step", lambda *args: 0.01)
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
    with pytest.raises(KeyboardInterrupt):
        trainer.fit()
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
    resumed._reason_to_stop = lambda: "enough" if resumed.step >= record["step"] + 2 else ""
    resumed.fit()
    assert resumed.step == record["step"] + 2 and resumed.config.window_frames == 24


# --- numbers that are none


@BOTH
@pytest.mark.parametrize("what", ["target", "sound", "gradient"])
def test_nan_stops_before_the_weights_change(
    start: Start, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    """It names the step and the takes; weights and optimiser are, to the bit, those of before."""
    trainer, to_device, before = start(name), trainer_module.to_device, {}

    def poisoned(batch: Any, device: Any) -> Any:
        batch = to_device(batch, device)
        if trainer.step == 2:
            before["takes"] = {take for take in batch["file_names"] if take}
            before["weights"] = weights_of(trainer)
            before["moments"] = [s["exp_avg"].clone() for s in trainer.parts.optimizer.state.values()]
            if what == "target":
                batch["arkit" if name == "clips" else "blendshapes"][0] = float("nan")
            elif what == "sound":
                batch["wav" if name == "clips" else "audio"][0] = float("nan")
            else:
                next(trainer.model.parameters()).register_hook(lambda gradient: gradient * float("inf"))
        return batch

    monkeypatch.setattr(trainer_module, "to_device", poisoned)
    said = "the norm of the gradient of step 2 is" if what == "gradient" else "the loss of step 2 is nan"
    with pytest.raises(RunError, match=said) as error:
        trainer.fit()
    assert error.value.where == str(trainer.run.path)
    assert ", ".join(sorted(before["takes"])) in error.value.what
    assert all(torch.equal(value, before["weights"][key]) for key, value in trainer.model.state_dict().items())
    moments = [s["exp_avg"] for s in trainer.parts.optimizer.state.values()]
    assert all(map(torch.equal, moments, before["moments"]))
    assert trainer.step == 2 and "last.safetensors holds the run as it was at step 0" in error.value.do
    assert read_tensors(trainer.run.last)[1]["progress"]["step"] == 0


def test_a_large_gradient_is_clipped(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, norms = start(max_steps=3, clip_norm=0.01), []
    step = torch.optim.AdamW.step

    def measured(self: Any, *args: Any) -> Any:
        gradients = [p.grad for p in trainer.model.parameters()]
        norms.append(math.sqrt(sum(float(g.square().sum()) for g in gradients)))
        return step(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", measured)
    trainer.fit()
    assert len(norms) == 3 and max(norms) == pytest.approx(0.01, rel=1e-3)


# --- validation


class Judge:
    """Stands in for the scores of the validation takes, with a mean r to order; remembers what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *marks: float | None) -> None:
        self.marks, self.asked = list(marks), []
        monkeypatch.setattr(trainer_module, "score_takes", self)

    def __call__(self, predict: Any, takes: Corpus) -> Any:
        self.asked.append((takes.names, takes.n_frames.tolist()))
        mark = self.marks[min(len(self.asked), len(self.marks)) - 1]
        return SimpleNamespace(average=lambda metric: mark if metric == "r" else 0.5)


def test_validation_is_on_whole_unseen_takes(start: Start, monkeypatch: pytest.MonkeyPatch, spoken: Corpus) -> None:
    judge = Judge(monkeypatch, 0.1)
    trainer = start(epochs=4, validations=1000)
    trainer.fit()
    length = int(spoken.n_frames[spoken.names.index("ken_10003")])
    assert judge.asked == [(("ken_10003",), [length])] * 4
    assert "ken_10003" not in trainer.train_takes.names
    seen = {name for batch in trainer.parts.loader for name in batch["file_names"] if name}
    assert seen == set(trainer.train_takes.names)


def test_the_best_weights_are_those_with_the_highest_r(
    start: Start, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """r of 0.1, 0.4, 0.3, 0.4: the second, for a later one has to be better to replace it."""
    Judge(monkeypatch, 0.1, 0.4, 0.3, 0.4)
    weights: list[dict[str, torch.Tensor]] = []
    trainer = start(epochs=4, validations=1000)
    monkeypatch.setattr(
        trainer, "_validate", lambda validate=trainer._validate: (weights.append(weights_of(trainer)), validate())
    )
    trainer.fit()
    told = events("validation")
    assert [line["best"] for line in told] == [True, True, False, False]
    assert [line["r"] for line in told] == [0.1, 0.4, 0.3, 0.4]
    assert trainer.best == {"step": told[1]["step"], "r": 0.4}
    best, header = load_model(trainer.run.best)
    assert header["chosen_by"] == f"mean r of the validation takes at step {told[1]['step']}"
    assert all(torch.equal(value, weights[1][name]) for name, value in best.state_dict().items())
    last, _ = load_model(trainer.run.last)
    assert all(torch.equal(value, weights[3][name]) for name, value in last.state_dict().items())


@pytest.mark.parametrize("marks", [(None, None), (-0.3, -0.2)])
def test_even_bad_weights_are_chosen_among(
    start: Start, monkeypatch: pytest.MonkeyPatch, marks: tuple[float | None, ...]
) -> None:
    """A run whose validation takes do not move, or that is worse than nothing, still has weights to use."""
    Judge(monkeypatch, *marks)
    trainer = start(epochs=2, validations=1000)
    trainer.fit()
    assert trainer.run.best.is_file() and trainer.best["r"] == (marks[-1] or 0.0)


def test_the_best_so_far_survives_a_resume(start: Start, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    Judge(monkeypatch, 0.9, 0.2)
    first = start(epochs=4, validations=1000)
    steps = steps_of_run(first.config, first.train_takes, 4)
    first._listeners[0].step = steps - 2
    first.fit()
    before = first.run.best.read_bytes()
    again = start(resume=True)
    again.fit()
    assert again.best["r"] == 0.9 and again.run.best.read_bytes() == before
    told = [line["best"] for line in events("validation")]
    assert told[0] and not any(told[1:])


def test_a_run_is_decided_by_its_settings_alone(start: Start, tmp_path: Path) -> None:
    """Validated ten times as often, or with numbers drawn in between, it is the same run, dropout and all."""
    often, once = start(epochs=3, validations=30, run=tmp_path / "often"), start(epochs=3, run=tmp_path / "once")
    torch.rand(100)
    often.fit()
    once.fit()
    assert all(torch.equal(value, weights_of(once)[name]) for name, value in often.model.state_dict().items())
    other = start(epochs=3, seed=1, run=tmp_path / "other")
    other.fit()
    assert not all(torch.equal(value, weights_of(once)[name]) for name, value in other.model.state_dict().items())


def test_without_validation_takes_the_last_weights_are_used(start: Start, spoken: Corpus, events: Events) -> None:
    trainer = start(corpus=spoken.select(split="train"), max_steps=2)
    trainer.fit()
    model, header = load_model(trainer.run.best)
    assert "no validation takes" in header["chosen_by"] and trainer.best == {} and events("validation") == []
    assert all(torch.equal(value, weights_of(trainer)[name]) for name, value in model.state_dict().items())


def test_an_interrupted_run_is_not_kept_waiting_by_validation(
    start: Start, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    judge = Judge(monkeypatch, 0.1)
    assert start(stop_at=3).fit() == "interrupted"
    assert judge.asked == [] and [line["event"] for line in events()][-2:] == ["saved", "end"]


# --- what it refuses


def test_a_run_is_not_trained_over(start: Start, tmp_path: Path) -> None:
    start(max_steps=1).fit()
    before = {entry.name: entry.read_bytes() for entry in (tmp_path / "run").iterdir()}
    with pytest.raises(RunError, match="holds a run already") as error:
        start(max_steps=1)
    assert error.value.where == str(tmp_path / "run") and "--resume" in error.value.do
    assert {entry.name: entry.read_bytes() for entry in (tmp_path / "run").iterdir()} == before


def test_resuming_without_a_run_is_an_error(start: Start, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        start(resume=True)
    assert not (tmp_path / "run").exists()


def test_resuming_on_another_corpus_is_refused_with_both(start: Start, tmp_path: Path, spoken: Corpus) -> None:
    start(max_steps=1).fit()
    pack_takes([make_take(1, seconds=2)], tmp_path / "corpus", PackConfig(val=0.0))
    other = Corpus.open(tmp_path / "corpus")
    with pytest.raises(RunError, match=f"trained on corpus {spoken.id[:12]}, this one is {other.id[:12]}"):
        start(resume=True, corpus=other)


def test_resuming_with_other_settings_uses_those_of_the_run(start: Start) -> None:
    """A run is one thing; what is said at resuming does not change it half way."""
    start(stop_at=2, seed=7, learning_rate=0.002).fit()
    trainer = start(resume=True, seed=8, learning_rate=0.5, stop_at=3)
    trainer.fit()
    assert trainer.config.seed == 7 and trainer.config.learning_rate == 0.002 and trainer.step == 3


@pytest.mark.parametrize("lost", ["last.safetensors"])
def test_resuming_without_the_checkpoint_is_an_error(start: Start, tmp_path: Path, lost: str) -> None:
    start(max_steps=1).fit()
    (tmp_path / "run" / lost).unlink()
    with pytest.raises(RunError, match="holds no checkpoint to resume from"):
        start(resume=True).fit()


def test_a_damaged_checkpoint_is_not_resumed(start: Start, tmp_path: Path) -> None:
    start(max_steps=1).fit()
    path = tmp_path / "run" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be read") as error:
        start(resume=True).fit()
    assert error.value.where == str(path)


def test_no_training_take_is_an_error(start: Start, spoken: Corpus) -> None:
    with pytest.raises(RunError, match="has no training take"):
        start(corpus=spoken.select(split="val"))


def test_settings_that_do_not_fit_leave_no_run(start: Start, tmp_path: Path) -> None:
    """What is found out on the way to the first step leaves the folder free for the next attempt."""
    for more in ({"batch_size": 4, "n_streams": 3}, {"stride": "zigzag"}, {"num_workers": -1}):
        with pytest.raises(ConfigError):
            start(**more).fit()
        assert not (tmp_path / "run" / "run.json").exists()
    with pytest.raises(ConfigError, match="settings of model 'sequential' do not fit"):
        start(model={"depth": 9})
    start(max_steps=1).fit()


def test_a_run_killed_before_its_first_minute_can_be_resumed(start: Start, tmp_path: Path) -> None:
    """Whatever has a record has a checkpoint: no dead end between "holds a run already" and "no checkpoint"."""

    def tell(event: str, **values: Any) -> None:
        if event == "step" and values["step"] == 2:
            raise MemoryError("as if killed")

    with pytest.raises(MemoryError):
        start(listeners=[SimpleNamespace(tell=tell, close=lambda: None)]).fit()
    assert (tmp_path / "run" / "run.json").is_file()
    resumed = start(resume=True, stop_at=1)
    assert resumed.fit() == "interrupted" and resumed.step == 1


def test_it_is_saved_now_and_then(start: Start, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any step, once a minute has passed since the last time: an epoch may take hours."""
    monkeypatch.setattr(trainer_module, "_SAVE_EVERY_S", -1.0)
    trainer = start(epochs=2)
    trainer.fit()
    assert [line["step"] for line in events("saved")] == [*range(trainer.step + 1), trainer.step]
