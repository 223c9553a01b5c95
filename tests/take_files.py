"""Files of recordings, made byte by byte, for the tests of this folder."""

from __future__ import annotations

import base64
import json
import pickle
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from koekao import arkit

LIVELINK_HEADER = arkit.ORDERS["livelink_csv"]


NO_PLAIN_NUMBERS = (
    *("", " ", "nan", "NaN", "inf", "-Infinity", "1e999", "1e39", "1_0", "０.5", "٣", "0.5 ", "0.5.5", "0x1", "1e"),
    *(".", "-", "--1", "text", '"0.5"', "0;5", "True", "\ufeff0.5"),
)
"""Cells of a table that other programs read as numbers, or pass over, and koekao refuses."""

NO_FINITE_NUMBERS = (
    *(("NaN", "nan"), ("Infinity", "inf"), ("-Infinity", "-inf"), ("1e999", "inf"), ("1e39", "1e+39")),
    *(("1" + "0" * 400, "inf"), ("true", "true"), ("null", "null"), ('"0.5"', '"0.5"'), ('"0,5"', '"0,5"')),
    *(('""', '""'), ("[0.5]", "[0.5]"), ("{}", "{}")),
)
"""JSON values that are no number of the kind a curve is, and what a refusal shows of them."""


def survives_pickling(error: Exception) -> bool:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - what worker processes do with an error
    return type(again) is type(error) and str(again) == str(error)


def sine(n: int, rate: int, hz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(n) / rate)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20000, 20000, n).astype(np.int16)


