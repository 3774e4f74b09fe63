"""Sealed events (formats/segment.md) and their manifests (formats/manifest.md)."""

import calendar
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat

import duckdb

from hashes import b64_decode, b64_encode, decimal, fold
from leaf import parse_json
from report import Bad
from signed import members, open_envelope

MANIFEST_TYPE = "application/vnd.cairn.segment-manifest.v1+json"
FORMAT = "cairn/segment/v1"
NAME = re.compile(r"(\d{20})-(\d{20})\.(parquet|manifest\.json)").fullmatch
READ_BYTES = 1 << 20
ROWS = 1000

# Every column as DuckDB reports it: name, then physical type, width and the type that it is read as.
_U64, _U32, _U8 = ("INT64", None, "UBIGINT"), ("INT32", None, "UINTEGER"), ("INT32", None, "UTINYINT")
_TEXT, _HASH = ("BYTE_ARRAY", None, "VARCHAR"), ("FIXED_LEN_BYTE_ARRAY", "32", "BLOB")
_TIME_NS = ("INT64", None, "TIMESTAMPTZ_NS")
_TEXTS = (
    "id actor_id actor_type action operation resource_type resource_id outcome class severity request_id trace_id "
    "principal source event server"
).split()
_SLOT = (("part", *_U8), ("path", *_TEXT), ("start", *_U32), ("length", *_U32), ("commitment", *_HASH))
_LEAVES = {
    ("index", *_U64), ("key_number", *_U64), ("kind", *_U8), ("time", *_TIME_NS), ("received_at", *_TIME_NS),
    *((name, *_TEXT) for name in _TEXTS), *_SLOT, ("leaf_hash", *_HASH),
}  # fmt: skip
_COLUMNS = {name for name, *_ in _LEAVES} - {name for name, *_ in _SLOT} | {"slots"}
TYPED = (
    "id time received_at actor_id actor_type action operation resource_type resource_id outcome class severity "
    "request_id trace_id principal source"
).split()

# A list of structs costs Python 20 µs a row, one text a tenth of it. A path with the separator in it comes out
# changed, so its leaf hash differs: it can't be mistaken for two slots. A null member breaks the count of pieces.
_SLOTS_AS_TEXT = """array_to_string(list_transform(slots, lambda s: coalesce(
    s.part || chr(31) || s."start" || chr(31) || s."length" || chr(31) || coalesce(hex(s.commitment), '') || chr(31)
    || replace(s.path, chr(31), '?'), '?')), chr(31))"""
_QUERY = f"""SELECT "index", key_number, kind, leaf_hash, event, server, {_SLOTS_AS_TEXT}, id, epoch_ns("time"),
    epoch_ns(received_at), {", ".join(TYPED[3:])} FROM read_parquet(?, file_row_number = true)
    WHERE file_row_number >= ? AND file_row_number < ?"""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII).fullmatch
_seconds = {}


def time_ns(text):
    """Nanoseconds since 1970 of an RFC 3339 time."""
    match = _TIME(text) if type(text) is str else None
    if match is None:
        raise Bad(f"{text!r} is not an RFC 3339 time")
    whole, fraction, sign, hours, minutes = match.groups()
    seconds = _seconds.get(whole)
    if seconds is None:
        date = [int(piece) for piece in re.split("[-T:]", whole)]
        if not (1 <= date[1] <= 12 and 1 <= date[2] <= calendar.monthrange(max(date[0], 1), date[1])[1]):
            raise Bad(f"{text!r} is no date")
        if date[3] > 23 or date[4] > 59 or date[5] > 60:
            raise Bad(f"{text!r} is no time of day")
        if len(_seconds) > 100_000:
            _seconds.clear()
        seconds = _seconds[whole] = calendar.timegm((*date, 0, 0, 0))
    if sign:
        shift = (int(hours) * 60 + int(minutes)) * 60
        seconds += shift if sign == "-" else -shift
    return seconds * 1_000_000_000 + (int(fraction.ljust(9, "0")) if fraction else 0)


@dataclass(frozen=True)
class Manifest:
    """A verified segment manifest."""

    file: str
    first: int
    last: int
    sha256: str
    payload: dict
    root_before: bytes
    root_after: bytes
    edge: tuple
    level8: tuple

    @property
    def size(self):
        """Size of the tree after the segment."""
        return self.last + 1


