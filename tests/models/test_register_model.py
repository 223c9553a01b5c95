"""Law of models from outside: one is built, trained, saved and scored by its name, or refused by reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import koekao
from koekao.corpus import Corpus
from koekao.errors import ConfigError, ModelError
from koekao.export import export_onnx
from koekao.features import LogMel, LogMelConfig
from koekao.models import (
    MODELS,
    ColumnModel,
    FaceModel,
    SequentialModel,
    State,
    StreamModel,
    TemporalSmoothing,
    build,
    load_model,
    registry,
    save_model,
)
from koekao.models.registry import registered_for
from koekao.testing.model_laws import assert_model_laws
from koekao.training import TrainConfig, Trainer, open_run
from koekao.training.settings_file import merged


@dataclass(frozen=True, kw_only=True)
class TinyConfig:
    features: LogMelConfig = field(default_factory=lambda: LogMelConfig(n_mels=12))
    widths: tuple[int, ...] = (6, 8)
    ahead: int = 1


class Tiny(ColumnModel):
    """Two layers over a frame and the next, and the smoothing as its memory."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__(LogMel(config.features))
        self.config = config
        seen = (1 + config.ahead) * config.features.columns_per_frame * config.features.n_mels
        first, second = config.widths
        self.layers = nn.Sequential(nn.Linear(seen, first), nn.Tanh(), nn.Linear(first, second), nn.Linear(second, 52))
        self.smoothing = TemporalSmoothing(0.5)

    look_ahead_frames = property(lambda self: self.config.ahead)  # type: ignore[assignment]
    past_frames = property(lambda self: 0)  # type: ignore[assignment]
    context_frames = property(lambda self: 4)  # type: ignore[assignment]

    def init_state(self, n_rows: int) -> State:
        return self.smoothing.init_state(n_rows)

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        return self.smoothing.step(self.in_units(self.layers(seen.flatten(2))), state)


@pytest.fixture(autouse=True)
def none_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "MODELS", kept := dict(MODELS))
    monkeypatch.setattr(registry, "_trainer_of", {})
    yield
    assert set(registry.MODELS) >= set(MODELS) and kept is registry.MODELS


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    path = tmp_path_factory.mktemp("own") / "corpus"
    koekao.pack_takes(koekao.make_takes(3, seconds=4.0), path, koekao.PackConfig(val=("*_0002",)))
    return Corpus.open(path)


def test_it_is_built_by_name_and_its_settings_go_through_json(tmp_path: Path) -> None:
    assert koekao.register_model("tiny", TinyConfig)(Tiny) is Tiny
    model = build("tiny", json.loads('{"widths": [5, 7], "features": {"n_mels": 10}}'))
    assert isinstance(model, Tiny) and model.config.widths == (5, 7) and model.config.features.n_mels == 10
    save_model(model, tmp_path / "a.safetensors")
    again, header = load_model(tmp_path / "a.safetensors")
    assert header["model"] == "tiny" and again.config == model.config
    with pytest.raises(ConfigError, match=r"settings of model 'tiny' do not fit: .*colour"):
        build("tiny", {"colour": 1})


def test_it_keeps_the_laws(tmp_path: Path) -> None:
    koekao.register_model("tiny", TinyConfig)(Tiny)
    assert_model_laws(build("tiny", {}), tmp_path)


class StopsAtOnce:
    """A listener that ends the run at the first step that it is told of."""

    trainer: Trainer | None = None

    def tell(self, event: str, **values: Any) -> None:
        if event == "step" and self.trainer is not None:
            self.trainer.stop()

    def close(self) -> None:
        pass


def test_the_trainer_trains_it_scores_it_and_resumes_to_the_bit(corpus: Corpus, tmp_path: Path) -> None:
    koekao.register_model("tiny", TinyConfig)(Tiny)
    config = TrainConfig(
        model={"name": "tiny", "widths": [6, 6]}, batch_size=4, num_workers=0, max_steps=6, validations=1, plots=False
    )
    whole = Trainer(corpus, tmp_path / "run", config)
    assert whole.fit() == "6 steps done"
    model = open_run(tmp_path / "run").model()
    assert isinstance(model, Tiny) and model.config.widths == (6, 6)
    assert koekao.evaluate(tmp_path / "run", corpus).model.n_frames == 120

    stops = StopsAtOnce()
    stops.trainer = Trainer(corpus, tmp_path / "half", config, listeners=[stops])
    assert stops.trainer.fit() == "interrupted" and stops.trainer.step == 1
    again = Trainer(corpus, tmp_path / "half", config, resume=True)
    assert again.fit() == "6 steps done"
    mine, theirs = whole.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert not torch.equal(mine["layers.0.weight"], stops.trainer.model.state_dict()["layers.0.weight"])


