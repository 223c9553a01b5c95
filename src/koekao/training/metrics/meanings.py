"""What each metric means, in a line, for whoever reads a table of them; exactly is said in the package's docstring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEANINGS: Final[Mapping[str, str]] = {
    "r": "correlation within a take; 1 is best",
    "mae": "mean absolute error in curve units; 0 is best",
    "rmse": "root mean squared error in curve units; 0 is best",
    "velocity_ratio": "1 is as lively as the truth, 0 a still face",
    "jitter_ratio": "energy above 8 Hz; 1 is as rough as the truth",
    "lip_closure_f1": "1 where the lips meet just when they should, to 100 ms",
    "onset_lag_ms": "positive where the face moves late; 0 is best",
    "upper_face_deviation": "how much too much or too little brows and eyes move; 0 is best",
    "diversity": "1 is as different from take to take as the truth",
}
