"""Law: the stride of an epoch is what the seeds' formula and the seeds' table say, literally."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict

import pytest

from koekao.errors import ConfigError
from koekao.windows import StridePolicy


def by_the_seeds(epoch: int, max_epochs: int, initial_stride: int, final_stride: int) -> int:
    progress = min(1.0, epoch / max(1, max_epochs - 1))
    return int(initial_stride - progress * (initial_stride - final_stride))


@pytest.mark.parametrize("max_epochs", [1, 2, 7, 100])
@pytest.mark.parametrize(("initial", "final"), [(32, 1), (16, 4), (1, 1), (5, 9)])
def test_linear_is_the_formula_of_the_seeds(max_epochs: int, initial: int, final: int) -> None:
    policy = StridePolicy(mode="progressive", initial_stride=initial, final_stride=final, max_epochs=max_epochs)
    strides = [policy.stride_at(epoch) for epoch in range(max_epochs + 20)]
    assert strides == [by_the_seeds(epoch, max_epochs, initial, final) for epoch in range(max_epochs + 20)]
    assert strides[0] == initial
    if max_epochs > 1:
        assert strides[max_epochs - 1 :] == [final] * 21


def test_linear_over_a_hundred_epochs_by_hand() -> None:
    policy = StridePolicy(mode="progressive", max_epochs=100)
    assert [policy.stride_at(epoch) for epoch in (0, 1, 20, 50, 80, 98, 99)] == [32, 31, 25, 16, 6, 1, 1]


def test_staged_is_the_table_of_the_seeds() -> None:
    policy = StridePolicy(mode="progressive", schedule="staged", max_epochs=100)
    assert [policy.stride_at(epoch) for epoch in range(120)] == [32] * 20 + [16] * 30 + [8] * 30 + [1] * 40


def test_stages_are_shares_of_the_epochs_and_exact() -> None:
    policy = StridePolicy(mode="progressive", schedule="staged", max_epochs=10)
    assert [policy.stride_at(epoch) for epoch in range(10)] == [32] * 2 + [16] * 3 + [8] * 3 + [1] * 2
    other = StridePolicy(mode="progressive", schedule="staged", max_epochs=100, stages=((0, 9), (0.55, 2)))
    assert [other.stride_at(epoch) for epoch in (54, 55)] == [9, 2]  # 0.55 * 100 is 55.00000000000001 in floats


def test_what_is_not_said_is_as_in_the_seeds() -> None:
    said = {"mode": "dense", "initial_stride": 32, "final_stride": 1, "max_epochs": 100, "schedule": "linear"}
    stages = ((0.0, 32), (0.2, 16), (0.5, 8), (0.8, 1))
    assert asdict(StridePolicy()) == said | {"stages": stages, "dense_ratio": 0.1}


@pytest.mark.parametrize(("mode", "stride"), [("dense", 1), ("sparse", 32), ("mixed", 32)])
def test_the_other_modes_do_not_depend_on_the_epoch(mode: str, stride: int) -> None:
    policy = StridePolicy.of(mode)
    assert {policy.stride_at(epoch) for epoch in (0, 1, 50, 1000)} == {stride}


def test_a_policy_is_made_from_its_name_or_passed_on() -> None:
    assert StridePolicy.of("sparse", initial_stride=4) == StridePolicy(mode="sparse", initial_stride=4)
    policy = StridePolicy(mode="mixed")
    assert StridePolicy.of(policy) is policy


def test_a_number_of_frames_is_a_stride() -> None:
    assert StridePolicy.of(4, initial_stride=9, dense_ratio=0.2) == StridePolicy(
        mode="sparse", initial_stride=4, dense_ratio=0.2
    )
    with pytest.raises(ConfigError, match="initial_stride 0"):
        StridePolicy.of(0)
    with pytest.raises(ConfigError, match=r"stride mode 2\.5; expected one of dense"):
        StridePolicy.of(2.5)  # type: ignore[arg-type]


def test_a_policy_goes_through_json_and_pickle() -> None:
    policy = StridePolicy(mode="progressive", schedule="staged", stages=((0.0, 8), (0.5, 2)), dense_ratio=0.25)
    assert StridePolicy(**json.loads(json.dumps(asdict(policy)))) == policy
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301
    assert hash(policy) == hash(StridePolicy(**asdict(policy)))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"mode": "random"}, "stride mode 'random'; expected one of dense, sparse, progressive, mixed"),
        ({"schedule": "cosine"}, "stride schedule 'cosine'; expected one of linear, staged"),
        ({"initial_stride": 0}, "initial_stride 0; expected a whole number of at least 1"),
        ({"final_stride": -1}, "final_stride -1"),
        ({"max_epochs": 0}, "max_epochs 0"),
        ({"initial_stride": 1.5}, "initial_stride 1.5"),
        ({"dense_ratio": 1.0}, "dense_ratio 1.0; expected a share in"),
        ({"dense_ratio": -0.1}, "dense_ratio -0.1"),
        ({"dense_ratio": float("nan")}, "dense_ratio nan"),
        ({"stages": ()}, "stages"),
        ({"stages": ((0.1, 4),)}, "rising shares from 0.0 on"),
        ({"stages": ((0.0, 4), (0.0, 2))}, "rising shares"),
        ({"stages": ((0.0, 4), (0.5, 0))}, "strides of at least 1"),
    ],
)
def test_policies_that_cannot_be(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        StridePolicy(**settings)
    assert text in str(caught.value)


@pytest.mark.parametrize("policy", [StridePolicy(mode="progressive", schedule="staged"), StridePolicy()])
def test_there_is_no_epoch_before_the_first(policy: StridePolicy) -> None:
    with pytest.raises(ConfigError, match="epoch -1; expected 0 or above"):
        policy.stride_at(-1)
