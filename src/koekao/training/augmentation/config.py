"""All effects and their order in one frozen dataclass that goes into a run as JSON.

The order is the way of sound through the world: who speaks and when (mirror, time shift, voice, formants, silence),
over which line and in which room (tilt, equaliser, missing bands, reverb: one pass, whose order does not matter), with
what noise, and how loud. Silence comes before the room, so that the room dies away in it; noise after the room, so that
its level is what was asked; gain last, so that it moves both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from koekao.errors import ConfigError
from koekao.training.augmentation.effect import Effect
from koekao.training.augmentation.filters import BandMask, Equaliser, Tilt
from koekao.training.augmentation.formants import FormantShift
from koekao.training.augmentation.gain import Gain
from koekao.training.augmentation.mirror import Mirror
from koekao.training.augmentation.noise import Noise
from koekao.training.augmentation.reverb import Reverb
from koekao.training.augmentation.silence import Silence
from koekao.training.augmentation.timeshift import TimeShift
from koekao.training.augmentation.voice import VoiceShift

_USUAL = {
    "mirror": 0.5, "time_shift": 0.5, "voice": 0.2, "formants": 0.15, "silence": 0.1, "tilt": 0.3, "equaliser": 0.25,
    "bands": 0.2, "reverb": 0.2, "noise": 0.4, "gain": 0.5,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """The effects in the order in which they are applied; by default none is, each probability is 0.

    Attributes:
        mirror: left and right change places.
        time_shift: sound and curves together by part of a frame.
        voice: pitch and formants together.
        formants: formants alone.
        silence: a stretch of room tone over a still mouth.
        tilt: decibels an octave.
        equaliser: a smooth random line over the octaves.
        bands: bands that are hardly there.
        reverb: a room.
        noise: at a signal-to-noise ratio.
        gain: louder or softer.
    """

    mirror: Mirror = field(default_factory=Mirror)
    time_shift: TimeShift = field(default_factory=TimeShift)
    voice: VoiceShift = field(default_factory=VoiceShift)
    formants: FormantShift = field(default_factory=FormantShift)
    silence: Silence = field(default_factory=Silence)
    tilt: Tilt = field(default_factory=Tilt)
    equaliser: Equaliser = field(default_factory=Equaliser)
    bands: BandMask = field(default_factory=BandMask)
    reverb: Reverb = field(default_factory=Reverb)
    noise: Noise = field(default_factory=Noise)
    gain: Gain = field(default_factory=Gain)

    def __post_init__(self) -> None:
        for name, effect in self.effects().items():
            kind = _KINDS[name]
            if type(effect) is not kind:
                raise ConfigError(
                    f"{name} {effect!r}", expected=f"a {kind.__name__}", do="AugmentConfig.from_dict reads JSON"
                )

    @classmethod
    def usual(cls) -> AugmentConfig:
        """Every effect with its usual ranges, some in half of the windows, some in a few."""
        return cls.from_dict({name: {"probability": probability} for name, probability in _USUAL.items()})

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> AugmentConfig:
        """What :meth:`as_dict` gave, or part of it: what is not said is at its default.

        Raises:
            ConfigError: an effect or a setting that there is not, or a value that cannot be.
        """
        _refuse_unknown(settings, _KINDS, "AugmentConfig")
        effects = {}
        for name, values in settings.items():
            if not isinstance(values, Mapping):
                raise ConfigError(f"{name} {values!r}", expected="its settings by name")
            _refuse_unknown(values, [each.name for each in fields(_KINDS[name])], name)
            effects[name] = _made(name, values)
        return cls(**effects)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """The settings as JSON values; ranges are lists."""
        return {
            name: {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(effect).items()}
            for name, effect in self.effects().items()
        }

    def effects(self) -> dict[str, Effect]:
        """The effects by name, in order."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


_KINDS: dict[str, Any] = {each.name: each.default_factory for each in fields(AugmentConfig)}


def _made(name: str, values: Mapping[str, Any]) -> Any:
    try:
        return _KINDS[name](**values)
    except TypeError as error:  # a text or a list where a number is compared
        raise ConfigError(
            f"{name} {dict(values)!r}: {error}", expected="numbers, and two of them for a range"
        ) from error


def _refuse_unknown(given: Mapping[str, Any], known: Any, where: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ConfigError(f"no {', '.join(map(repr, unknown))}", where=where, expected="some of " + ", ".join(known))
