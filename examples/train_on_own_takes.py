"""Your own recordings to an animated face, from Python: check, pack, train, evaluate, animate.

    python train_on_own_takes.py [TAKES] [OUT] [--minutes 0.4]

TAKES is a folder of recordings, each one sound and one file of curves of the same name; without it some are made. All
that comes of it goes into OUT, by default a new temporary folder. The command line does the same in five lines:
koekao check TAKES; koekao pack TAKES CORPUS; koekao train CORPUS RUN; koekao evaluate RUN CORPUS; koekao animate ...
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import koekao
import koekao.takes
from koekao.outputs.folder import write_take
from koekao.takes.doctor.health import examine
from koekao.takes.doctor.report import Examined
from koekao.takes.doctor.subjects import find_subjects


def make_some_takes(folder: Path) -> Path:
    """Recordings of nobody: sixteen takes of twelve seconds in three voices."""
    for take in koekao.make_takes(16, seconds=12.0):
        write_take(folder, take.name, take.audio, take.sample_rate, take.curves, take.fps)
    return folder


def check(takes: Path) -> None:
    """What the doctor says of each take: sound that comes too early, lost frames, curves that never move ..."""
    for subject in find_subjects(takes):
        examined = Examined.of(examine(subject))
        print(f"{examined.health.name}: {examined.health.length_s:.1f} s, {len(examined.findings)} findings")
        for finding in examined.findings:
            if finding.level != "note":
                print(f"  {finding.level}: {finding.what} -> {finding.do}")


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("takes", nargs="?", type=Path)
    said.add_argument("out", nargs="?", type=Path)
    said.add_argument("--minutes", type=float, default=0.4, help="how long to train")
    given = said.parse_args()
    out = given.out or Path(tempfile.mkdtemp(prefix="koekao-"))
    takes = given.takes or make_some_takes(out / "takes")

    check(takes)

    # A take that cannot be used is refused by name, and nothing is packed; skip_bad=True leaves it out and records it.
    unseen = koekao.takes.find_takes(takes).pairs[-1].name  # held out whole; or a share of many takes, as test=0.1
    report = koekao.pack(takes, out / "corpus", koekao.PackConfig(val=0.1, test=(unseen,)))
    print(f"packed {report.packed} of {report.found} takes, {report.seconds:.0f} s; held out: {report.by_split}")

    own = {} if given.takes else {"dropout": 0.1, "noise": 0.1, "tempo": 0.0}  # synthetic takes are clean and alike
    why = koekao.train(out / "corpus", out / "run", minutes=given.minutes, plots=False, model=own)
    print(f"trained: {why}")

    scores = koekao.evaluate(out / "run", out / "corpus").as_dict()
    for who in ("model", "ridge", "mean"):  # what a simple method reaches stands beside the model, always
        print(
            f"{who:>6} on {len(scores['takes'])} unseen takes: r {scores[who]['r']:.3f}, mae {scores[who]['mae']:.3f}"
        )

    speech = sorted(takes.rglob("*.wav"))[0]
    curves = koekao.animate(out / "run", speech, out / "face.csv")
    koekao.animate(out / "run", speech, out / "face.glb", controls="natural")
    print(f"made {out}/run and {len(curves)} frames of {speech.name} in face.csv and face.glb")
    print(f"next: koekao view {out}/face.csv --sound {speech}, or koekao live {out}/run --source mic --sink ws")


if __name__ == "__main__":
    main()
