"""Writes a small data directory as formats/ describes it, for the tests.

Nothing of the verifier is used here: the hashes are written down a second time, in the plainest way, so that an
error in one of the two shows.
"""

import base64
import json
import os
import struct
from hashlib import sha256

import pyarrow
import pyarrow.parquet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HOST = "audit.example"
INSTANCE = "0197a1b2-c3d4-7e5f-8a9b-0123456789ab"
SLOTS = (
    "/actor/approved_by /actor/email /actor/id /actor/ip /actor/name /actor/on_behalf_of /actor/session /after "
    "/after_blob /after_hash /before /before_blob /before_hash /changes /metadata /origin/ips /origin/user_agent "
    "/outcome_reason /raw /raw_blob /related /resource/id /resource/name"
).split()
# What events 4 and 6 keep beside them.
LARGE = b'{"pages":100000}'
_SLOT = pyarrow.struct(
    [
        ("part", pyarrow.uint8()),
        ("path", pyarrow.string()),
        ("start", pyarrow.uint32()),
        ("length", pyarrow.uint32()),
        ("commitment", pyarrow.binary(32)),
    ]
)
_NS = pyarrow.timestamp("ns", "UTC")
_TEXTS = (
    "actor_id actor_type action operation resource_type resource_id outcome class severity request_id trace_id "
    "principal source event server"
).split()
SCHEMA = pyarrow.schema(
    [
        ("index", pyarrow.uint64()),
        ("key_number", pyarrow.uint64()),
        ("kind", pyarrow.uint8()),
        ("id", pyarrow.string()),
        ("time", _NS),
        ("received_at", _NS),
        *((name, pyarrow.string()) for name in _TEXTS),
        ("slots", pyarrow.list_(_SLOT)),
        ("leaf_hash", pyarrow.binary(32)),
    ]
)


def h(tag, message):
    """The tagged hash."""
    digest = sha256(tag.encode()).digest()
    return sha256(digest + digest + message).digest()


def b64(raw):
    """Base64 text."""
    return base64.b64encode(raw).decode()


def jcs(value):
    """RFC 8785 text of what is written here."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def root_of(leaves):
    """RFC 6962 root, by its definition."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


def subtrees(leaves, a, b):
    """Roots of the complete subtrees that fill [a, b)."""
    found = []
    while a < b:
        size = 1 << (b - a).bit_length() - 1
        while a % size:
            size //= 2
        found.append(root_of(leaves[a : a + size]))
        a += size
    return found


def path_of(leaves, m):
    """RFC 6962 inclusion path."""
    if len(leaves) <= 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if m < k:
        return [*path_of(leaves[:k], m), root_of(leaves[k:])]
    return [*path_of(leaves[k:], m - k), root_of(leaves[:k])]


def event_key(block_root, k):
    """Event key of key number `k`."""
    node = block_root
    for bit in f"{k & 0xFFFF:016b}":
        node = h("cairn/ggm/v1", node + bytes([int(bit)]))
    return node


def text_of(value, hidden=(), path=""):
    """Canonical text of a part and `[path, start, value, hidden value or None]` of its slots."""
    if path in SLOTS:
        real = jcs(value)
        return (b"null", [[path, 0, b"null", real]]) if path in hidden else (real, [[path, 0, real, None]])
    if type(value) is not dict:
        return jcs(value), []
    pieces, spans, at = [], [], 1
    for name in sorted(value):
        inner, found = text_of(value[name], hidden, f"{path}/{name}")
        start = at + len(jcs(name)) + 1
        spans += [[p, s + start, v, r] for p, s, v, r in found]
        pieces.append(jcs(name) + b":" + inner)
        at = start + len(inner) + 1
    return b"{" + b",".join(pieces) + b"}", spans


