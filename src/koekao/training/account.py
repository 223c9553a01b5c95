"""What a run folder tells a person: pictures of unseen curves, the scores of the weights in use, and the model card.

The account listens to the trainer's events and writes the card at each save, at each validation and at the end, so that
a run that was killed has one too. At a validation it is beside the scoring: it keeps the curves of the one take that it
draws while they are made, so that no take is animated twice; the ridge baseline is scored on the validation takes once,
at the first validation that brings the best weights. ``scores.json`` is how the card of a resumed run knows the scores
of weights that were chosen before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.atomic import sweep_folder, write_file
from koekao.corpus import Corpus
from koekao.models import FaceModel
from koekao.models.registry import name_of
from koekao.training import pictures
from koekao.training.card import model_card
from koekao.training.config import TrainConfig
from koekao.training.evaluation import Predictor, score_takes
from koekao.training.facts import Facts, Share
from koekao.training.metrics import METRICS_VERSION, Scores
from koekao.training.pictures import Stretch
from koekao.training.run import Run


class Account:
    """A listener that writes what explains a run.

    Args:
        run: where it is written.
        corpus: whole, with all its splits.
        config: the settings of the run.
        model: what is trained; asked for its size and its statistics alone.
    """

    def __init__(self, run: Run, corpus: Corpus, config: TrainConfig, model: FaceModel) -> None:
        self._run, self._corpus, self._config, self._model = run, corpus, config, model
        self._val_takes = corpus.select(split="val")
        self._shares = {split: Share.of(corpus.select(split=split)) for split in ("train", "val", "test")}
        self._scores: dict[str, Any] | None = None
        self._said: dict[str, Any] = {}
        self._stretch: Stretch | None = None
        self._curves: NDArray[np.float32] | None = None

    def tell(self, event: str, **values: Any) -> None:
        """Write the card where the run stands at another point than before."""
        if event == "begin":
            if values["from_step"] and self._run.scores.is_file():
                self._scores = self._run.read_scores()
            self._said = {"epochs": values["epochs"], "steps": values["steps"]}
            if self._config.plots and len(self._val_takes) and pictures.can_draw():
                self._stretch = pictures.stretch_of(self._val_takes)
        if event in ("saved", "validation", "end"):
            self._said |= values
            write_file(self._run.card, model_card(self._facts()).encode())

    def close(self) -> None:
        pass

    def watching(self, predict: Predictor) -> Predictor:
        """``predict``, of which the curves of the drawn take are kept."""
        if self._stretch is None:
            return predict
        sound = self._stretch.sound

        def seen(audio: NDArray[np.float32]) -> NDArray[np.float32]:
            curves = predict(audio)
            if np.array_equal(audio, sound):
                self._curves = curves
            return curves

        return seen

    def validated(self, scores: Scores, *, step: int, is_best: bool) -> dict[str, str]:
        """Draw what was seen, and keep the scores if they are of the best weights.

        Returns:
            for the event of the validation: ``picture``, the file in the run folder; nothing where none was drawn.
        """
        if is_best:
            self._keep(scores, step)
        if self._stretch is None or self._curves is None:
            return {}
        png = pictures.draw(self._stretch, self._curves, step=step, mean_r=scores.average("r"))
        path = self._run.curves / f"step_{step:06d}.png"
        sweep_folder(self._run.curves)
        write_file(path, png)
        write_file(self._run.newest_curves, png)
        return {"picture": path.relative_to(self._run.path).as_posix()}

    def _keep(self, scores: Scores, step: int) -> None:
        ridge = self._scores["ridge"] if self._scores else self._of_ridge()
        self._scores = {
            "metrics_version": METRICS_VERSION,
            "step": step,
            "n_frames": scores.n_frames,
            "model": scores.as_dict(),
            "ridge": ridge,
        }
        write_file(self._run.scores, json.dumps(self._scores, indent=1).encode())

    def _of_ridge(self) -> dict[str, Any]:
        return score_takes(self._run.baseline().predict, self._val_takes).as_dict()

    def _facts(self) -> Facts:
        model, weights = self._model, self._run.best
        there = weights.is_file()
        trained = (model.curve_spread > 0).tolist()
        return Facts(
            run=str(self._run.path),
            weights=weights.name if there else "",
            weights_bytes=weights.stat().st_size if there else 0,
            model=name_of(model),
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            features=_features_of(model),
            look_ahead_frames=model.look_ahead_frames,
            fps=model.clock.fps,
            sample_rate=model.clock.sample_rate,
            trained_curves=tuple(name for name, moved in zip(NAMES, trained) if moved),
            corpus=self._corpus.place,
            corpus_id=self._corpus.id,
            **self._shares,
            config=self._config,
            step=self._said["step"],
            n_steps=self._said["steps"],
            epoch=self._said["epoch"],
            epochs=self._said["epochs"],
            seconds=self._said.get("seconds"),
            ended=self._said.get("reason", ""),
            device=_device(model.curve_mean.device),
            torch=torch.__version__,
            scores=self._scores,
            picture=self._run.newest_curves.name if self._run.newest_curves.is_file() else "",
        )


def _features_of(model: FaceModel) -> Mapping[str, Mapping[str, Any]]:
    """The settings of what the model hears, by the name of the class without ``Config``."""
    parts = (value for value in vars(model.config).values() if is_dataclass(value) and not isinstance(value, type))
    return {type(part).__name__.removesuffix("Config"): asdict(part) for part in parts}


def _device(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
