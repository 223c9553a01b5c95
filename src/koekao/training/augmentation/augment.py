"""Batches and items, augmented in place: which effects a window gets, and with which random numbers.

What becomes of a window is a function of its sound and curves and of (seed, epoch, take, start frame) alone, to the
bit: not of its batch, its row, workers, ranks, or what was augmented before. Each window is worked on by itself, in
arrays that fit the processor's cache; a batch in one array would be no faster, and sums over it could differ.

Each effect owns a place in the order, and with it two numbers of the window's generator: whether it is applied, and the
seed of a generator of its own. So changing the ranges or the probability of one effect changes no other.

What it gives up: windows that overlap, or follow each other in a stream, are augmented each in its own way, so a state
that is carried from one to the next hears the voice and the room change; and it runs on the CPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from koekao.batches import Batch
from koekao.batches.items import Item, row_of
from koekao.clock import Clock
from koekao.errors import BatchError
from koekao.training.augmentation.config import AugmentConfig
from koekao.training.augmentation.effect import Effect, Window, WindowEffect
from koekao.training.augmentation.filters import Filter, octave_grid
from koekao.training.augmentation.reverb import Reverb
from koekao.training.augmentation.spectrum import filtered
from koekao.windows import window_generator

_SOUND_KEYS = ("audio", "wav")
_CURVE_KEYS = ("blendshapes", "arkit")
_NEEDED_KEYS = ("file_indices", "start_frames", "valid_frames")
_OTHER_KEYS = ("file_names", "frame_mask", "is_dense", "reset", "gap_frames")

Drawn = list[tuple[Effect, np.random.Generator]]


class Augmentation:
    """``augmentation(batch, epoch=3)`` changes the batch's sound and curves in place.

    Args:
        config: the effects.
        clock: of the corpus; what a frame is in samples.
        seed: the run's.
    """

    def __init__(self, config: AugmentConfig, clock: Clock, seed: int) -> None:
        self.config, self.clock, self.seed = config, clock, seed
        self._effects = list(config.effects().values())
        self._wanted = [effect for effect in self._effects if effect.probability > 0]
        self._octaves = octave_grid(clock.sample_rate)

    def __call__(self, batch: Batch, *, epoch: int) -> None:
        """Augment every row of ``batch`` (see :func:`koekao.batches.gather`) in place, on the CPU.

        Sound ``[B, N]`` and curves ``[B, T, 52]``, float32 both, keep shape and dtype; nothing else is written to.
        Padding rows (``valid_frames`` 0), and what lies past ``valid_frames`` in a row, stay as they are.

        Raises:
            BatchError: keys that are missing, tensors on another device, or packed features beside or instead of the
                sound: they would not hear what is done to it.
            SoundError, CurvesError: a shape, dtype or value that cannot be, with take and frame.
        """
        if not self._wanted:
            return
        self._refuse(batch)
        takes, starts = batch["file_indices"].tolist(), batch["start_frames"].tolist()
        for row, (take, start) in enumerate(zip(takes, starts, strict=True)):
            self.transform(row_of(batch, row), window_generator(self.seed, epoch, take, start))

    def transform(self, item: Item, generator: np.random.Generator) -> Item:
        """The same for one item in torch's datasets (``transform=augmentation.transform``), in place.

        There the datasets make the generator, with the seed they were given.

        Raises:
            As for a batch.
        """
        self._refuse(item)
        window = self.window_of(item)
        if window is not None:
            self.augment(window, generator)
        return item

    def window_of(self, item: Item) -> Window | None:
        """What is real of an item, as arrays over its memory; None for padding."""
        n_frames, start = int(item["valid_frames"]), int(item["start_frames"])
        sound, curves = _first_of(item, _SOUND_KEYS), _first_of(item, _CURVE_KEYS)
        tracked = item.get("frame_mask")
        if not n_frames:
            return None
        n_samples = None
        if curves is None or n_frames < len(curves):
            n_samples = self.clock.frame_start(start + n_frames) - self.clock.frame_start(start)
        return Window(
            clock=self.clock,
            sound=None if sound is None else sound.numpy()[:n_samples],
            curves=None if curves is None else curves.numpy()[:n_frames],
            tracked=None if tracked is None else tracked.numpy()[:n_frames],
            where=f"{item.get('file_names') or '?'}:frame {start}",
        )

    def augment(self, window: Window, generator: np.random.Generator) -> None:
        """Apply what ``generator`` says to a window, in place: each effect in its order, all filters in one pass."""
        line: Drawn = []
        for effect, own in self.drawn(generator):
            if isinstance(effect, (Filter, Reverb)):
                line.append((effect, own))
                continue
            self._send(window, line)
            line = []
            if isinstance(effect, WindowEffect):
                effect.apply(window, own)
        self._send(window, line)

    def drawn(self, generator: np.random.Generator) -> Drawn:
        """The effects that a window gets, in order, each with its own generator."""
        numbers = generator.integers(0, 2**64, size=(len(self._effects), 2), dtype=np.uint64)
        chances = (numbers[:, 0] >> np.uint64(11)) * 2.0**-53
        return [
            (effect, np.random.Generator(np.random.SFC64(int(number))))
            for effect, chance, number in zip(self._effects, chances, numbers[:, 1], strict=True)
            if chance < effect.probability
        ]

    def _send(self, window: Window, line: Drawn) -> None:
        if window.sound is None or not line:
            return
        rate = self.clock.sample_rate
        curves = [effect.curve_db(self._octaves, own) for effect, own in line if isinstance(effect, Filter)]
        rooms = [effect.impulse(rate, own) for effect, own in line if isinstance(effect, Reverb)]
        filtered(window.sound, rate, curves, rooms)

    def _refuse(self, batch: dict[str, Any]) -> None:
        missing = [key for key in _NEEDED_KEYS if key not in batch]
        if missing:
            raise BatchError(f"no {', '.join(missing)} in the batch", expected="a batch as koekao's loaders give it")
        for key in (*_SOUND_KEYS, *_CURVE_KEYS):
            tensor = batch.get(key)
            if isinstance(tensor, torch.Tensor) and tensor.device.type != "cpu":
                raise BatchError(
                    f"{key} is on {tensor.device}", expected="the CPU", do="augment before it is sent there"
                )
        if not any(effect.CHANGES_SOUND for effect in self._wanted):
            return
        features = [key for key in batch if key not in (*_SOUND_KEYS, *_CURVE_KEYS, *_NEEDED_KEYS, *_OTHER_KEYS)]
        if features or not any(key in batch for key in _SOUND_KEYS):
            raise BatchError(
                f"effects that change sound, on a batch with {', '.join(features) or 'no sound'}",
                expected="sound, and no features that were computed before it is changed",
                do="leave features out of columns and compute them from the sound, or ask for mirror alone",
            )


def _first_of(item: Item, keys: tuple[str, ...]) -> torch.Tensor | None:
    return next((item[key] for key in keys if key in item), None)
