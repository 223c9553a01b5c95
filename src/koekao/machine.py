"""What sources of machine code are written with. Only they import it: it brings numba (see :mod:`koekao.compiled`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.extending import intrinsic


def in_machine_code(function: Callable[..., Any]) -> Any:
    """A function to be compiled: no interpreter, no exceptions, numbers in and numbers out."""
    compiler: Any = numba.njit
    return compiler(function, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")


def instruction(build: Callable[..., Any]) -> Any:
    """An operation that compiled code can use, made of the instructions that ``build`` says."""
    return intrinsic(build)


@instruction
def pointer(context: Any, address: Any) -> Any:
    """A whole number as an address."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), build


@in_machine_code
def numbers_at(address: int, n: int) -> Any:
    """The ``n`` int64 at an address, as an array."""
    return carray(pointer(address), n, np.int64)
