"""Law: what goes to a device is every tensor and nothing else, and a copy waits only where nobody else would."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from koekao.batches import Loader, StreamSpec, to_device


class Recording(torch.Tensor):
    """A tensor that writes down how it was asked to move, and stays where it is."""

    asked: list[tuple[str, bool]] = []  # noqa: RUF012

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Recording:  # type: ignore[override]
        self.asked.append((str(device), non_blocking))
        return self


@pytest.fixture(scope="module")
def batch(small: Any) -> dict[str, Any]:
    return Loader(small.corpus, StreamSpec(window_frames=8)).batch(0)


def test_tensors_move_and_lists_stay(batch: dict[str, Any]) -> None:
    moved = to_device(batch, "meta")
    assert list(moved) == list(batch)
    assert moved["file_names"] == batch["file_names"]
    for key, value in moved.items():
        if key != "file_names":
            assert value.device.type == "meta"
            assert (value.shape, value.dtype) == (batch[key].shape, batch[key].dtype)
            assert batch[key].device.type == "cpu"


def test_on_the_cpu_nothing_is_copied(batch: dict[str, Any]) -> None:
    same = to_device(batch, torch.device("cpu"))
    assert all(same[key] is batch[key] for key in batch)


@pytest.mark.parametrize(("device", "asynchronous"), [("cuda:1", True), ("cpu", False)])
def test_copies_to_a_device_are_asynchronous_and_those_back_are_not(device: str, asynchronous: bool) -> None:
    Recording.asked.clear()
    to_device({"audio": torch.zeros(3).as_subclass(Recording), "file_names": ["a"]}, device)
    assert Recording.asked == [(device, asynchronous)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_pinned_batches_arrive_on_cuda_as_they_are(small: Any) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), pin_memory=True, num_workers=2)
    for batch in loader:
        assert batch["audio"].is_pinned() and batch["blendshapes"].is_pinned()
        back = to_device(to_device(batch, "cuda"), "cpu")
        assert all(torch.equal(back[key], batch[key]) for key in batch if key != "file_names")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_pinning_is_ignored_without_cuda(small: Any) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), pin_memory=True)
    assert not loader.pin_memory
    assert not loader.batch(0)["audio"].is_pinned()
