"""Where the windows of a plan lie in memory: the table that the compiled gather reads, made for many batches at once.

Made batch by batch, the dozen small array operations would take as long as the copy itself; for a block of thousands of
rows they cost a microsecond a batch. A block is found as directly as a batch, so nothing is lost for random access.
While shards still come from elsewhere a block is one batch: it needs no more of them than that, and holds no more.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.batches import kernel, numbering
from koekao.batches.foresight import foresight_of
from koekao.batches.spec import Plan, Spec
from koekao.corpus import Corpus
from koekao.errors import BatchError, CorpusError, KoekaoError, PlanError
from koekao.windows import NO_TAKE, Rows

if TYPE_CHECKING:
    from koekao.batches.slots import Slot

_BLOCK_ROWS = 4096
_LOOK_EVERY_S = 0.001
_FEW_SHARDS = 8
_KEPT_BLOCKS = 2  # threads gather on both sides of a block's end


@dataclass(frozen=True)
class FrameSource:
    """Numbers that come once a frame, as they lie in the shards of the corpus or of a packed column.

    Attributes:
        key: its name in a batch. shape, dtype: of one frame.
        files: the mapped files. shard, offset: ``[n_takes]`` int64, in which file and at which byte a take begins.
    """

    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    files: Any
    shard: NDArray[np.int64]
    offset: NDArray[np.int64]

    @property
    def frame_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


class Touched:
    """The shards of some files that the rows of a block lie in. Their maps are held, for addresses lie in them.

    Args:
        files: the mapped files.
        used: the shards, each once.
        of_row: ``[n]`` int64, the shard of each row; -1 for a row without a take.
    """

    def __init__(self, files: Any, used: set[int], of_row: NDArray[np.int64]) -> None:
        self.files, self.used, self._of_row = files, sorted(used), of_row
        self._held = [files.shard(number) for number in self.used]

    def addresses(self, shards: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where these shards begin; one address for all where there is but one shard."""
        addresses = np.array([self.files.base_address(number) for number in self.used], np.int64)
        return addresses if len(self.used) <= 1 else addresses[np.searchsorted(self.used, shards)]

    def refuse_truncated(self, first: int, end: int) -> None:
        """Raise CorpusError if a shard of rows ``first .. end-1`` was cut short since it was opened."""
        self.files.refuse_truncated(set(self._of_row[first:end].tolist()) - {-1})


class Block:
    """Some rows ready to be gathered: their table, the names of their takes, and the shards that they touch.

    Attributes:
        table: ``[n, width]`` int64, a line a row; :mod:`koekao.batches.numbering` names its columns.
        good_until_s: until when (monotonic) none of its files need be looked at again.
    """

    def __init__(self, table: NDArray[np.int64], names: list[str], touched: list[Touched]) -> None:
        self.table, self.names, self._touched = table, names, touched
        self._address, self._line_bytes = table.ctypes.data, table.strides[0]
        self._is_in_few = all(len(each.used) <= _FEW_SHARDS for each in touched)
        self.good_until_s = 0.0

    def fill(self, slot: Slot, first: int) -> None:
        """Gather rows from ``first`` on into ``slot``, as many as it has.

        Raises:
            CorpusError: a file that they lie in was cut short since it was opened.
        """
        self.refuse_truncated(first, first + slot.n_rows)
        self.tell(slot.order, first)
        kernel.fill(slot.order.at)

    def tell(self, order: kernel.Order, first: int) -> None:
        """Say in ``order`` that rows come from here, row ``first`` as the first."""
        order.say[numbering.LINES] = self._address + self._line_bytes * first
        order.say[numbering.LINE_BYTES] = self._line_bytes

    def refuse_truncated(self, first: int, end: int) -> None:
        """Raise CorpusError if a file that rows ``first .. end-1`` lie in was cut short since it was opened."""
        if monotonic() > self.good_until_s and not self._all_are_whole():
            for each in self._touched:
                each.refuse_truncated(first, end)

    def _all_are_whole(self) -> bool:
        """Whether one look at the few files of the block finds none cut; it serves for what comes at once."""
        if not self._is_in_few:
            return False
        try:
            for each in self._touched:
                each.files.refuse_truncated(each.used)
        except CorpusError:
            return False
        self.good_until_s = monotonic() + _LOOK_EVERY_S
        return True