def wav_bytes(samples: np.ndarray, rate: int = 16000, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A plain 16-bit WAV of ``[n]`` or ``[n, channels]`` int16, with further chunks before and after the sound."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    fmt = chunk(b"fmt ", struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16))
    body = b"WAVE" + fmt + before + chunk(b"data", samples.astype("<i2").tobytes()) + after
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def write_wav(path: Path, samples: np.ndarray, rate: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_bytes(samples, rate))
    return path


def curves(n: int, seed: int = 0) -> np.ndarray:
    """``[n, 52]`` float32 in [0, 1], every value another."""
    return np.random.default_rng(seed).random((n, arkit.N_CURVES), np.float32)


def jsonl_line(time_s: Any, values: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps({"timestamp": time_s, "blendshapes": values})


def named(row: Iterable[float], names: Sequence[str] = arkit.NAMES) -> dict[str, float]:
    return dict(zip(names, map(float, row), strict=True))


def write_jsonl(path: Path, values: np.ndarray, times_s: Iterable[float] | None = None, fps: float = 30) -> Path:
    times = [k / fps for k in range(len(values))] if times_s is None else times_s
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [jsonl_line(float(time_s), named(row)) for time_s, row in zip(times, values, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def timecode(frame: float, clock: int = 60, start_s: int = 13 * 3600) -> str:
    """The timecode ``frame`` frames of the clock after ``start_s``."""
    whole, within = divmod(round(frame * 1000), clock * 1000)
    seconds = (start_s + whole) % 86400
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{within // 1000:02}.{within % 1000:03}"


def livelink_rows(values: np.ndarray, codes: Sequence[str]) -> list[list[str]]:
    """Rows in the phone's column order, the header first; the rotations are 0."""
    rows = [list(LIVELINK_HEADER)]
    for code, row in zip(codes, values, strict=True):
        at = named(row)
        rows.append([code, "61", *(f"{at[arkit.canonical(c)]:.10f}" for c in arkit.LIVELINK_CSV_CURVES), *["0.0"] * 9])
    return rows


def write_rows(path: Path, rows: Iterable[Iterable[str]], end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(",".join(row) + end for row in rows).encode())
    return path


def write_livelink(path: Path, values: np.ndarray, *, step: float = 2, clock: int = 60, start_s: int = 46800) -> Path:
    """As the phone writes it: ``step`` frames of the clock between rows."""
    codes = [timecode(k * step, clock, start_s) for k in range(len(values))]
    return write_rows(path, livelink_rows(values, codes))


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def named_json(values: np.ndarray, names: Sequence[str] = arkit.NAMES, fps: float = 30) -> dict[str, Any]:
    """BEAT's document; ``values`` ``[n, len(names)]`` in the order of ``names``."""
    frames = [{"weights": [float(v) for v in row], "time": k / fps} for k, row in enumerate(values)]
    return {"names": list(names), "frames": frames}


def categories(row: Iterable[float], key: str = "categoryName") -> list[dict[str, Any]]:
    """A row of 52 curves as MediaPipe has it: the neutral face first, no tongue."""
    names = arkit.ORDERS["mediapipe"]
    scores = [0.5, *map(float, list(row)[:51])]
    return [{"index": i, "score": s, key: name, "displayName": ""} for i, (name, s) in enumerate(zip(names, scores))]


def table_rows(values: np.ndarray, columns: Mapping[str, Sequence[str]], names: Sequence[str]) -> list[list[str]]:
    """A header and a row a frame: first ``columns`` (name -> cells), then ``names``, whatever they are spelt like."""
    rows = [[*columns, *names]]
    for k, row in enumerate(values):
        at = {**named(row), None: 0.25}
        cells = [repr(float(at[arkit.canonical(name.rpartition(".")[2])])) for name in names]
        rows.append([*(column[k] for column in columns.values()), *cells])
    return rows


def mediapipe_rows(values: np.ndarray, step_ms: int = 33) -> list[list[str]]:
    stamps = [str(k * step_ms) for k in range(len(values))]
    return table_rows(values, {"timestamp_ms": stamps}, arkit.ORDERS["mediapipe"])


def audio2face_rows(values: np.ndarray, fps: float = 30) -> list[list[str]]:
    columns = {"": [str(k) for k in range(len(values))], "timeCode": [repr(k / fps) for k in range(len(values))]}
    return table_rows(values, columns, ["blendShapes." + name for name in arkit.ORDERS["audio2face"]])


def packet(row: Iterable[float], between: str = "-") -> str:
    """A packet of iFacialMocap; ``row`` is in 0..1 and rounded to hundredths."""
    at = named(row)
    items = [f"{name}{between}{round(100 * at[arkit.canonical(name)])}" for name in arkit.ORDERS["ifacialmocap"]]
    return "|".join(items) + "|=head#-21.5,-6.0,-6.6,-0.03,-0.1,-0.65|rightEye#6.0,2.4,0.2|leftEye#6.0,-1.6,-0.1|"


def unreal_rows(values: np.ndarray, times: Sequence[str], first: str = "---") -> list[list[str]]:
    """A curve table: a row a curve."""
    names = [name for name in arkit.ORDERS["unreal"] if arkit.canonical(name)]
    columns = [values[:, arkit.INDEX[arkit.canonical(name)]] for name in names]
    return [[first, *times], *([name, *(repr(float(v)) for v in column)] for name, column in zip(names, columns))]


class GltfBytes:
    """A glTF with one morph animation, put together accessor by accessor so that a test can spoil any of it."""

    def __init__(self, values: np.ndarray, times_s: Sequence[float], names: Sequence[str] | None = arkit.NAMES) -> None:
        self.binary = bytearray()
        n = values.shape[1]
        mesh: dict[str, Any] = {"primitives": [{"attributes": {}, "targets": [{} for _ in range(n)]}]}
        if names is not None:
            mesh["extras"] = {"targetNames": list(names)}
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "nodes": [{"mesh": 0}],
            "meshes": [mesh],
            "buffers": [],
            "bufferViews": [],
            "accessors": [],
        }
        times = self.accessor(np.array(times_s, "<f4"))
        weights = self.accessor(np.asarray(values, "<f4").ravel())
        self.document["animations"] = [
            {
                "samplers": [{"input": times, "output": weights}],
                "channels": [{"sampler": 0, "target": {"node": 0, "path": "weights"}}],
            }
        ]

    def view(self, data: bytes, **keys: Any) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **keys}
        self.binary += data
        self.document["bufferViews"].append(view)
        return len(self.document["bufferViews"]) - 1

    def accessor(self, numbers: np.ndarray, data: bytes | None = None, stride: int | None = None, **keys: Any) -> int:
        """The index of a SCALAR accessor over ``numbers``, whose bytes may be given apart."""
        kinds = {"<i1": 5120, "|i1": 5120, "|u1": 5121, "<i2": 5122, "<u2": 5123, "<u4": 5125, "<f4": 5126}
        view = self.view(numbers.tobytes() if data is None else data, **({"byteStride": stride} if stride else {}))
        kind = kinds[numbers.dtype.str]
        entry = {"bufferView": view, "componentType": kind, "count": len(numbers), "type": "SCALAR", **keys}
        self.document["accessors"].append(entry)
        return len(self.document["accessors"]) - 1

    @property
    def sampler(self) -> dict[str, Any]:
        return self.document["animations"][0]["samplers"][0]

    def gltf(self, uri: str | None = None) -> bytes:
        """As ``.gltf``: with the numbers inside, or in the file that ``uri`` names."""
        inside = "data:application/octet-stream;base64," + base64.b64encode(self.binary).decode()
        self.document["buffers"] = [{"byteLength": len(self.binary), "uri": uri or inside}]
        return json.dumps(self.document).encode()

    def glb(self) -> bytes:
        self.document["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.document).encode()
        chunks = (
            (text + b" " * (-len(text) % 4), b"JSON"),
            (bytes(self.binary) + b"\0" * (-len(self.binary) % 4), b"BIN\0"),
        )
        body = b"".join(struct.pack("<I", len(data)) + kind + data for data, kind in chunks)
        return b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body


def one_of_each(folder: Path, values: np.ndarray | None = None) -> dict[tuple[str, str], Path]:
    """(format, how it is written) -> a file of it, without an ending; ``values`` ``[3, 52]``."""
    values = curves(3) if values is None else values
    times = ["0.0", "0.5", "1.0"]
    frames = [{"timestamp": k / 30, "blendshapes": categories(row)} for k, row in enumerate(values)]
    table = [{"Name": name, **dict(zip(times, map(float, row)))} for name, row in zip(arkit.NAMES, values.T)]
    gltf = GltfBytes(values, [0.0, 0.5, 1.0])
    rows = {
        ("livelink_csv", "csv"): livelink_rows(values, [timecode(2 * k) for k in range(3)]),
        ("audio2face", "csv"): audio2face_rows(values),
        ("mediapipe", "csv"): mediapipe_rows(values),
        ("named_csv", "csv"): table_rows(values, {"time": times}, arkit.NAMES),
        ("unreal", "csv"): unreal_rows(values, times),
    }
    texts = {
        ("jsonl", "named"): "\n".join(jsonl_line(k / 30, named(row)) for k, row in enumerate(values)),
        ("mediapipe", "list"): json.dumps(frames),
        ("mediapipe", "object"): json.dumps({"created": "today", "frames": frames}),
        ("mediapipe", "indented"): json.dumps(frames, indent=1),
        ("ifacialmocap", "bare"): "\n".join(map(packet, values)),
        ("ifacialmocap", "timed"): "\n".join(f"{k / 30:.4f}\t{packet(row)}" for k, row in enumerate(values)),
        ("ifacialmocap", "lines"): "\n".join(json.dumps({"t": 33 * k, "d": packet(r)}) for k, r in enumerate(values)),
        ("unreal", "json"): json.dumps(table),
        ("named_json", "line"): json.dumps(named_json(values)),
        ("named_json", "indented"): json.dumps(named_json(values), indent=2),
    }
    binary = {("gltf", "gltf"): gltf.gltf(), ("gltf", "glb"): gltf.glb()}
    files = {key: write_rows(folder / "-".join(key), table) for key, table in rows.items()}
    files |= {key: write_text(folder / "-".join(key), text) for key, text in texts.items()}
    for key, data in binary.items():
        files[key] = folder / "-".join(key)
        files[key].write_bytes(data)
    return files