def open_manifest(file, raw, vkey, origin, trail):
    """Verifies the text of a manifest and everything in it that needs no other file."""
    payload = open_envelope(raw, MANIFEST_TYPE, vkey)
    text, number = str, int
    members(
        payload, "manifest", format=text, origin=text, trail=text, first=number, last=number, time_min=text,
        time_max=text, received_min=text, received_max=text, next_key_number=number, sealed_at=text, previous=text,
        file=None, tree=None, checkpoint=text,
    )  # fmt: skip
    members(payload["file"], "file", name=text, size=number, sha256=text, block_size=number, blocks=list)
    tree = members(payload["tree"], "tree", root_before=text, root_after=text, edge=list, level8=list)
    for name, want in (("format", FORMAT), ("origin", origin), ("trail", trail)):
        if payload[name] != want:
            raise Bad(f"{name} is {payload[name]!r}, not {want!r}")
    first, last = payload["first"], payload["last"]
    stem = f"{first:020}-{last:020}"
    if first > last or os.path.basename(file) != f"{stem}.manifest.json":
        raise Bad(f"range {first} to {last} does not fit the name of the file")
    if payload["file"]["name"] != f"{stem}.parquet":
        raise Bad(f"names the file {payload['file']['name']!r}")
    time_ns(payload["sealed_at"])
    edge = tuple(b64_decode(item, 32) for item in tree["edge"])
    root_after = b64_decode(tree["root_after"], 32)
    if len(edge) != (last + 1).bit_count() or fold(edge) != root_after:
        raise Bad("the edge of the tree does not give root_after")
    level8 = tuple(b64_decode(item, 32) for item in tree["level8"])
    if len(level8) != (last + 1) // 256 - first // 256:
        raise Bad(f"{len(level8)} roots at level 8")
    root_before = b64_decode(tree["root_before"], 32)
    return Manifest(file, first, last, sha256(raw).hexdigest(), payload, root_before, root_after, edge, level8)


