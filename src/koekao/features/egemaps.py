"""The extended Geneva set by openSMILE, for those who may use it.

openSMILE's code is under audEERING's research licence: **non-commercial use only**, unless one buys another from them.
So it is an extra that nothing installs by itself, it is not the default, and what was computed with it says so in its
settings. The default, :mod:`.prosody`, needs no such licence.

eGeMAPSv02 (F. Eyben et al., IEEE Trans. Affective Computing 7, 2016) has 88 functionals. The program computes a stretch
from its beginning each time, and a past of 20 s every 300 ms is slower than speech; the default here is 5 s.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError
from koekao.features.encoded import PastEncoder

LICENCE = "openSMILE: audEERING research licence, non-commercial use only"


class Egemaps(PastEncoder):
    """88 functionals of the last ``past_s`` seconds.

    Raises:
        ConfigError: the package is not installed.
    """

    name = "opensmile"

    def __init__(self, past_s: float = 5.0) -> None:
        try:
            import opensmile
        except ImportError as fault:
            raise ConfigError(
                "the opensmile backend needs openSMILE, which is not installed",
                do=f'pip install "koekao[opensmile]" if its licence lets you ({LICENCE}); or use prosody',
            ) from fault
        self.past_s = past_s
        self._smile = opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
        )
        self._program = f"opensmile {opensmile.__version__}"
        self.names = tuple(self._smile.feature_names)

    def settings(self) -> Mapping[str, Any]:
        return {"program": self._program, "feature_set": "eGeMAPSv02", "licence": LICENCE}

    def encode(self, sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that sound is too short; its NaN are refused by the stream
            table = self._smile.process_signal(sound, sample_rate)
        values: NDArray[np.float32] = table.to_numpy(np.float32)[0]
        return values
