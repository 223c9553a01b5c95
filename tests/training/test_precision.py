"""16 bits where they can be: close to 32, resumed to the bit, refused elsewhere; and the loss scale of fp16."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.errors import ConfigError, RunError
from koekao.models.weights import read_tensors
from koekao.training import TrainConfig, Trainer
from koekao.training.precision import Precision

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
ON_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="fp16 needs CUDA, and there is none here")


def test_bf16_learns_what_fp32_learns(start: Start, events: Events, tmp_path: Path) -> None:
    """Its first loss within 2 % and not the same; weights and averages stay float32."""
    losses = {}
    for precision in ("fp32", "bf16"):
        run = tmp_path / precision
        start("stream", run=run, precision=precision, max_steps=4, ema_decay=0.5).fit()
        losses[precision] = [line["loss"] for line in events("step", run)]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02) and losses["bf16"] != losses["fp32"]
    tensors, _ = read_tensors(tmp_path / "bf16" / "last.safetensors")
    assert all(value.dtype == torch.float32 for name, value in tensors.items() if not name.startswith("random/"))


def test_20_steps_of_bf16_are_10_and_a_resume_and_10(
    start: Start, tmp_path: Path, same_checkpoint: Callable[..., None]
) -> None:
    more = {"precision": "bf16", "epochs": 9}
    start("stream", run=tmp_path / "one", stop_at=20, **more).fit()
    start("stream", run=tmp_path / "parts", stop_at=10, **more).fit()
    start("stream", run=tmp_path / "parts", stop_at=20, resume=True).fit()
    same_checkpoint(tmp_path / "one", tmp_path / "parts")


@pytest.mark.parametrize("name", ["sequential", "clips"])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_trainers_that_compute_log_mel_inside_are_refused(
    start: Start, tmp_path: Path, name: str, precision: str
) -> None:
    with pytest.raises(ConfigError, match=f"precision {precision} of the {name} trainer") as error:
        start(name, precision=precision).fit()
    assert "stream" in error.value.do and not (tmp_path / "run" / "run.json").exists()


def test_fp16_without_cuda_is_refused(start: Start) -> None:
    with pytest.raises(ConfigError, match="precision fp16 on cpu; expected a CUDA device"):
        start("stream", precision="fp16").fit()


@ON_CUDA
def test_fp16_leaves_steps_out_and_says_when_it_is_not_the_scale() -> None:
    """Twice the gradient overflows: the scale halves, the weights stay; for ever: an error."""
    precision = Precision(TrainConfig(trainer="stream", precision="fp16"), torch.device("cuda"))
    weight = torch.nn.Parameter(torch.ones(1, device="cuda"))
    optimizer = torch.optim.AdamW([weight], lr=0.1)

    def step(gradient: float) -> None:
        optimizer.zero_grad()
        precision.scaler.scale((weight * gradient).sum()).backward()
        precision.scaler.unscale_(optimizer)
        precision.step(optimizer)

    first = precision.scaler.get_scale()
    step(1.0)
    after = weight.item()
    assert after < 1
    step(float("inf"))
    step(float("inf"))
    assert (precision.skipped_steps, weight.item()) == (2, after)
    assert precision.scaler.get_scale() == first / 4 or first == 0
    state = precision.state_dict()
    other = Precision(TrainConfig(trainer="stream", precision="fp16"), torch.device("cuda"))
    other.load_state_dict(state)
    assert other.state_dict() == state
    with pytest.raises(RunError, match="not finite in fp16"):
        for _ in range(40):
            step(float("inf"))


@ON_CUDA
@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_run_on_cuda(start: Start, events: Events, precision: str) -> None:
    trainer = start("stream", precision=precision, device="cuda", max_steps=8, epochs=9)
    assert trainer.fit() == "8 steps done"
    assert events("step")[-1]["loss"] > 0 and trainer.parts.stepper.precision.skipped_steps < 8


# --- compiling


@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of itself
def test_compiled_it_is_the_same_to_rounding_and_resumes(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps of the stream trainer with and without, and the first of them gone on with.

    Windows start anywhere: they are cut outside of the graphs, of which there would be one a start. The graphs, forward
    and backward, are run as they were drawn; to make C++ of them, as users do, takes a minute and is left to
    ``make soak`` (``KOEKAO_COMPILE=inductor``).
    """
    from torch._dynamo.utils import counters as counted  # loads the compiler

    backend = os.environ.get("KOEKAO_COMPILE", "aot_eager")
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    more = {"model": {"dim": 16, "channels": 4, "dilations": (1,), "features": {"n_mels": 20}} | QUIET}
    start("stream", run=tmp_path / "plain", max_steps=2, **more).fit()
    counted.clear()
    try:
        start("stream", run=tmp_path / "whole", compile=True, max_steps=2, **more).fit()
    except ConfigError as error:
        pytest.skip(f"no compiler here: {error.what}")
    assert 0 < counted["stats"]["unique_graphs"] <= 5
    start("stream", run=tmp_path / "parts", compile=True, max_steps=2, stop_at=1, **more).fit()
    start("stream", run=tmp_path / "parts", resume=True).fit()
    plain, whole, parts = (read_tensors(tmp_path / run / "last.safetensors")[0] for run in ("plain", "whole", "parts"))
    for name, value in plain.items():
        if value.is_floating_point():
            torch.testing.assert_close(whole[name], value, atol=1e-4, rtol=1e-3, msg=name)
        assert torch.equal(whole[name], parts[name]), name


QUIET = {"dropout": 0.0, "noise": 0.0, "level": 0.0, "band_shift": 0.0, "band_dropout": 0.0, "tempo": 0.0}


def test_without_a_compiler_it_says_so(start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(function: Any, **how: Any) -> Any:
        raise RuntimeError("\nInvalidCxxCompiler: No working C++ compiler found\nmore lines")

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(ConfigError, match=r"torch\.compile cannot .InvalidCxxCompiler: No working C") as error:
        start("stream", compile=True).fit()
    assert "leave --compile out" in error.value.do and not (tmp_path / "run" / "run.json").exists()
