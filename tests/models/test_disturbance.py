"""Disturbances by their statistics: each alone does what it says and nothing else."""

from __future__ import annotations

import pytest
import torch

from koekao.models.disturbance import disturbed as _disturbed
from koekao.models.disturbance import five_cosines, level_and_tilt


def disturbed(columns: torch.Tensor, **how: float) -> torch.Tensor:
    return _disturbed(columns, shapes=five_cosines(columns.shape[3], columns.device), **how)


COLUMNS = torch.linspace(-2, 2, 40 * 30 * 2 * 20).view(40, 30, 2, 20)


def test_without_any_the_columns_stay_to_the_bit() -> None:
    assert torch.equal(disturbed(COLUMNS, noise=0.0, level=0.0, band_shift=0.0, band_dropout=0.0), COLUMNS)


def test_noise_is_new_at_every_value() -> None:
    torch.manual_seed(0)
    added = disturbed(COLUMNS, noise=0.5, level=0.0, band_shift=0.0, band_dropout=0.0) - COLUMNS
    assert added.mean().abs() < 0.02 and added.std().item() == pytest.approx(0.5, rel=0.02)
    assert (added[:, 1:] - added[:, :-1]).std().item() == pytest.approx(0.5 * 2**0.5, rel=0.02)


def test_the_level_is_five_cosines_over_the_bands_of_a_window() -> None:
    """The same in all columns of a window, made of 0 to 4 half-waves, each as strong as was said."""
    torch.manual_seed(0)
    columns = torch.zeros(600, 3, 2, 20)
    added = disturbed(columns, noise=0.0, level=0.3, band_shift=0.0, band_dropout=0.0)
    torch.testing.assert_close(added, added[:, :1, :1].expand_as(added), atol=1e-6, rtol=0)
    place = torch.linspace(0, torch.pi, 20)
    waves = torch.stack([(n * place).cos() for n in range(5)], 1)
    strengths = torch.linalg.lstsq(waves, added[:, 0, 0].T).solution.T
    torch.testing.assert_close(strengths @ waves.T, added[:, 0, 0], atol=1e-4, rtol=0)
    torch.testing.assert_close(strengths.std(0), torch.full((5,), 0.3), atol=0.04, rtol=0)
    assert strengths.mean(0).abs().max() < 0.05


def test_bands_are_silenced_all_over_a_window() -> None:
    torch.manual_seed(0)
    columns = torch.ones_like(COLUMNS)
    left = disturbed(columns, noise=0.0, level=0.0, band_shift=0.0, band_dropout=0.25)
    assert torch.equal(left, left[:, :1, :1].expand_as(left)) and set(left.unique().tolist()) == {0.0, 1.0}
    assert left.mean().item() == pytest.approx(0.75, abs=0.06)
    assert not torch.equal(left[0], left[1])


def test_the_spectrum_of_a_window_moves_as_a_whole() -> None:
    """A spectrum whose level is the number of the band tells by its middle how far it moved; its edges repeat."""
    torch.manual_seed(0)
    columns = torch.arange(20.0).expand(400, 3, 2, 20)
    moved = disturbed(columns, noise=0.0, level=0.0, band_shift=1.5, band_dropout=0.0)
    by = moved[:, 0, 0, 10] - 10
    assert by.mean().abs() < 0.25 and by.std().item() == pytest.approx(1.5, rel=0.1)
    expected = (torch.arange(20.0) + by[:, None]).clamp(0, 19)[:, None, None].expand_as(moved)
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=0)


def test_between_two_bands_is_between_their_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a band up: three quarters of the band and a quarter of the next."""
    columns = torch.tensor([0.0, 4.0, 8.0, 0.0]).view(1, 1, 1, 4)
    monkeypatch.setattr(torch, "randn", lambda *shape, device=None: torch.full(shape, 0.25))
    moved = disturbed(columns, noise=0.0, level=0.0, band_shift=1.0, band_dropout=0.0)
    assert moved.flatten().tolist() == [1.0, 5.0, 6.0, 0.0]


def test_a_level_and_a_tilt_are_two_shapes_of_their_own() -> None:
    torch.manual_seed(0)
    shapes = level_and_tilt(20, torch.device("cpu"))
    added = _disturbed(torch.zeros(600, 3, 2, 20), noise=0.0, level=0.3, shapes=shapes, band_dropout=0.0)[:, 0, 0]
    level, tilt = added.mean(1), (added[:, -1] - added[:, 0]) / 2
    torch.testing.assert_close(added, level[:, None] + tilt[:, None] * torch.linspace(-1, 1, 20), atol=1e-5, rtol=0)
    assert level.std().item() == pytest.approx(0.3, rel=0.1) and tilt.std().item() == pytest.approx(0.3, rel=0.1)
