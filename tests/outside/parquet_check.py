"""Opens every sealed segment with DuckDB and with pyarrow, neither of which knows Cairn, and recomputes
every leaf hash and tree root with hashlib alone, as formats/segment.md and formats/leaf.md describe.

    python parquet_check.py DATA_DIRECTORY [--at-least EVENTS]

Exits with 0 and one line "ok ..." if everything holds, else with 1 and one line "BAD ..." that names the
file, the row and what differs.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import struct
import sys

import duckdb
import pyarrow.parquet

SEED_MAGIC = b"cairn-seed/1\n"
KEYS_PER_BLOCK_BITS = 16
ENTRY_VERSION = 0x01

# Column, and the members of the event that it repeats.
REPEATED = {
    "id": ("id",),
    "actor_id": ("actor", "id"),
    "actor_type": ("actor", "type"),
    "action": ("action",),
    "operation": ("operation",),
    "resource_type": ("resource", "type"),
    "resource_id": ("resource", "id"),
    "outcome": ("outcome",),
    "class": ("class",),
    "severity": ("severity",),
    "request_id": ("request_id",),
    "trace_id": ("trace_id",),
    "principal": ("producer", "principal"),
}


class Bad(Exception):
    """Something does not hold; the text names the place."""


def tagged(tag):
    """The tagged hash of BIP-340: a function from pieces to 32 bytes."""
    prefix = hashlib.sha256(tag.encode()).digest() * 2
    start = hashlib.sha256(prefix)

    def digest(*pieces):
        state = start.copy()
        for piece in pieces:
            state.update(piece)
        return state.digest()

    return digest


CHILD = tagged("cairn/ggm/v1")
SEED = tagged("cairn/seed/v1")
SLOT_KEY = tagged("cairn/slot-key/v1")
SLOT = tagged("cairn/slot/v1")
PART = tagged("cairn/part/v1")
EVENT = tagged("cairn/event/v1")


class Seeds:
    """The seed files of one trail: from a key number to an event's seed."""

    def __init__(self, folder):
        self.folder = folder
        self.covers = {}
        self.nodes = {}

    def seed(self, key_number):
        """The seed, or None if the event's key was destroyed."""
        block, leaf = key_number >> KEYS_PER_BLOCK_BITS, key_number & 0xFFFF
        for depth, prefix, node in self.cover(block):
            if leaf >> (KEYS_PER_BLOCK_BITS - depth) == prefix:
                return SEED(self.walk(block, depth, leaf, node))
        return None

    def walk(self, block, depth, leaf, node):
        """Goes down from a node of the cover to a leaf; neighbours share all but the last steps."""
        while depth < KEYS_PER_BLOCK_BITS:
            depth += 1
            prefix = leaf >> (KEYS_PER_BLOCK_BITS - depth)
            known = self.nodes.get((block, depth, prefix))
            if known is None:
                known = CHILD(node, bytes([prefix & 1]))
                if depth < KEYS_PER_BLOCK_BITS:
                    self.nodes[block, depth, prefix] = known
            node = known
        return node

    def cover(self, block):
        if block not in self.covers:
            path = self.folder / f"{block:020}.seed"
            self.covers[block] = read_seed_file(path, block)
        return self.covers[block]


def read_seed_file(path, block):
    data = path.read_bytes()
    body, checksum = data[:-32], data[-32:]
    if hashlib.sha256(body).digest() != checksum:
        raise Bad(f"{path}: the checksum does not match")
    head = len(SEED_MAGIC) + 10
    magic, (named, count) = body[: len(SEED_MAGIC)], struct.unpack(">QH", body[len(SEED_MAGIC) : head])
    if magic != SEED_MAGIC or named != block or len(body) != head + 35 * count:
        raise Bad(f"{path}: not a seed file of block {block}")
    return [struct.unpack_from(">BH32s", body, head + 35 * at) for at in range(count)]


def part_hash(part, seed, text, slots):
    """The hash over one part's commitments: the core first, then its slots by path."""
    values, core, end = [], [], 0
    for slot in sorted(slots, key=lambda slot: slot["start"]):
        start, stop = slot["start"], slot["start"] + slot["length"]
        if start < end or stop > len(text):
            raise Bad(f"slot {slot['path']} overlaps another or the end")
        core += [text[end:start], b"null"]
        end = stop
    core.append(text[end:])
    values.append((b"", b"".join(core), None))
    paths = [slot["path"].encode() for slot in slots]
    if paths != sorted(set(paths)):
        raise Bad("slots are not in the order of their paths")
    for path, slot in zip(paths, slots):
        value = text[slot["start"] : slot["start"] + slot["length"]]
        if slot["commitment"] is not None and value != b"null":
            raise Bad(f"hidden slot {slot['path']} shows a value")
        values.append((path, value, slot["commitment"]))
    commitments = []
    for number, (path, value, hidden) in enumerate(values):
        if hidden is None:
            if seed is None:
                raise Bad("the event's key is gone, but a slot is not hidden")
            salt = SLOT_KEY(seed, bytes([part]), struct.pack(">H", number))[:16]
            hidden = SLOT(salt, struct.pack(">H", len(path)), path, value)
        commitments.append(hidden)
    return PART(bytes([part]), struct.pack(">H", len(commitments)), *commitments)


