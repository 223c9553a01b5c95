"""The front door: the example of the documents works as written, the names are these and no others, help helps."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import os
import pkgutil
import pydoc
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import koekao
from koekao.batches import StreamSpec
from koekao.corpus import Corpus, PackConfig
from koekao.errors import ConfigError, CorpusError, OutputError, RunError
from koekao.testing.laws import assert_each_window_once, assert_same_batches, grid_windows, kept

PUBLIC = {
    "AdaptiveSequentialDataset",
    "Animator",
    "ClipDataset",
    "ClipSampler",
    "KoekaoError",
    "OpenCorpus",
    "PackConfig",
    "StridePolicy",
    "Take",
    "TrainConfig",
    "animate",
    "check",
    "convert",
    "evaluate",
    "export_onnx",
    "make_take",
    "make_takes",
    "pack_features",
    "open",
    "pack",
    "pack_takes",
    "pretrain",
    "read_curves",
    "read_sound",
    "register_format",
    "register_model",
    "render",
    "synthesize",
    "train",
    "verify",
    "view",
    "write_curves",
}
"""Frozen: a name that goes breaks somebody's program, a name that comes is a promise."""
CACHE = Path(__file__).parents[1] / ".mypy_cache"
FRAMES, SMALL = 340, {"model": {"dim": 16}, "batch_size": 4, "device": "cpu", "num_workers": 0}


