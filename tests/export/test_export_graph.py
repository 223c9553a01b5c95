"""The stand-ins of the graph give what they stand in for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from koekao.export.fourier import PowerSpectrum
from koekao.export.graph import GraphLogMel, GraphSmoothing, graph_of
from koekao.features import LogMel, LogMelConfig
from koekao.models import build


@pytest.mark.parametrize("n_samples", [1, 2, 3, 8, 97, 400, 600, 1000, 1024, 2048])
def test_the_power_spectrum_is_that_of_the_fft(n_samples: int) -> None:
    pieces = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (5, n_samples)))
    expected = torch.fft.rfft(pieces).abs().square()
    power = PowerSpectrum(n_samples)(pieces.float())
    assert (power.shape, power.dtype) == (expected.shape, torch.float32)
    np.testing.assert_allclose(power.sqrt(), expected.sqrt(), atol=2e-6 * float(expected.sqrt().max()))


def test_no_more_is_lost_than_by_the_fft() -> None:
    """A loud tone beside silence: what rounding puts into the empty bands stays far under the floor of the mel."""
    tone = torch.from_numpy(np.sin(2 * np.pi * 0.01 * np.arange(1024)) * np.hanning(1025)[:-1])[None]
    exact = torch.fft.rfft(tone).abs().square()
    lost = (PowerSpectrum(1024)(tone.float()).double() - exact)[0, 300:].abs().max()
    assert lost < 1e-9


@pytest.mark.parametrize("fps", ["24", "30", "60000/1001"])
@pytest.mark.parametrize("first_frame", [0, 7, 40_000_001])
def test_the_log_mel_is_the_same_columns(fps: str, first_frame: int) -> None:
    features = LogMel(LogMelConfig(fps=fps, n_mels=30, columns_per_frame=3))
    features.mean.fill_(-3.0)
    features.std.fill_(2.0)
    audio = torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, (2, 9000)).astype(np.float32))
    first = torch.tensor([first_frame, first_frame + 1])
    where = {"first_frame": first, "n_frames": 5, "origin_samples": features.frame_starts(first) - 200}
    expected = features.columns(audio, **where)
    np.testing.assert_allclose(GraphLogMel(features).columns(audio, **where), expected, atol=1e-4)


def test_the_model_itself_is_left_as_it_was() -> None:
    model = build("sequential", {"dim": 16}).train()
    drawn = graph_of(model)
    assert isinstance(drawn.features, GraphLogMel) and isinstance(drawn.smoothing, GraphSmoothing)
    assert type(model.features) is LogMel and type(model.smoothing) is not GraphSmoothing and model.training
    assert not any(part.training for part in drawn.modules())
    for name, value in model.state_dict().items():
        assert torch.equal(drawn.state_dict()[name], value)
    with torch.no_grad():
        model.head[2].bias += 1
    assert not torch.equal(model.head[2].bias, drawn.head[2].bias)
