"""Each metric against a case computed by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scored_takes import curves, scored

from koekao.arkit import INDEX, MOVING_RANGE, NAMES, REGIONS
from koekao.errors import ConfigError
from koekao.training.metrics import AVERAGED, METRICS_VERSION, pearson

JAW, SMILE, BLINK = INDEX["jawOpen"], INDEX["mouthSmileLeft"], INDEX["eyeBlinkLeft"]


def test_mae_and_rmse_by_hand() -> None:
    """Errors 0, 0.1, -0.3, 0: mean absolute 0.1; root of (0.01 + 0.09) / 4 = 0.1581..."""
    truth = curves(4, jawOpen=[0.0, 0.5, 0.5, 1.0])
    s = scored((curves(4, jawOpen=[0.0, 0.6, 0.2, 1.0]), truth))
    assert s.mae[JAW] == pytest.approx(0.1, abs=1e-6) and s.rmse[JAW] == pytest.approx(0.025**0.5, abs=1e-6)
    assert s.mae[SMILE] == s.rmse[SMILE] == 0
    assert s.average("mae") == pytest.approx(0.1, abs=1e-6)  # the 51 still curves are averaged into nothing


def test_errors_are_over_all_frames_of_all_takes() -> None:
    """One frame of error 0.4 and three of 0: 0.1, and not (0.4 + 0) / 2 takes."""
    s = scored(
        (curves(1, jawOpen=[0.4]), curves(1, jawOpen=[0.0])),
        (curves(3, jawOpen=[0.0, 1.0, 0.0]), curves(3, jawOpen=[0.0, 1.0, 0.0])),
    )
    assert s.mae[JAW] == pytest.approx(0.1, abs=1e-6) and s.rmse[JAW] == pytest.approx(0.2, abs=1e-6)
    assert s.n_frames == 4


def test_r_by_hand() -> None:
    """x = (0, 1, 2, 3) / 4 against y = (0, 2, 1, 3) / 4: 4 / 5."""
    s = scored((curves(4, jawOpen=[0, 0.5, 0.25, 0.75]), curves(4, jawOpen=[0, 0.25, 0.5, 0.75])))
    assert s.r[JAW] == pytest.approx(0.8, abs=1e-6)
    assert s.average("r") == pytest.approx(0.8, abs=1e-6)
    assert np.isnan(s.r[SMILE])


def test_r_is_blind_to_offset_and_scale_and_sees_the_sign() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(50)
    for factor, expected in ((0.5, 1.0), (-0.5, -1.0)):
        s = scored((curves(50, jawOpen=0.3 + factor * truth), curves(50, jawOpen=truth)))
        assert s.r[JAW] == pytest.approx(expected, abs=1e-5)


def test_r_is_within_takes_weighted_by_their_frames() -> None:
    """2 frames of r 1 and 4 frames of r 0.8: (2 + 3.2) / 6; the offset between the takes helps nobody."""
    s = scored(
        (curves(2, jawOpen=[0.0, 0.1]), curves(2, jawOpen=[0.9, 1.0])),
        (curves(4, jawOpen=[0.5, 1.0, 0.75, 1.25]), curves(4, jawOpen=[0, 0.25, 0.5, 0.75])),
    )
    assert s.r[JAW] == pytest.approx(5.2 / 6, abs=1e-6)


def test_a_take_in_which_a_curve_is_still_has_no_say_in_its_r() -> None:
    s = scored(
        (curves(30), curves(30)),
        (curves(4, jawOpen=[0, 0.5, 0.25, 0.75]), curves(4, jawOpen=[0, 0.25, 0.5, 0.75])),
    )
    assert s.r[JAW] == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3])
def test_a_prediction_that_does_not_change_has_r_0(value: float) -> None:
    """Not NaN, and not what rounding makes of a constant."""
    truth = np.sin(np.arange(10_000) / 7)
    s = scored((curves(10_000, jawOpen=np.float32(value)), curves(10_000, jawOpen=truth)))
    assert s.r[JAW] == 0
    assert s.as_dict()["velocity_ratio"] == 0


def test_pearson_is_numpys() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((40, 5)), rng.random((40, 5))
    expected = [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(5)]
    np.testing.assert_allclose(pearson(a, b), expected, atol=1e-12)


def test_what_rounding_makes_of_a_constant_is_no_change() -> None:
    """0.1 + 0.1 + 0.1, divided by 3, is not 0.1."""
    still, truth = np.full((3, 1), 0.1), np.arange(3.0)[:, None] ** 2
    assert (still != still.mean(0)).any() and pearson(still, truth)[0] == pearson(truth, still)[0] == 0


def test_velocity_ratio_by_hand() -> None:
    """Predicted changes 0.1 + 0.1 + 0.1, true ones 0.5 + 0.5 + 0.5: a fifth as lively."""
    s = scored((curves(4, jawOpen=[0, 0.1, 0, 0.1]), curves(4, jawOpen=[0, 0.5, 1.0, 0.5])))
    assert s.average("velocity_ratio") == pytest.approx(0.2, abs=1e-6)
    assert s.moved[JAW] == pytest.approx(0.3, abs=1e-6) and s.truly_moved[JAW] == pytest.approx(1.5, abs=1e-6)


def test_velocity_ratio_of_several_curves_is_of_their_sums() -> None:
    """(0.5 + 0.4) / (0.5 + 0.1), and not the mean of 1 and 4."""
    truth = curves(2, jawOpen=[0, 0.5], eyeBlinkLeft=[0, 0.1])
    s = scored((curves(2, jawOpen=[0, 0.5], eyeBlinkLeft=[0, 0.4]), truth))
    assert s.average("velocity_ratio") == pytest.approx(1.5, abs=1e-6)
    assert s.average("velocity_ratio", ["eyeBlinkLeft"]) == pytest.approx(4, abs=1e-5)


def test_nothing_is_measured_from_take_to_take() -> None:
    """The jump from the end of one take to the start of the next is no movement."""
    one = curves(2, jawOpen=[0.0, 0.5])
    two = curves(2, jawOpen=[1.0, 0.5])
    s = scored((one, one), (two, two))
    assert s.truly_moved[JAW] == pytest.approx(1.0, abs=1e-6)


def test_untracked_frames_are_not_scored() -> None:
    """Nor is the change over the gap that they leave."""
    truth = curves(6, jawOpen=[0, 0.5, 9, 9, 0.5, 0])
    predicted = curves(6, jawOpen=[0, 0.4, -7, 7, 0.6, 0])
    s = scored((predicted, truth, [1, 1, 0, 0, 1, 1]))
    assert s.n_frames == 4
    assert s.mae[JAW] == pytest.approx(0.05, abs=1e-6)
    assert s.truly_moved[JAW] == pytest.approx(1.0, abs=1e-6) and s.moved[JAW] == pytest.approx(1.0, abs=1e-6)
    assert s.r[JAW] == pytest.approx(pearson(np.array([[0], [0.4], [0.6], [0]]), np.array([[0], [0.5], [0.5], [0]]))[0])


def test_a_curve_moves_above_the_threshold_and_not_at_it() -> None:
    """Spans of 0.05 and of a little more, over all takes together."""
    assert MOVING_RANGE == 0.05
    lo, at, over = np.float32(0.0), np.float32(0.05) - np.float32(1e-6), np.float32(0.051)
    s = scored((curves(2, jawOpen=[lo, over]), curves(2, jawOpen=[lo, over], eyeBlinkLeft=[lo, at])))
    assert s.moving[JAW] and not s.moving[BLINK] and s.moving.sum() == 1
    across = scored((curves(1), curves(1, jawOpen=0.2)), (curves(1), curves(1, jawOpen=0.4)))
    assert across.moving[JAW]


def test_nothing_moves() -> None:
    """Averages are None, and each region's, and the report is still JSON."""
    told = scored((curves(5, jawOpen=0.5), curves(5))).as_dict()
    assert all(told[metric] is None for metric in AVERAGED)
    assert set(told["by_region"]) == set(REGIONS)
    assert all(value is None for region in told["by_region"].values() for value in region.values())
    assert told["by_curve"]["jawOpen"] == dict.fromkeys(AVERAGED) | {"mae": 0.25, "rmse": 0.25}
    assert told["lip_closure_f1"] is None