def test_one_that_is_no_graph_is_refused_by_what_torch_says(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")

    class Branching(Tiny):
        def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
            return super().step(seen * 2 if float(seen.sum()) > 0 else seen, state)

    koekao.register_model("branching", TinyConfig)(Branching)
    with pytest.raises(ModelError, match="a branching model cannot be exported") as caught:
        export_onnx(build("branching", {}), tmp_path / "a.onnx", check_frames=40)
    assert caught.value.do and not (tmp_path / "a.onnx").exists()


def test_a_trainer_says_which_models_it_has(corpus: Corpus, tmp_path: Path) -> None:
    koekao.register_model("tiny", TinyConfig)(Tiny)
    assert registered_for("stream") == ("tiny",) and registered_for("clips") == ()
    with pytest.raises(ConfigError, match="model 'tiny' for trainer clips; expected one of frame"):
        Trainer(corpus, tmp_path / "run", TrainConfig(trainer="clips", model={"name": "tiny"}))
    settings = tmp_path / "run.yaml"
    settings.write_text("model: {name: tiny, ahead: 2}\n", "utf-8")
    assert merged(settings, {}).model == {"name": "tiny", "ahead": 2}
    settings.write_text("model: {name: tiny, behind: 2}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"no setting 'model.behind'; expected name, features, widths, ahead"):
        merged(settings, {})


def test_the_sequential_trainer_wants_a_smoothing(corpus: Corpus, tmp_path: Path) -> None:
    class Smoothless(Tiny):
        def __init__(self, config: TinyConfig) -> None:
            super().__init__(config)
            del self.smoothing

    settings: dict[str, Any] = {"trainer": "sequential", "batch_size": 4, "window_frames": 20, "plots": False}
    koekao.register_model("smooth", TinyConfig, trainer="sequential")(Tiny)
    config = TrainConfig(model={"name": "smooth"}, max_steps=2, num_workers=0, **settings)
    assert Trainer(corpus, tmp_path / "run", config).fit() == "2 steps done"
    koekao.register_model("smoothless", TinyConfig, trainer="sequential")(Smoothless)
    with pytest.raises(ConfigError, match="model 'smoothless' for trainer sequential has no smoothing"):
        Trainer(corpus, tmp_path / "other", TrainConfig(model={"name": "smoothless"}, **settings))


def test_a_class_that_is_defined_again_takes_its_own_place_and_no_other() -> None:
    def define(other: str = "") -> type[Tiny]:
        class Again(Tiny):
            pass

        Again.__qualname__ += other
        return koekao.register_model("again", TinyConfig)(Again)

    define()
    second = define()
    assert type(build("again", {})) is second
    with pytest.raises(ConfigError, match=r"'again' is the name of .*Again"):
        define("Other")


class Unfinished(FaceModel):
    pass


@dataclass(frozen=True)
class NoFeatures:
    dim: int = 8


@dataclass(frozen=True)
class NoDefault:
    dim: int
    features: LogMelConfig = field(default_factory=LogMelConfig)


@dataclass(frozen=True)
class NoJson:
    features: LogMelConfig = field(default_factory=LogMelConfig)
    device: Any = field(default_factory=lambda: torch.device("cpu"))


@pytest.mark.parametrize(
    ("name", "config", "model", "trainer", "said"),
    [
        ("Tiny", TinyConfig, Tiny, "stream", "a model called 'Tiny'; expected small letters"),
        ("stream", TinyConfig, Tiny, "stream", "'stream' is the name of koekao.models.stream.StreamModel"),
        ("stream", TinyConfig, StreamModel, "stream", "'stream' is the name of"),
        ("tiny", {}, Tiny, "stream", "config {}; expected a dataclass"),
        ("tiny", NoFeatures, Tiny, "stream", "has no setting features; expected a LogMelConfig"),
        ("tiny", NoDefault, Tiny, "stream", "cannot be made without settings"),
        ("tiny", NoJson, Tiny, "stream", "no JSON values"),
        ("tiny", TinyConfig, nn.Linear, "stream", "is no FaceModel"),
        ("tiny", TinyConfig, Unfinished, "stream", "lacks forward, init_state, look_ahead_frames"),
        ("tiny", TinyConfig, Tiny, "streams", "trainer 'streams'; expected one of stream, sequential, clips"),
        ("tiny", TinyConfig, SequentialModel, "stream", "expected a ColumnModel"),
        ("tiny", TinyConfig, Tiny, "clips", "its settings have no target_frame"),
    ],
)
def test_what_cannot_be_registered_is_refused(name: str, config: Any, model: Any, trainer: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        koekao.register_model(name, config, trainer=trainer)(model)
    assert said in str(caught.value)
    assert registered_for("stream") == () and "tiny" not in registry.MODELS


def test_what_is_not_there_is_told_with_how_to_bring_it() -> None:
    with pytest.raises(ConfigError, match="unknown model 'tiny'") as caught:
        build("tiny", {})
    assert "KOEKAO_PLUGINS" in caught.value.do
