"""Several processes train one model: each its rows of a batch, all of them the same step.

``torchrun --nproc-per-node 2 -m koekao train CORPUS RUN`` starts the processes (ranks); without it, every function here
gives back what it was given and nothing talks to anybody. The batch size of the settings is that of all ranks together,
so a run is the same run on any number of them, to the rounding of float32, and may be resumed on another number. What
cannot be the same is what is drawn while training, dropout, noise and tempo: each rank draws its own.

Losses are means over the frames that count, and ranks hold different numbers of those, so a mean of the ranks'
gradients would weigh a frame by who holds it. Instead :func:`summed` adds up, inside the losses, what they are made of:
sums of squares, products and counts. Its value is the sum over all ranks, its gradient that of this rank's part, so
every rank sees the loss of the whole batch, and the *sum* of the ranks' gradients is its gradient. torch's
DistributedDataParallel is not used: it averages; it wraps ``forward``, while training also calls ``step`` and
``of_columns``; and what it gains, sending gradients while others are still computed, is nothing beside models of some
megabytes. Their gradients are sent as one vector.

A rank that ends by an error closes its connections, and those that wait for it end too. One that hangs without ending,
or whose machine is gone, is noticed by its heart (:mod:`koekao.training.heartbeat`); a collective itself may take half
an hour, since the first rank may validate for as long while the others wait. Where torchrun starts all ranks anew after
that (``--max-restarts``, ``--nnodes 1:2``), they go on from the last checkpoint: :func:`goes_on`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as group
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from koekao.batches.position import this_rank
from koekao.batches.spec import Spec, StreamSpec
from koekao.errors import ConfigError, RunError
from koekao.training.heartbeat import Heartbeat

BEGIN_WITHIN_S = 30
"""How long the ranks wait for each other at the beginning."""

_LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_WAIT = timedelta(minutes=30)
_AWAKE_S = 0.02
_let_others_run = getattr(os, "sched_yield", lambda: None)  # not on every system
_Json = TypeVar("_Json")


@contextmanager
def together() -> Iterator[None]:
    """Join the ranks that torchrun started, and leave them at the end; nothing where it did not, or all have joined.

    Raises:
        RunError: a rank is missing after 30 s.
    """
    if not all(os.environ.get(name) for name in _LAUNCHED) or not alone():
        yield
        return
    attempt = _join()
    beat = Heartbeat(group.get_rank(), group.get_world_size(), attempt)
    try:
        yield
        anywhere(False)  # so that nobody is gone while another is still at work
    finally:
        beat.stop()
        group.destroy_process_group()


def _join() -> str:
    limit = timedelta(seconds=BEGIN_WITHIN_S)
    try:
        store, rank, size = next(rendezvous("env://", timeout=limit))
        attempt = _attempt(store, rank, size)
        store = PrefixStore(attempt, store)
        store.set(f"koekao/{rank}", "here")
        store.wait([f"koekao/{other}" for other in range(size)], limit)
    except RuntimeError as error:
        raise RunError(
            f"not all of {os.environ['WORLD_SIZE']} ranks came within {BEGIN_WITHIN_S} s ({_first_line(error)})",
            where=f"rank {os.environ['RANK']}",
            do="look at what the other ranks say, and that MASTER_ADDR and MASTER_PORT can be reached from all",
        ) from error
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and group.is_nccl_available() else "gloo"
    group.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_WAIT)
    return attempt


def _attempt(store: Store, rank: int, size: int) -> str:
    """A name for this start of the ranks, the same on all: torchrun's store still holds what earlier ones wrote.

    torchrun counts its restarts, but not that a node came or went; so ranks count how often they came in such a world.
    """
    world = f"koekao/{os.environ.get('TORCHELASTIC_RESTART_COUNT') or 0}/{size}"
    return f"{world}/{store.add(f'{world}/came/{rank}', 1)}"


def launch_id() -> str:
    """What torchrun calls the launch that this process belongs to, the same after each restart; empty without one."""
    name = os.environ.get("TORCHELASTIC_RUN_ID", "")
    return "" if name == "none" else name


def goes_on(record: Path) -> bool:
    """Whether torchrun has started the ranks anew, and the run whose ``record`` (run.json) this is was begun before.

    Then they resume without being told to, for torchrun gives the same command again. What the first rank sees counts.
    """
    return decided(_was_begun(record))


def _was_begun(record: Path) -> bool:
    restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT") or 0)
    try:
        begun_by = json.loads(record.read_text("utf-8")).get("launch", "")
    except (OSError, ValueError, AttributeError):
        return False
    return restarts > 0 or (begun_by != "" and begun_by == launch_id())


def alone() -> bool:
    """Whether this process trains by itself."""
    return not (group.is_available() and group.is_initialized())


def rank() -> int:
    """This process's number, 0 if it is alone."""
    return this_rank(None, None)[0]


def is_first() -> bool:
    """Whether this is the rank that writes, validates and talks."""
    return rank() == 0


def refuse_strangers() -> None:
    """Raise RunError where torchrun started several processes that have not joined: each would train by itself."""
    if alone() and int(os.environ.get("WORLD_SIZE") or 1) > 1 and all(os.environ.get(name) for name in _LAUNCHED):
        raise RunError(
            f"one of {os.environ['WORLD_SIZE']} processes that do not know of each other",
            where=f"rank {os.environ['RANK']}",
            do="train inside `with koekao.training.distributed.together():`, or by koekao.train",
        )


def device_of_rank(name: str) -> str:
    """``cuda`` is a GPU for each rank of a machine; other names are what they are.

    Raises:
        ConfigError: a device whose tensors cannot be sent.
    """
    if alone():
        return name
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} for several ranks", expected="cpu or cuda", do="train without torchrun")
    return f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if name == "cuda" else name


