"""Integers of a column are seen where they lie, from wherever the column begins in its bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from koekao.corpus.viewed import viewed


@pytest.mark.parametrize("type_", [pa.int8(), pa.uint16(), pa.int32(), pa.int64()])
@pytest.mark.parametrize(("begin", "length"), [(0, 7), (1, 6), (3, 2), (6, 1)])
def test_a_part_of_a_column_is_the_integers_of_that_part(type_: pa.DataType, begin: int, length: int) -> None:
    column = pa.array([5, 1, 4, 2, 3, 9, 7], type_)
    seen = viewed(column.slice(begin, length))
    assert seen.dtype == np.dtype(str(type_)) and seen.tolist() == column.to_pylist()[begin : begin + length]
    assert not seen.flags.writeable and not seen.flags.owndata


def test_an_empty_column_is_an_empty_array_of_its_type() -> None:
    for column in (pa.array([], pa.int32()), pa.array([1, 2], pa.int32()).slice(2)):
        seen = viewed(column)
        assert seen.dtype == np.int32 and seen.shape == (0,)
