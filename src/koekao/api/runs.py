"""Runs: pretrained, trained, scored and exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from koekao.corpus import Corpus
from koekao.errors import OutputError
from koekao.export import CHECK_FRAMES, Exported
from koekao.export import export_onnx as _export_onnx
from koekao.training import Evaluation, PretrainConfig, Pretrained, TrainConfig, Trainer, open_run
from koekao.training import evaluate as _evaluate
from koekao.training import pretrain as _pretrain
from koekao.training.distributed import goes_on, together


def pretrain(
    sounds: str | Path | Sequence[str | Path], output: str | Path, *, overwrite: bool = False, **settings: Any
) -> Pretrained:
    """Pretrain a stream model on speech without curves; ``koekao.train(..., trainer="stream", init=output)`` goes on.

    >>> import koekao
    >>> small = {"dim": 16, "dilations": [1, 2]}
    >>> done = koekao.pretrain("takes", "speech.safetensors", steps=2, batch_size=2, window_frames=32, model=small)
    >>> done.steps, done.path.name
    (2, 'speech.safetensors')

    Args:
        sounds: a folder (all sound in it, at any depth), a file, or several of them.
        output: the file of weights to make. overwrite: replace what is there.
        settings: as in :class:`koekao.training.PretrainConfig`: ``minutes`` or ``steps``, ``model`` ...

    Returns:
        What it came to: files, steps, and errors on speech held out beside those of two trivial guesses.

    Raises:
        TakeError, ConfigError, OutputError, RunError: naming the file or the setting and what to do.
    """
    return _pretrain(sounds, output, PretrainConfig(**settings), overwrite=overwrite)


def train(corpus: str | Path | Corpus, run: str | Path, *, resume: bool = False, **settings: Any) -> str:
    """Train a run on a corpus's training takes; under torchrun by all its processes together.

    >>> import koekao
    >>> koekao.train("corpus", "another run", max_steps=2, epochs=1, batch_size=4, model={"dim": 16}, plots=False)
    '2 steps done'

    Args:
        corpus: the corpus or its folder. run: the folder to make.
        resume: go on with the run that is there; then the settings that it began with count.
        settings: as in :class:`koekao.TrainConfig`.

    Returns:
        Why it ended (``"all epochs done"``, ``"5 minutes are over"`` ...).

    Raises:
        ConfigError, RunError, CorpusError: settings that cannot be, a run that is in the way or cannot be resumed.
    """
    corpus = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
    with together():
        resume = resume or goes_on(Path(run) / "run.json")
        return Trainer(corpus, run, TrainConfig(**settings), resume=resume).fit()


def evaluate(run: str | Path, corpus: str | Path | Corpus, *, split: str = "unseen") -> Evaluation:
    """Score a run's model and its two baselines on whole takes that it has not seen.

    >>> import koekao
    >>> scores = koekao.evaluate("run", "corpus")
    >>> scores.takes, sorted(scores.as_dict()["ridge"])[:3]
    (('ken_0002',), ['by_curve', 'by_region', 'diversity'])

    Args:
        split: ``unseen`` (of the run's own corpus its test takes, else its validation takes; of another corpus every
            take that the run was not trained on), or ``train``, ``val``, ``test``, ``all``.

    Returns:
        ``takes``, ``chosen`` (in words) and the scores of ``model``, ``ridge`` and ``mean``, each with ``as_dict()``.

    Raises:
        RunError: no run there, or no take is left to score. ModelError: the corpus has other rates than the model.
    """
    corpus = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
    return _evaluate(open_run(run), corpus, split=split)


def export_onnx(run: str | Path, output: str | Path, *, check_frames: int = CHECK_FRAMES) -> Exported:
    """Write a run's model to one .onnx file, features and state inside, for :mod:`koekao.runtime` and others.

    >>> import koekao
    >>> done = koekao.export_onnx("run", "model.onnx", check_frames=30)  # pip install "koekao[onnx]"
    >>> done.path.name, done.largest_difference < 1e-4
    ('model.onnx', True)

    Args:
        output: the file to write, or to replace. check_frames: frames that torch and onnxruntime walk together first.

    Returns:
        What was written, with the largest difference of any curve on that walk.

    Raises:
        RunError: no run there. ModelError: a model that cannot be a graph (window).
        OutputError: another ending than .onnx, a difference above 1e-4, or a place that cannot be written.
        ConfigError: the extra ``onnx`` is not installed.
    """
    if Path(output).suffix.lower() != ".onnx":
        raise OutputError(f"unknown ending {Path(output).suffix!r}", where=output, expected=".onnx")
    return _export_onnx(open_run(run).model(), output, check_frames=check_frames)
