"""An exported model as an engine: onnxruntime computes the step, :mod:`koekao.animation` keeps the books.

A file of ONNX may say that its weights lie in other files, and onnxruntime looks for those in the working directory
where the model comes as bytes. koekao's lie in the one file, so a place is named where nothing can lie: a forged model
reads no other file. One thread by default: a step of one live frame is too little work to share, and many streams want
the cores for themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from koekao.animation.engine import State
from koekao.errors import ConfigError, ModelError
from koekao.runtime.header import CURVES, KEY, NEXT, SOUND, STATE, Header, read_header

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"
_TYPES = {"float32": "tensor(float)", "float64": "tensor(double)", "int64": "tensor(int64)", "bool": "tensor(bool)"}


class OnnxEngine:
    """An :class:`~koekao.animation.engine.Engine` over a file of ``koekao export``.

    Args:
        path: the .onnx file. threads: cores that a step may use.

    Raises:
        ModelError: no such file, damaged, no model of koekao, or newer than this koekao.
        ConfigError: onnxruntime is not installed, or no thread at all.
    """

    def __init__(self, path: str | Path, *, threads: int = 1) -> None:
        if threads < 1:
            raise ConfigError(f"{threads} threads", expected="at least 1")
        self._session = _session(Path(path), threads)
        metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self.header: Header = read_header(metadata.get(KEY), path)
        self.clock, self.look_ahead_frames = self.header.clock, self.header.look_ahead_frames
        self._names = tuple(self.header.fresh)
        _check_graph(self._session, self.header, path)
        self._outputs = [CURVES, *(NEXT + name for name in self._names)]

    def init_state(self, n_rows: int) -> State:
        """The state of streams that have not begun."""
        return {name: np.repeat(value[None], n_rows, 0) for name, value in self.header.fresh.items()}

    def step(self, sound: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """``[B, S]``, the sound of the next T frames of each row, to ``[B, T, 52]`` in 0..1 and the state after."""
        given = {SOUND: sound} | {STATE + name: state[name] for name in self._names}
        curves, *after = self._session.run(self._outputs, given)
        return curves, dict(zip(self._names, after))


def _session(path: Path, threads: int) -> InferenceSession:
    """The graph of a file, ready to run on the CPU."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as faults
    except ImportError as error:
        do = 'install it: pip install "koekao[onnx]", or onnxruntime alone'
        raise ConfigError("onnxruntime is not installed", do=do) from error
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot be read ({error.strerror or error})", where=path, do="check the path, or koekao export RUN -o it"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry(_WEIGHTS_FOLDER, str(path / "nowhere"))  # path is a file
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except (
        faults.Fail,
        faults.InvalidArgument,
        faults.InvalidGraph,
        faults.InvalidProtobuf,
        faults.NoSuchFile,
        faults.NotImplemented,
        faults.RuntimeException,
    ) as error:
        reason = str(error).splitlines()[0][:200]
        do = "copy it again, or export the run again: koekao export RUN -o model.onnx"
        raise ModelError(f"no graph that onnxruntime can run ({reason})", where=path, do=do) from error


def _check_graph(session: InferenceSession, header: Header, where: object) -> None:
    """The graph takes and gives what the header says, or it is refused."""
    fresh = header.fresh
    wanted = {SOUND: ("float32", 2), **{STATE + name: (str(v.dtype), 1 + v.ndim) for name, v in fresh.items()}}
    _check_values("inputs", session.get_inputs(), wanted, where)
    wanted = {CURVES: ("float32", 3), **{NEXT + name: (str(v.dtype), 1 + v.ndim) for name, v in fresh.items()}}
    _check_values("outputs", session.get_outputs(), wanted, where)


def _check_values(what: str, values: Sequence[Any], wanted: dict[str, tuple[str, int]], where: object) -> None:
    seen = {value.name: (value.type, len(value.shape)) for value in values}
    expected = {name: (_TYPES[dtype], n_dims) for name, (dtype, n_dims) in wanted.items()}
    for name in sorted(seen.keys() | expected.keys()):
        if seen.get(name) != expected.get(name):
            raise ModelError(
                f"{what} of the graph: {name} is {_said(seen.get(name))}",
                where=where,
                expected=_said(expected.get(name)),
                do="export the run again: koekao export RUN -o model.onnx",
            )


def _said(value: tuple[str, int] | None) -> str:
    return "missing" if value is None else f"{value[0]} of {value[1]} dimensions"
