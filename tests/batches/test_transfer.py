"""Law: batches on a device are those of the CPU, however late everything there is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.batches.transfer import PCM_SCALE, Pair, Wire, wire_to
from koekao.errors import ConfigError
from koekao.testing.laws import assert_same_batches, kept
from koekao.windows import StridePolicy

STREAMS = StreamSpec(window_frames=8, stride=StridePolicy(mode="mixed", initial_stride=4))
CLIPS = ClipSpec(window_frames=8, batch_size=5)


@dataclass
class Work:
    """Something that a stream has been given to do, and what must be done before it."""

    do: Callable[[], None]
    after: list[Work] = field(default_factory=list)
    is_done: bool = False

    def finish(self) -> None:
        for earlier in self.after:
            earlier.finish()
        self.after.clear()
        if not self.is_done:
            self.is_done = True
            self.do()


class LazyWire(Wire):
    """A device that does nothing before somebody waits for it: what is not waited for has not happened.

    There are two streams, as on CUDA: work of one is done in order, and between them only what was told to wait waits.
    """

    def __init__(self) -> None:
        self.copying, self.computing = Work(lambda: None), Work(lambda: None)
        self.sent = self.waited = 0
        self.wired: list[torch.dtype] = []

    def host_memory(self, shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
        return torch.from_numpy(np.empty(shape, dtype))

    def device_memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return torch.zeros(shape, dtype=dtype)

    def send(self, copies: Sequence[Pair], conversions: Sequence[Pair], after: Work) -> Work:
        self.sent += 1
        self.wired = [here.dtype for here, _ in copies]

        def move() -> None:
            for here, there in copies:
                there.copy_(here)
            for raw, sound in conversions:
                torch.mul(raw, PCM_SCALE, out=sound)

        self.copying = Work(move, [self.copying, after])
        return self.copying

    def now(self) -> Work:
        return self.computing

    def let_wait(self, moment: Work) -> None:
        self.computing = Work(lambda: None, [self.computing, moment])

    def wait(self, moment: Work) -> None:
        self.waited += not moment.is_done
        moment.finish()

    def compute(self, batch: dict[str, Any], into: list[dict[str, Any]]) -> None:
        """A step of training that uses the batch some time: it keeps a copy. A kernel holds addresses, no tensors."""
        there = {key: value.detach() if isinstance(value, torch.Tensor) else value for key, value in batch.items()}
        self.computing = Work(lambda: into.extend(kept([there])), [self.computing])

    def synchronize(self) -> None:
        self.computing.finish()


def computed(wire: LazyWire, batches: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a device sees that is asked to use each batch and does so as late as it may."""
    seen: list[dict[str, Any]] = []
    for batch in batches:
        wire.compute(batch, seen)
    wire.synchronize()
    return seen


@pytest.mark.parametrize(("num_workers", "prefetch_factor"), [(0, None), (0, 2), (1, 1), (2, 2), (1, 4)])
@pytest.mark.parametrize("spec", [STREAMS, CLIPS], ids=["streams", "clips"])
def test_a_device_sees_the_batches_of_the_cpu(
    small: Any, spec: Any, num_workers: int, prefetch_factor: int | None
) -> None:
    wire = LazyWire()
    loader = Loader(small.corpus, spec, num_workers=num_workers, prefetch_factor=prefetch_factor, device=wire)
    for epoch in range(2):
        loader.set_epoch(epoch)
        assert_same_batches(computed(wire, iter(loader)), Loader(small.corpus, spec, epoch=epoch))
    assert wire.sent == sum(len(Loader(small.corpus, spec, epoch=epoch)) for epoch in range(2))


@pytest.mark.parametrize("broken", ["let_wait", "wait", "now"])
def test_each_of_the_three_orders_is_needed(small: Any, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """The device above finds a wire on which one of the waits is left out."""

    def no_wait(wire: LazyWire, moment: Work) -> None:
        pass

    def long_past(wire: LazyWire) -> Work:
        return Work(lambda: None)

    monkeypatch.setattr(LazyWire, broken, long_past if broken == "now" else no_wait)
    wire = LazyWire()
    loader = Loader(small.corpus, STREAMS, num_workers=1, prefetch_factor=1, device=wire)
    with pytest.raises(AssertionError, match="differs"):
        assert_same_batches(computed(wire, iter(loader)), Loader(small.corpus, STREAMS))


def test_int16_goes_over_the_wire_and_float32_is_delivered(small: Any, packed_of: Callable[..., Any]) -> None:
    wire = LazyWire()
    batch = next(iter(Loader(small.corpus, STREAMS, device=wire)))
    wire.synchronize()
    assert wire.wired[:2] == [torch.int16, torch.float32]
    assert batch["audio"].dtype == torch.float32
    floats = packed_of((12, 9), dtype="float32").corpus
    wire = LazyWire()
    sent = computed(wire, iter(Loader(floats, STREAMS, device=wire)))
    assert wire.wired[0] == torch.float32
    assert_same_batches(sent, Loader(floats, STREAMS))


def test_batches_ahead_are_sent_before_they_are_asked_for(small: Any) -> None:
    wire = LazyWire()
    loader = Loader(small.corpus, StreamSpec(window_frames=8), num_workers=1, prefetch_factor=3, device=wire)
    for taken, _batch in enumerate(loader, start=1):
        if wire.sent == taken + 2:  # of the three ahead, the last has leave only since this batch was asked for
            break
        time.sleep(0.02)  # a step of training, in which the thread gathers ahead
    else:
        pytest.fail(f"{wire.sent} batches sent, never any before it was asked for")


def test_one_batch_by_number_is_delivered_there_too(small: Any) -> None:
    wire = LazyWire()
    loader = Loader(small.corpus, STREAMS, device=wire)
    batch = loader.batch(3)
    wire.synchronize()
    assert_same_batches([batch], [Loader(small.corpus, STREAMS).batch(3)])
    assert wire.sent == 1


def test_columns_that_are_left_out_are_not_sent(small: Any) -> None:
    wire = LazyWire()
    spec = StreamSpec(window_frames=8, columns=("blendshapes",))
    assert_same_batches(computed(wire, iter(Loader(small.corpus, spec, device=wire))), Loader(small.corpus, spec))
    assert torch.int16 not in wire.wired


def test_devices_by_name() -> None:
    assert wire_to(None) is wire_to("cpu") is wire_to(torch.device("cpu")) is None
    with pytest.raises(ConfigError, match="device 'meta' for batches; expected cpu, or cuda"):
        wire_to("meta")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_cuda_that_is_not_there_is_said(small: Any) -> None:
    with pytest.raises(ConfigError, match="device 'cuda:1'") as caught:
        Loader(small.corpus, STREAMS, device="cuda:1")
    assert "to_device" in caught.value.do


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("num_workers", [0, 2])
def test_cuda_gives_the_batches_of_the_cpu(small: Any, num_workers: int) -> None:
    there = Loader(small.corpus, STREAMS, num_workers=num_workers, device="cuda")
    for batch, expected in zip(there, Loader(small.corpus, STREAMS), strict=True):
        assert batch["audio"].is_cuda
        back = {key: value.cpu() if isinstance(value, torch.Tensor) else value for key, value in batch.items()}
        assert_same_batches([back], [expected])
