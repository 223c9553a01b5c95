"""A torch model of your own in a loop of your own, on koekao's batches: state by row, and a resume to the bit.

    python bare_loop.py [CORPUS]

Each row of a batch is a stream: its windows follow one another through a take, so a recurrent state is carried from
batch to batch. It must begin anew in the rows where another take begins, and nowhere else; ``batch["reset"]`` says
where. The loader's position is half a kilobyte that goes into the checkpoint with the rest.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn

import koekao
from koekao.batches import Loader

ROWS, FRAMES, STEPS = 4, 32, 60


class Face(nn.Module):
    """Log-mel [B, T, 2, 80] and the state [B, 64] to curves [B, T, 52] and the state after."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(2 * 80, 64, batch_first=True), nn.Linear(64, 52)

    def forward(self, mel: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        seen, after = self.gru((mel.flatten(2) + 8) / 4, state[None])  # ln of power, some -20 to 5
        return torch.sigmoid(self.head(seen)), after[0]


class Training:
    """All that decides how training goes on, so that all of it can be saved."""

    def __init__(self, corpus: koekao.OpenCorpus) -> None:
        torch.manual_seed(0)
        self.face, self.state, self.step = Face(), torch.zeros(ROWS, 64), 0
        self.optimizer = torch.optim.AdamW(self.face.parameters(), 2e-3)
        self.loader: Loader = corpus.streams(
            batch_size=ROWS, n_streams=ROWS, window_frames=FRAMES, stride="sparse", initial_stride=FRAMES,
            columns=("mel", "blendshapes"), num_workers=1,
        )  # fmt: skip

    def run(self, steps: int) -> list[float]:
        """Go on until that step, once: who iterates over a loader again begins its epoch again. The loss of each."""
        losses: list[float] = []
        while True:
            for batch in self.loader:
                self.state = self.state * ~batch["reset"][:, None]
                curves, state = self.face(batch["mel"], self.state)
                self.state = state.detach()  # the past is kept, its gradient is not
                wrong = (curves - batch["blendshapes"]).abs().mean(2)
                loss = wrong[batch["frame_mask"]].mean()  # frames that were tracked, within the take
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.step += 1
                losses.append(loss.item())
                if self.step == steps:
                    return losses
            self.loader.set_epoch(self.loader.epoch + 1)

    def save(self, path: Path) -> None:
        parts = {"face": self.face.state_dict(), "optimizer": self.optimizer.state_dict(), "state": self.state}
        torch.save({**parts, "step": self.step, "loader": self.loader.state_dict()}, path)

    def load(self, path: Path) -> None:
        saved = torch.load(path, weights_only=True)
        self.face.load_state_dict(saved["face"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.state, self.step = saved["state"], saved["step"]
        self.loader.load_state_dict(saved["loader"])


def main() -> None:
    out = Path(tempfile.mkdtemp(prefix="koekao-"))
    place = Path(sys.argv[1]) if sys.argv[1:] else out / "corpus"
    if not place.exists():
        koekao.pack_takes(koekao.make_takes(8, seconds=10.0), place, koekao.PackConfig(val=0.25))
    koekao.pack_features(place, overwrite=True)  # log-mel, computed once
    corpus = koekao.open(place, split="train")

    whole = Training(corpus)
    losses = whole.run(STEPS)
    print(f"error of curves at the first step {losses[0]:.4f}, at step {STEPS}: {losses[-1]:.4f}")

    first = Training(corpus)
    first.run(STEPS // 2)
    first.save(out / "half.pt")
    second = Training(corpus)
    second.load(out / "half.pt")
    second.run(STEPS)
    mine, theirs = whole.face.state_dict(), second.face.state_dict()
    same = all(torch.equal(mine[name], theirs[name]) for name in mine) and torch.equal(whole.state, second.state)
    print(f"{STEPS} steps, and half of them, a resume and the rest: {'the same' if same else 'NOT the same'}")
    print(f"made {out}/half.pt; next: lightning_module.py, accelerate_loop.py, or custom_model.py to animate with it")


if __name__ == "__main__":
    main()
