"""From an event to its leaf hash (formats/leaf.md): seeds, slots, commitments, disclosure."""

import json
import re
import struct
from bisect import bisect_right
from hashlib import sha256

from hashes import leaf_hash, midstate, tagged
from report import Bad

KINDS = range(9)
# Kinds whose parts are an event of schema cairn/event/v1: only for these the list of slots is fixed.
EVENT_KINDS = (0, 8)
SLOTS_MAX = 64

SLOT_PATHS = frozenset(
    "/actor/approved_by /actor/email /actor/id /actor/ip /actor/name /actor/on_behalf_of /actor/session /after "
    "/after_blob /after_hash /before /before_blob /before_hash /changes /metadata /origin/ips /origin/user_agent "
    "/outcome_reason /raw /raw_blob /related /resource/id /resource/name".split()
)
# Slots whose value names a blob.
BLOB_SLOTS = ("/after_blob", "/before_blob", "/raw_blob")
_SPLIT_PATHS = {path: tuple(path[1:].split("/")) for path in SLOT_PATHS}
_TOP_SLOTS = frozenset(path[0] for path in _SPLIT_PATHS.values() if len(path) == 1)
_NESTED_SLOTS = {
    parent: frozenset(path[1] for path in _SPLIT_PATHS.values() if len(path) == 2 and path[0] == parent)
    for parent in ("actor", "origin", "resource")
}

_ggm = tagged("cairn/ggm/v1")
_seed = tagged("cairn/seed/v1")
_slot_key_state = midstate("cairn/slot-key/v1").copy
_slot_state = midstate("cairn/slot/v1").copy
_part = tagged("cairn/part/v1")
_event = tagged("cairn/event/v1")

# `u8 part || u16 i` and `0x00 or 0x01 || u16 n` for every number of slots.
_NUMBERED = tuple(tuple(struct.pack(">BH", part, i) for i in range(SLOTS_MAX + 1)) for part in (0, 1))
_LONG_PATHS = {path: len(path).to_bytes(2, "big") + path.encode("ascii") for path in SLOT_PATHS}
_plain_string = re.compile(rb'"[^"\\\x00-\x1f]*"').fullmatch


class SeedFile:
    """A seed file: gives the seed of every event of its block that is not erased."""

    def __init__(self, raw):
        if len(raw) < 55 or raw[:13] != b"cairn-seed/1\n":
            raise Bad("not a seed file", 0)
        self.block, count = struct.unpack_from(">QH", raw, 13)
        if len(raw) != 23 + 35 * count + 32:
            raise Bad(f"seed file of {len(raw)} bytes for {count} nodes")
        if sha256(raw[:-32]).digest() != raw[-32:]:
            raise Bad("checksum of the seed file does not hold", len(raw) - 32)
        if self.block >> 48:
            raise Bad("block number of more than 48 bits", 13)
        self._starts, self._nodes, free = [], [], 0
        for i in range(count):
            depth, prefix, node = struct.unpack_from(">BH32s", raw, 23 + 35 * i)
            if depth > 16 or prefix >> depth:
                raise Bad("seed node with a bad depth or prefix", 23 + 35 * i)
            start = prefix << (16 - depth)
            if start < free:
                raise Bad("seed nodes out of order", 23 + 35 * i)
            free = start + (1 << (16 - depth))
            self._starts.append(start)
            self._nodes.append((depth, start, node))
        self._covered = (0, 0)
        self._path, self._last, self._depth = [], 0, 0

    def seed(self, j):
        """Seed of leaf `j`, or None if it is erased. Numbers in order cost two hashes each: the last path is kept."""
        first, end = self._covered
        if not first <= j < end:
            at = bisect_right(self._starts, j) - 1
            if at < 0:
                return None
            depth, start, node = self._nodes[at]
            if j >= start + (1 << (16 - depth)):
                return None
            self._covered = (start, start + (1 << (16 - depth)))
            self._path, self._last, self._depth = [node], start, depth
        path = self._path
        # path[i] is the node at depth self._depth + i above the last leaf; what both leaves share stays.
        del path[max(1, 17 - (j ^ self._last).bit_length() - self._depth) :]
        for depth in range(self._depth + len(path), 17):
            path.append(_ggm(path[-1] + (b"\x01" if j >> (16 - depth) & 1 else b"\x00")))
        self._last = j
        return _seed(path[-1])


