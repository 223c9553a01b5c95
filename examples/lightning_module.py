"""koekao's batches under Lightning: a module with state by row, saved and resumed to the bit in the middle of an epoch.

    pip install "koekao[examples]"
    python lightning_module.py [CORPUS]

Lightning saves the position of any loader that has ``state_dict`` into its checkpoints and gives it back; koekao's has.
Three things are to be told it: the epoch (the order of takes and the stride follow from it), that no sampler is to be
put in (each rank has its share already, for the loader is made when torch.distributed has begun), and the streams'
state, which is no weight but must be in the checkpoint.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn

import koekao
from koekao.batches import Batch, Loader

ROWS, FRAMES, STEPS = 4, 32, 40


class FaceModule(lightning.LightningModule):
    """A recurrent face over log-mel; ``corpus`` is opened by each process for itself."""

    def __init__(self, corpus: Path) -> None:
        super().__init__()
        self.corpus, self.state = corpus, torch.zeros(0)
        self.gru, self.head = nn.GRU(2 * 80, 64, batch_first=True), nn.Linear(64, 52)

    def train_dataloader(self) -> Loader:
        rows = ROWS // self.trainer.world_size  # of this rank; which takes they hear, torch.distributed decides
        self.loader = koekao.open(self.corpus, split="train").streams(
            batch_size=rows, n_streams=rows, window_frames=FRAMES, stride="sparse", initial_stride=FRAMES,
            columns=("mel", "blendshapes"), num_workers=1,
        )  # fmt: skip
        return self.loader

    def on_train_epoch_start(self) -> None:
        self.loader.set_epoch(self.current_epoch)  # a position that was loaded for this epoch is kept

    def training_step(self, batch: Batch, number: int) -> Tensor:
        state = self.state if len(self.state) else batch["mel"].new_zeros(len(batch["reset"]), 64)
        seen, after = self.gru((batch["mel"].flatten(2) + 8) / 4, (state * ~batch["reset"][:, None])[None])
        self.state = after[0].detach()
        wrong = (torch.sigmoid(self.head(seen)) - batch["blendshapes"]).abs().mean(2)
        loss: Tensor = wrong[batch["frame_mask"]].mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), 2e-3)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["streams"] = self.state  # on several ranks each has its own: gather them, as koekao.train does

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.state = checkpoint["streams"]


def fitted(corpus: Path, folder: Path, *, resume: Path | None = None) -> FaceModule:
    """The module after all steps; half-way it is saved."""
    lightning.seed_everything(0, verbose=False)
    module = FaceModule(corpus)
    saving = ModelCheckpoint(folder, "half", every_n_train_steps=STEPS // 2, save_top_k=-1)
    trainer = lightning.Trainer(
        max_steps=STEPS, max_epochs=-1, use_distributed_sampler=False, callbacks=[saving], logger=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, ckpt_path=resume, weights_only=True)
    return module


def main() -> None:
    warnings.filterwarnings("ignore", module="lightning")  # it advises more workers, which are threads here
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    out = Path(tempfile.mkdtemp(prefix="koekao-"))
    corpus = Path(sys.argv[1]) if sys.argv[1:] else out / "corpus"
    if not corpus.exists():
        koekao.pack_takes(koekao.make_takes(8, seconds=10.0), corpus, koekao.PackConfig(val=0.25))
    koekao.pack_features(corpus, overwrite=True)  # log-mel, computed once

    whole = fitted(corpus, out)
    again = fitted(corpus, out, resume=out / "half.ckpt")
    pairs = zip(whole.state_dict().values(), again.state_dict().values())
    same = all(torch.equal(one, other) for one, other in pairs) and torch.equal(whole.state, again.state)
    print(
        f"{STEPS} steps, and the second half of them again from a checkpoint: {'the same' if same else 'NOT the same'}"
    )
    print(f"made {out}/half.ckpt; next: accelerate_loop.py, or Trainer(devices=2) for two ranks")


if __name__ == "__main__":
    main()
