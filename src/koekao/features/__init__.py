"""Sound to numbers a frame, causal and stepwise."""

from koekao.features.logmel import LogMel, LogMelConfig

__all__ = ["LogMel", "LogMelConfig"]