class Sources:
    """The columns that a spec asks of a corpus, and the tables of its windows."""

    def __init__(self, corpus: Corpus, spec: Spec) -> None:
        self.corpus, self.spec = corpus, spec
        self.n_samples = corpus.clock.window_samples(spec.window_frames)
        self.has_sound = spec.sound_key in spec.columns
        self.frames = [_frame_source(corpus, spec, key) for key in spec.columns if key != spec.sound_key]
        self.frames.append(
            FrameSource("frame_mask", (), np.dtype(np.bool_), corpus.files, corpus.shard, corpus.valid_offset)
        )

    def block(self, rows: Rows) -> Block:
        """The table of these rows.

        Raises:
            PlanError: a window that is not inside its take. CorpusError: a shard that cannot be mapped.
        """
        numbers = rows.take.tolist()
        used = set(numbers)
        real: Any = np.flatnonzero(rows.take != NO_TAKE) if NO_TAKE in used else slice(None)  # which copies nothing
        _refuse_outside(self.corpus, rows, used, real)
        take, start = rows.take[real], rows.start_frame[real]
        table = np.zeros((len(rows), numbering.FIRST_FRAME_COLUMN + len(self.frames)), np.int64)
        table[:, numbering.TAKE_ID] = NO_TAKE
        table[real, numbering.TAKE_ID] = self.corpus.take_ids[take]
        table[:, numbering.VALID_FRAMES], table[:, numbering.START_FRAME] = rows.valid_frames, rows.start_frame
        table[:, numbering.GAP_FRAMES], table[:, numbering.RESET] = rows.gap_frames, rows.reset
        table[:, numbering.IS_DENSE] = rows.is_dense
        used_takes = np.array(sorted(used - {NO_TAKE}), np.int64)
        touched: dict[int, Touched] = {}
        bases: dict[int, NDArray[np.int64]] = {}
        for source in self.frames:
            if id(source.files) not in touched:
                of_row = np.full(len(rows), -1, np.int64)
                of_row[real] = source.shard[take]
                shards = Touched(source.files, set(source.shard[used_takes].tolist()), of_row)
                touched[id(source.files)], bases[id(source.files)] = shards, shards.addresses(of_row[real])
        if self.has_sound:
            begin = self.corpus.clock.frame_starts(start)
            table[real, numbering.SAMPLES] = np.clip(self.corpus.n_samples[take] - begin, 0, self.n_samples)
            within = self.corpus.audio_offset[take] + begin * self.corpus.audio_dtype.itemsize
            table[real, numbering.AT_SOUND] = bases[id(self.corpus.files)] + within
        for column, source in enumerate(self.frames, start=numbering.FIRST_FRAME_COLUMN):
            within = source.offset[take] + start * source.frame_bytes
            table[real, column] = bases[id(source.files)] + within
        return Block(table, self._names(numbers, used), list(touched.values()))

    def names(self, rows: Rows) -> list[str]:
        """The name of each row's take; empty for a row without one."""
        numbers = rows.take.tolist()
        return self._names(numbers, set(numbers))

    def _names(self, numbers: list[int], used: set[int]) -> list[str]:
        name_of = {number: self.corpus.names[number] if number != NO_TAKE else "" for number in used}
        return list(map(name_of.__getitem__, numbers))  # half of what a comprehension takes


