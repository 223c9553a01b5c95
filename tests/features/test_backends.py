"""One interface for every backend; one that is missing or fails is an error, never zeros."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from koekao.clock import Clock
from koekao.errors import ConfigError, KoekaoError, ModelError
from koekao.features import BACKENDS, MelStream, Prosody, open_stream
from koekao.features.encoded import EncodedPast, PastEncoder
from koekao.features.refresh import Refresh

SOUND = 0.1 * torch.randn(1, 32_000, generator=torch.Generator().manual_seed(1))


def test_our_own_are_opened_by_name_with_their_settings() -> None:
    mel = open_stream("mel", n_mels=12, fps="25")
    assert isinstance(mel, MelStream) and mel.frame_shape == (2, 12) and mel.clock.fps == 25
    prosody = open_stream(sample_rate=8000, past_s=4.0)
    assert isinstance(prosody, Prosody) and prosody.past_frames == 120 and prosody.clock.sample_rate == 8000
    assert BACKENDS == ("mel", "prosody", "opensmile", "hf:PATH")


@pytest.mark.parametrize(
    ("backend", "settings", "text"),
    [
        ("praat", {}, "stream of features 'praat'; expected one of mel, prosody, opensmile, hf:PATH"),
        ("hf", {}, "stream of features 'hf'"),
        ("hf:", {}, "stream of features 'hf:'"),
        ("mel:x", {}, "stream of features 'mel:x'"),
        ("prosody", {"n_mels": 80}, "settings n_mels of prosody; expected of window_ms"),
        ("mel", {"past_s": 3.0}, "settings past_s of mel"),
        ("opensmile", {"window_ms": 60}, "settings window_ms of opensmile; expected of past_s, refresh_ms, delays_ms"),
        ("opensmile", {"past_s": 0.1}, "a past of 0.1 s"),
        ("opensmile", {"refresh_ms": 5}, "refreshed every 5 ms"),
        ("prosody", {"fps": "x"}, "frame rate 'x'"),
    ],
)
def test_what_cannot_be_is_refused(backend: str, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        open_stream(backend, **settings)


def test_a_package_that_is_not_there_is_named_with_its_licence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "opensmile", None)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"not installed\n.*koekao\[opensmile\].*non-commercial"):
        open_stream("opensmile")
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ConfigError, match=r"transformers, which is not installed\n.*koekao\[hf\]"):
        open_stream(f"hf:{tmp_path}")


@pytest.mark.parametrize("missing", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_folder_without_a_network_is_refused_before_anything_is_imported(tmp_path: Path, missing: str) -> None:
    for name in {"config.json", "preprocessor_config.json", "model.safetensors", "pytorch_model.bin"} - {missing}:
        (tmp_path / name).write_text("{}")
    named = missing.replace("model", "*")
    with pytest.raises(ConfigError) as caught:
        open_stream(f"hf:{tmp_path}")
    assert f"holds no {named}" in str(caught.value) and str(tmp_path) in str(caught.value)


class Failing(PastEncoder):
    """Answers twice as it should; then as it is told."""

    name, names, past_s = "failing", ("one", "two"), 1.0

    def __init__(self, then: NDArray[np.float32] | Exception) -> None:
        self.then, self.asked = then, 0

    def settings(self) -> Mapping[str, Any]:
        return {}

    def encode(self, sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        self.asked += 1
        if self.asked <= 2:
            return np.ones(2, np.float32)
        if isinstance(self.then, Exception):
            raise self.then
        return self.then


@pytest.mark.parametrize(
    ("then", "text"),
    [
        (RuntimeError("out of breath"), r"the encoder failed \(RuntimeError: out of breath\)"),
        (ValueError("no"), r"the encoder failed \(ValueError: no\)"),
        (np.array([1.0, np.nan], np.float32), r"\[2\] values, 1 of them not finite; expected 2 finite numbers"),
        (np.ones(3, np.float32), r"\[3\] values, 0 of them not finite; expected 2 finite numbers"),
    ],
)
def test_an_encoder_that_fails_ends_the_stream_and_names_the_moment(then: Any, text: str) -> None:
    clock = Clock(16000, Fraction(30))
    stream = EncodedPast(Failing(then), clock, Refresh(clock=clock))
    with pytest.raises(ModelError, match=text) as caught:
        stream.whole(SOUND, 60)
    assert str(caught.value).startswith("failing: 14400 samples before sample 14400: ")


def test_an_error_of_another_kind_is_not_hidden() -> None:
    clock = Clock(16000, Fraction(30))
    with pytest.raises(ZeroDivisionError):
        EncodedPast(Failing(ZeroDivisionError()), clock, Refresh(clock=clock)).whole(SOUND, 60)


def test_what_was_not_yet_heard_is_said_by_its_share() -> None:
    clock = Clock(16000, Fraction(30))
    stream = EncodedPast(Failing(np.full(2, 2.0, np.float32)), clock, Refresh(clock=clock, delays_ms=(0, 300)))
    assert stream.names == ("one@now", "two@now", "heard_share@now", "one@-300ms", "two@-300ms", "heard_share@-300ms")
    frames = stream.whole(SOUND, 60)[0]
    assert not frames[:8].any()
    assert frames[8].tolist() == pytest.approx([1, 1, 0.3, 0, 0, 0])
    assert frames[17].tolist() == pytest.approx([1, 1, 0.6, 1, 1, 0.3])
    assert frames[59].tolist() == pytest.approx([2, 2, 1, 2, 2, 1])


def test_opensmile_where_it_is_installed() -> None:
    opensmile = pytest.importorskip("opensmile", reason="openSMILE is not installed (its licence is non-commercial)")
    stream = open_stream("opensmile", past_s=1.0, delays_ms=(0,))
    assert stream.frame_shape == (89,) and "non-commercial" in stream.raw_settings()["licence"]
    frames = stream.whole(SOUND, 45)[0]
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    theirs = smile.process_signal(SOUND[0, 24_000 - 16_000 : 24_000].numpy(), 16000).to_numpy()[0]
    np.testing.assert_allclose(frames[44, :88].numpy(), theirs, rtol=1e-6)
    assert frames[44, :88].any() and frames[44, 88] == 1


@pytest.fixture(scope="module", params=["Wav2Vec2", "Hubert"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random network of the kind, saved as transformers saves one."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    config = getattr(transformers, f"{request.param}Config")(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8, 8, 8),
        conv_kernel=(10, 8, 8),
        conv_stride=(5, 8, 8),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    )
    getattr(transformers, f"{request.param}Model")(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
class TestNetworks:
    """``hf:PATH``: the real loading code, on networks that learnt nothing."""

    def test_a_frame_is_the_mean_of_the_newest_hidden_states(self, network: Path) -> None:
        import transformers

        stream = open_stream(f"hf:{network}", past_s=1.0)
        assert stream.frame_shape == (3 * 17,) and stream.name == "hf"
        frames = stream.whole(SOUND, 45)[0]
        model = transformers.AutoModel.from_pretrained(network, local_files_only=True).eval()
        heard = SOUND[0, 8000:24_000]
        given = (heard - heard.mean()) / (heard.var(correction=0) + 1e-7).sqrt()
        with torch.no_grad():
            hidden = model(given[None]).last_hidden_state[0]
        newest = hidden[-round(len(hidden) * 0.3) :].mean(0)
        torch.testing.assert_close(frames[44, :16], newest, atol=1e-5, rtol=1e-4)
        assert newest.abs().max() > 0.01

    def test_chunks_give_the_whole_take(self, network: Path) -> None:
        stream = open_stream(f"hf:{network}", past_s=1.0)
        whole, state, parts = stream.whole(SOUND, 60), stream.init_state(1), []
        for chunk in SOUND.split(1313, 1):
            frames, _, state = stream.step(chunk, state)
            parts.append(frames)
        torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=1e-5)
        assert whole.std(1).max() > 0.01

    def test_settings_tell_weights_apart_and_not_folders(self, network: Path, tmp_path: Path) -> None:
        for file in network.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        one, copy = (open_stream(f"hf:{place}").raw_settings() for place in (network, tmp_path))
        assert one == copy and str(network) not in str(one)
        weights = bytearray((tmp_path / "model.safetensors").read_bytes())
        weights[-1] ^= 1
        (tmp_path / "model.safetensors").write_bytes(weights)
        assert open_stream(f"hf:{tmp_path}").raw_settings() != one

    def test_another_sample_rate_is_refused(self, network: Path) -> None:
        with pytest.raises(ModelError, match="encoder failed"):
            open_stream(f"hf:{network}", sample_rate=8000).whole(SOUND, 60)

    @pytest.mark.parametrize("file", ["config.json", "model.safetensors", "preprocessor_config.json"])
    def test_a_broken_file_is_an_error_with_its_folder(self, network: Path, tmp_path: Path, file: str) -> None:
        for there in network.iterdir():
            (tmp_path / there.name).write_bytes(there.read_bytes())
        (tmp_path / file).write_bytes(b"broken")
        with pytest.raises(KoekaoError) as caught:
            open_stream(f"hf:{tmp_path}")
        assert str(tmp_path) in str(caught.value)

    def test_weights_that_are_not_in_the_file_are_not_invented(self, network: Path, tmp_path: Path) -> None:
        from safetensors.torch import load_file, save_file

        for there in network.iterdir():
            (tmp_path / there.name).write_bytes(there.read_bytes())
        weights = load_file(network / "model.safetensors")
        del weights["encoder.layers.1.attention.k_proj.weight"]
        save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
        with pytest.raises(
            ModelError, match=r"lacks weights .*: encoder\.layers\.1\.attention\.k_proj\.weight; expected"
        ):
            open_stream(f"hf:{tmp_path}")
