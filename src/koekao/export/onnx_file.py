"""A trained model to one .onnx file that needs nothing of koekao: sound in, curves out, all memory in and out.

The graph is :class:`koekao.models.Listening` with the features inside. Batch and time are open: any number of rows,
each at its own frame, and any whole number of frames a step. What the graph does not say is in the header among its
metadata (:mod:`koekao.runtime.header`). Before the file is published, torch and onnxruntime walk the same sound with
it; a file whose curves differ is not published. What it gives up: models whose step is more than arithmetic of fixed
shape (the window model's prosody, loops in float64) are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from koekao import __version__
from koekao.animation.torch_engine import TorchEngine
from koekao.arkit import N_CURVES
from koekao.atomic import publish_file
from koekao.errors import ConfigError, KoekaoError, ModelError, OutputError
from koekao.export.graph import Step
from koekao.export.parity import largest_difference
from koekao.models import FaceModel, Listening
from koekao.models.registry import is_registered
from koekao.models.weights import model_header
from koekao.runtime.engine import OnnxEngine
from koekao.runtime.header import CURVES, KEY, NEXT, SOUND, STATE, Header

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20
"""The first that has Gelu as one operator; onnxruntime knows it since 1.17."""
TOLERANCE = 1e-4
CHECK_FRAMES = 1000
EXPORTABLE = ("stream", "sequential", "frame")
"""Of koekao's own. One that somebody registered is tried: what torch cannot draw is told then."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        path: the file. n_bytes: its size. header: what it says of itself.
        largest_difference: of any curve between torch and onnxruntime, over ``checked_frames`` frames of two rows.
    """

    path: Path
    n_bytes: int
    header: Header
    largest_difference: float
    checked_frames: int


def export_onnx(model: FaceModel, path: str | Path, *, check_frames: int = CHECK_FRAMES, seed: int = 0) -> Exported:
    """Write ``model`` to ``path`` (replacing a file that is there), if it gives there what it gives in torch.

    Args:
        check_frames: frames that torch and onnxruntime walk together before it is published, at least 1.
        seed: of the sound and the step sizes of that walk.

    Raises:
        ModelError: a model that cannot be a graph.
        OutputError: curves that differ by more than 1e-4, or a place that cannot be written. Nothing is published then.
        ConfigError: the extra ``onnx`` is not installed.
    """
    if check_frames < 1:
        raise ConfigError(f"check_frames {check_frames}", expected="at least 1")
    header = header_of(model)
    data = _graph_bytes_of_own(model, header) if is_registered(header.model) else graph_bytes(model, header)
    path = Path(path)
    with publish_file(path) as temporary:
        temporary.write_bytes(data)
        rng = np.random.default_rng(seed)
        difference = largest_difference(TorchEngine(model), OnnxEngine(temporary), check_frames, rng)
        if difference > TOLERANCE:
            raise OutputError(
                f"onnxruntime's curves differ from torch's by up to {difference:.2g}",
                where=path,
                expected=f"at most {TOLERANCE:g} over {check_frames} frames",
                do="nothing was published; try another version of onnxruntime or torch",
            )
    return Exported(
        path=path, n_bytes=len(data), header=header, largest_difference=difference, checked_frames=check_frames
    )


def _graph_bytes_of_own(model: FaceModel, header: Header) -> bytes:
    """As :func:`graph_bytes`, of a model that koekao does not know: whatever torch says of it is told as an error."""
    try:
        return graph_bytes(model, header)
    except KoekaoError:
        raise
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "")
        raise ModelError(
            f"a {header.model} model cannot be exported ({type(error).__name__}: {first[:200]})",
            expected="a step that torch.export can draw: arithmetic whose shapes follow from those of sound and state",
            do="use it with torch (koekao animate, live and serve take the run), or change its step",
        ) from error


def header_of(model: FaceModel) -> Header:
    """The header of a model's file.

    Raises:
        ModelError: a model that cannot be a graph.
    """
    said, listening = model_header(model), Listening(model.eval())  # dropout in a fresh state would stay in the file
    if said["model"] not in EXPORTABLE and not is_registered(said["model"]):
        raise ModelError(
            f"a {said['model']} model cannot be exported: its step is more than arithmetic of fixed shape",
            expected="a model of " + ", ".join(EXPORTABLE),
            do="train a stream model: koekao train CORPUS RUN --trainer stream",
        )
    with torch.inference_mode():
        fresh = {name: value[0].cpu().numpy() for name, value in listening.init_state(1).items()}
    return Header(
        model=said["model"],
        config=said["config"],
        koekao=__version__,
        clock=model.clock,
        look_ahead_frames=model.look_ahead_frames,
        first_samples=listening.first_samples,
        weights_sha256=weights_hash(model),
        fresh=fresh,
    )


def weights_hash(model: FaceModel) -> str:
    """SHA-256 over names, types, shapes and values of all that a model has learnt, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        value = tensor.detach().cpu().numpy()
        digest.update(f"{name} {value.dtype} {value.shape}\n".encode())
        digest.update(value.astype(value.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def graph_bytes(model: FaceModel, header: Header) -> bytes:
    """The file's content."""
    onnx = _onnx()
    step = Step(model)
    state = step.listening.init_state(3)  # an example; 0 and 1 would be taken for constants
    sound = torch.zeros(3, model.clock.frame_start(7))
    names = list(step.names)
    with _quiet(), torch.no_grad():
        example = sound, [state[name] for name in names]
        # strict reads the code itself; run with stand-ins, as otherwise, len() of a batch is taken for a constant
        drawn = torch.export.export(step, example, dynamic_shapes=_open_dims(names), strict=True)
        program = torch.onnx.export(
            drawn,
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
            input_names=[SOUND, *(STATE + name for name in names)],
            output_names=[CURVES, *(NEXT + name for name in names)],
        )
    if program is None:
        raise ModelError("torch made no graph", do="install the extra anew: pip install -U 'koekao[onnx]'")
    proto = program.model_proto
    _plain(proto)
    for value in proto.graph.input:
        _name_dims(value, ["B", "S"] if value.name == SOUND else ["B"])
    for value in proto.graph.output:
        _name_dims(value, ["B", "T", N_CURVES] if value.name == CURVES else ["B"])
    onnx.helper.set_model_props(proto, {KEY: header.as_text()})
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _open_dims(names: Sequence[str]) -> tuple[Any, ...]:
    """Batch and time are to be open; AUTO, for rows of sound and of state are as many, and torch finds that out."""
    auto = torch.export.Dim.AUTO
    return {0: auto, 1: auto}, [{0: auto} for _ in names]


def _plain(proto: ModelProto) -> None:
    """Leave out what the exporter notes of its own work: file paths and stack traces are nobody's business."""
    graph = proto.graph
    del graph.value_info[:]
    for thing in (*graph.input, *graph.output, *graph.initializer, graph, proto):
        thing.doc_string = ""
        del thing.metadata_props[:]
    for node in _all_nodes(graph):
        node.doc_string = ""
        del node.metadata_props[:]
    proto.producer_name, proto.producer_version = "koekao", __version__


def _all_nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _all_nodes(attribute.g)


def _name_dims(value: Any, dims: list[str | int]) -> None:
    for dim, name in zip(value.type.tensor_type.shape.dim, dims):
        if isinstance(name, int):
            dim.dim_value = name
        elif dim.HasField("dim_value"):
            raise ModelError(
                f"{name} of {value.name} became {dim.dim_value} in the graph", expected="an open dimension"
            )
        else:
            dim.dim_param = name


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of its own deprecations and of packages that are not needed, and traces itself to the log."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _onnx() -> Any:
    """The package ``onnx``, and a look whether what torch and the check want beside it is there."""
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"{error.name or error} is not installed", do='pip install "koekao[onnx]"') from error
    return onnx