@pytest.fixture(scope="module")
def folder(small_baseline: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``corpus`` (four takes of 340 frames, one for the test) and ``run`` (three steps on it)."""
    place = tmp_path_factory.mktemp("api")
    takes = koekao.make_takes(4, seconds=FRAMES / 30, seed=5, voices=2)
    koekao.pack_takes(takes, place / "corpus", PackConfig(test=("aoi_*3",)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorboard", None)  # slow to import, and tested elsewhere
        koekao.train(place / "corpus", place / "run", debug=True, **SMALL)
    return place


@pytest.fixture
def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_the_example_works_as_it_is_written(at_home: Path) -> None:
    streams, clips = [], []

    corpus = koekao.open("corpus")
    for batch in corpus.streams(
        batch_size=4,
        n_streams=2,
        window_frames=256,
        stride="progressive",
        initial_stride=32,
        final_stride=1,
        epoch=0,
        max_epochs=100,
        num_workers=2,
        drop_last=True,
        seed=0,
    ):
        streams += kept([batch])
    for batch in corpus.clips(batch_size=16, clip_s=10.0, num_workers=4, seed=0):
        clips += kept([batch])

    assert [tuple(batch["audio"].shape) for batch in streams] == [(4, 136576)] * 3
    assert [tuple(batch["blendshapes"].shape) for batch in streams] == [(4, 256, 52)] * 3
    assert_each_window_once(streams, grid_windows([FRAMES] * 4, 256, 32))  # 3 windows a take: 12, none dropped
    assert {tuple(batch["wav"].shape) for batch in clips} == {(16, 160000)}
    assert {tuple(batch["arkit"].shape) for batch in clips} == {(16, 300, 52)}
    assert_each_window_once(clips, grid_windows([FRAMES] * 4, 300, 1))
    for batch in (streams[0], clips[0]):
        assert all(isinstance(value, torch.Tensor | list) for value in batch.values())


def test_the_example_holds_the_takes_themselves(at_home: Path) -> None:
    corpus = koekao.open("corpus")
    loader = corpus.streams(batch_size=4, stride="sparse", initial_stride=32)
    for batch in loader:
        for row, (take, start) in enumerate(zip(batch["file_indices"].tolist(), batch["start_frames"].tolist())):
            assert batch["file_names"][row] == corpus.names[take]
            assert np.array_equal(batch["blendshapes"][row].numpy(), corpus.curves(take)[start : start + 256])
            first = corpus.clock.frame_start(start)
            heard = corpus.audio(take)[first : first + 136576].astype(np.float32) / 32768
            assert np.array_equal(batch["audio"][row, : len(heard)].numpy(), heard)


@pytest.mark.parametrize("kind", ["streams", "clips"])
def test_the_seed_decides_the_order_and_workers_do_not(at_home: Path, kind: str) -> None:
    def batches(**settings: Any) -> list[dict[str, Any]]:
        return list(islice(getattr(koekao.open("corpus"), kind)(batch_size=4, copy=True, **settings), 4))

    assert_same_batches(batches(seed=1), batches(seed=1, num_workers=3))
    orders = {str([batch["file_indices"].tolist() for batch in batches(seed=seed)]) for seed in range(6)}
    assert len(orders) > 3


def test_a_number_of_frames_is_a_stride(at_home: Path) -> None:
    every_8 = koekao.StridePolicy(mode="sparse", initial_stride=8)
    assert koekao.open("corpus").streams(stride=8).spec.stride == every_8
    assert StreamSpec(stride=8).stride == every_8  # type: ignore[arg-type]


def test_the_number_of_streams_follows_the_batch_unless_it_is_given(at_home: Path) -> None:
    corpus = koekao.open("corpus")
    assert [corpus.streams(batch_size=n).spec.n_streams for n in (4, 3)] == [2, 1]
    assert corpus.streams(batch_size=4, n_streams=4).spec.n_streams == 4
    with pytest.raises(ConfigError, match="0 streams"):
        corpus.streams(batch_size=4, n_streams=0)


def test_every_setting_of_streams_and_clips_arrives(at_home: Path) -> None:
    corpus = koekao.open("corpus")
    policy = koekao.StridePolicy(mode="sparse", initial_stride=5)
    streams = corpus.streams(
        batch_size=6,
        n_streams=2,
        window_frames=64,
        stride=policy,
        epoch=2,
        short="skip",
        drop_last=True,
        shuffle=False,
        seed=9,
        num_workers=1,
        prefetch_factor=3,
        rank=1,
        world_size=2,
    )
    spec = streams.spec
    assert (spec.batch_size, spec.n_streams, spec.window_frames, spec.stride) == (6, 2, 64, policy)
    assert (spec.short, spec.drop_last, spec.shuffle, spec.seed) == ("skip", True, False, 9)
    assert (streams.epoch, streams.num_workers, streams.prefetch_factor) == (2, 1, 3)
    assert (streams.rank, streams.world_size) == (1, 2)
    mixed = corpus.streams(stride="mixed", dense_ratio=0.25, initial_stride=7).spec.stride
    assert (mixed.mode, mixed.dense_ratio, mixed.initial_stride) == ("mixed", 0.25, 7)
    staged = corpus.streams(stride="progressive", schedule="staged", max_epochs=10, final_stride=2).spec.stride
    assert (staged.schedule, staged.max_epochs, staged.final_stride) == ("staged", 10, 2)
    clips = corpus.clips(batch_size=5, clip_s=2.0, stride_frames=4, short="skip", drop_last=True, seed=3, epoch=1).spec
    assert (clips.batch_size, clips.window_frames, clips.stride_frames) == (5, 60, 4)
    assert (clips.short, clips.drop_last, clips.seed) == ("skip", True, 3)


def test_open_chooses_takes(folder: Path) -> None:
    assert isinstance(koekao.open(folder / "corpus"), koekao.OpenCorpus)
    assert koekao.open(folder / "corpus", split="test").names == ("aoi_50003",)
    assert koekao.open(str(folder / "corpus"), names=["ken_50000", "ken_50002"]).names == ("ken_50000", "ken_50002")
    one = koekao.open(folder / "corpus", split="test").clips(batch_size=2)
    assert {name for batch in one for name in batch["file_names"] if name} == {"aoi_50003"}


def test_open_says_what_is_wrong(folder: Path) -> None:
    with pytest.raises(CorpusError, match="no such folder; expected a corpus"):
        koekao.open(folder / "nothing")
    with pytest.raises(ConfigError, match=r"corpus: holds no val take; expected at least one\n  -> .*koekao inspect"):
        koekao.open(folder / "corpus", split="val")
    with pytest.raises(ConfigError):
        koekao.open(folder / "corpus", names=["nobody"])


def test_train_evaluate_animate(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    corpus = Corpus.open(folder / "corpus")
    ended = koekao.train(corpus, tmp_path / "run", max_steps=2, epochs=1, **SMALL)
    assert ended == "2 steps done"
    scores = koekao.evaluate(tmp_path / "run", corpus)
    assert scores.takes == ("aoi_50003",) and scores.model.n_frames == FRAMES
    assert koekao.evaluate(tmp_path / "run", folder / "corpus", split="train").takes == (
        "aoi_50001",
        "ken_50000",
        "ken_50002",
    )
    with pytest.raises(RunError, match="holds a run already"):
        koekao.train(folder / "corpus", tmp_path / "run", max_steps=2)
    with pytest.raises(ConfigError, match="epochs and minutes are both given"):
        koekao.train(folder / "corpus", tmp_path / "other", epochs=1, minutes=1)
    with pytest.raises(TypeError, match="steps"):
        koekao.train(folder / "corpus", tmp_path / "other", steps=1)


def test_animate_gives_the_curves_and_writes_them_only_if_asked(folder: Path, tmp_path: Path) -> None:
    take = koekao.make_take(3, seconds=1.5)
    from koekao.outputs.folder import write_take

    sound, _ = write_take(tmp_path, "speech", take.audio, take.sample_rate, take.curves, take.fps)
    before = sorted(tmp_path.iterdir())
    curves = koekao.animate(folder / "run", sound)
    assert (curves.shape, curves.dtype) == ((45, 52), np.float32) and 0 <= curves.min() <= curves.max() <= 1
    assert sorted(tmp_path.iterdir()) == before
    again = koekao.animate(str(folder / "run"), str(sound), str(tmp_path / "face.csv"))
    assert np.array_equal(curves, again)
    assert np.abs(koekao.read_curves(tmp_path / "face.csv").values - curves).max() <= 1e-6
    with pytest.raises(OutputError, match="unknown ending"):
        koekao.animate(folder / "no run at all", tmp_path / "no sound", tmp_path / "face.fbx")
    live = koekao.Animator(koekao.training.open_run(folder / "run").model())
    heard = take.audio.astype(np.float32) / 32768
    parts = [live.push(heard[i : i + 1000]) for i in range(0, len(heard), 1000)] + [live.finish()]
    assert np.abs(np.concatenate(parts) - curves).max() <= 1e-5


def test_pack_and_write_curves_are_the_same_as_inside(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((10, 52), np.float32)
    koekao.write_curves(tmp_path / "a.jsonl", values, Fraction(30))
    assert np.array_equal(koekao.read_curves(tmp_path / "a.jsonl").values, values)
    with pytest.raises(koekao.KoekaoError, match="no take"):
        koekao.pack(tmp_path, tmp_path.parent / "corpus")


def test_the_names_are_frozen() -> None:
    assert set(koekao.__all__) == PUBLIC
    assert set(dir(koekao)) == PUBLIC | {"__version__"}
    for name in PUBLIC:
        assert getattr(koekao, name).__module__.startswith("koekao."), name
    with pytest.raises(AttributeError, match="module 'koekao' has no attribute 'opne'"):
        koekao.opne


def test_the_type_checker_and_the_program_see_the_same_names() -> None:
    """What stands under TYPE_CHECKING is what is imported at first use, in both lazy packages."""
    for module in (koekao, importlib.import_module("koekao.training")):
        tree = ast.parse(inspect.getsource(module))
        stated = {
            alias.asname: getattr(importlib.import_module(node.module), alias.name)
            for branch in tree.body
            if isinstance(branch, ast.If)
            for node in branch.body
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        assert set(stated) == set(module.__all__)
        assert all(getattr(module, name) is value for name, value in stated.items())


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_help_says_something_of_each(name: str) -> None:
    thing = getattr(koekao, name)
    text = pydoc.render_doc(thing, renderer=pydoc.plaintext)
    own = inspect.getdoc(thing)
    assert own and len(own) > 20 and own.splitlines()[0] in text
    assert not own.startswith(f"{name}("), "that is the signature a dataclass writes itself"


@pytest.mark.parametrize(
    "method",
    [
        *(koekao.OpenCorpus.streams, koekao.OpenCorpus.clips, koekao.open, koekao.train, koekao.pretrain),
        *(koekao.check, koekao.view, koekao.render, koekao.synthesize, koekao.animate, koekao.pack_features),
    ],
)
def test_help_tells_of_every_parameter(method: Callable[..., Any]) -> None:
    told = inspect.getdoc(method) + inspect.getdoc(koekao.OpenCorpus.streams) * (method is koekao.OpenCorpus.clips)
    named = [name for name in inspect.signature(method).parameters if name not in ("self", "path", "run", "corpus")]
    assert [name for name in named if name not in told] == []


def test_help_of_koekao_itself() -> None:
    text = pydoc.render_doc(koekao, renderer=pydoc.plaintext)
    assert "speech in, the 52 ARKit face curves out" in text


MODULES = [name for _, name, _ in pkgutil.walk_packages(koekao.__path__, "koekao.") if not name.endswith("__main__")]


@pytest.fixture(scope="module")
def examples(small_baseline: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the examples of the docstrings speak of: takes, corpus, run, speech.wav."""
    place = tmp_path_factory.mktemp("examples")
    koekao.synthesize(place / "takes", takes=4, seconds=5, voices=2)
    koekao.pack(place / "takes", place / "corpus", PackConfig(val=("aoi_0001",), test=("ken_0002",)))
    speech = koekao.make_take(3, seconds=2)
    soundfile.write(place / "speech.wav", speech.audio, speech.sample_rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorboard", None)
        koekao.train(place / "corpus", place / "run", debug=True, **SMALL, plots=False)
    return place


def test_every_example_in_a_docstring_is_true(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of the public names, which stand in modules that were imported here and elsewhere."""
    pytest.importorskip("onnxscript", reason="an example exports")
    monkeypatch.chdir(examples)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    tried = 0
    for name in ("koekao", *MODULES):
        result = doctest.testmod(importlib.import_module(name))
        assert result.failed == 0, name
        tried += result.attempted
    assert tried >= 80


@pytest.mark.parametrize("name", sorted(PUBLIC - {"register_format", "register_model"}))  # theirs are in examples/
def test_every_public_name_has_an_example(name: str) -> None:
    """In the first screen of help: after the first line and before the arguments."""
    text = inspect.getdoc(getattr(koekao, name))
    assert doctest.DocTestParser().get_examples(text), name
    assert text.index(">>> ") < len(text) / 2 or text.count("\n") < 20


PROGRAM = """
from fractions import Fraction

import koekao

corpus = koekao.open("corpus", split="train")
for batch in corpus.streams(batch_size=4, stride="progressive", num_workers=2):
    reveal_type(batch["audio"])
reveal_type(koekao.animate("run", "speech.wav"))
reveal_type(koekao.train("corpus", "run", minutes=5))
reveal_type(koekao.evaluate("run", "corpus").model)
reveal_type(koekao.pack("takes", "corpus", koekao.PackConfig(fps=Fraction(60))).packed)
reveal_type(koekao.check("takes")[0].findings)
reveal_type(koekao.view("face.csv").save("page.html"))
reveal_type(koekao.verify("corpus"))
reveal_type(koekao.make_take(1, seconds=2).curves)
koekao.opne("corpus")
corpus.streams(batchsize=4)
koekao.animate("run")
"""
TOLD = """
Any
numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.floating[numpy._typing._nbit_base._32Bit]]]
str
koekao.training.metrics.scores.Scores
int
tuple[koekao.takes.doctor.finding.Finding, ...]
pathlib.Path
list[koekao.errors.CorpusError]
numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.floating[numpy._typing._nbit_base._32Bit]]]
"""


def test_a_program_of_a_user_is_type_checked(tmp_path: Path) -> None:
    """Against the package as it is installed: what is right passes with real types, three mistakes are found."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "program.py").write_text(PROGRAM)
    settings = CACHE.parent / "pyproject.toml"  # the settings of `make style`, and so what it knows already
    line = [sys.executable, "-m", "mypy", "program.py", "--config-file", str(settings), "--cache-dir", str(CACHE)]
    root = Path(koekao.__file__).parent
    env = os.environ | {"MYPYPATH": str(root.parent)}
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=env)
    types = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert (root / "py.typed").is_file() and types == TOLD.split("\n")[1:-1], done.stdout + done.stderr
    errors = re.findall(r"error: (.*)", done.stdout)
    assert len(errors) == 3, done.stdout
    assert 'Module has no attribute "opne"' in errors[0] and '"batchsize"' in errors[1] and '"sound"' in errors[2]