class Event:
    """An event with everything that follows from its two parts."""

    def __init__(self, parts, key_number, block_root, hidden=(), kind=0):
        self.parts, self.key_number, self.kind, self.hidden = parts, key_number, kind, hidden
        seed = h("cairn/seed/v1", event_key(block_root, key_number))
        self.texts, self.spans, self.disclosure, hashes = [], [], b"\x01", []
        for part in (0, 1):
            text, spans = text_of(parts[part], hidden)
            self.texts.append(text)
            core = text
            for _, start, value, _ in reversed(spans):
                core = core[:start] + b"null" + core[start + len(value) :]
            slots = [["", 0, core, None], *sorted(spans)]
            commitments = []
            self.disclosure += struct.pack(">H", len(slots))
            for i, (path, start, value, real) in enumerate(slots):
                salt = h("cairn/slot-key/v1", seed + struct.pack(">BH", part, i))[:16]
                named = struct.pack(">H", len(path)) + path.encode()
                c = h("cairn/slot/v1", salt + named + (value if real is None else real))
                commitments.append(c)
                if real is None:
                    self.disclosure += b"\x01" + salt + named + struct.pack(">I", len(value)) + value
                else:
                    self.disclosure += b"\x00" + c
                if path:
                    self.spans.append((part, path, start, len(value), None if real is None else c))
            joined = bytes([part]) + struct.pack(">H", len(slots)) + b"".join(commitments)
            hashes.append(h("cairn/part/v1", joined))
        entry = b"\x01" + bytes([kind]) + h("cairn/event/v1", hashes[0] + hashes[1])
        self.leaf = sha256(b"\x00" + entry).digest()

    def wal(self):
        """The event as a run holds it."""
        body = struct.pack(">QB", self.key_number, self.kind) + bytes(32) + bytes(16)
        for text in self.texts:
            body += struct.pack(">I", len(text)) + text
        body += bytes([len(self.spans)])
        for part, path, start, length, c in self.spans:
            body += bytes([part | (0x80 if c else 0), len(path)]) + path.encode() + struct.pack(">II", start, length)
            body += c or b""
        return struct.pack(">I", len(body)) + body

    def row(self, index):
        """The event as a row of a segment."""
        told, added = self.parts
        members = ("part", "path", "start", "length", "commitment")
        return {
            "index": index,
            "key_number": self.key_number,
            "kind": self.kind,
            "id": added["id"],
            "time": 1_794_990_400_000_000_000 + int(told["request_id"][4:]),
            "received_at": 1_794_990_400_500_000_000,
            "actor_id": None if "/actor/id" in self.hidden else told["actor"]["id"],
            "actor_type": told["actor"]["type"],
            "action": told["action"],
            "operation": told["operation"],
            "resource_type": told["resource"]["type"],
            "resource_id": told["resource"]["id"],
            "outcome": told["outcome"],
            "class": added["class"],
            "severity": added["severity"],
            "request_id": told["request_id"],
            "trace_id": None,
            "principal": added["producer"]["principal"],
            "source": "{source_kind}/{source_name}".format(**added["producer"]),
            "event": self.texts[0].decode(),
            "server": self.texts[1].decode(),
            "slots": [dict(zip(members, span, strict=True)) for span in self.spans],
            "leaf_hash": self.leaf,
        }


def parts_of(i):
    """Two parts of the event number `i`: 2026-11-18T08:26:40Z and `i` nanoseconds."""
    told = {
        "action": "document.delete",
        "actor": {"id": f"u-{i % 7}", "type": "user", "email": "ü@example.org", "session": 'a"b'},
        "before": {"pages": i, "deep": [1, {"x": None}], "n": 12345678901234567890},
        "metadata": {},
        "operation": "delete",
        "outcome": "success",
        "outcome_reason": None,
        "request_id": f"req-{i}",
        "resource": {"type": "document", "id": f"d-{i}", "name": "Ω"},
        "time": f"2026-11-18T08:26:40.{i:09}Z",
    }
    added = {
        "class": "standard",
        "id": f"0197a1b2-c3d4-7e5f-8a9b-{i:012}",
        "producer": {"principal": "token:t1", "source_kind": "native", "source_name": "app"},
        "raw": "AAAA",
        "received_at": "2026-11-18T09:26:40.5+01:00",
        "severity": "info",
    }
    blob = {"sha256": sha256(LARGE).hexdigest(), "size_bytes": len(LARGE)}
    if i == 4:
        del told["before"]
        told["before_blob"] = blob
    if i == 6:
        del added["raw"]
        added["raw_blob"] = blob
    return told, added


