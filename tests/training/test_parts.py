"""The parts of a run: the model hears at the corpus's rates, whatever else is said of its features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ConfigError
from koekao.takes.synthetic.making import make_take
from koekao.training.parts import make_model


@pytest.mark.parametrize("name", ["sequential", "clips", "stream"])
def test_settings_of_the_features_leave_the_rates_alone(
    config_of: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    pack_takes(
        [make_take(1, seconds=1, sample_rate=24_000, fps=60)],
        tmp_path / "corpus",
        PackConfig(val=0.0, fps="60", sample_rate=24_000),
    )
    corpus = Corpus.open(tmp_path / "corpus")
    for features in ({}, {"n_mels": 24}):
        clock = make_model(config_of(name, model={"features": features}), corpus).clock
        assert (clock.sample_rate, clock.fps) == (24_000, 60)
    with pytest.raises(ConfigError, match=r"do not fit: .*bands"):
        make_model(config_of(name, model={"features": {"bands": 24}}), corpus)
