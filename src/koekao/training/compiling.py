"""``torch.compile`` of the forward pass of training, where asked for and where it can be.

The task's losses are compiled, not the model: the model stays the module that is saved, copied and validated, and what
the compiler cannot take (log-mel cut from takes in memory, sums over ranks) is kept out of its graphs. Sums may be
ordered otherwise than without, so results agree to rounding, not to the bit; a compiled run resumes to the bit of
itself. Compiling takes from some seconds to a minute at the first step, so it pays in long runs, and first of all on
CUDA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from koekao.errors import ConfigError
from koekao.training.distributed import keep_sums_out_of_graphs
from koekao.training.take_mel import keep_cutting_out_of_graphs

if TYPE_CHECKING:
    from koekao.training.stepping import LossesOf


def compiled(losses_of: LossesOf, device: torch.device) -> LossesOf:
    """``losses_of``, compiled for ``device``.

    Raises:
        ConfigError: nothing can be compiled here: no C++ compiler for the CPU, no Triton for CUDA, another Python.
    """
    _refuse_where_it_cannot(device)
    keep_sums_out_of_graphs()
    keep_cutting_out_of_graphs()
    made: LossesOf = torch.compile(losses_of, dynamic=False)
    return made


def _refuse_where_it_cannot(device: torch.device) -> None:
    """Compile the smallest thing there is: an hour later is too late to learn that there is no compiler."""

    def smallest(x: torch.Tensor) -> torch.Tensor:
        return x.cos() + 1

    try:
        torch.compile(smallest)(torch.zeros(2, device=device))
    except (RuntimeError, OSError, ImportError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigError(
            f"compile on {device}: torch.compile cannot ({reason.strip()})",
            expected="a C++ compiler for the CPU, Triton for CUDA",
            do="install one, or leave --compile out",
        ) from error
