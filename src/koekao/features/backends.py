"""Streams of features by name: one interface, whoever computes them.

``mel`` and ``prosody`` are this project's own. ``opensmile`` and ``hf:PATH`` are extras, imported when they are asked
for. All are a :class:`~koekao.features.stream.FeatureStream`: the same steps offline, live and for packing. A backend
that is missing or fails is an error; none is ever replaced by another one or by zeros.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from koekao.clock import Clock, parse_fps
from koekao.errors import ConfigError
from koekao.features.egemaps import Egemaps
from koekao.features.embeddings import Embedding
from koekao.features.encoded import EncodedPast, PastEncoder
from koekao.features.logmel import LogMel, LogMelConfig
from koekao.features.melstream import MelStream
from koekao.features.prosody import Prosody, ProsodyConfig
from koekao.features.refresh import Refresh
from koekao.features.stream import FeatureStream

BACKENDS = ("mel", "prosody", "opensmile", "hf:PATH")
"""What :func:`open_stream` opens. ``prosody`` is the default of the emotion stream."""


def open_stream(
    backend: str = "prosody", *, sample_rate: int = 16000, fps: str = "30", **settings: Any
) -> FeatureStream:
    """The stream of a backend, at these rates.

    Args:
        backend: one of :data:`BACKENDS`; ``hf:`` is followed by a folder with the network.
        sample_rate: Hz. fps: frames a second, as text.
        settings: for ``mel`` those of :class:`~koekao.features.logmel.LogMelConfig`, for ``prosody`` those of
            :class:`~koekao.features.prosody.ProsodyConfig`; for the others ``past_s`` (seconds that it hears at once),
            ``refresh_ms`` and ``delays_ms``.

    Raises:
        ConfigError: no such backend or setting, settings that cannot be, or a package or folder that is not there.
        ModelError: a network that cannot be read.
    """
    clock, path = Clock(sample_rate, parse_fps(fps)), backend.removeprefix("hf:")
    if backend == "mel":
        _refuse_unknown(backend, settings, _fields_of(LogMelConfig))
        return MelStream(LogMel(LogMelConfig(sample_rate=sample_rate, fps=fps, **settings)))
    if backend == "prosody":
        _refuse_unknown(backend, settings, _fields_of(ProsodyConfig))
        return Prosody(ProsodyConfig(sample_rate=sample_rate, fps=fps, **settings))
    if backend == "opensmile" or (path and path != backend):
        _refuse_unknown(backend, settings, ("past_s", "refresh_ms", "delays_ms"))
        return _encoded(None if backend == "opensmile" else Path(path), clock, **settings)
    raise ConfigError(f"a stream of features {backend!r}", expected=f"one of {', '.join(BACKENDS)}")


def _fields_of(config: type[LogMelConfig | ProsodyConfig]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(config) if field.name not in ("sample_rate", "fps"))


def _refuse_unknown(backend: str, settings: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(settings.keys() - set(known))
    if unknown:
        raise ConfigError(f"settings {', '.join(unknown)} of {backend}", expected=f"of {', '.join(known)}")


def _encoded(path: Path | None, clock: Clock, *, past_s: float | None = None, **when: Any) -> FeatureStream:
    """The network in ``path``, or openSMILE, asked at every refresh."""
    refresh = Refresh(clock=clock, **when)
    if past_s is not None and not refresh.refresh_ms / 1000 <= past_s <= 600:
        raise ConfigError(f"a past of {past_s} s", expected=f"{refresh.refresh_ms} ms to 600 s")
    how = {} if past_s is None else {"past_s": float(past_s)}
    encoder: PastEncoder = Egemaps(**how) if path is None else Embedding(path, **how)
    return EncodedPast(encoder, clock, refresh)