def check_bytes(path, stated, report, file, trail):
    """Compares a file with size, SHA-256 and block hashes of its manifest. True if all hold."""
    block_size, blocks = stated["block_size"], stated["blocks"]
    size = os.path.getsize(path)
    if size != stated["size"]:
        what = f"{size} bytes, its manifest says {stated['size']}"
        report.find(file, what, trail=trail, offset=min(size, stated["size"]))
    if block_size == 0 or len(blocks) != -(-stated["size"] // block_size):
        report.find(file, f"{len(blocks)} blocks of {block_size} for {stated['size']} bytes", trail=trail)
        return False
    whole, right = sha256(), True
    with open(path, "rb") as handle:
        for i, want in enumerate(blocks):
            block, left = sha256(), block_size
            while left and (piece := handle.read(min(left, READ_BYTES))):
                block.update(piece)
                whole.update(piece)
                left -= len(piece)
            if b64_encode(block.digest()) != want:
                right = False
                report.find(
                    file, f"block {i} of {block_size} bytes does not have its hash", trail=trail, offset=i * block_size,
                    same="block does not have its hash",
                )  # fmt: skip
        while piece := handle.read(READ_BYTES):
            whole.update(piece)
    if whole.hexdigest() != stated["sha256"]:
        report.find(file, "SHA-256 is not that of its manifest", trail=trail)
        right = False
    return right and size == stated["size"]


def spans_of(text):
    """The slots of a row, as `leaf.check_event` takes them."""
    if not text:
        return [], []
    pieces = text.split("\x1f")
    if len(pieces) % 5:
        raise Bad("slot with a null member")
    parts, hidden = pieces[::5], pieces[3::5]
    first = parts.count("0")
    if parts[first:] != ["1"] * (len(parts) - first):
        raise Bad("slots of another part or out of order")
    commitments = [bytes.fromhex(digits) if digits else None for digits in hidden] if any(hidden) else repeat(None)
    try:
        spans = list(zip(pieces[4::5], map(int, pieces[1::5]), map(int, pieces[2::5]), commitments))
    except ValueError:
        raise Bad("slot with a null member") from None
    return spans[:first], spans[first:]


def _time(text):
    return None if text is None else time_ns(text)


def _open_text(parts, path):
    value = parts[0].open.get(path) or parts[1].open.get(path)
    return None if value is None else parse_json(value, path)


def _inner(whole, name):
    inner = whole.get(name)
    return inner if type(inner) is dict else {}


def _joined(kind, name):
    return None if kind is None or name is None else f"{kind}/{name}"


def typed_values(parts):
    """What the typed columns of a row must hold, in the order of `TYPED`."""
    whole = parts[0].core | parts[1].core
    get, producer = whole.get, _inner(whole, "producer")
    return (
        get("id"),
        _time(get("time")),
        _time(get("received_at")),
        _open_text(parts, "/actor/id"),
        _inner(whole, "actor").get("type"),
        get("action"),
        get("operation"),
        _inner(whole, "resource").get("type"),
        _open_text(parts, "/resource/id"),
        get("outcome"),
        get("class"),
        get("severity"),
        get("request_id"),
        get("trace_id"),
        producer.get("principal"),
        _joined(producer.get("source_kind"), producer.get("source_name")),
    )


class Parquet:
    """A segment file whose bytes are those of its manifest, opened with DuckDB."""

    def __init__(self, path):
        # Relative to its folder: the characters of a user's path would be taken for a pattern.
        folder, self._name = os.path.split(os.path.abspath(path))
        self._before = os.getcwd()
        os.chdir(folder)
        self._connection = duckdb.connect(config={"threads": 2, "memory_limit": "512MB"})
        self._connection.execute("SET enable_progress_bar = false")

    def close(self):
        """Lets go of the file."""
        self._connection.close()
        os.chdir(self._before)

    def _all(self, query):
        return self._connection.execute(query, [self._name]).fetchall()

    def check_shape(self):
        """Columns and types are those of the format, in whatever order, or `Bad`."""
        found = self._all("SELECT name, type, type_length, duckdb_type FROM parquet_schema(?)")[1:]
        columns, at = {}, 0
        while at < len(found):
            name = found[at][0]
            if name in columns:
                raise Bad(f"column {name} occurs twice")
            # A list is three groups (how a writer calls the inner two is its own affair), then the members.
            below = 3 + len(_SLOT) if name == "slots" else 1
            columns[name] = found[at : at + below]
            at += below
        if columns.keys() != _COLUMNS:
            raise Bad(f"columns {sorted(columns.keys() ^ _COLUMNS)} are missing or unknown")
        for row in (row for rows in columns.values() for row in rows if row[1] is not None):
            if row not in _LEAVES:
                raise Bad(f"column {row[0]} is {row[1:]}")
        if tuple(columns["slots"][3:]) != _SLOT:
            raise Bad("column slots is not a list of the members of a slot")

    def check_footer(self, manifest):
        """The key-value pairs of the footer are those of the manifest, or `Bad`."""
        pairs = {}
        for key, value in self._all("SELECT key, value FROM parquet_kv_metadata(?)"):
            if key.startswith(b"cairn.") and key in pairs:
                raise Bad(f"footer has {key!r} twice")
            pairs[key] = value
        tree = manifest.payload["tree"]
        want = {
            "format": FORMAT, "origin": manifest.payload["origin"], "first": str(manifest.first),
            "last": str(manifest.last), "root_before": tree["root_before"], "root_after": tree["root_after"],
        }  # fmt: skip
        for name, value in want.items():
            if pairs.get(b"cairn." + name.encode()) != value.encode():
                raise Bad(f"footer says cairn.{name} = {pairs.get(b'cairn.' + name.encode())!r}, not {value!r}")

    def count(self):
        """Number of rows."""
        return self._all("SELECT num_rows FROM parquet_file_metadata(?)")[0][0]

    def batches(self, begin, end):
        """Yields lists of rows: index, key number, kind, leaf hash, event, server, slots, then the typed columns."""
        result = self._connection.execute(_QUERY, [self._name, begin, end])
        while rows := result.fetchmany(ROWS):
            yield rows


def range_of(name):
    """`(first, last)` of the name of a file in `segments/`, or None."""
    match = NAME(name)
    return match and (decimal(match[1].lstrip("0") or "0"), decimal(match[2].lstrip("0") or "0"))