def shared_out(spec: Spec) -> Spec:
    """This rank's part of the batches of ``spec``: as many rows, and as many whole streams, as every other.

    Raises:
        ConfigError: rows or streams that cannot be shared out evenly.
    """
    _, size = this_rank(None, None)
    n_streams = spec.n_streams if isinstance(spec, StreamSpec) else 0
    for name, n in (("batch_size", spec.batch_size), ("n_streams", n_streams)):
        if n % size:
            raise ConfigError(
                f"{name} {n} for {size} ranks",
                expected=f"a multiple of {size}; it is that of all ranks together",
                do=f"say --{name.replace('_', '-')} {-(-n // size) * size}, or start another number of processes",
            )
    if isinstance(spec, StreamSpec):
        return replace(spec, batch_size=spec.batch_size // size, n_streams=n_streams // size)
    return replace(spec, batch_size=spec.batch_size // size)


def summed(*parts: Tensor) -> tuple[Tensor, ...]:
    """Each of ``parts`` (a tensor of the same shape on every rank) summed over the ranks; all ranks must call it.

    The gradient goes through this rank's part alone. Whole numbers are exact up to 2^24.
    """
    return parts if alone() or not parts else _summed(*parts)


def _summed(*parts: Tensor) -> tuple[Tensor, ...]:
    total: Tensor = _Sum.apply(torch.cat([part.flatten().float() for part in parts]))  # type: ignore[no-untyped-call]
    pieces = torch.split(total, [part.numel() for part in parts])
    return tuple(piece.view_as(part).to(part.dtype) for piece, part in zip(pieces, parts, strict=True))


@cache
def keep_sums_out_of_graphs() -> None:
    """Have torch's compiler run sums over ranks as they are: a graph cannot hold what waits for others.

    Called before something is compiled. As a decorator it would load the whole compiler, 3 s and 70 MB, for everybody
    who imports koekao.
    """
    global _summed
    _summed = torch.compiler.disable(_summed)  # type: ignore[no-untyped-call]


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        return _reduced(part.clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


@torch.no_grad()
def sum_gradients(parameters: Iterable[nn.Parameter], *wishes: bool) -> tuple[bool, ...]:
    """Put the sum over the ranks in the place of each gradient; what has none on any rank keeps none.

    Returns:
        Whether any rank has each of these wishes, as of :func:`anywhere`: they travel with the gradients, since each
        waiting for the others costs a step as much as a thousand of its numbers.
    """
    if alone():
        return wishes
    known = list(parameters)
    heard = [torch.zeros_like(each) if each.grad is None else each.grad for each in known]
    said = torch.tensor([*(each.grad is not None for each in known), *wishes]).to(heard[0])
    total = _reduced(torch.cat([*(each.flatten() for each in heard), said]))
    *pieces, n_saying = torch.split(total, [*(each.numel() for each in known), len(said)])
    anyone = n_saying.gt(0).tolist()
    for parameter, piece, has_one in zip(known, pieces, anyone[: len(known)], strict=True):
        parameter.grad = piece.view_as(parameter) if has_one else None
    return tuple(anyone[len(known) :])


def anywhere(*wishes: bool) -> tuple[bool, ...]:
    """Whether any rank has each of these wishes; all ranks must call it, and all hear the same."""
    if alone():
        return wishes
    return tuple(_reduced(torch.tensor(wishes, dtype=torch.int64)).gt(0).tolist())


def decided(value: _Json) -> _Json:
    """The first rank's ``value`` (a JSON value), for all; the others wait for it."""
    if alone():
        return value
    text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
    length = _of_first(torch.tensor(len(text)))
    text = _of_first(text if is_first() else torch.zeros(int(length), dtype=torch.uint8))
    said: _Json = json.loads(bytes(text.tolist()))
    return said


@torch.no_grad()
def same_as_first(model: nn.Module) -> None:
    """Give ``model`` the weights and statistics of the first rank's."""
    if not alone():
        for value in model.state_dict().values():
            _of_first(value)


def all_rows(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``state`` (a row a stream) of the streams of all ranks, in the order of one process that has them all."""
    return {name: torch.cat(of_ranks(value)) for name, value in state.items()}


def own_rows(state: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """This rank's rows of what :func:`all_rows` gave, on whatever number of ranks; as many as ``like`` has."""
    return {name: state[name][rank() * len(own) :][: len(own)].to(own.device) for name, own in like.items()}


def of_ranks(value: Tensor) -> list[Tensor]:
    """``value`` of each rank, by rank; of the same shape on all."""
    if alone():
        return [value]
    found = [torch.empty_like(value) for _ in range(group.get_world_size())]
    with _whole():
        group.all_gather(found, value.contiguous())
    return found


def _reduced(value: Tensor) -> Tensor:
    with _whole():
        sending = group.all_reduce(value, async_op=True)
        if value.device.type == "cpu":
            _stay_awake(sending)
        sending.wait()
    return value


def _stay_awake(sending: Any) -> None:
    """Look again and again for a while, letting others run: a processor that has gone to sleep takes longer to wake,
    in a virtual machine some milliseconds, than a message between two processes takes."""
    until_s = time.perf_counter() + _AWAKE_S
    while not sending.is_completed() and time.perf_counter() < until_s:
        _let_others_run()


def _of_first(value: Tensor) -> Tensor:
    with _whole():
        group.broadcast(value, 0)
    return value


@contextmanager
def _whole() -> Iterator[None]:
    """What torch says of a broken connection, said as what it means."""
    try:
        yield
    except RuntimeError as error:
        raise RunError(
            f"another rank has ended or does not answer ({_first_line(error)})",
            where=f"rank {rank()}",
            do="look at what that rank said; the run can be resumed from its last checkpoint",
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