class PlannedBlocks:
    """The blocks of one plan, a rank's share of them; the last few are kept. Threads may ask at once.

    Attributes:
        are_kept: whether blocks may be held for long; not while their shards come from elsewhere and must be let go.
    """

    def __init__(self, sources: Sources, plan: Plan, rank: int) -> None:
        self.plan, self._sources = plan, sources
        self.n_rows, self.where = sources.spec.batch_size, sources.corpus.place
        self._share = slice(rank * self.n_rows, (rank + 1) * self.n_rows)
        self._foresight = foresight_of(sources.frames, plan, self._share)
        self.are_kept = self._foresight is None
        self._batches = 1 if self._foresight else max(1, _BLOCK_ROWS // self.n_rows)
        self._kept: dict[int, Block] = {}
        self._lock = threading.Lock()

    def find(self, number: int) -> tuple[Block, int, int]:
        """The block that holds batch ``number``, the batch's first row in it, and the first batch after the block."""
        place, within = divmod(number, self._batches)
        block = self._kept.get(place)
        if block is None:
            with self._lock:
                block = self._kept.get(place) or self._make(place)
        return block, within * self.n_rows, (place + 1) * self._batches

    def fill(self, number: int, slot: Slot) -> list[str]:
        """Gather batch ``number`` into ``slot``, here and now; the names of its rows' takes.

        Raises:
            KoekaoError: whatever goes wrong.
        """
        try:
            block, row, _ = self.find(number)
            block.fill(slot, row)
            return block.names[row : row + self.n_rows]
        except Exception as fault:  # noqa: BLE001 - refuse raises it again
            self.refuse(number, fault)

    def refuse(self, number: int, fault: BaseException) -> NoReturn:
        """Raise what kept batch ``number`` from being made, as an error that says where and what to do."""
        if isinstance(fault, KoekaoError):
            raise fault
        raise BatchError(
            f"batch {number} could not be gathered: {type(fault).__name__}: {fault}",
            where=self.where,
            do="look at the disk that the corpus lies on: koekao verify CORPUS",
        ) from fault

    def names(self, number: int) -> list[str]:
        """Names of the takes of the batch's rows."""
        block = self._kept.get(number // self._batches)
        if block is None:  # for a name no shard needs to be there
            return self._sources.names(self.plan.batches(number, 1, share=self._share))
        row = number % self._batches * self.n_rows
        return block.names[row : row + self.n_rows]

    def _make(self, place: int) -> Block:
        first = place * self._batches
        count = min(self._batches, self.plan.n_batches - first)
        if self._foresight:
            self._foresight.look_beyond(first)
        while len(self._kept) >= (1 if self._foresight else _KEPT_BLOCKS):  # first: the cache may want the room
            del self._kept[next(iter(self._kept))]
        block = self._sources.block(self.plan.batches(first, count, share=self._share))
        self._kept[place] = block
        return block


def _frame_source(corpus: Corpus, spec: Spec, key: str) -> FrameSource:
    if key == spec.curves_key:
        return FrameSource(key, (N_CURVES,), np.dtype(np.float32), corpus.files, corpus.shard, corpus.curves_offset)
    column = corpus.column(key)
    return FrameSource(key, column.frame_shape, column.dtype, column.files, column.shard, column.offset)


def _refuse_outside(corpus: Corpus, rows: Rows, used: set[int], real: Any) -> None:
    """The gather believes addresses, so this is where a wrong plan is found."""
    takes = used - {NO_TAKE}
    padded_frames = rows.valid_frames[rows.take == NO_TAKE].any() if NO_TAKE in used else False
    if padded_frames or (takes and not 0 <= min(takes) <= max(takes) < len(corpus)):
        raise PlanError("a row of frames without a take", expected=f"takes 0 to {len(corpus) - 1}")
    take, start, valid = rows.take[real], rows.start_frame[real], rows.valid_frames[real]
    wrong = (start < 0) | (valid < 0) | (valid > corpus.n_frames[take] - start)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise PlanError(
            f"frames {start[at]} to {start[at] + valid[at] - 1}",
            where=corpus.names[int(take[at])],
            expected=f"frames of the take, 0 to {corpus.n_frames[take[at]] - 1}",
        )
