"""koekao's batches under Hugging Face Accelerate: every rank its share, saved and resumed to the bit.

    pip install "koekao[examples]"
    python accelerate_loop.py [CORPUS]
    torchrun --nproc-per-node 2 accelerate_loop.py [CORPUS]

Model and optimiser are given to ``prepare``; the loader is not: koekao shares out the streams itself, so that each rank
has whole streams with their state, and sends batches to the rank's device while the one before is used. The position is
the same on all ranks; the streams' state is each rank's own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, set_seed
from torch import Tensor, nn

import koekao

ROWS, FRAMES, STEPS = 4, 32, 40


class Face(nn.Module):
    """Log-mel [B, T, 2, 80] and the state [B, 64] to curves [B, T, 52] and the state after."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(2 * 80, 64, batch_first=True), nn.Linear(64, 52)

    def forward(self, mel: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        seen, after = self.gru((mel.flatten(2) + 8) / 4, state[None])
        return torch.sigmoid(self.head(seen)), after[0]


def trained(accelerator: Accelerator, corpus: Path, half: Path, *, resume: bool = False) -> nn.Module:
    """The face after all steps; half-way a checkpoint is made in ``half``, or taken up."""
    accelerator.free_memory()
    set_seed(0)
    raw = Face()
    face, optimizer = accelerator.prepare(raw, torch.optim.AdamW(raw.parameters(), 2e-3))
    rank, ranks, device = accelerator.process_index, accelerator.num_processes, accelerator.device
    loader = koekao.open(corpus, split="train").streams(
        batch_size=ROWS // ranks, n_streams=ROWS // ranks, window_frames=FRAMES, stride="sparse", initial_stride=FRAMES,
        columns=("mel", "blendshapes"), num_workers=1, rank=rank, world_size=ranks, device=device,
    )  # fmt: skip
    state, step, takes = torch.zeros(ROWS // ranks, 64, device=device), 0, set[str]()
    if resume:
        accelerator.load_state(str(half))  # weights, optimiser, random generators
        saved = torch.load(half / f"streams-{rank}.pt", weights_only=True)
        state, step = saved["state"].to(device), saved["step"]
        loader.load_state_dict(saved["loader"])
    while step < STEPS:
        for batch in loader:
            takes |= {name for name in batch["file_names"] if name}  # rows that only fill up have none
            curves, after = face(batch["mel"], state * ~batch["reset"][:, None])
            state = after.detach()
            wrong = (curves - batch["blendshapes"]).abs().mean(2) * batch["frame_mask"]
            accelerator.backward(wrong.sum() / batch["frame_mask"].sum().clamp(min=1))
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if step == STEPS // 2 and not resume:
                accelerator.save_state(str(half))
                torch.save({"state": state, "step": step, "loader": loader.state_dict()}, half / f"streams-{rank}.pt")
                accelerator.wait_for_everyone()
            if step == STEPS:
                break
        else:
            loader.set_epoch(loader.epoch + 1)
    print(f"rank {rank} of {ranks}: step {step}, heard {len(takes)} takes", flush=True)
    return raw  # its weights are those of the prepared one


def main() -> None:
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    out = Path(broadcast_object_list([tempfile.mkdtemp(prefix="koekao-")])[0])  # the first rank's, for all
    place = Path(sys.argv[1]) if sys.argv[1:] else out / "corpus"
    if accelerator.is_main_process:
        if not place.exists():
            koekao.pack_takes(koekao.make_takes(8, seconds=10.0), place, koekao.PackConfig(val=0.25))
        koekao.pack_features(place, overwrite=True)  # log-mel, computed once
    accelerator.wait_for_everyone()

    whole = trained(accelerator, place, out / "half")
    again = trained(accelerator, place, out / "half", resume=True)
    same = all(torch.equal(one, other) for one, other in zip(whole.parameters(), again.parameters()))
    accelerator.wait_for_everyone()  # what is made is the last that is said
    accelerator.print(
        f"{STEPS} steps, and the second half again from a checkpoint: {'the same' if same else 'NOT the same'}"
    )
    accelerator.print(f"made {out}/half; next: torchrun --nproc-per-node 2 {Path(__file__).name}, or custom_model.py")


if __name__ == "__main__":
    main()
