"""Batches of training changed at random, and features made of what was changed.

Between the loader and the device, so the loader delivers to the CPU where batches are augmented. The sequential and the
clip trainer compute log-mel from the sound of a window themselves. The stream trainer reads log-mel of whole takes,
packed or in memory, which would not hear what is done to the sound: where an effect changes sound, packed columns are
left out and the log-mel of each window is computed from its changed sound here. What that gives up: the first 64 ms of
such a window hear silence before it, not the take; and the time to augment and to compute, at every epoch. Mirror alone
changes no sound, and the log-mel of whole takes serves as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from koekao.batches import Batch
from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.features import LogMel
from koekao.training.augmentation import Augmentation, AugmentConfig
from koekao.training.take_mel import COLUMN


def effects_of(augment: Mapping[str, Any] | str) -> AugmentConfig:
    """The setting ``augment``: ``usual``, or effects by name with their settings.

    Raises:
        ConfigError: another word, an effect or a setting that there is not, or a value that cannot be.
    """
    if isinstance(augment, str):
        if augment != "usual":
            raise ConfigError(f"augment {augment!r}", expected="usual, or effects by name with their settings")
        return AugmentConfig.usual()
    return AugmentConfig.from_dict(augment)


def changes_sound(config: AugmentConfig) -> bool:
    """Whether any effect that may be applied changes sound."""
    return any(effect.CHANGES_SOUND for effect in config.effects().values() if effect.probability > 0)


class Augmented:
    """``augmented(batch, epoch=3)``: the batch as training is to see it.

    Args:
        config: the effects.
        clock: of the corpus.
        seed: the run's; with epoch, take and frame it decides what becomes of a window, so a resume sees the same.
        features: of a model that reads log-mel from the batch, where sound is changed; else None.
    """

    def __init__(self, config: AugmentConfig, clock: Clock, seed: int, *, features: LogMel | None) -> None:
        self._augment, self._features = Augmentation(config, clock, seed), features

    @torch.no_grad()
    def __call__(self, batch: Batch, *, epoch: int) -> Batch:
        """Sound and curves changed in place; with ``features`` the sound makes way for ``mel``.

        Raises:
            BatchError: packed features beside sound that is changed.
        """
        self._augment(batch, epoch=epoch)
        features = self._features
        if features is None:
            return batch
        sound, start = (batch[key].to(features.mean.device) for key in ("wav", "start_frames"))
        mel = features.raw(
            sound,
            first_frame=start,
            n_frames=batch["arkit"].shape[1],
            origin_samples=features.frame_starts(start),
        )
        return {key: value for key, value in batch.items() if key != "wav"} | {COLUMN: mel}
