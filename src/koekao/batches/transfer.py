"""Batches on a device: gathered into pinned memory, sent by a stream of their own, converted there.

int16 goes over the wire as it is, half the bytes, and becomes float32 on the device (times 2**-15, which is exact, so
the values are bit for bit those of the CPU). Three orders must hold, and each is an event that somebody waits for:

- pinned memory is filled again only when the copy out of it is done: whoever iterates waits, a whole ring later;
- memory on the device is written again only when whoever used the batch is done with it: the copying stream waits;
- a batch is used only when it has arrived: the stream of whoever asked waits, the CPU goes on.

A :class:`Wire` is what a device must be able to do; the tests have one that does everything as late as it is allowed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from koekao.batches.buffers import pinned_memory
from koekao.batches.ring import Place
from koekao.batches.slots import Batch, Layout, Slot
from koekao.errors import ConfigError

Pair = tuple[torch.Tensor, torch.Tensor]
Moment = Any
"""Something that happens in a stream and can be waited for."""

PCM_SCALE = 1 / 32768


class Wire(ABC):
    """The way to one device."""

    @abstractmethod
    def host_memory(self, shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
        """Memory here that the device can read by itself."""

    @abstractmethod
    def device_memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Memory there."""

    @abstractmethod
    def send(self, copies: Sequence[Pair], conversions: Sequence[Pair], after: Moment) -> Moment:
        """In the copying stream, after ``after``: copy each (here, there), then each (int16 there, float32 there).

        Returns:
            The moment when all of it is done.
        """

    @abstractmethod
    def now(self) -> Moment:
        """The moment when the caller's stream has done all that it was given so far."""

    @abstractmethod
    def let_wait(self, moment: Moment) -> None:
        """The caller's stream waits for the moment before it does anything more; the caller does not."""

    @abstractmethod
    def wait(self, moment: Moment) -> None:
        """The calling thread waits for the moment."""


class CudaWire(Wire):
    """Pinned memory and a second CUDA stream."""

    def __init__(self, device: torch.device) -> None:
        self.device = torch.device("cuda", torch.cuda.current_device() if device.index is None else device.index)
        self._stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]

    def host_memory(self, shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
        return pinned_memory(shape, dtype)

    def device_memory(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device=self.device)

    def send(self, copies: Sequence[Pair], conversions: Sequence[Pair], after: Moment) -> Moment:
        with torch.cuda.stream(self._stream):
            self._stream.wait_event(after)
            for here, there in copies:
                there.copy_(here, non_blocking=True)
            for raw, sound in conversions:
                torch.mul(raw, PCM_SCALE, out=sound)
            return self._stream.record_event()

    def now(self) -> Moment:
        return torch.cuda.current_stream(self.device).record_event()

    def let_wait(self, moment: Moment) -> None:
        torch.cuda.current_stream(self.device).wait_event(moment)

    def wait(self, moment: Moment) -> None:
        moment.synchronize()


class DevicePlace(Place):
    """A place of the ring with memory here and there."""

    sends = True

    def __init__(self, layout: Layout, wire: Wire) -> None:
        super().__init__(Slot(layout, layout.n_rows, wire.host_memory))
        self._wire = wire
        self._there: dict[str, torch.Tensor] = {}
        self._copies: list[Pair] = []
        self._conversions: list[Pair] = []
        for key, here in self.slot.tensors.items():
            there = wire.device_memory(tuple(here.shape), here.dtype)
            self._copies.append((here, there))
            if key == layout.sound_key and here.dtype == torch.int16:
                sound = wire.device_memory(tuple(here.shape), torch.float32)
                self._conversions.append((there, sound))
                there = sound
            self._there[key] = there
        self.watched = next(iter(self._there.values()))
        self._free = self._arrived = wire.now()

    def release(self) -> None:
        self._free = self._wire.now()
        self._wire.wait(self._arrived)

    def send(self) -> None:
        self._arrived = self._wire.send(self._copies, self._conversions, self._free)

    def deliver(self, names: list[str]) -> Batch:
        self._wire.let_wait(self._arrived)
        return self.slot.batch(names) | self._there


def wire_to(device: str | torch.device | Wire | None) -> Wire | None:
    """The way to ``device``; None for the CPU.

    Raises:
        ConfigError: neither the CPU nor CUDA, or CUDA that is not there.
    """
    if device is None or isinstance(device, Wire):
        return device
    device = torch.device(device)
    if device.type == "cpu":
        return None
    if device.type != "cuda" or not torch.cuda.is_available():
        raise ConfigError(
            f"device {str(device)!r} for batches",
            expected="cpu, or cuda where it is available",
            do="leave device out and move each batch with koekao.batches.to_device",
        )
    return CudaWire(device)
