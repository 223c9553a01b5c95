"""``koekao train``, ``evaluate`` and ``animate`` as one chain: what each leaves is what the next works on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

import koekao
from koekao.arkit import NAMES, REGIONS
from koekao.training import open_run

SMALL = ("--model.dim", "16", "--batch-size", "4", "--device", "cpu")
WHO, METRICS = ("model", "ridge", "mean"), ("r", "mae", "rmse")
MOVEMENT = ("velocity_ratio", "jitter_ratio", "lip_closure_f1", "onset_lag_ms", "upper_face_deviation")


def test_a_run_holds_its_weights_baseline_record_and_log(chain) -> None:
    files = {file.name for file in chain.run.iterdir()}
    assert {"run.json", "log.jsonl", "last.safetensors", "best.safetensors", "ridge.safetensors"} <= files
    record = open_run(chain.run).read()
    assert (record["step"], record["config"]["max_steps"], record["config"]["seed"]) == (6, 6, 3)
    assert record["config"]["model"] == {"dim": 16}
    assert set(record["trained_on"]) == {"ken_0000", "aoi_0001"}


def test_training_says_what_it_did(cli: Callable, chain, tmp_path: Path) -> None:
    said = cli("train", chain.corpus, tmp_path / "run", *SMALL, "--debug")
    assert (said.code, said.err) == (0, "")
    shown, begins, _ = said.out.partition("stream: ")
    assert shown.startswith('trainer: "stream"\n') and "\nmodel: " in shown  # all settings, as config.yaml has them
    assert shown == (tmp_path / "run" / "config.yaml").read_text()
    lines = said.out[len(shown) :].splitlines()
    assert lines[0].startswith(begins) and lines[0].endswith(" on 2 takes (20.0 s), 1 to validate on, cpu")
    assert lines[2].startswith("step 3: unseen takes r ")
    assert lines[3].startswith("debug: 3 batches (step 3); best mean r ")
    assert lines[3].endswith(", at step 3")
    assert lines[4].startswith(f"made {tmp_path / 'run'} in ") and len(lines) == 5
    assert lines[4].endswith(f" s; next: koekao evaluate {tmp_path / 'run'} {chain.corpus}")


@pytest.mark.parametrize("trainer", ["sequential", "clips", "stream"])
def test_debug_stops_after_exactly_three_batches(cli: Callable, chain, tmp_path: Path, trainer: str) -> None:
    small = ("--model.dim", 16, "--batch-size", 2, "--device", "cpu")
    said = cli("train", chain.corpus, tmp_path / "run", "--trainer", trainer, *small, "--debug", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["step"] == 3 and said.json["ended"] == "debug: 3 batches"
    assert said.json["run"] == str(tmp_path / "run") and said.json["best"]["step"] == 3
    assert open_run(tmp_path / "run").read()["config"]["trainer"] == trainer


def test_resume_goes_on_where_the_run_stopped(cli: Callable, chain, tmp_path: Path) -> None:
    words = ("train", chain.corpus, tmp_path / "run")
    cli(*words, *SMALL, "--debug", "--epochs", 5)
    said = cli(*words, "--resume")
    assert "going on after step 3\n" in said.out and "debug: 3 batches (step 6)" in said.out
    assert open_run(tmp_path / "run").read()["step"] == 6


def test_minutes_bound_the_wall_time(cli: Callable, chain, tmp_path: Path) -> None:
    said = cli("train", chain.corpus, tmp_path / "run", *SMALL, "--minutes", 0.05, "--json")
    assert said.code == 0 and said.json["epochs"] > 0
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["event"] == "end" and log[-1]["seconds"] < 3 * 3  # the machine may be busy


def test_model_settings_are_read_as_numbers_and_lists(cli: Callable, chain, tmp_path: Path) -> None:
    settings = ("--model.dilations", "[2, 1]", "--model.dropout", "0.25")
    cli("train", chain.corpus, tmp_path / "run", *SMALL, *settings, "--debug")
    config = open_run(tmp_path / "run").model().config
    assert (config.dim, config.dilations, config.dropout) == (16, (2, 1), 0.25)


@pytest.fixture(scope="module")
def scores(cli: Callable, chain):
    said = cli("evaluate", chain.run, chain.corpus, "--json")
    assert (said.code, said.err) == (0, "")
    return said.json


def test_evaluate_scores_the_model_and_both_baselines(scores) -> None:
    assert scores["takes"] == ["aoi_0003"] and "test takes" in scores["chosen"] and scores["n_frames"] == 300
    for who in WHO:
        assert {*METRICS, *MOVEMENT, "diversity"} <= set(scores[who])
        assert list(scores[who]["by_region"]) == list(REGIONS)
        assert list(scores[who]["by_curve"]) == list(NAMES)
        assert all({"r", "mae"} <= set(curve) for curve in scores[who]["by_curve"].values())


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("metric", METRICS)
def test_a_score_is_the_mean_over_the_curves_that_move(scores, who: str, metric: str) -> None:
    curves = scores[who]["by_curve"]
    assert 20 < len(scores["moving"]) < 52
    assert scores["moving"] == [name for name in NAMES if curves[name]["r"] is not None]
    assert scores[who][metric] == pytest.approx(np.mean([curves[name][metric] for name in scores["moving"]]), abs=1e-12)
    for region, names in REGIONS.items():
        values = [curves[name][metric] for name in names if name in scores["moving"]]
        wanted = pytest.approx(np.mean(values), abs=1e-12) if values else None
        assert scores[who]["by_region"][region][metric] == wanted


def test_the_baselines_are_what_they_are_called(scores) -> None:
    assert scores["mean"]["r"] == 0
    assert scores["ridge"]["r"] > 0.3  # synthetic speech can be predicted
    assert scores["ridge"]["mae"] < scores["mean"]["mae"]
    assert scores["mean"]["jitter_ratio"] == scores["mean"]["lip_closure_f1"] == 0
    assert scores["mean"]["onset_lag_ms"] is None and abs(scores["ridge"]["onset_lag_ms"]) < 100
    assert scores["ridge"]["lip_closure_f1"] > 0.2
    assert scores["ridge"]["upper_face_deviation"] < scores["mean"]["upper_face_deviation"]
    assert all(scores[who]["diversity"] is None for who in WHO)  # of one take


def test_two_takes_tell_how_diverse_the_predictions_are(cli: Callable, chain) -> None:
    said = cli("evaluate", chain.run, chain.corpus, "--split", "all", "--json").json
    assert said["mean"]["diversity"] == 0 < said["ridge"]["diversity"] < 1.5


def test_the_table_shows_the_same_scores(cli: Callable, chain, scores) -> None:
    said = cli("evaluate", chain.run, chain.corpus)
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines())) <= 80
    moving = len(scores["moving"])
    assert said.out.startswith(f"1 take, 300 frames, {moving} of 52 curves move\n")
    for who in WHO:
        digits = dict.fromkeys((*METRICS, *MOVEMENT), 3) | {"onset_lag_ms": 1}
        values = {metric: scores[who][metric] for metric in digits}
        shown = ["-" if value is None else f"{value:.{digits[metric]}f}" for metric, value in values.items()]
        assert said.row(who) == [who, *shown]
    for key, name in (("by_region", "jaw"), ("by_curve", "jawOpen")):
        wanted = [f"{scores[who][key][name][metric]:.3f}" for metric in ("r", "mae") for who in WHO]
        assert said.row(name) == [name, *wanted]
    assert "the test takes of the run's own corpus: aoi_0003\n" in said.out


@pytest.mark.parametrize(
    ("split", "takes"),
    [
        ("train", ["aoi_0001", "ken_0000"]),
        ("val", ["ken_0002"]),
        ("all", ["aoi_0001", "aoi_0003", "ken_0000", "ken_0002"]),
    ],
)
def test_which_takes_are_scored_can_be_chosen(cli: Callable, chain, split: str, takes: list[str]) -> None:
    assert cli("evaluate", chain.run, chain.corpus, "--split", split, "--json").json["takes"] == takes


def test_of_another_corpus_the_takes_that_were_trained_on_are_left_out(cli: Callable, chain, tmp_path: Path) -> None:
    shutil.copytree(chain.takes, tmp_path / "takes")
    (tmp_path / "takes" / "ken_0000.wav").rename(tmp_path / "takes" / "renamed.wav")
    (tmp_path / "takes" / "ken_0000.jsonl").rename(tmp_path / "takes" / "renamed.jsonl")
    assert cli("pack", tmp_path / "takes", tmp_path / "other").code == 0
    scored = cli("evaluate", chain.run, tmp_path / "other", "--json").json["takes"]
    assert scored == ["aoi_0003", "ken_0002"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".json", ".CSV"])
def test_animate_writes_every_frame_of_the_sound(cli: Callable, chain, tmp_path: Path, ending: str) -> None:
    sound, face = chain.takes / "ken_0002.wav", tmp_path / f"face{ending}"
    said = cli("animate", chain.run, sound, "-o", face)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"made {face} (300 frames at 30 fps, 10.0 s) in ")
    assert said.out.endswith(f" times real time; next: koekao view {face} --sound {sound}\n")
    wanted = koekao.animate(chain.run, sound)
    assert wanted.shape == (300, 52) and wanted.dtype == np.float32
    if ending == ".json":
        read = json.loads(face.read_text())
        values = [frame["weights"] for frame in read["frames"]]
        assert read["names"] == list(NAMES)
    else:
        track = koekao.read_curves(face)
        assert track.rate_hz == pytest.approx(30, abs=1e-3) and track.tracked.all()
        values = track.values
    assert np.abs(np.array(values) - wanted).max() <= 1e-6


@pytest.mark.parametrize(
    ("n_samples", "rate", "channels", "n_frames"),
    [
        (1, 16000, 1, 1),
        (533, 16000, 1, 1),
        (534, 16000, 1, 2),
        (16000 * 25 + 7, 16000, 1, 751),
        (44100, 44100, 2, 30),
        (8000, 8000, 1, 30),
    ],
)
def test_sound_of_any_length_rate_and_channels(
    cli: Callable, chain, tmp_path: Path, n_samples: int, rate: int, channels: int, n_frames: int
) -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, (n_samples, channels)).astype(np.int16)
    soundfile.write(tmp_path / "speech.flac", noise, rate)
    said = cli("animate", chain.run, tmp_path / "speech.flac", "--output", tmp_path / "new" / "face.jsonl", "--json")
    assert (said.code, said.err) == (0, "")
    assert (said.json["frames"], said.json["fps"]) == (n_frames, "30")
    track = koekao.read_curves(tmp_path / "new" / "face.jsonl")
    assert len(track) == n_frames and 0 <= track.values.min() <= track.values.max() <= 1
    assert track.time_s == pytest.approx([float(Fraction(k, 30)) for k in range(n_frames)], abs=1e-6)


def test_an_animation_can_be_made_again(cli: Callable, chain, tmp_path: Path) -> None:
    words = ("animate", chain.run, chain.takes / "ken_0002.wav", "-o", tmp_path / "face.csv")
    first = (cli(*words).code, (tmp_path / "face.csv").read_bytes())
    assert (cli(*words).code, (tmp_path / "face.csv").read_bytes()) == first
    assert [file.name for file in tmp_path.iterdir()] == ["face.csv"]
