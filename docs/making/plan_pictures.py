"""Pictures of strides, streams and clips: ``python docs/making/plan_pictures.py`` writes docs/pictures/*.svg.

What they show is asked of the plans that training uses (``koekao.windows``), so a picture cannot say what the code does
not do; a test holds the files to it, byte for byte. They are written by hand as SVG: a chart library's own would be ten
times as large and differ from version to version.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from koekao.windows import NO_TAKE, ClipPlan, Grid, StreamPlan, StridePolicy

HERE = Path(__file__).resolve().parents[1] / "pictures"
WIDTH = 560
INK, MUTED, LINE, PAPER, PALE = "#1b2027", "#5a6573", "#d5dae1", "#ffffff", "#f1f3f6"
FIRST, SECOND = "#2460b8", "#c2571a"
TAKES = ("#2b63c6", "#0f7f78", "#9a6b12", "#7a4bb5", "#b0467c", "#4d7c1f", "#b33a3a", "#566173")


class Drawing:
    """An SVG of WIDTH by ``height`` user units, on white, so that it reads on a dark page too."""

    def __init__(self, height: int, what: str) -> None:
        self.height, self.what, self.parts = height, what, []  # type: int, str, list[str]

    def box(self, x: float, y: float, w: float, h: float, fill: str, *, edge: str = "none", opacity: float = 1) -> None:
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="2" fill="{fill}" stroke="{edge}"'
            f' fill-opacity="{opacity:g}"/>'
        )

    def line(self, x: float, y: float, x2: float, y2: float, colour: str, *, width: float = 1, dash: str = "") -> None:
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<path d="M{x:g} {y:g}L{x2:g} {y2:g}" stroke="{colour}" stroke-width="{width:g}" fill="none"{dashed}/>'
        )

    def marks(self, places: Sequence[float], y: float, h: float, colour: str, width: float) -> None:
        path = "".join(f"M{x:g} {y:g}v{h:g}" for x in places)
        if path:
            self.parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="{width:g}" fill="none"/>')

    def steps(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
        self.parts.append(f'<path d="{path}" stroke="{colour}" stroke-width="2.2" fill="none"/>')

    def say(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 13,
        colour: str = INK,
        at: str = "start",
        bold: bool = False,
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" text-anchor="{at}"{weight}>'
            f"{escape(text)}</text>"
        )

    def __str__(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" '
            f'height="{self.height}" font-family="Helvetica, Arial, sans-serif" role="img">\n'
            f"<title>{escape(self.what)}</title>\n"
            f'<rect width="{WIDTH}" height="{self.height}" rx="6" fill="{PAPER}"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


def strides() -> Drawing:
    """Where the windows of one take start, in each mode."""
    n_frames, window, left, right, lane_px = 640, 256, 118, 20, 46
    dense = StridePolicy(mode="dense")
    staged = StridePolicy(mode="progressive", schedule="staged", max_epochs=100)
    lanes = [
        ("dense", "every frame", dense, 0),
        ("sparse", "every 32 frames", StridePolicy(mode="sparse"), 0),
        *(("progressive", f"epoch {epoch} of 100", staged, epoch) for epoch in (0, 20, 50, 80)),
        ("mixed", "10 % off the grid", StridePolicy(mode="mixed"), 0),
    ]
    drawing = Drawing(64 + lane_px * len(lanes) + 34, "Where the windows of one take start in each stride mode")

    def at(frame: float) -> float:
        return left + frame * (WIDTH - left - right) / n_frames

    drawing.say(16, 26, "One take of 640 frames, windows of 256: a mark where a window starts", size=14, bold=True)
    top = 44
    for name, how, policy, epoch in lanes:
        grid = Grid.of(np.array([n_frames]), window_frames=window, policy=policy, epoch=epoch)
        starts, is_dense = grid.starts(0)
        drawing.say(16, top + 17, name, bold=True)
        drawing.say(16, top + 32, how, size=11, colour=MUTED)
        drawing.box(at(0), top + 22, at(n_frames) - at(0), 7, PALE)
        drawing.box(at(0), top + 22, at(window) - at(0), 7, FIRST, opacity=0.25)
        off_grid = is_dense & (policy.mode == "mixed")
        for chosen, colour in ((~off_grid, FIRST), (off_grid, SECOND)):
            drawing.marks(
                [at(start) for start in starts[chosen]], top + 6, 16, colour, 0.6 if len(starts) > 100 else 1.8
            )
        drawing.say(WIDTH - right, top + 16, f"{len(starts)} windows", size=11, colour=MUTED, at="end")
        top += lane_px
    for frame in (0, 128, 256, 384, 512, 640):
        drawing.line(at(frame), top, at(frame), top + 5, MUTED)
        drawing.say(at(frame), top + 20, str(frame), size=11, colour=MUTED, at="middle")
    drawing.say(16, top + 20, "frame", size=11, colour=MUTED)
    drawing.say(16, top + 42, "pale blue: the first window; orange: windows off the grid, drawn anew each epoch",
                size=11, colour=MUTED)  # fmt: skip
    return drawing


def schedule() -> Drawing:
    """Stride by epoch, of the two ways in which ``progressive`` goes."""
    drawing = Drawing(250, "Stride by epoch: linear and staged")
    left, right, top, bottom = 50, 24, 52, 204

    def at(epoch: float, stride: float) -> tuple[float, float]:
        return left + epoch * (WIDTH - left - right) / 100, bottom - stride * (bottom - top) / 32

    drawing.say(16, 26, "progressive: frames between windows, by epoch", size=14, bold=True)
    for stride in (1, 8, 16, 32):
        drawing.line(*at(0, stride), *at(100, stride), LINE)
        drawing.say(left - 8, at(0, stride)[1] + 4, str(stride), size=11, colour=MUTED, at="end")
    for epoch in (0, 20, 50, 80, 100):
        drawing.say(at(epoch, 0)[0], bottom + 18, str(epoch), size=11, colour=MUTED, at="middle")
    drawing.say(WIDTH - right, bottom + 36, "epoch", size=11, colour=MUTED, at="end")
    for how, colour in (("linear", FIRST), ("staged", SECOND)):
        policy = StridePolicy(mode="progressive", schedule=how, max_epochs=100)  # type: ignore[arg-type]
        points: list[tuple[float, float]] = []
        for epoch in range(100):
            points += [at(epoch, policy.stride_at(epoch)), at(epoch + 1, policy.stride_at(epoch))]
        drawing.steps(points, colour)
    drawing.say(*at(40, 22), "linear (default)", colour=FIRST)
    drawing.say(*at(52, 4), "staged", colour=SECOND)
    return drawing


LENGTHS = np.array([352, 416, 320, 384])
"""Frames of the takes of the pictures of streams; with windows of 256 and stride 32: 4, 6, 3 and 5 windows."""
SPARSE = StridePolicy(mode="sparse", initial_stride=32)


def streams() -> Drawing:
    """The same takes as two streams of two rows, four of one, and one of four."""
    shapes = [(2, 2, "2 streams x 2 rows"), (4, 1, "4 streams x 1 row"), (1, 4, "1 stream x 4 rows")]
    cell, high, left, panel = 68, 27, 92, 170
    drawing = Drawing(40 + panel * len(shapes) + 34, "Rows of successive batches: streams of consecutive windows")
    drawing.say(16, 26, "Batches of 4 rows over the same four takes, stride 32", size=14, bold=True)
    top = 40
    for n_streams, run, name in shapes:
        plan = StreamPlan(Grid.of(LENGTHS, window_frames=256, policy=SPARSE), batch_size=4, n_streams=n_streams)
        drawing.say(16, top + 20, name, bold=True)
        shown = min(plan.n_batches, 6)
        for batch in range(shown):
            drawing.say(left + cell * batch + cell / 2, top + 38, f"batch {batch}", size=11, colour=MUTED, at="middle")
            rows = plan.batch(batch)
            for row in range(4):
                x, y = left + cell * batch + 2, top + 44 + high * row + (row // run) * 3
                take = int(rows.take[row])
                if take == NO_TAKE:
                    drawing.box(x, y, cell - 5, high - 3, PALE, edge=LINE)
                    drawing.say(x + cell / 2 - 2, y + 17, "padding", size=10.5, colour=MUTED, at="middle")
                    continue
                drawing.box(x, y, cell - 5, high - 3, TAKES[take], opacity=0.9)
                if rows.reset[row]:
                    drawing.box(x - 1, y - 1, 5, high - 1, INK)
                text = f"{'ABCD'[take]} {int(rows.start_frame[row])}"
                drawing.say(x + cell / 2 - 1, y + 17, text, size=12, colour=PAPER, at="middle")
        for row in range(4):
            y = top + 44 + high * row + (row // run) * 3
            drawing.say(left - 10, y + 16, f"row {row}", size=11, colour=MUTED, at="end")
        top += panel
    drawing.say(
        16,
        top + 14,
        "letter: take; number: first frame of the window; black edge: reset is true",
        size=11,
        colour=MUTED,
    )
    return drawing


def epoch() -> Drawing:
    """An epoch of eight takes dealt to four streams, with its padding at the end."""
    lengths = np.array([900, 640, 1200, 420, 760, 560, 1010, 330])
    grid = Grid.of(lengths, window_frames=256, policy=SPARSE)
    plan = StreamPlan(grid, batch_size=4, n_streams=4)
    dropped = StreamPlan(grid, batch_size=4, n_streams=4, drop_last=True)
    drawing = Drawing(272, "An epoch: takes dealt to streams, padding at the end")
    left, right, top, high = 84, 20, 50, 44

    def at(batch: float) -> float:
        return left + batch * (WIDTH - left - right) / plan.n_batches

    title = f"An epoch: 8 takes on 4 streams, {plan.n_windows} windows in {plan.n_batches} batches"
    drawing.say(16, 26, title, size=14, bold=True)
    rows = [plan.batch(number) for number in range(plan.n_batches)]
    for stream in range(4):
        y = top + high * stream
        drawing.say(left - 10, y + 21, f"stream {stream}", size=11, colour=MUTED, at="end")
        takes = [int(each.take[stream]) for each in rows]
        first = 0
        for batch in range(1, plan.n_batches + 1):
            if batch < plan.n_batches and takes[batch] == takes[first]:
                continue
            take, x, w = takes[first], at(first), at(batch) - at(first)
            if take == NO_TAKE:
                drawing.box(x + 1, y, w - 1, high - 10, PALE, edge=LINE)
                if w > 50:
                    drawing.say(x + w / 2, y + 21, "padding", size=10.5, colour=MUTED, at="middle")
            else:
                drawing.box(x + 1, y, w - 1, high - 10, TAKES[take], opacity=0.9)
                drawing.box(x, y - 1, 4, high - 8, INK)
                drawing.say(x + w / 2 + 2, y + 21, "ABCDEFGH"[take], size=13, colour=PAPER, at="middle")
            first = batch
    end = at(dropped.n_batches)
    drawing.line(end, top - 8, end, top + 4 * high, SECOND, width=1.6, dash="5 4")
    delivered = dropped.n_windows - dropped.n_dropped
    said = f"drop_last ends here: {delivered} delivered, {dropped.n_dropped} dropped and counted"
    drawing.say(min(end, WIDTH - right), top + 4 * high + 14, said, size=11, colour=SECOND, at="end")
    what = "time goes right; black edge: a take begins, this row's state is reset"
    drawing.say(left, top + 4 * high + 34, what, size=11, colour=MUTED)
    return drawing


def clips() -> Drawing:
    """The first batches of shuffled clips, where they lie in their takes."""
    lengths = np.array([900, 640, 1200, 420, 760])
    plan = ClipPlan(Grid.of(lengths, window_frames=300, policy=StridePolicy()), batch_size=16)
    drawing = Drawing(266, "Shuffled clips: where the rows of two batches start")
    left, right, top, high = 70, 20, 50, 34

    def at(frame: float) -> float:
        return left + frame * (WIDTH - left - right) / 1200

    drawing.say(
        16, 26, f"Clips of 300 frames: {plan.n_windows:,} starts in 5 takes, each once an epoch", size=14, bold=True
    )
    for take, n_frames in enumerate(lengths.tolist()):
        y = top + high * take
        drawing.say(left - 10, y + 16, f"take {'ABCDE'[take]}", size=11, colour=MUTED, at="end")
        drawing.box(at(0), y, at(n_frames) - at(0), high - 10, PALE)
        drawing.box(at(0), y, at(n_frames - 299) - at(0), high - 10, LINE, opacity=0.6)
    for number, colour in ((0, FIRST), (1, SECOND)):
        rows = plan.batch(number)
        for take, start in zip(rows.take.tolist(), rows.start_frame.tolist(), strict=True):
            y = top + high * take
            drawing.box(at(start) - 1.5, y - 2, 4, high - 6, colour)
    drawing.box(left, 232, 12, 12, FIRST)
    drawing.say(left + 18, 242, "starts of batch 0", size=11)
    drawing.box(left + 130, 232, 12, 12, SECOND)
    drawing.say(left + 148, 242, "of batch 1", size=11)
    drawing.box(left + 230, 232, 12, 12, LINE)
    drawing.say(left + 248, 242, "where a clip can start", size=11)
    return drawing


def clock() -> Drawing:
    """What an integer hop loses beside exact frame starts."""
    drawing = Drawing(236, "What an integer hop loses")
    left, right, top, bottom = 56, 24, 52, 190
    minutes, rate = 10, 16_000

    def at(minute: float, lost_ms: float) -> tuple[float, float]:
        return left + minute * (WIDTH - left - right) / minutes, bottom - lost_ms * (bottom - top) / 1600

    drawing.say(16, 26, "How far an integer hop runs off, 16 kHz", size=14, bold=True)
    for ms in (0, 500, 1000, 1500):
        drawing.line(*at(0, ms), *at(minutes, ms), LINE)
        drawing.say(left - 8, at(0, ms)[1] + 4, f"{ms}", size=11, colour=MUTED, at="end")
    drawing.say(left - 8, top - 8, "ms", size=11, colour=MUTED, at="end")
    for minute in (0, 2, 4, 6, 8, 10):
        drawing.say(at(minute, 0)[0], bottom + 18, str(minute), size=11, colour=MUTED, at="middle")
    drawing.say(WIDTH - right, bottom + 34, "minutes", size=11, colour=MUTED, at="end")
    for fps, colour, where in ((60, SECOND, (4.5, 900)), (30, FIRST, (9.9, 60))):
        exact = Fraction(rate, fps)
        lost_ms = [float((exact - rate // fps) * fps * 60 * m / rate * 1000) for m in range(minutes + 1)]
        drawing.steps([at(m, ms) for m, ms in enumerate(lost_ms)], colour)
        drawing.say(
            *at(*where), f"{fps} fps, hop {rate // fps}: {lost_ms[1]:.1f} ms a minute", size=12, colour=colour, at="end"
        )
    return drawing


PICTURES = {
    "strides": strides,
    "schedule": schedule,
    "streams": streams,
    "epoch": epoch,
    "clips": clips,
    "clock": clock,
}

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (HERE / f"{name}.svg").write_text(str(draw()), "utf-8")
        print(HERE / f"{name}.svg")