def leaf_hash(row, seeds):
    seed = seeds.seed(row["key_number"])
    parts = []
    for part, column in enumerate(["event", "server"]):
        slots = [slot for slot in row["slots"] if slot["part"] == part]
        parts.append(part_hash(part, seed, row[column].encode(), slots))
    entry = bytes([ENTRY_VERSION, row["kind"]]) + EVENT(*parts)
    return hashlib.sha256(b"\x00" + entry).digest()


class Tree:
    """The right edge of an RFC 6962 tree: complete subtrees, largest first."""

    def __init__(self):
        self.edge = []

    def push(self, leaf):
        height = 0
        while self.edge and self.edge[-1][0] == height:
            leaf = hashlib.sha256(b"\x01" + self.edge.pop()[1] + leaf).digest()
            height += 1
        self.edge.append((height, leaf))

    def root(self):
        if not self.edge:
            return hashlib.sha256(b"").digest()
        root = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root


def member(event, path):
    for name in path:
        event = event.get(name) if isinstance(event, dict) else None
    return event


def check_columns(row):
    """The columns for query engines repeat what the texts say."""
    event = {**json.loads(row["event"]), **json.loads(row["server"])}
    for column, path in REPEATED.items():
        said = member(event, path)
        if row[column] != said:
            raise Bad(f"column {column} has {row[column]!r}, the event says {said!r}")
    source = f"{member(event, ('producer', 'source_kind'))}/{member(event, ('producer', 'source_name'))}"
    if row["source"] != source:
        raise Bad(f"column source has {row['source']!r}, the event says {source!r}")


def check_segment(path, first, seeds, tree):
    """One file: its rows, its footer, and what DuckDB reads from it. Returns the next index."""
    file = pyarrow.parquet.ParquetFile(path)
    footer = {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}
    raw = file.metadata.metadata or {}
    footer.update({k.decode(): v.decode() for k, v in raw.items() if k.startswith(b"cairn.")})
    expect(footer.get("cairn.format"), "cairn/segment/v1", "cairn.format")
    expect(footer.get("cairn.first"), str(first), "cairn.first")
    expect(footer.get("cairn.root_before"), base64.b64encode(tree.root()).decode(), "cairn.root_before")
    index = first
    connection = duckdb.connect()
    query = "select index, kind, event, server, leaf_hash, len(slots) from read_parquet(?) order by index"
    other = connection.execute(query, [str(path)])
    # Python's own datetime has no nanoseconds; times are compared by the second verifier.
    columns = [name for name in file.schema_arrow.names if name not in ("time", "received_at")]
    for batch in file.iter_batches(batch_size=4096, columns=columns):
        for row in batch.to_pylist():
            try:
                expect(row["index"], index, "index")
                seen = other.fetchone()
                here = (row["index"], row["kind"], row["event"], row["server"], row["leaf_hash"], len(row["slots"]))
                expect(seen, here, "what DuckDB reads")
                expect(leaf_hash(row, seeds).hex(), row["leaf_hash"].hex(), "leaf hash")
                check_columns(row)
            except Bad as bad:
                raise Bad(f"{path}: index {index}: {bad}") from bad
            tree.push(row["leaf_hash"])
            index += 1
    expect(other.fetchone(), None, "the row after the last in DuckDB")
    expect(footer.get("cairn.last"), str(index - 1), "cairn.last")
    expect(footer.get("cairn.root_after"), base64.b64encode(tree.root()).decode(), "cairn.root_after")
    expect(path.stem, f"{first:020}-{index - 1:020}", "the file's name")
    return index


def expect(got, want, what):
    if got != want:
        raise Bad(f"{what}: got {got!r}, want {want!r}")


def check(data):
    events, segments = 0, 0
    for folder in sorted(data.glob("trails/*/*/segments")):
        seeds, tree, first = Seeds(folder.parent / "seeds"), Tree(), 0
        for path in sorted(folder.glob("*.parquet")):
            try:
                first = check_segment(path, first, seeds, tree)
            except (Bad, OSError, pyarrow.ArrowException, duckdb.Error) as bad:
                text = str(bad)
                raise Bad(text if text.startswith(str(path)) else f"{path}: {text}") from bad
            segments += 1
        events += first
    return segments, events


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--at-least", type=int, default=1)
    options = parser.parse_args()
    try:
        segments, events = check(options.data)
        if events < options.at_least:
            raise Bad(f"{options.data}: {events} sealed events, want at least {options.at_least}")
    except Bad as bad:
        sys.exit(f"BAD {bad}")
    print(f"ok segments={segments} events={events} (pyarrow {pyarrow.__version__}, DuckDB {duckdb.__version__})")


if __name__ == "__main__":
    main()
