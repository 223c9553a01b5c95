"""Fault 5: memory that grows over epochs. There are arrays and maps, no lists of objects: it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from koekao.testing.simulated import simulate_corpus

EPOCHS, WINDOWS = 20, 1_000_000
ITERATE = """
import json, sys
from pathlib import Path
from koekao.batches import Loader, StreamSpec
from koekao.corpus import Corpus

def pss_kib():
    # all but mapped files: what those take is shared with whoever else runs, and rises when one of them ends
    lines = [line.split() for line in open("/proc/self/smaps_rollup")]
    return sum(int(line[1]) for line in lines if line[0] in ("Pss_Anon:", "Pss_Shmem:"))

corpus, epochs = Corpus.open(sys.argv[1]), int(sys.argv[3])
sum(int(corpus.audio(take).sum()) + int(corpus.valid(take).sum()) for take in range(len(corpus)))  # mapped once and all
spec = StreamSpec(window_frames=1, batch_size=4000, n_streams=50, columns=("audio",))
loader = Loader(corpus, spec, num_workers=int(sys.argv[2]))
windows, seen = 0, []
for epoch in range(epochs):
    loader.set_epoch(epoch)
    for number, batch in enumerate(loader):
        windows += int((batch["valid_frames"] > 0).sum())
        if number % 50 == 20:
            seen.append(pss_kib())
    seen.append(pss_kib())
print(json.dumps({"windows": windows, "seen": seen}))
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="no smaps_rollup to measure memory by")
def test_fault_05_twenty_epochs_of_a_million_windows_take_no_memory(tmp_path: Path) -> None:
    """Inline and with threads (of a fifth of the epochs), side by side, from the first batches on, within and after."""
    corpus = simulate_corpus(tmp_path / "c", 1000, WINDOWS // 1000, sample_rate=120)
    command = [sys.executable, "-c", ITERATE, str(corpus)]
    ways = {0: EPOCHS, 2: EPOCHS // 5}  # threads -> epochs; a place that is filled again is so in the first of them
    children = [
        subprocess.Popen([*command, str(num_workers), str(epochs)], stdout=subprocess.PIPE, text=True)
        for num_workers, epochs in ways.items()
    ]
    for child, epochs in zip(children, ways.values()):
        said, _ = child.communicate()
        assert child.returncode == 0
        result = json.loads(said)
        assert result["windows"] == epochs * WINDOWS
        first, *later = result["seen"]
        assert max(later) <= 1.02 * first, f"{first} KiB grew to {max(later)} KiB: {later[::20]}"
