"""The rows of one segment, each against its own texts.

Nothing here knows another segment, so rows can be gone through in several processes at once."""

import os
from array import array
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

import duckdb

from leaf import blobs_of, check_event
from report import SAME_KIND_MAX, Bad
from segment import TYPED, Parquet, spans_of, time_ns, typed_values

UNKNOWN = bytes(32)


@dataclass
class Rows:
    """What came of a segment's rows."""

    leaves: bytearray = field(default_factory=bytearray)
    key_numbers: array = field(default_factory=lambda: array("Q"))
    # (index or None, message); the first few, and how many there were.
    findings: list = field(default_factory=list)
    found: int = 0
    # (index, name, size) of every blob that an event names.
    blobs: list = field(default_factory=list)
    time: list = field(default_factory=list)
    received: list = field(default_factory=list)

    def join(self, after):
        """These rows and those that follow them."""
        self.leaves += after.leaves
        self.key_numbers += after.key_numbers
        self.findings = (self.findings + after.findings)[:SAME_KIND_MAX]
        self.found += after.found
        self.blobs += after.blobs
        for span, more in ((self.time, after.time), (self.received, after.received)):
            for value in more:
                _widen(span, value)
        return self

    def find(self, index, message):
        """Keeps a finding."""
        self.found += 1
        if len(self.findings) < SAME_KIND_MAX:
            self.findings.append((index, message))


def seed_of(seeds, key_number):
    """Seed of the event with this key number from `{block: SeedFile}`, or `Bad`."""
    block = seeds.get(key_number >> 16)
    if block is None:
        raise Bad(f"no seed file of block {key_number >> 16}")
    seed = block.seed(key_number & 0xFFFF)
    if seed is None:
        raise Bad(f"key {key_number} is erased")
    return seed


def check_rows(path, manifest, seeds, begin=0, end=None):
    """Recomputes the leaves of rows `begin` to before `end` of a segment file whose bytes are those of its manifest."""
    result, parquet = Rows(), None
    count = manifest.size - manifest.first
    end = count if end is None else end
    try:
        parquet = Parquet(path)
        if begin == 0:
            parquet.check_shape()
            parquet.check_footer(manifest)
            if parquet.count() != count:
                raise Bad(f"{parquet.count()} rows where the range has {count}")
        index = manifest.first + begin
        for batch in parquet.batches(begin, end):
            for row in batch:
                if row[0] != index:
                    raise Bad(f"row with index {row[0]} where {index} is next")
                _check_row(row, seeds, result)
                index += 1
        if index != manifest.first + end:
            raise Bad(f"no row with index {index}")
    except (Bad, duckdb.Error, ValueError, OverflowError, TypeError) as error:
        kind = "" if type(error) is Bad else f"{type(error).__name__}: "
        result.find(manifest.first + begin + len(result.key_numbers), f"{kind}{error}")
    finally:
        if parquet is not None:
            parquet.close()
    return result


def _check_row(row, seeds, result):
    index, key_number, kind, stored, event, server, slots = row[:7]
    leaf = None
    try:
        if None in row[:7] or len(stored) != 32:
            raise Bad("null where there is always a value")
        leaf, *parts = check_event(
            kind, seed_of(seeds, key_number), (event.encode(), server.encode()), spans_of(slots)
        )  # fmt: skip
        if leaf != stored:
            raise Bad("leaf hash is not that of the event")
        result.blobs += ((index, *blob) for blob in blobs_of(parts))
        want = typed_values(parts)
        _widen(result.time, want[1])
        _widen(result.received, want[2])
        if want != row[7:]:
            odd = [name for name, a, b in zip(TYPED, want, row[7:], strict=True) if a != b]
            raise Bad(f"columns {odd} are not what the event says")
    except Bad as error:
        result.find(index, str(error))
    if leaf is None:
        # What can't be recomputed is taken as it stands, so that one damaged row does not hide the others.
        leaf = stored if type(stored) is bytes and len(stored) == 32 else UNKNOWN
    result.leaves += leaf
    result.key_numbers.append(key_number or 0)


def _widen(span, value):
    if value is None:
        return
    if not span:
        span[:] = value, value
    elif value < span[0]:
        span[0] = value
    elif value > span[1]:
        span[1] = value


def check_limits(manifest, result):
    """The ranges of time in the manifest are those of the rows."""
    names = ("time_min", "time_max", "received_min", "received_max")
    found = (result.time or [None] * 2) + (result.received or [None] * 2)
    for name, value in zip(names, found, strict=True):
        if time_ns(manifest.payload[name]) != value:
            result.find(None, f"{name} of the manifest is not that of the events")


class InTurn:
    """Goes through segments in order, in several processes where that is worth starting them."""

    ROWS_AT_ONCE = 16_384

    def __init__(self, jobs):
        self._jobs = jobs if jobs else min(os.cpu_count() or 1, 8)
        self._pool = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, tasks):
        """Yields the `Rows` of each `(path, manifest, seeds)`; for a task that is None, None."""
        total = sum(task[1].size - task[1].first for task in tasks if task is not None)
        if self._jobs > 1 and total > self.ROWS_AT_ONCE and self._pool is None:
            # A new interpreter each: a copy of this process would lack the threads that DuckDB had in it.
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=get_context("spawn"))
        pieces = [piece for task in tasks for piece in self._cut(task)]
        started, results = iter(pieces), deque()
        whole = None
        for piece in pieces:
            # A few pieces ahead of what is taken: the processes have work and the results do not pile up.
            while len(results) < 2 * self._jobs and (ahead := next(started, None)) is not None:
                results.append(self._start(ahead))
            rows = results.popleft()()
            whole = rows if whole is None else whole.join(rows)
            if piece[-1]:
                if whole is not None:
                    check_limits(piece[0][1], whole)
                yield whole
                whole = None

    def _cut(self, task):
        """`(task, begin, end, whether it is the last)` for each piece of a segment."""
        if task is None:
            return [(None, 0, 0, True)]
        count = task[1].size - task[1].first
        step = self.ROWS_AT_ONCE if self._pool else count
        return [(task, at, min(at + step, count), at + step >= count) for at in range(0, count, step)]

    def _start(self, piece):
        task, begin, end, _ = piece
        if task is None:
            return lambda: None
        if self._pool is None:
            return lambda: check_rows(*task, begin, end)
        return self._pool.submit(check_rows, *task, begin, end).result
