"""Functions compiled to machine code once: numba, its result kept on disk for the next process.

Imported by those rooms alone that compute in the innermost loop; ``import koekao`` does not come here, and numba takes
0.2 s. Where no folder for the compiled code can be written (a read-only installation without a home), functions are
compiled anew in each process: a second lost, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """``function`` compiled at its first call, lock released; its arguments are arrays and numbers."""
    try:
        made: F = numba.njit(function, nogil=True, cache=True)
    except RuntimeError:  # numba: "no locator available", there is no place for its cache
        made = numba.njit(function, nogil=True)
    return made