def test_regions_average_their_own_moving_curves() -> None:
    truth = curves(4, jawOpen=[0, 0.25, 0.5, 0.75], mouthSmileLeft=[0, 1, 0, 1])
    told = scored((curves(4, jawOpen=[0, 0.5, 0.25, 0.75]), truth)).as_dict()
    assert told["by_region"]["jaw"]["r"] == pytest.approx(0.8, abs=1e-6)
    assert told["by_region"]["mouth"]["r"] == 0 and told["by_region"]["mouth"]["mae"] == pytest.approx(0.5)
    assert told["by_region"]["brow"] == dict.fromkeys(AVERAGED)
    assert told["r"] == pytest.approx(0.4, abs=1e-6)
    assert list(told["by_curve"]) == list(NAMES)


def test_a_curve_that_moves_from_take_to_take_alone_has_no_velocity() -> None:
    """It moves (0.2 in one take, 0.8 in the other) and never changes: None, not 0 / 0, and the report is JSON."""
    s = scored((curves(3, jawOpen=0.5), curves(3, jawOpen=0.2)), (curves(3, jawOpen=0.5), curves(3, jawOpen=0.8)))
    assert s.moving[JAW] and s.average("velocity_ratio") is None and s.r[JAW] == 0
    json.dumps(s.as_dict(), allow_nan=False)


def test_single_frames_have_errors_and_no_velocity() -> None:
    s = scored((curves(1, jawOpen=0.5), curves(1, jawOpen=0.2)), (curves(1, jawOpen=0.5), curves(1, jawOpen=0.8)))
    assert s.mae[JAW] == pytest.approx(0.3, abs=1e-6) and s.average("velocity_ratio") is None


def test_a_take_without_a_tracked_frame_counts_for_nothing() -> None:
    good = (curves(4, jawOpen=[0, 0.5, 0.25, 0.75]), curves(4, jawOpen=[0, 0.25, 0.5, 0.75]))
    lost = (curves(4, jawOpen=9), curves(4, jawOpen=-9), [0, 0, 0, 0])
    np.testing.assert_array_equal(scored(good, lost).r, scored(good).r)
    assert scored(good, lost).n_frames == 4


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no tracked frame to score"):
        scored()
    with pytest.raises(ConfigError, match="no tracked frame to score"):
        scored((curves(3), curves(3), [0, 0, 0]))


def test_lengths_that_differ_are_an_error() -> None:
    with pytest.raises(ConfigError, match=r"curves \(3, 52\) against \(4, 52\)"):
        scored((curves(3), curves(4)))
    with pytest.raises(ConfigError, match="against"):
        scored((curves(4), curves(4), [1, 1, 1]))


def test_definitions_have_a_version() -> None:
    """Scores are compared over years: when a test above has to change, this number has to as well."""
    assert METRICS_VERSION == 2
