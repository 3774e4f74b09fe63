"""One trail: its seeds, its events in the log and in segments, and the tree over them."""

import os
from array import array
from dataclasses import dataclass, field
from hashlib import sha256

import duckdb

from hashes import Tree
from leaf import SeedFile, check_event
from report import Bad
from segment import TYPED, Parquet, check_bytes, open_manifest, range_of, spans_of, time_ns, typed_values
from signed import open_checkpoint

UNKNOWN = bytes(32)


@dataclass
class Leaves:
    """Leaf hashes of consecutive events that stand in the write-ahead log."""

    first: int
    hashes: bytearray = field(default_factory=bytearray)
    key_numbers: array = field(default_factory=lambda: array("Q"))

    @property
    def end(self):
        """Index after the last."""
        return self.first + len(self.hashes) // 32

    def at(self, index):
        """Leaf hash at an index inside."""
        return bytes(self.hashes[(index - self.first) * 32 : (index - self.first + 1) * 32])


class Trail:
    """What the data directory holds of one trail."""

    def __init__(self, base, name, host, vkey, report):
        self.name, self.folder = name, f"trails/{name}"
        self.origin = f"{host}/t/{name}"
        self.vkey = vkey.named(self.origin)
        self.runs = []
        # Every statement about the root at a size: (size, root, file, offset).
        self.claims = []
        self.sealed_end = 0
        self.tree = Tree()
        self._base, self._report = base, report
        self._seeds, self._used = {}, {}
        self._missing_seeds = set()
        self._notes = {}
        self._manifests = []
        self._known, self._claim_at = True, 0
        self._next_key_number = 0

    def _find(self, file, message, **place):
        self._report.find(file, message, trail=self.name, **place)

    def _names(self, folder):
        path = os.path.join(self._base, self.folder, folder)
        return [name for name in sorted(os.listdir(path)) if not name.endswith(".tmp")] if os.path.isdir(path) else []

    def _read(self, file):
        with open(os.path.join(self._base, file), "rb") as handle:
            return handle.read()

    # What does not need the log.

    def load_seeds(self):
        """Reads every seed file."""
        for name in self._names("seeds"):
            file = f"{self.folder}/seeds/{name}"
            try:
                seeds = SeedFile(self._read(file))
                if name != f"{seeds.block:020}.seed":
                    raise Bad(f"holds block {seeds.block}, which its name does not say")
                self._seeds[seeds.block] = seeds
                self._report.count("seed files")
            except (Bad, OSError) as error:
                self._find(file, str(error), offset=getattr(error, "offset", None))

    def load_manifests(self):
        """Reads every manifest, follows their chain, and notes what they say about roots."""
        names = self._names("segments")
        ranges = {}
        for name in names:
            if (span := range_of(name)) is None:
                self._report.remark(f"{self.folder}/segments/{name} is not described by the formats")
            else:
                ranges.setdefault(span, set()).add(name.split(".", 1)[1])
        previous, expected = "", 0
        for span, kinds in sorted(ranges.items()):
            file = f"{self.folder}/segments/{span[0]:020}-{span[1]:020}"
            if "manifest.json" not in kinds:
                self._manifests.append((span, file, None))
                continue
            if span[0] != expected:
                self._find(f"{file}.manifest.json", f"segment begins at {span[0]} where {expected} is next", index=expected)
            expected = span[1] + 1
            manifest, previous = self._manifest(f"{file}.manifest.json", previous)
            self._manifests.append((span, file, manifest))
            if "parquet" not in kinds:
                self._find(f"{file}.parquet", "segment file is missing", index=span[0])
        self.sealed_end = expected

    def _manifest(self, file, previous):
        try:
            raw = self._read(file)
            manifest = open_manifest(file, raw, self.vkey, self.origin, self.name)
        except (Bad, OSError) as error:
            self._find(file, str(error))
            return None, None
        if previous is not None and manifest.payload["previous"] != previous:
            self._find(file, "does not name the SHA-256 of the manifest before it")
        self._report.count("manifests")
        self.claims.append((manifest.first, manifest.root_before, file, None))
        self.claims.append((manifest.size, manifest.root_after, file, None))
        size = self.checkpoint(manifest.payload["checkpoint"].encode(), file, None)
        if size is not None and size < manifest.size:
            self._find(file, f"its checkpoint of size {size} does not cover the segment")
        return manifest, manifest.sha256

    def checkpoint(self, note, file, offset):
        """Verifies a note and keeps what it claims. Returns its size, or None."""
        held = self._notes.get(note)
        if held is None:
            try:
                held = open_checkpoint(note, self.vkey, self.origin)
            except Bad as error:
                self._find(file, f"checkpoint: {error}", offset=offset)
                return None
            if len(self._notes) < 100_000:
                self._notes[note] = held
        self._report.count("checkpoints")
        self.claims.append((held.size, held.root, file, offset))
        return held.size

    def load_checkpoint(self, named_in_head):
        """Reads the published checkpoint."""
        file = f"{self.folder}/checkpoint"
        try:
            self.checkpoint(self._read(file), file, None)
        except FileNotFoundError:
            if named_in_head:
                self._find(file, "missing, though wal/HEAD names the trail")
        except OSError as error:
            self._find(file, str(error))

    def check_blobs(self):
        """Every blob is what its name says."""
        for name in self._names("blobs"):
            file = f"{self.folder}/blobs/{name}"
            digest = sha256()
            try:
                with open(os.path.join(self._base, file), "rb") as handle:
                    while piece := handle.read(1 << 20):
                        digest.update(piece)
            except OSError as error:
                self._find(file, str(error))
                continue
            if digest.hexdigest() != name:
                self._find(file, "SHA-256 is not its name")
            self._report.count("blobs")

    # Events.

    def seed(self, key_number):
        """Seed of the event with this key number, or `Bad`."""
        seeds = self._seeds.get(key_number >> 16)
        if seeds is None:
            raise Bad(f"no seed file of block {key_number >> 16}")
        seed = seeds.seed(key_number & 0xFFFF)
        if seed is None:
            raise Bad(f"key {key_number} is erased")
        return seed

    def _use(self, key_number, file, index):
        """A key number is used once."""
        block = self._used.get(key_number >> 16)
        if block is None:
            block = self._used[key_number >> 16] = bytearray(8192)
        byte, bit = (key_number & 0xFFFF) >> 3, 1 << (key_number & 7)
        if block[byte] & bit:
            self._find(file, f"key number {key_number} is used twice", index=index, same="key number is used twice")
        block[byte] |= bit

    def add_run(self, run, file, offset):
        """Takes a run of the write-ahead log. `offset` is that of the body of its frame."""
        if not self.runs or run.first != self.runs[-1].end:
            if self.runs:
                self._find(
                    file, f"run begins at {run.first} where {self.runs[-1].end} is next", offset=offset, index=run.first
                )
            self.runs.append(Leaves(run.first))
        leaves, index = self.runs[-1], run.first
        for event in run.events:
            try:
                leaf, _, _ = check_event(event.kind, self.seed(event.key_number), event.texts, event.spans)
            except Bad as error:
                self._find(file, str(error), offset=offset + event.offset, index=index, same="event of the log")
                leaf = UNKNOWN
            leaves.hashes += leaf
            leaves.key_numbers.append(event.key_number)
            index += 1
        self._report.count("events in the log", run.count)

    def _in_log(self, index):
        for leaves in self.runs:
            if leaves.first <= index < leaves.end:
                return leaves.at(index)
        return None

    # The tree.

    def build(self):
        """Recomputes the tree from segments and log and compares it with every claim."""
        self.claims.sort(key=lambda claim: claim[0])
        if self.claims and self.claims[0][0] == 0:
            self._grow(())
        for span, file, manifest in self._manifests:
            if manifest is None:
                self._lost(span, f"{file}.parquet")
            else:
                self._sealed(f"{file}.parquet", manifest)
        self._rest()
        late = [claim for claim in self.claims[self._claim_at :] if self._known]
        for size, _, file, offset in late:
            self._find(
                file, f"says a tree of {size}, the events make {self.tree.size}", offset=offset, index=self.tree.size,
                same="says a larger tree",
            )  # fmt: skip
        if not self._known:
            self._find(self.folder, f"the tree could not be rebuilt; events after {self.tree.size} stand in no known tree")
        self._report.count("events", self.tree.size)

    def _lost(self, span, file):
        """A range whose manifest can't be used: a crash in the middle of sealing leaves a file without one."""
        path = os.path.join(self._base, file[: -len(".parquet")] + ".manifest.json")
        if os.path.exists(path):
            self._known = False
            return
        if span[0] >= self.sealed_end and all(self._in_log(index) for index in span):
            self._report.remark(f"{file} has no manifest: an unfinished seal, its events stand in the log")
        else:
            self._find(file, "segment has no manifest", index=span[0])

    def _grow(self, leaves):
        """Appends leaf hashes and compares the root wherever a claim stands."""
        at, claims = 0, self.claims
        while True:
            # Claims of a size that was passed over while the tree was not known can't be judged any more.
            while self._claim_at < len(claims) and claims[self._claim_at][0] < self.tree.size:
                self._claim_at += 1
            end = len(leaves)
            if self._claim_at < len(claims):
                end = min(end, at + claims[self._claim_at][0] - self.tree.size)
            self.tree.extend(leaves[at:end])
            at = end
            if self._claim_at == len(claims) or claims[self._claim_at][0] != self.tree.size:
                return
            self._compare(self.tree.root())

    def _compare(self, root):
        size = self.tree.size
        while self._claim_at < len(self.claims) and self.claims[self._claim_at][0] == size:
            _, claimed, file, offset = self.claims[self._claim_at]
            self._claim_at += 1
            self._report.count("roots")
            if claimed != root:
                self._find(file, f"another root at size {size} than the events give", offset=offset, index=size - 1 if size else None, same="another root")

    def _sealed(self, file, manifest):
        path = os.path.join(self._base, file)
        if manifest.first != self.tree.size:
            self._known = False
        usable = os.path.isfile(path) and check_bytes(path, manifest.payload["file"], self._report, file, self.name)
        if usable:
            usable = self._rows(file, path, manifest)
        if self._known and usable and self.tree.size == manifest.size:
            if tuple(self.tree.level8) != manifest.level8:
                self._find(manifest.file, "level8 is not what the events give")
            if tuple(self.tree.edge) != manifest.edge:
                self._find(manifest.file, "edge is not what the events give")
        # Signed and checked against its own root: from here on the tree is known again whatever happened before.
        self.tree.resume(manifest.size, manifest.edge)
        self._known = True
        self._grow(())
        self._report.count("segments")

    def _rows(self, file, path, manifest):
        """Goes through the rows of a segment; True if they could all be read."""
        self.tree.level8 = []
        state = _Range(manifest.first)
        parquet = None
        try:
            parquet = Parquet(path)
            parquet.check_shape()
            parquet.check_footer(manifest)
            for rows in parquet.batches():
                leaves = [self._row(file, row, state) for row in rows]
                if self._known:
                    self._grow(leaves)
        except (Bad, duckdb.Error, ValueError, OverflowError) as error:
            self._find(file, f"{type(error).__name__}: {error}" if type(error) is not Bad else str(error), index=state.next)
            return False
        finally:
            if parquet is not None:
                parquet.close()
        if state.next != manifest.size:
            self._find(file, f"rows end at {state.next}, the range at {manifest.size}", index=state.next)
        for name, found in state.limits():
            if _time_or_none(manifest.payload[name]) != found:
                self._find(manifest.file, f"{name} is not that of the events")
        self._next_key_number = max(self._next_key_number, state.key_number_max + 1)
        if manifest.payload["next_key_number"] < self._next_key_number:
            self._find(manifest.file, f"next_key_number is below {self._next_key_number}")
        return state.next == manifest.size

    def _row(self, file, row, state):
        index, key_number, kind, stored, event, server, slots = row[:7]
        if index != state.next:
            raise Bad(f"row {state.next} of the trail has index {index}")
        state.next += 1
        try:
            if None in row[:7] or len(stored) != 32:
                raise Bad("null where there is always a value")
            self._use(key_number, file, index)
            state.key_number_max = max(state.key_number_max, key_number)
            leaf, *parts = check_event(
                kind, self.seed(key_number), (event.encode(), server.encode()), spans_of(slots)
            )  # fmt: skip
            if leaf != stored:
                raise Bad("leaf hash is not that of the event")
            want = typed_values(parts)
            state.times(want[1], want[2])
            if want != row[7:]:
                odd = [name for name, a, b in zip(TYPED, want, row[7:], strict=True) if a != b]
                raise Bad(f"columns {odd} are not what the event says")
        except Bad as error:
            self._find(file, str(error), index=index, same="row of the segment")
            leaf = stored if type(stored) is bytes and len(stored) == 32 else UNKNOWN
        in_log = self._in_log(index) if self.runs else None
        if in_log is not None and in_log != leaf:
            self._find(file, "another event than the log has at this index", index=index, same="another event than the log has")
        return leaf

    def _rest(self):
        """Goes on with the events that stand in the log only."""
        for leaves in self.runs:
            if leaves.end <= self.tree.size:
                continue
            if leaves.first > self.tree.size:
                self._find(
                    "wal", f"events {self.tree.size} to {leaves.first - 1} are in no segment and not in the log",
                    index=self.tree.size,
                )  # fmt: skip
                self._known = False
                return
            if not self._known:
                return
            skip = self.tree.size - leaves.first
            for index in range(self.tree.size, leaves.end):
                self._use(leaves.key_numbers[index - leaves.first], "wal", index)
            self._grow([bytes(leaves.hashes[i * 32 : i * 32 + 32]) for i in range(skip, len(leaves.key_numbers))])


class _Range:
    """What is gathered over the rows of a segment."""

    def __init__(self, first):
        self.next, self.key_number_max = first, -1
        self._time, self._received = [], []

    def times(self, time, received):
        """Widens both ranges of time."""
        for span, value in ((self._time, time), (self._received, received)):
            if value is None:
                continue
            if not span:
                span[:] = value, value
            elif value < span[0]:
                span[0] = value
            elif value > span[1]:
                span[1] = value

    def limits(self):
        """The members of the manifest that these ranges must give."""
        names = ("time_min", "time_max", "received_min", "received_max")
        return zip(names, (self._time or [None] * 2) + (self._received or [None] * 2), strict=True)


def _time_or_none(text):
    try:
        return time_ns(text)
    except Bad:
        return None

