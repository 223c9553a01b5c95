"""A file format of your own, read by koekao's check, pack, convert and everything else that reads curves.

    python custom_format.py

The format here is that of an imaginary recorder: a line of curve names, then a line a frame, its time in milliseconds
and values from 0 to 100, separated by semicolons; a face that was lost is a line with its time alone. It is registered
where it is written. For the command line the file is named in the environment, or its module in the metadata of a
package of yours, under [project.entry-points."koekao.formats"]:

    KOEKAO_PLUGINS=custom_format.py koekao pack TAKES CORPUS
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import koekao
from koekao.errors import CurvesError
from koekao.outputs.folder import write_take
from koekao.takes import CurveTrack
from koekao.takes.formats import CurveFile, CurveFormat, ReadOptions, Rows, layout_of

BEGIN = "FACECAP 1;"


def knows(file: CurveFile) -> bool:
    """Whether a file is one, by its content; its name says nothing."""
    return file.head.startswith(BEGIN)


def read(file: CurveFile, options: ReadOptions) -> CurveTrack:
    """The curves with their times in seconds. What cannot be is refused with its place; nothing is guessed."""
    header, *lines = file.text.lines
    layout = layout_of(header.split(";")[1:], f"{file.path}:1")  # the 52, in any order and known spelling
    rows = Rows(lambda row: f"{file.path}:{row + 2}", "time")
    for line in lines:
        try:
            time_ms, *cells = (float(cell) for cell in line.split(";"))
        except ValueError as error:
            raise CurvesError(str(error), where=rows.where, expected="numbers", do="record it again") from error
        if cells and len(cells) != len(layout.spelt) + len(layout.unknown):
            raise CurvesError(f"{len(cells)} values", where=rows.where, expected="one for each name in line 1")
        rows.add(time_ms / 1000, layout.pick([cell / 100 for cell in cells]) if cells else None)
    return rows.track(file.path, "facecap", file.source)


koekao.register_format(
    CurveFormat("facecap", f"{BEGIN}jawOpen;... and a line a frame: ms;0..100;...", knows, read, endings=(".fcap",))
)


def recorded(folder: Path) -> None:
    """Two takes as that recorder leaves them: name.wav beside name.fcap."""
    for take in koekao.make_takes(2, seconds=4.0):
        _, curves = write_take(folder, take.name, take.audio, take.sample_rate, take.curves, take.fps)
        curves.unlink()
        lines = [BEGIN + ";".join(koekao.arkit.NAMES)]
        lines += [
            f"{k * 1000 / 30:.3f};" + ";".join(f"{100 * v:.2f}" for v in row) for k, row in enumerate(take.curves)
        ]
        curves.with_suffix(".fcap").write_text("\n".join(lines), "utf-8")


def main() -> None:
    out = Path(tempfile.mkdtemp(prefix="koekao-"))
    recorded(out / "takes")
    files = sorted((out / "takes").glob("*.fcap"))

    track = koekao.read_curves(files[0])
    print(f"{files[0].name}: {track.format}, {len(track)} rows at {track.rate_hz:.2f} a second")
    converted = koekao.convert(files[0], out / "face.csv")
    print(f"converted: {converted.read} to {converted.written}, {converted.written_rows} rows")
    report = koekao.pack(out / "takes", out / "corpus", koekao.PackConfig(val=0.0))
    print(f"packed {report.packed} of {report.found} takes")

    files[1].write_text(files[1].read_text("utf-8").replace(";0.00;", ";broken;", 1), "utf-8")
    try:
        koekao.read_curves(files[1])
    except koekao.KoekaoError as error:
        print(f"and a file that is damaged is refused by line:\n  {error}")
    print(f"made {out}; next: KOEKAO_PLUGINS={__file__} koekao check {out}/takes, which finds the damaged one")


if __name__ == "__main__":
    main()
