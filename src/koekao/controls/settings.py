"""The settings of the controls, each checked when it is made; all of them neutral unless said otherwise.

They say nothing about frames: times are in ms or s, angles in degrees, so that the same settings mean the same at 24
and at 60 frames a second, live and offline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Literal, get_args

from koekao.arkit import INDEX, REGIONS
from koekao.errors import ConfigError

When = Literal["still", "always", "never"]
"""Motion of our own: where the model gives none, beside whatever it gives, or not at all."""
Phase = Literal["zero", "causal"]
MAX_SMOOTHING_MS = 1000
MAX_HOLD_MS = 500
MIN_BLINK_S = 1.0
"""Two blinks, one of them double, do not run into each other from here on."""
MIN_FIXATION_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """What is done to a curve, or to each of a region: ``gain * response(x) + offset``.

    Attributes:
        gain: factor, 0..4. offset: added afterwards, -1..1.
        response: points ``(x, y)`` of a curve that never falls, from x = 0 to x = 1; between them it is a monotone
            cubic, so it does not overshoot. None is the straight line.

    What is None is not said: a curve takes it from its region, a region from the neutral face (1, 0, straight).
    """

    gain: float | None = None
    offset: float | None = None
    response: tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        if self.gain is not None:
            _check_number("gain", self.gain, 0, 4)
        if self.offset is not None:
            _check_number("offset", self.offset, -1, 1)
        if self.response is not None:
            object.__setattr__(self, "response", _checked_response(self.response))


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """How much each curve follows its past (:mod:`koekao.controls.smoothing`).

    Attributes:
        ms: time constant of every curve; 0 does not smooth.
        regions: time constants that differ, by region.
        phase: zero (looks as far ahead as back: nothing comes late against the sound, the stream has that latency) or
            causal (no latency, but motion lags behind by about its time constant).
    """

    ms: float = 0.0
    regions: dict[str, float] = field(default_factory=dict)
    phase: Phase = "zero"

    def __post_init__(self) -> None:
        _check_number("ms", self.ms, 0, MAX_SMOOTHING_MS)
        _check_names("regions", self.regions, REGIONS)
        for name, ms in self.regions.items():
            _check_number(f"regions.{name}", ms, 0, MAX_SMOOTHING_MS)
        _check_choice("phase", self.phase, get_args(Phase))

    def of(self, region: str) -> float:
        """The time constant of a region in ms."""
        return self.regions.get(region, self.ms)


@dataclass(frozen=True, kw_only=True)
class LipPress:
    """Lips that nearly meet are shut (:mod:`koekao.controls.lip_press`).

    Attributes:
        strength: 0 leaves them, 1 shuts them.
        near: the largest opening (:func:`koekao.lips.lip_opening`) that counts as a closure which was missed.
    """

    strength: float = 0.0
    near: float = 0.12

    def __post_init__(self) -> None:
        _check_number("strength", self.strength, 0, 1)
        _check_number("near", self.near, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Blinks:
    """Blinks of our own (:mod:`koekao.controls.blinks`).

    Attributes:
        amount: how far lids close, 0..1; 0 is off.
        when: still blinks unless the model's lids moved within the last two seconds.
        every_s: the shortest and the longest time between two blinks.
        double: the share of blinks that come twice.
    """

    amount: float = 0.0
    when: When = "still"
    every_s: tuple[float, float] = (2.0, 6.0)
    double: float = 0.12

    def __post_init__(self) -> None:
        _check_number("amount", self.amount, 0, 1)
        _check_choice("when", self.when, get_args(When))
        object.__setattr__(self, "every_s", _checked_range("every_s", self.every_s, MIN_BLINK_S, 60))
        _check_number("double", self.double, 0, 1)


@dataclass(frozen=True, kw_only=True)
class HeadMotion:
    """Slow motion of the head (:mod:`koekao.controls.head`).

    Attributes:
        amount_deg: the yaw that is never passed; pitch and roll move less. 0 is off.
        when: still is where the model gives no pose. No model of this house gives one, so still is always.
    """

    amount_deg: float = 0.0
    when: When = "still"

    def __post_init__(self) -> None:
        _check_number("amount_deg", self.amount_deg, 0, 20)
        _check_choice("when", self.when, get_args(When))


@dataclass(frozen=True, kw_only=True)
class EyeMotion:
    """Glances of both eyes together (:mod:`koekao.controls.eyes`).

    Attributes:
        amount_deg: the yaw that is never passed; up and down it is half of it. 0 is off.
        when: still glances unless the model's eyes moved within the last second.
        every_s: the shortest and the longest time between two glances.
    """

    amount_deg: float = 0.0
    when: When = "still"
    every_s: tuple[float, float] = (0.5, 2.5)

    def __post_init__(self) -> None:
        _check_number("amount_deg", self.amount_deg, 0, 20)
        _check_choice("when", self.when, get_args(When))
        object.__setattr__(self, "every_s", _checked_range("every_s", self.every_s, MIN_FIXATION_S, 60))


@dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """Everything that the controls are decided by. The default changes nothing.

    Attributes:
        mouth: strength of speech: jaw, mouth, cheek and tongue, 0..2.
        expression: strength of what a face says beside it: brow, nose, eyeSquint and eyeWide, 0..2. Blinks and gaze
            are no expression: half a blink is a sleepy face, and half a glance misses what it looks at.
        symmetry: 0 leaves the halves of the face as they are, 1 makes them their mean.
        regions, curves: adjustments by name; what a curve says itself wins over its region.
        smoothing: by region.
        hold_ms: the least time that a mouth shape stays once it is reached, 0..500.
        lips, blinks, head, eyes: see there.
    """

    mouth: float = 1.0
    expression: float = 1.0
    symmetry: float = 0.0
    regions: dict[str, Adjustment] = field(default_factory=dict)
    curves: dict[str, Adjustment] = field(default_factory=dict)
    smoothing: Smoothing = field(default_factory=Smoothing)
    hold_ms: float = 0.0
    lips: LipPress = field(default_factory=LipPress)
    blinks: Blinks = field(default_factory=Blinks)
    head: HeadMotion = field(default_factory=HeadMotion)
    eyes: EyeMotion = field(default_factory=EyeMotion)

    def __post_init__(self) -> None:
        _check_number("mouth", self.mouth, 0, 2)
        _check_number("expression", self.expression, 0, 2)
        _check_number("symmetry", self.symmetry, 0, 1)
        _check_number("hold_ms", self.hold_ms, 0, MAX_HOLD_MS)
        _check_names("regions", self.regions, REGIONS)
        _check_names("curves", self.curves, INDEX)
        for name, kind in PARTS.items():
            _check_kind(name, getattr(self, name), kind)
        for name in ("regions", "curves"):
            for key, each in getattr(self, name).items():
                _check_kind(f"{name}.{key}", each, Adjustment)

    def as_dict(self) -> dict[str, Any]:
        """JSON values; what an adjustment does not say is left out."""
        values = asdict(self)
        for name in ("regions", "curves"):
            values[name] = {
                key: {what: value for what, value in each.items() if value is not None}
                for key, each in values[name].items()
            }
        plain: dict[str, Any] = _lists(values)
        return plain


PARTS: Mapping[str, type[Any]] = {
    "smoothing": Smoothing,
    "lips": LipPress,
    "blinks": Blinks,
    "head": HeadMotion,
    "eyes": EyeMotion,
}
"""The settings of :class:`ControlSettings` that have settings of their own."""


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(each) for key, each in value.items()}
    return [_lists(each) for each in value] if isinstance(value, list | tuple) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_number(name: str, value: object, low: float, high: float) -> None:
    if not _is_number(value) or not low <= value <= high:  # type: ignore[operator]
        raise ConfigError(f"{name} {value!r}", expected=f"a number in {low}..{high}")


def _check_kind(name: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise ConfigError(f"{name} {value!r}", expected=f"its keys and values, as {kind.__name__}")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{name} {value!r}", expected="one of " + ", ".join(choices))


def _check_names(name: str, value: object, known: Mapping[str, object]) -> None:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} {value!r}", expected="its keys and values")
    for key in value:
        if key not in known:
            raise ConfigError(f"{name}.{key}: there is none", expected="one of " + ", ".join(known))


def _checked_range(name: str, value: Any, low: float, high: float) -> tuple[float, float]:
    is_pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))
    if not is_pair or not low <= value[0] <= value[1] <= high:
        raise ConfigError(f"{name} {value!r}", expected=f"[shortest, longest] within {low}..{high}")
    return float(value[0]), float(value[1])


def _checked_response(points: Any) -> tuple[tuple[float, float], ...]:
    """The points as tuples of floats."""
    is_list = isinstance(points, list | tuple) and len(points) >= 2
    is_pairs = is_list and all(
        isinstance(each, list | tuple) and len(each) == 2 and all(map(_is_number, each)) for each in points
    )
    x, y = zip(*points) if is_pairs else ((), ())
    is_rising = is_pairs and all(a < b for a, b in pairwise(x)) and all(a <= b for a, b in pairwise(y))
    if not is_rising or (x[0], x[-1]) != (0, 1) or not 0 <= y[0] <= y[-1] <= 1:
        expected = "points [[0, y], ..., [1, y]] with x rising, y in 0..1 and never falling"
        raise ConfigError(f"response {points!r}", expected=expected)
    return tuple((float(a), float(b)) for a, b in points)
