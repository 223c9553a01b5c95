"""Settings from YAML: defaults below, the command line above, and every mistake with its file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from koekao.errors import ConfigError
from koekao.training import TrainConfig
from koekao.training.settings_file import as_yaml, merged, read_settings

pytest.importorskip("yaml", reason="PyYAML is not installed")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


def test_defaults_then_file_then_command_line(file: Path) -> None:
    file.write_text("batch_size: 32\nlearning_rate: 1e-3\nmodel:\n  dim: 64\n  dropout: 0.1\npin_memory: false\n")
    config = merged(file, {"batch_size": 0, "model": {"dim": 256}})
    assert config == TrainConfig(
        batch_size=0, learning_rate=1e-3, model={"dim": 256, "dropout": 0.1}, pin_memory=False
    )  # an option counts even where it says the default
    assert merged(None, {"seed": 3}) == TrainConfig(seed=3)


def test_the_settings_of_a_model_are_those_of_the_named_one(file: Path) -> None:
    """``heads`` is the window model's own, ``channels`` the stream model's."""
    file.write_text("trainer: sequential\nmodel: {name: window, heads: 2}\n")
    assert merged(file, {}).model == {"name": "window", "heads": 2}
    file.write_text("trainer: stream\nmodel: {channels: 8}\nlosses: {terms: {closure: 1e-1}}\n")
    assert merged(file, {"losses": {"curves": {"jawOpen": 2}}}).losses == {
        "terms": {"closure": 0.1},
        "curves": {"jawOpen": 2},
    }


def test_an_empty_file_says_nothing(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert read_settings(file) == {}


def test_what_is_written_reads_back(file: Path) -> None:
    config = TrainConfig(trainer="stream", minutes=2.5, learning_rate=1e-5, model={"dim": 16, "dilations": [1, 2]})
    file.write_text(as_yaml(config))
    assert merged(file, {}) == config


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("seed: 1\nbach_size: 2\n", 2, "no setting 'bach_size'; expected one of accumulate"),
        ("seed: 1\n\nseed: 2\n", 3, "seed stands twice; expected once; it is in line 1"),
        ("seed: 1\nepochs: many\n", 2, "epochs 'many'; expected a whole number or nothing"),
        ("debug: 1\n", 1, "debug 1; expected true or false"),
        ("seed: true\n", 1, "seed True; expected a whole number"),
        ("\ntrainer: both\n", 2, "trainer 'both'; expected one of stream, sequential, clips"),
        ("seed: 1\nclip_norm: -1\n", 2, "clip_norm -1; expected a number above 0"),
        ("model: 3\n", 1, "model 3; expected its keys and values"),
        ("model:\n  dim: 3\n  depth: 4\n", 3, "no setting 'model.depth'; expected "),
        ("model:\n  features:\n    bands: 3\n", 3, "no setting 'model.features.bands'"),
        ("model:\n  dim: 3\n  dim: 4\n", 3, "model.dim stands twice"),
        (
            "trainer: sequential\nmodel: {dim: 8,\n  name: stream}\n",
            3,
            "model.name 'stream'; expected one of sequential, win",
        ),
        ("trainer: sequential\nmodel:\n  name: window\n  channels: 4\n", 4, "no setting 'model.channels'"),
        ("seed: 1\nlosses: {terms: {closed: 1}}\n", 2, "terms names 'closed'"),
        ("augment: much\n", 1, "augment: augment 'much'; expected usual"),
        ("augment:\n  gain: {probability: 0.5}\n  echo: {}\n", 3, "augment.echo: no 'echo'"),
        ("augment:\n  gain: {probability: 5}\n", 2, "augment.gain: "),
        ("- seed\n", 1, "list; expected settings"),
        ("seed: [1\n", 2, "is no YAML"),
        ("seed: !!python/object/apply:os.getcwd []\n", 1, "is no YAML"),
    ],
)
def test_mistakes_are_told_with_file_line_and_key(file: Path, text: str, line: int, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        merged(file, {})
    assert said in str(error.value)
    assert error.value.where == f"{file}:{line}" or error.value.where.startswith(f"{file}:{line}:")


def test_what_does_not_go_together_names_the_file(file: Path) -> None:
    file.write_text("minutes: 5\n")
    with pytest.raises(ConfigError, match="epochs and minutes are both given") as error:
        merged(file, {"epochs": 3})
    assert error.value.where == str(file)


def test_no_file_is_an_error(file: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        merged(file, {})