def salt(seed, part, i):
    """Salt of slot `i` of a part."""
    state = _slot_key_state()
    state.update(seed + _NUMBERED[part][i])
    return state.digest()[:16]


def commitment(salt_i, path, value):
    """Commitment to an open slot; path and value are bytes."""
    state = _slot_state()
    state.update(salt_i + len(path).to_bytes(2, "big") + path + value)
    return state.digest()


def part_hash(part, commitments):
    """`P` or `S`."""
    return _part(_NUMBERED[part][len(commitments)] + b"".join(commitments))


def leaf_of(kind, p, s):
    """Leaf hash of the entry of an event with these part hashes."""
    return leaf_hash(b"\x01" + bytes((kind,)) + _event(p + s))


def _no_twins(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Bad("a JSON member occurs twice")
    return members


def _no_constant(name):
    raise Bad(f"{name} is not JSON")


# Numbers are never compared, only their place in the text matters: float() takes any length of digits.
_scan = json.JSONDecoder(
    object_pairs_hook=_no_twins, parse_int=float, parse_float=float, parse_constant=_no_constant
).scan_once


def parse_json(raw, what):
    """Parses the UTF-8 text of a part or value: no member twice, nothing around it."""
    try:
        text = raw.decode("utf-8")
        value, end = _scan(text, 0)
    except StopIteration:
        raise Bad(f"{what} is not JSON") from None
    except Bad as error:
        raise Bad(f"{what}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise Bad(f"{what} is not JSON: {error}") from None
    if end != len(text):
        raise Bad(f"{what} is not one JSON value")
    return value


def _cut(text, spans):
    """The core of a part whose slots do not stand in the order of their paths."""
    pieces, at = [], 0
    for _, start, length, _ in sorted(spans, key=lambda span: span[1]):
        if start < at:
            raise Bad("slots overlap")
        pieces.append(text[at:start])
        at = start + length
    return b"null".join([*pieces, text[at:]])


def member_at(value, path):
    """What an RFC 6901 pointer names in a JSON value; `Bad` if nothing."""
    for token in path.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if type(value) is list and token.isascii() and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        elif type(value) is dict and token in value:
            value = value[token]
        else:
            raise Bad(f"the part has no {path}")
    return value


def _count_slots(core):
    """How many of the fixed paths the core of a part has."""
    count = len(_TOP_SLOTS.intersection(core))
    for parent, names in _NESTED_SLOTS.items():
        inner = core.get(parent)
        if type(inner) is dict:
            count += len(names.intersection(inner))
    return count


def check_places(kind, core, spans):
    """Every span stands at the place its path names, and, for an event, every member that is a slot is listed."""
    fixed = kind in EVENT_KINDS
    for path, _, _, _ in spans:
        tokens = _SPLIT_PATHS.get(path)
        if tokens is None:
            if fixed:
                raise Bad(f"{path} is not a slot of an event")
            held = member_at(core, path)
        elif len(tokens) == 1:
            held = core.get(path[1:], 0)
        else:
            held = core.get(tokens[0])
            held = held.get(tokens[1], 0) if type(held) is dict else 0
        if held is not None:
            raise Bad(f"the span of {path} is not the value of that member")
    if fixed and len(spans) != _count_slots(core):
        raise Bad("a member that is a slot is not listed as one")


def _long_path(path):
    name = path.encode("utf-8")
    return len(name).to_bytes(2, "big") + name


class Part:
    """A checked part: its hash, its core as JSON (slots are None in it) and the bytes of its open slots."""

    __slots__ = ("hash", "core", "open")

    def __init__(self, number, kind, seed, text, spans):
        """`spans` are `(path, start, length, commitment or None)` in the order of their paths."""
        if len(spans) >= SLOTS_MAX:
            raise Bad(f"{len(spans)} slots")
        numbers = _NUMBERED[number]
        commitments, pieces, at, before, ordered = [b""], [], 0, "", True
        self.open = values = {}
        # This loop is most of what the verifier does: the two hashes of a slot stand written out.
        for i, (path, start, length, hidden) in enumerate(spans, 1):
            name = _LONG_PATHS.get(path) or _long_path(path)
            # Code points of UTF-8 order like their bytes.
            if path <= before:
                raise Bad("slots out of order")
            ordered = ordered and start >= at
            before, end = path, start + length
            pieces.append(text[at:start])
            value, at = text[start:end], end
            if end > len(text):
                raise Bad("a slot ends after its part")
            if hidden is None:
                if not _plain_string(value):
                    parse_json(value, path)
                values[path] = value
                state = _slot_key_state()
                state.update(seed + numbers[i])
                salt_i = state.digest()[:16]
                state = _slot_state()
                state.update(salt_i + name + value)
                commitments.append(state.digest())
            elif value == b"null" and len(hidden) == 32:
                commitments.append(hidden)
            else:
                raise Bad(f"hidden slot {path} does not hold null and 32 bytes")
        pieces.append(text[at:])
        cut = b"null".join(pieces) if ordered else _cut(text, spans)
        commitments[0] = commitment(salt(seed, number, 0), b"", cut)
        self.core = parse_json(cut, f"part {number}")
        if type(self.core) is not dict:
            raise Bad(f"part {number} is not an object")
        check_places(kind, self.core, spans)
        self.hash = part_hash(number, commitments)


_blob_text = re.compile(rb'\{"sha256":"([0-9a-f]{64})","size_bytes":([1-9][0-9]{0,18})\}').fullmatch


def blobs_of(parts):
    """`(name, size)` of every blob that the open slots of an event name."""
    for part in parts:
        for path in BLOB_SLOTS:
            value = part.open.get(path)
            if value is None:
                continue
            if (named := _blob_text(value)) is None:
                raise Bad(f"{path[1:]} does not name a blob")
            yield named[1].decode(), int(named[2])


def check_event(kind, seed, texts, spans):
    """Checks the two parts of an event; returns `(leaf hash, part 0, part 1)`."""
    if kind not in KINDS:
        raise Bad(f"kind {kind} is unknown")
    first = Part(0, kind, seed, texts[0], spans[0])
    second = Part(1, kind, seed, texts[1], spans[1])
    twice = first.core.keys() & second.core.keys()
    if twice:
        raise Bad(f"{sorted(twice)} in both parts")
    return leaf_of(kind, first.hash, second.hash), first, second


class _Reader:
    """Takes bytes from the front; `Bad` when there are not enough."""

    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, n):
        piece = self.raw[self.at : self.at + n]
        if len(piece) != n:
            raise Bad("disclosure ends too early", self.at)
        self.at += n
        return piece

    def number(self, n):
        return int.from_bytes(self.take(n), "big")


def _disclosed_part(reader, number):
    """One part of a disclosure: its hash, the bytes of its core (or None) and of its open slots."""
    n = reader.number(2)
    if not 1 <= n <= SLOTS_MAX:
        raise Bad(f"{n} slots in a part", reader.at - 2)
    commitments, core, core_bytes, values, before = [], None, None, {}, b""
    for i in range(n):
        shown = reader.number(1)
        if shown == 0:
            commitments.append(reader.take(32))
            continue
        if shown != 1:
            raise Bad("slot neither hidden nor open", reader.at - 1)
        salt_i = reader.take(16)
        path = reader.take(reader.number(2))
        value = reader.take(reader.number(4))
        commitments.append(commitment(salt_i, path, value))
        if i == 0:
            if path:
                raise Bad("the core has a path")
            core, core_bytes = parse_json(value, f"core of part {number}"), value
            if type(core) is not dict:
                raise Bad(f"part {number} is not an object")
            continue
        if not path.startswith(b"/") or path <= before:
            raise Bad("open slots out of order")
        before = path
        try:
            name = path.decode("utf-8")
        except UnicodeDecodeError:
            raise Bad("path is not UTF-8") from None
        values[name] = value
        parse_json(value, name)
        if core is not None and member_at(core, name) is not None:
            raise Bad(f"the core has no null for {name}")
    return part_hash(number, commitments), core_bytes, values


def open_disclosure(raw):
    """Parses a disclosure. Returns the two part hashes and what is shown: `[(core or None, {path: value})] * 2`."""
    reader = _Reader(raw)
    if reader.take(1) != b"\x01":
        raise Bad("unknown form of disclosure", 0)
    first, core0, open0 = _disclosed_part(reader, 0)
    second, core1, open1 = _disclosed_part(reader, 1)
    if reader.at != len(raw):
        raise Bad("bytes after the disclosure", reader.at)
    return (first, second), ((core0, open0), (core1, open1))
