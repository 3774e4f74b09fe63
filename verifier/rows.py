"""The rows of one segment, each against its own texts. Knows no other segment, so segments can be gone through at once."""

import os
from array import array
from dataclasses import dataclass, field

import duckdb

from leaf import check_event
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
    time: list = field(default_factory=list)
    received: list = field(default_factory=list)

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


def check_rows(path, manifest, seeds):
    """Recomputes every leaf of a segment file whose bytes are those of its manifest."""
    result, parquet = Rows(), None
    try:
        parquet = Parquet(path)
        parquet.check_shape()
        parquet.check_footer(manifest)
        for batch in parquet.batches():
            for row in batch:
                index = manifest.first + len(result.key_numbers)
                if row[0] != index or index > manifest.last:
                    raise Bad(f"row with index {row[0]} where {index} of {manifest.first} to {manifest.last} is next")
                _check_row(row, seeds, result)
        if len(result.key_numbers) != manifest.size - manifest.first:
            raise Bad(f"rows end before the range, at {manifest.first + len(result.key_numbers)}")
        _check_limits(manifest, result)
    except (Bad, duckdb.Error, ValueError, OverflowError, TypeError) as error:
        kind = "" if type(error) is Bad else f"{type(error).__name__}: "
        result.find(min(manifest.first + len(result.key_numbers), manifest.last), f"{kind}{error}")
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


def _check_limits(manifest, result):
    """The ranges of time in the manifest are those of the rows."""
    names = ("time_min", "time_max", "received_min", "received_max")
    found = (result.time or [None] * 2) + (result.received or [None] * 2)
    for name, value in zip(names, found, strict=True):
        if time_ns(manifest.payload[name]) != value:
            result.find(None, f"{name} of the manifest is not that of the events")


class InTurn:
    """Goes through segments one after the other, or several at once where there are enough of them to be worth it."""

    PARALLEL_ROWS_MIN = 10_000

    def __init__(self, jobs):
        self._jobs = jobs if jobs else min(os.cpu_count() or 1, 8)
        self._pool = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(self, tasks):
        """Yields what `check_rows` returns for each `(path, manifest, seeds)`; for a task that is None, None."""
        sizes = [task[1].size - task[1].first for task in tasks if task is not None]
        if self._jobs == 1 or len(sizes) < 2 or sum(sizes) < self.PARALLEL_ROWS_MIN:
            yield from (None if task is None else check_rows(*task) for task in tasks)
            return
        if self._pool is None:
            from concurrent.futures import ProcessPoolExecutor

            self._pool = ProcessPoolExecutor(self._jobs)
        waiting, ahead = [], iter(tasks)
        for _ in range(2 * self._jobs):
            self._submit(waiting, ahead)
        while waiting:
            first = waiting.pop(0)
            self._submit(waiting, ahead)
            yield None if first is None else first.result()

    def _submit(self, waiting, ahead):
        for task in ahead:
            waiting.append(None if task is None else self._pool.submit(check_rows, *task))
            return
