"""The sum of a long past, held to numpy and to cases that can be counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from koekao.features.functionals import RHYTHM, STATISTICS, Past, functional_names, functionals

FPS = 10.0


def told(values: Any, n: int = 40, **changed: Any) -> dict[str, float]:
    """Functionals of one moment by name; one descriptor ``a``, ten frames a second, everything heard, loud, voiced."""
    given: dict[str, Any] = {
        "values": torch.as_tensor(np.array(values, float)).view(1, 1, n),
        "heard": torch.ones(1, n, dtype=torch.bool),
        "voiced": torch.ones(1, n, dtype=torch.bool),
        "level_db": torch.full((1, n), -20.0, dtype=torch.float64),
        "flux_db_per_s": torch.zeros(1, n, dtype=torch.float64),
        "of_voice": torch.tensor([False]),
        "fps": FPS,
    }
    given |= {name: torch.as_tensor(value).view(1, -1) for name, value in changed.items() if name != "of_voice"}
    given["of_voice"] = torch.tensor([changed.get("of_voice", False)])
    numbers = functionals(Past(**given))
    assert numbers.shape == (1, 10) and numbers.dtype == torch.float64
    return dict(zip(functional_names(("a",)), numbers[0].tolist(), strict=True))


def test_names_are_in_the_order_of_the_values() -> None:
    assert functional_names(("a", "b"))[:6] == ("a.mean", "a.spread", "a.low", "a.high", "a.slope_per_s", "b.mean")
    assert len(functional_names(("a", "b"))) == 2 * len(STATISTICS) + len(RHYTHM)


@pytest.mark.parametrize("n_heard", [1, 2, 7, 40])
@pytest.mark.parametrize("of_voice", [False, True])
def test_statistics_are_numpys_of_what_counts(n_heard: int, of_voice: bool) -> None:
    rng = np.random.default_rng(n_heard)
    values, heard, voiced = rng.normal(3, 2, 40), np.arange(40) >= 40 - n_heard, rng.random(40) < 0.6
    voiced[-1] = True
    found = told(values, heard=heard, voiced=voiced, of_voice=of_voice)
    counts = heard & voiced if of_voice else heard
    mine, time_s = values[counts], np.flatnonzero(counts) / FPS
    slope = np.polyfit(time_s, mine, 1)[0] if len(mine) > 1 else 0.0
    expected = [mine.mean(), mine.std(), *np.quantile(mine, [0.1, 0.9]), slope]
    assert [found[f"a.{name}"] for name in STATISTICS] == pytest.approx(expected, abs=1e-9)
    assert found["heard_share"] == pytest.approx(n_heard / 40)
    assert found["voiced_share"] == pytest.approx((heard & voiced).sum() / n_heard)


def test_what_was_not_heard_does_not_count() -> None:
    heard = np.arange(40) >= 30
    one, other = (told(np.where(heard, 1.0, wrong), heard=heard) for wrong in (0.0, 1e6))
    assert one == other and one["a.mean"] == 1.0


def test_a_past_without_voice_says_so() -> None:
    found = told(np.full(40, 5.0), voiced=np.zeros(40, bool), of_voice=True)
    assert [found[f"a.{name}"] for name in STATISTICS] == [0, 0, 0, 0, 0] and found["voiced_share"] == 0


def test_pauses_by_hand() -> None:
    """4 s: pauses of 2, 1 and 5 frames, the second too short to be one; the share counts all silent frames."""
    level_db = np.full(40, -20.0)
    level_db[5:7], level_db[12:13], level_db[30:35] = -50, -50, -44.9
    found = told(np.zeros(40), level_db=level_db)
    assert found["pause_share"] == pytest.approx(3 / 40)  # -44.9 is not 25 dB below
    assert found["pauses_per_s"] == pytest.approx(1 / 4)
    level_db[30:35] = -45.1
    found = told(np.zeros(40), level_db=level_db)
    assert (found["pause_share"], found["pauses_per_s"]) == (pytest.approx(8 / 40), pytest.approx(2 / 4))


def test_all_silence_is_pause_whatever_its_own_level() -> None:
    assert told(np.zeros(40), level_db=np.full(40, -75.0))["pause_share"] == 1
    assert told(np.zeros(40), level_db=np.full(40, -60.0))["pause_share"] == 0


def test_onsets_by_hand() -> None:
    """Peaks over 60 dB/s; not the low one, not one in silence, one for a plateau, none at the edge of the past."""
    flux = np.zeros(40)
    flux[3], flux[8], flux[15:17], flux[25], flux[39] = 100, 59, 80, 200, 300
    assert told(np.zeros(40), flux_db_per_s=flux)["onsets_per_s"] == pytest.approx(3 / 4)
    level_db = np.where(np.arange(40) == 25, -60.0, -20.0)  # silent, and loud at once: an onset out of a pause
    assert told(np.zeros(40), flux_db_per_s=flux, level_db=level_db)["onsets_per_s"] == pytest.approx(3 / 4)
    level_db[26] = -60.0
    assert told(np.zeros(40), flux_db_per_s=flux, level_db=level_db)["onsets_per_s"] == pytest.approx(2 / 4)
    heard = np.arange(40) >= 20
    assert told(np.zeros(40), flux_db_per_s=flux, heard=heard)["onsets_per_s"] == pytest.approx(1 / 2)