class Sample:
    """A data directory in the making."""

    def __init__(self, base):
        self.base = base
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
        self.public = self.key.public_key().public_bytes_raw()
        self.events, self.manifests, self.root = {}, {}, bytes(range(32))
        self.seq, self.last_hash, self.file = 0, bytes(32), None
        self.change_row = self.change_manifest = lambda value: value
        self.put("LOCK", b"")
        self.put("cairn.id", f"cairn-data/1\ninstance {INSTANCE}\nhost {HOST}\n".encode())
        self.put("keys/log-1.vkey", f"{self.vkey('cairn-log')}\n".encode())
        secret = b64(b"\x01" + bytes([7]) * 32)
        self.put("keys/log-1.key", f"PRIVATE+KEY+cairn-log+{self.key_id('cairn-log').hex()}+{secret}\n".encode())
        os.chmod(os.path.join(base, "keys/log-1.key"), 0o600)
        token = {"id": "t1", "hash": "ab" * 32, "tenant": "acme", "trail": "main", "scopes": ["write"]}
        token["created_at"] = "2026-11-18T08:00:00Z"
        self.envelope("keys/tokens.json", "tokens", {"tokens": [token]})

    def put(self, file, raw):
        """Writes a file."""
        path = os.path.join(self.base, file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(raw)

    def key_id(self, name):
        """C2SP key identifier."""
        return sha256(name.encode() + b"\n\x01" + self.public).digest()[:4]

    def vkey(self, name):
        """C2SP verifier key."""
        return "+".join((name, self.key_id(name).hex(), b64(b"\x01" + self.public)))

    def envelope(self, file, kind, payload):
        """Writes a signed JSON file and returns its bytes."""
        kind, body = f"application/vnd.cairn.{kind}.v1+json", jcs(payload)
        pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(body), body)
        signature = {"keyid": sha256(self.public).hexdigest()[:8], "sig": b64(self.key.sign(pae))}
        raw = jcs({"payload": b64(body), "payloadType": kind, "signatures": [signature]})
        self.put(file, raw)
        return raw

    def leaves(self, trail, size=None):
        """Leaf hashes of a trail."""
        return [event.leaf for event in self.events[trail][:size]]

    def note(self, trail, size, root=None):
        """A checkpoint."""
        origin = f"{HOST}/t/{trail}"
        text = f"{origin}\n{size}\n{b64(root or root_of(self.leaves(trail, size)))}\n"
        return f"{text}\n\u2014 {origin} {b64(self.key_id(origin) + self.key.sign(text.encode()))}\n".encode()

    def seeds(self, trail):
        """Writes the seed file of block 0, the only one."""
        raw = b"cairn-seed/1\n" + struct.pack(">QHBH", 0, 1, 0, 0) + self.root
        self.put(f"trails/{trail}/seeds/{0:020}.seed", raw + sha256(raw).digest())

    def add(self, trail, count, hidden=(), kind=0):
        """Makes events; returns the record of a run that holds them."""
        events = self.events.setdefault(trail, [])
        first = len(events)
        events += [
            Event(parts_of(i), i, self.root, hidden if i % 2 else (), kind) for i in range(first, first + count)
        ]
        self.seeds(trail)
        if any(i in (4, 6) for i in range(first, first + count)):
            self.put(f"trails/{trail}/blobs/{sha256(LARGE).hexdigest()}", LARGE)
        return self.run(trail, first, count)

    def run(self, trail, first, count):
        """A record of type 1."""
        body = struct.pack(">H", len(trail)) + trail.encode() + struct.pack(">QI", first, count)
        body += b"".join(event.wal() for event in self.events[trail][first : first + count])
        return b"\x01" + struct.pack(">I", len(body)) + body

    def checkpoint(self, trail, size, root=None):
        """A record of type 2, and the published checkpoint."""
        note = self.note(trail, size, root)
        self.put(f"trails/{trail}/checkpoint", note)
        return b"\x02" + struct.pack(">I", len(note)) + note

    def open_log(self):
        """Begins a new file of the log."""
        self.file = f"wal/{self.seq + 1:020}.wal"
        head = b"cairn-wal/1\n" + bytes.fromhex(INSTANCE.replace("-", "")) + struct.pack(">Q", self.seq + 1)
        head += self.last_hash
        self.put(self.file, head + h("cairn/wal-file/v1", head))

    def frame(self, *records):
        """Appends a frame."""
        self.seq += 1
        body = b"".join(records)
        raw = b"CWF1" + struct.pack(">Q", self.seq) + self.last_hash + struct.pack(">I", len(body)) + body
        self.last_hash = h("cairn/wal/v1", raw)
        with open(os.path.join(self.base, self.file), "ab") as handle:
            handle.write(raw + self.last_hash)

    def head(self, closed=True):
        """Writes wal/HEAD."""
        trails = [
            {"trail": trail, "size": len(self.events[trail]), "root": b64(root_of(self.leaves(trail)))}
            for trail in sorted(self.events)
        ]
        payload = {"instance": INSTANCE, "host": HOST, "seq": self.seq, "frame_hash": b64(self.last_hash)}
        self.envelope("wal/HEAD", "wal-head", payload | {"closed": closed, "trails": trails})

    def seal(self, trail, first, last):
        """Writes a segment and its manifest."""
        leaves, stem = self.leaves(trail, last + 1), f"trails/{trail}/segments/{first:020}-{last:020}"
        rows = [self.change_row(self.events[trail][i].row(i)) for i in range(first, last + 1)]
        before, after = b64(root_of(leaves[:first])), b64(root_of(leaves))
        origin = f"{HOST}/t/{trail}"
        footer = {
            "cairn.format": "cairn/segment/v1", "cairn.origin": origin, "cairn.first": str(first),
            "cairn.last": str(last), "cairn.root_before": before, "cairn.root_after": after,
        }  # fmt: skip
        self.put(f"{stem}.parquet", b"")
        path = os.path.join(self.base, f"{stem}.parquet")
        table = pyarrow.Table.from_pylist(rows, schema=SCHEMA.with_metadata(footer))
        pyarrow.parquet.write_table(table, path, compression="zstd")
        with open(path, "rb") as handle:
            raw = handle.read()
        block = 4096
        manifest = {
            "format": "cairn/segment/v1", "origin": origin, "trail": trail, "first": first, "last": last,
            "time_min": self.events[trail][first].parts[0]["time"],
            "time_max": self.events[trail][last].parts[0]["time"],
            "received_min": "2026-11-18T08:26:40.5Z", "received_max": "2026-11-18T08:26:40.5Z",
            "next_key_number": last + 1, "sealed_at": "2026-11-18T10:00:00Z",
            "previous": self.manifests.get(trail, ""),
            "file": {
                "name": os.path.basename(path), "size": len(raw), "sha256": sha256(raw).hexdigest(),
                "block_size": block,
                "blocks": [b64(sha256(raw[i : i + block]).digest()) for i in range(0, len(raw), block)],
            },
            "tree": {
                "root_before": before, "root_after": after, "edge": [b64(x) for x in subtrees(leaves, 0, last + 1)],
                "level8": [
                    b64(root_of(leaves[i : i + 256])) for i in range(first // 256 * 256, last - 254, 256)
                ],
            },
            "checkpoint": self.note(trail, last + 1).decode(),
        }  # fmt: skip
        written = self.envelope(f"{stem}.manifest.json", "segment-manifest", self.change_manifest(manifest))
        self.manifests[trail] = sha256(written).hexdigest()


def small(base):
    """Two trails; of the first, events 0 to 4 are sealed, 3 to 7 in the log. Some slots are hidden."""
    sample = Sample(base)
    main, access = "acme/main", "acme/access"
    sample.add(main, 3, ("/actor/id", "/before"))
    sample.seq, sample.last_hash = 6, bytes([9]) * 32
    sample.open_log()
    sample.frame(sample.add(main, 3, ("/actor/id", "/before")), sample.add(access, 2, kind=8))
    sample.frame(sample.checkpoint(main, 6), sample.checkpoint(access, 2), sample.add(access, 1, ("/raw",)))
    sample.open_log()
    sample.frame(sample.checkpoint(access, 3), sample.add(main, 2))
    sample.checkpoint(main, 8)
    sample.seal(main, 0, 2)
    sample.seal(main, 3, 4)
    sample.head()
    return sample
