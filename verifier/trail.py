"""One trail: its seeds, its events in the log and in segments, and the tree over them."""

import os
from array import array
from dataclasses import dataclass, field
from hashlib import sha256

from hashes import Tree
from leaf import SeedFile, blobs_of, check_event
from report import Bad
from rows import UNKNOWN, seed_of
from segment import check_bytes, open_manifest, range_of
from signed import open_checkpoint

DIFFERS = "another event than the log has at this index"


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
        # (index, name, size) of every blob that an event names.
        self._blobs = []
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
        self._key_number_max = -1

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
                what = f"segment begins at {span[0]} where {expected} is next"
                self._find(f"{file}.manifest.json", what, index=expected)
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
        """Every blob is what its name says, and every blob that an event names is there."""
        sizes = {}
        for name in self._names("blobs"):
            file = f"{self.folder}/blobs/{name}"
            digest = sha256()
            try:
                sizes[name] = os.path.getsize(os.path.join(self._base, file))
                with open(os.path.join(self._base, file), "rb") as handle:
                    while piece := handle.read(1 << 20):
                        digest.update(piece)
            except OSError as error:
                self._find(file, str(error))
                continue
            if digest.hexdigest() != name:
                self._find(file, "SHA-256 is not its name")
            self._report.count("blobs")
        for index, name, size in self._blobs:
            file = f"{self.folder}/blobs/{name}"
            if name not in sizes:
                self._find(file, "missing, though an event names it", index=index)
            elif sizes[name] != size:
                self._find(file, f"has {sizes[name]} bytes, the event says {size}", index=index)

    # Events.

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
                seed = seed_of(self._seeds, event.key_number)
                leaf, *parts = check_event(event.kind, seed, event.texts, event.spans)
                self._blobs += ((index, *blob) for blob in blobs_of(parts))
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

    def build(self, in_turn):
        """Recomputes the tree from segments and log and compares it with every claim."""
        self.claims.sort(key=lambda claim: claim[0])
        if self.claims and self.claims[0][0] == 0:
            self._grow(())
        tasks = (None if manifest is None else self._task(file, manifest) for _, file, manifest in self._manifests)
        for (span, file, manifest), rows in zip(self._manifests, in_turn.run(list(tasks)), strict=True):
            if manifest is None:
                self._lost(span, f"{file}.parquet")
            else:
                self._sealed(f"{file}.parquet", manifest, rows)
        self._rest()
        late = [claim for claim in self.claims[self._claim_at :] if self._known]
        for size, _, file, offset in late:
            self._find(
                file, f"says a tree of {size}, the events make {self.tree.size}", offset=offset, index=self.tree.size,
                same="says a larger tree",
            )  # fmt: skip
        if not self._known:
            what = f"the tree could not be rebuilt: events from {self.tree.size} on stand in no known tree"
            self._find(self.folder, what)
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
                what = f"another root at size {size} than the events give"
                self._find(file, what, offset=offset, index=size - 1 if size else None, same="another root")

    def _task(self, file, manifest):
        """What `rows.check_rows` needs for a segment, or None if its bytes are not those of its manifest."""
        path = os.path.join(self._base, f"{file}.parquet")
        if not os.path.isfile(path):
            return None
        if not check_bytes(path, manifest.payload["file"], self._report, f"{file}.parquet", self.name):
            return None
        return path, manifest, self._seeds

    def _sealed(self, file, manifest, rows):
        if manifest.first != self.tree.size:
            self._known = False
        if rows is not None:
            self._take(file, manifest, rows)
        if self._known and rows is not None and self.tree.size == manifest.size:
            if tuple(self.tree.level8) != manifest.level8:
                self._find(manifest.file, "level8 is not what the events give")
            if tuple(self.tree.edge) != manifest.edge:
                self._find(manifest.file, "edge is not what the events give")
        # Signed and checked against its own root: from here on the tree is known again whatever happened before.
        self.tree.resume(manifest.size, manifest.edge)
        self._known = True
        self._grow(())
        self._report.count("segments")

    def _take(self, file, manifest, rows):
        """Joins the rows of a segment with the log and the tree."""
        for index, message in rows.findings:
            self._find(file, message, index=index)
        if rows.found > len(rows.findings):
            self._find(file, f"{rows.found - len(rows.findings)} more like these")
        self._blobs += rows.blobs
        leaves = [bytes(rows.leaves[at : at + 32]) for at in range(0, len(rows.leaves), 32)]
        for index, (leaf, key_number) in enumerate(zip(leaves, rows.key_numbers, strict=True), manifest.first):
            self._use(key_number, file, index)
            in_log = self._in_log(index) if self.runs else None
            if in_log is not None and in_log != leaf:
                self._find(file, DIFFERS, index=index, same=DIFFERS)
        self.tree.level8 = []
        if self._known:
            self._grow(leaves)
        # Key numbers only ever grow, so a manifest is also above those of the segments before it.
        self._key_number_max = max(self._key_number_max, *rows.key_numbers, -1)
        if manifest.payload["next_key_number"] <= self._key_number_max:
            self._find(manifest.file, f"next_key_number is not above {self._key_number_max}")

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
