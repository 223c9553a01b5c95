"""A model of your own in koekao's trainer: registered, held to the laws, trained, scored, animated, live, exported.

    python custom_model.py [CORPUS] [--epochs 20]

Nothing of koekao is touched. What it takes: a dataclass of settings, a class with a state by row, and a name. For the
command line, which does not run this program, the file is named in the environment, or its module in the metadata of a
package of yours, under [project.entry-points."koekao.models"]:

    KOEKAO_PLUGINS=custom_model.py koekao train CORPUS RUN --model.name echo --model.memory 12
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

import koekao
from koekao.features import LogMel, LogMelConfig
from koekao.models import ColumnModel, State
from koekao.testing.model_laws import assert_model_laws


@dataclass(frozen=True, kw_only=True)
class EchoConfig:
    """Settings: ``--model.memory 12`` sets one. Whoever loads the weights gets these back."""

    features: LogMelConfig = field(default_factory=LogMelConfig)
    look_ahead_frames: int = 2
    memory: int = 8
    dim: int = 64


@koekao.register_model("echo", EchoConfig)
class EchoModel(ColumnModel):
    """A layer over what is seen of each frame, a convolution over the last ``memory`` frames, a layer to curves."""

    def __init__(self, config: EchoConfig) -> None:
        super().__init__(LogMel(config.features))
        self.config = config
        seen = (1 + config.look_ahead_frames) * config.features.columns_per_frame * config.features.n_mels
        self.front = nn.Linear(seen, config.dim)
        self.memory = nn.Conv1d(config.dim, config.dim, config.memory)
        self.head = nn.Linear(config.dim, 52)

    @property
    def look_ahead_frames(self) -> int:
        return int(self.config.look_ahead_frames)

    @property
    def past_frames(self) -> int:
        return 0  # frames before a frame that the front sees; what lies further back is the state's

    @property
    def context_frames(self) -> int:
        return int(self.config.memory)

    def init_state(self, n_rows: int) -> State:
        return {"past": self.curve_mean.new_zeros(n_rows, self.config.memory - 1, self.config.dim)}

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        """[B, T, frames around, columns, bands] and the past to curves [B, T, 52] and the past of what comes next."""
        x = torch.relu(self.front(seen.flatten(2)))
        heard = torch.cat([state["past"], x], 1)
        x = x + torch.relu(self.memory(heard.transpose(1, 2)).transpose(1, 2))
        return self.in_units(self.head(x)), {"past": heard[:, x.shape[1] :]}


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("corpus", nargs="?", type=Path)
    said.add_argument("--epochs", type=int, default=20)
    said.add_argument("--no-export", action="store_true", help="ONNX takes half a minute")
    given = said.parse_args()
    out = Path(tempfile.mkdtemp(prefix="koekao-"))
    corpus = given.corpus or out / "corpus"
    if not given.corpus:
        koekao.pack_takes(koekao.make_takes(12, seconds=10.0), corpus, koekao.PackConfig(val=0.2))

    assert_model_laws(koekao.models.build("echo", {}), out)  # live is offline, rows are streams, nothing is heard early
    print("keeps the laws")
    koekao.train(corpus, out / "run", epochs=given.epochs, model={"name": "echo", "memory": 12}, plots=False)
    scores = koekao.evaluate(out / "run", corpus).as_dict()
    print(f"r {scores['model']['r']:.3f} on unseen takes; ridge regression {scores['ridge']['r']:.3f}")

    model = koekao.training.open_run(out / "run").model()
    live = koekao.Animator(model)  # what koekao live and koekao serve run
    speech = koekao.make_take(99, seconds=2.0).audio.astype("float32") / 32768
    frames = sum(len(live.push(speech[at : at + 533])) for at in range(0, len(speech), 533)) + len(live.finish())
    print(f"live: {frames} frames of two seconds, in chunks of 533 samples")
    if not given.no_export:
        exported = koekao.export_onnx(out / "run", out / "echo.onnx", check_frames=200)
        print(f"exported: {exported.n_bytes / 1e6:.1f} MB, {exported.largest_difference:.1g} from torch at most")
    print(f"made {out}/run; next: KOEKAO_PLUGINS={__file__} koekao animate {out}/run SPEECH.wav -o face.csv")


if __name__ == "__main__":
    main()
