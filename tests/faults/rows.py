"""The fault matrix: what goes wrong, and what koekao does. Row n is held by ``test_fault_NN_*.py`` beside this file.

Run over all of them, ``pytest tests/faults --reliability docs/reliability.md`` writes what became of each into a page.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

ROWS: tuple[tuple[str, str], ...] = (
    ("windows repeated by several workers", "each window once"),  # 1
    ("epoch frozen in lasting workers", "epoch travels with the plan"),  # 2
    ("equal random numbers in workers", "generator from (seed, epoch, window id)"),  # 3
    ("order depends on workers or on directory listing", "function of (seed, epoch, index)"),  # 4
    ("memory grows over epochs", "arrays and maps, no lists of objects"),  # 5
    ("/dev/shm full; worker killed; worker hangs", "typed error within 5 s"),  # 6
    ("exception that cannot be pickled", "arrives as a typed error"),  # 7
    ("iterator left early ×100; Ctrl-C", "no orphan, descriptor or segment left, ends in 2 s"),  # 8
    ("resume at any step; twice in one epoch; at the epoch's end; at once after a resume", "bit-exact"),  # 9
    ("resume with other workers, batch, seed, corpus", "refused with both values, or proven equal"),  # 10
    ("N mod B ≠ 0", "`drop_last` states the count; else padded rows with `valid_frames` 0"),  # 11
    ("uneven ranks", "equal number of batches on every rank, each window once"),  # 12
    ("more workers or streams than takes", "warns, still covers all"),  # 13
    ("state leaks into the next take", "row reset"),  # 14
    ("state lost at resume or export; stale state used again", "saved, checked"),  # 15
    ("padded rows move the state", "masked"),  # 16
    ("look-ahead beyond the declared one", "none"),  # 17
    ("stream ≠ offline", "equal to 1e-5"),  # 18
    ("truncated wav; header lies (0, ×10, 0xFFFFFFFF, odd)", "typed error or policy `trim`"),  # 19
    ("8/16/24/32-bit, float, extensible, mu-law", "read to ±1"),  # 20
    ("stereo, 44.1k, 48k, 88.2k", "named policies, recorded; resampling delay 0"),  # 21
    ("NaN/Inf, silent, clipped sound", "report; NaN is a typed error"),  # 22
    ("empty file, rate 0, file growing while read", "typed error"),  # 23
    ("missing, reordered, differently spelt, unknown columns", "by name only; names listed"),  # 24
    ("NaN, inf, 1e999, empty cell, `0,5`, `1_0`, full-width digits", "typed error with row and column"),  # 25
    ("values outside [0,1]: 1.05, 40, −0.2, 0-100 scale", "report; clip or rescale only by policy"),  # 26
    ("repeated, backward, wrapped timestamps", "typed error; midnight wrap handled"),  # 27
    ("jittered rate, dropped rows (1, 5, 60), untracked rows", "resampled on time; gaps marked invalid"),  # 28
    ("stated fps is wrong", "measured from timestamps, reported"),  # 29
    (  # 30
        "drift of 0.02 %, 0.16 %, 1 % and offset of sound against curves",
        "measured, reported, corrected by policy",
    ),
    ("curves longer or shorter than the sound", "cut at the end, offset kept; beyond tolerance refused"),  # 31
    ("take shorter than a window", "pad or skip by policy, counted"),  # 32
    (  # 33
        "BOM, CRLF, UTF-16, semicolons, ragged row, open quote, NUL, 100 MB line",
        "read, or typed error; memory capped",
    ),
    ("kill −9 while packing or checkpointing", "old or new, never half; leftovers swept by the next run"),  # 34
    ("disk full while packing or checkpointing", "typed error, nothing published"),  # 35
    ("two packers, one target; a reader while packing", "one wins, the other is told; readers keep the old"),  # 36
    ("corpus truncated, bits flipped, replaced under a reader", "found at open or by `verify`; no SIGBUS"),  # 37
    ("source changed after packing", "reported by `verify`"),  # 38
    ("read-only corpus", "works, writes nothing"),  # 39
    ("format version newer, hand-made header with wild offsets", "refused with both numbers"),  # 40
    ("pickle in a checkpoint or npz", "refused"),  # 41
    ("tar/zip with `../`, links, bombs; manifest path out of the root", "refused"),  # 42
    ("NaN loss", "stops before the update, names step and takes"),  # 43
    ("scheduler, random state, stream state not restored", "20 steps = 10 + resume + 10, bit-equal"),  # 44
    ("split by window instead of take", "split by take or speaker"),  # 45
    ("live input stalls, bursts, drops; receiver gone", "clocked by the sound, bounded buffers, counted"),  # 46
    ("network listener", "loopback unless asked; origin checked; message size capped"),  # 47
)
"""(fault, what koekao does), from row 1 on."""
_FILE = re.compile(r"test_fault_(\d\d)_\w+\.py")
_HEAD = """# What goes wrong, and what koekao does

Each row is a fault that systems of this kind have or that their users reported, and a test that makes it happen. An
error is one of koekao's own types: it says where, what was seen, what was expected and what to do, and it survives a
pickle. A repair is a policy with a name and is written into the corpus. Nothing is left out or repaired without a word.

The page is written by the tests themselves: `make reliability`. A case is a test with its parameters; most try many
inputs. `make soak` trains, kills and resumes for as long as one likes; `make fuzz` gives every reader 100,000 damaged
files. What is trusted and what is not stands in [SECURITY.md](../SECURITY.md).

"""


def row_of(file: str) -> int | None:
    """The row that a test file holds, by its name; None where it holds none."""
    found = _FILE.fullmatch(Path(file).name)
    return int(found[1]) if found else None


def files_by_row(folder: Path) -> dict[int, list[str]]:
    """Row -> the names of its test files, sorted."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("test_*.py")):
        row = row_of(path.name)
        if row is not None:
            found[row].append(path.name)
    return dict(found)


def page(
    outcomes: Mapping[int, Counter[str]], reasons: Mapping[int, Iterable[str]], files: Mapping[int, list[str]]
) -> str:
    """The page.

    Args:
        outcomes: row -> "passed", "skipped", "failed" -> number of cases. reasons: row -> why any were skipped.
        files: as :func:`files_by_row` gives them.
    """
    lines = ["| # | fault | what koekao does | cases | tests |", "|---|---|---|---|---|"]
    for row, (fault, does) in enumerate(ROWS, start=1):
        links = ", ".join(f"[{name[11:-3]}](../tests/faults/{name})" for name in files[row])
        lines.append(f"| {row} | {fault} | {does} | {_told(outcomes[row])} | {links} |")
    total = sum(outcomes.values(), Counter[str]())
    text = _HEAD + "\n".join(lines) + f"\n\nIn all: {_told(total)}.\n"
    skipped = sorted({f"- row {row}: {reason}" for row in reasons for reason in reasons[row]})
    return text + ("\nSkipped where this page was written:\n\n" + "\n".join(skipped) + "\n" if skipped else "")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[what]:,} {what}" for what in ("passed", "skipped", "failed") if counts[what])
