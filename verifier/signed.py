"""Everything signed: Ed25519, verifier keys, C2SP notes and checkpoints, DSSE envelopes."""

import json
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hashes import EMPTY_ROOT, b64_decode, b64_encode, decimal
from report import Bad

NOTE_BYTES_MAX = 64 * 1024
SIGNATURE_LINES_MAX = 64

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P


def _square_root(square):
    """A square root modulo p = 5 mod 8, or None."""
    root = pow(square, (_P + 3) // 8, _P)
    if root * root % _P != square:
        root = root * pow(2, (_P - 1) // 4, _P) % _P
    return root if root * root % _P == square else None


def _small_order_ys():
    """The y of all points of order 1, 2, 4 and 8. Order 8 doubles to y = 0, which gives d*y^4 + 2*y^2 - 1 = 0."""
    ys = {0, 1, _P - 1}
    half = _square_root((1 + _D) % _P)
    for sign in (half, -half):
        y = _square_root((sign - 1) * pow(_D, -1, _P) % _P)
        if y is not None:
            ys |= {y, _P - y}
    return ys


_SMALL_ORDER_YS = _small_order_ys()


def _check_point(encoded, what):
    """Refuses a point that is not canonical or of small order."""
    y = int.from_bytes(encoded, "little") & ((1 << 255) - 1)
    if y >= _P:
        raise Bad(f"{what} is not canonical")
    if y in _SMALL_ORDER_YS:
        raise Bad(f"{what} is of small order")


class Vkey:
    """A C2SP verifier key: a name, an Ed25519 public key and the identifier that follows from both."""

    def __init__(self, name, public):
        if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
            raise Bad(f"{name!r} cannot be the name of a key")
        _check_point(public, "public key")
        self.name = name
        self.public = public
        self.id = sha256(name.encode() + b"\n\x01" + public).digest()[:4]
        self._key = Ed25519PublicKey.from_public_bytes(public)

    def __str__(self):
        return "+".join((self.name, self.id.hex(), b64_encode(b"\x01" + self.public)))

    @classmethod
    def parse(cls, text):
        """Parses `<name>+<8 hex>+<base64>`."""
        pieces = text.split("+", 2)
        if len(pieces) != 3:
            raise Bad("a verifier key is <name>+<id>+<base64>")
        raw = b64_decode(pieces[2], 33)
        if raw[0] != 1:
            raise Bad(f"key type {raw[0]} is not Ed25519")
        key = cls(pieces[0], raw[1:])
        if pieces[1] != key.id.hex():
            raise Bad(f"key id {pieces[1]!r} where name and key give {key.id.hex()}")
        return key

    def named(self, name):
        """The same public key under another name."""
        return Vkey(name, self.public)

    def verify(self, message, signature):
        """Strict Ed25519 (OpenSSL: no cofactor, `R` compared as bytes). Raises `Bad` if it does not hold."""
        if len(signature) != 64:
            raise Bad(f"signature of {len(signature)} bytes")
        _check_point(signature[:32], "R of the signature")
        if int.from_bytes(signature[32:], "little") >= _L:
            raise Bad("S of the signature is not canonical")
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise Bad("the signature does not hold") from None


def public_of_key_file(text):
    """The verifier key that belongs to the private key line `PRIVATE+KEY+<name>+<8 hex>+<base64>` LF."""
    if not text.startswith("PRIVATE+KEY+") or not text.endswith("\n"):
        raise Bad("a key file is one line beginning with PRIVATE+KEY+")
    pieces = text[len("PRIVATE+KEY+") : -1].split("+", 2)
    if len(pieces) != 3:
        raise Bad("a key file is PRIVATE+KEY+<name>+<id>+<base64>")
    raw = b64_decode(pieces[2], 33)
    if raw[0] != 1:
        raise Bad(f"key type {raw[0]} is not Ed25519")
    key = Vkey(pieces[0], Ed25519PrivateKey.from_private_bytes(raw[1:]).public_key().public_bytes_raw())
    if pieces[1] != key.id.hex():
        raise Bad(f"key id {pieces[1]!r} where name and key give {key.id.hex()}")
    return key


@dataclass(frozen=True)
class Checkpoint:
    """What a verified checkpoint says."""

    origin: str
    size: int
    root: bytes


def _signature_lines(block):
    """The lines `(name, id, signature)` below the text of a note."""
    if not block.endswith("\n"):
        raise Bad("a note ends in a line feed")
    lines = block[:-1].split("\n")
    if len(lines) > SIGNATURE_LINES_MAX:
        raise Bad(f"{len(lines)} signature lines")
    if len(set(lines)) != len(lines):
        raise Bad("a signature line occurs twice")
    parsed = []
    for line in lines:
        pieces = line.split(" ")
        if len(pieces) != 3 or pieces[0] != "\u2014" or not pieces[1] or "+" in pieces[1]:
            raise Bad("not a signature line")
        raw = b64_decode(pieces[2])
        if len(raw) < 5:
            raise Bad("signature line of less than five bytes")
        parsed.append((pieces[1], raw[:4], raw[4:]))
    return parsed


def open_checkpoint(note, vkey, origin=None):
    """Parses and verifies a signed checkpoint. `vkey` must bear its origin's name, which must be `origin` if given."""
    if len(note) > NOTE_BYTES_MAX:
        raise Bad(f"note of {len(note)} bytes")
    try:
        text = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Bad("note is not UTF-8", error.start) from None
    if any(c < " " and c != "\n" for c in text):
        raise Bad("control character in a note")
    split = text.rfind("\n\n")
    if split < 0:
        raise Bad("note without an empty line before its signatures")
    signed, block = text[: split + 1], text[split + 2 :]
    lines = signed[:-1].split("\n")
    if len(lines) != 3:
        raise Bad(f"checkpoint text of {len(lines)} lines, not three")
    checkpoint = Checkpoint(lines[0], decimal(lines[1]), b64_decode(lines[2], 32))
    if origin is not None and checkpoint.origin != origin:
        raise Bad(f"checkpoint of {checkpoint.origin!r}, not of {origin!r}")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise Bad("a tree without leaves has another root")
    held = False
    for name, key_id, signature in _signature_lines(block):
        if (name, key_id) == (vkey.name, vkey.id):
            vkey.verify(signed.encode("utf-8"), signature)
            held = True
    if not held or vkey.name != checkpoint.origin:
        raise Bad("not signed by the key of its origin")
    return checkpoint


def note_origin(note):
    """First line of a note, not verified: to find the key to verify it with."""
    return note.split(b"\n", 1)[0].decode("utf-8", "replace")


def _no_twins(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Bad("a JSON member occurs twice")
    return members


def _no_constant(name):
    raise Bad(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_no_twins, parse_float=_no_constant, parse_constant=_no_constant)


def canonical(value):
    """RFC 8785 text of a value without fractions (the only kind that signed files hold), as UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def parse_canonical(raw, what):
    """Parses UTF-8 JSON and refuses every text but the one that a writer would write."""
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
        if canonical(value) != raw:
            raise Bad(f"{what} is not RFC 8785 text")
    except Bad:
        raise
    except (ValueError, RecursionError) as error:
        raise Bad(f"{what} is not JSON: {error}") from None
    return value


def open_envelope(raw, payload_type, vkey):
    """Verifies a signed JSON file and returns its payload."""
    envelope = parse_canonical(raw, "envelope")
    members(envelope, "envelope", payload=str, payloadType=str, signatures=list)
    if envelope["payloadType"] != payload_type:
        raise Bad(f"payload type {envelope['payloadType']!r}, not {payload_type!r}")
    if len(envelope["signatures"]) != 1:
        raise Bad(f"{len(envelope['signatures'])} signatures, not one")
    signature = members(envelope["signatures"][0], "signature", keyid=str, sig=str)
    payload = b64_decode(envelope["payload"])
    key_id = sha256(vkey.public).digest()[:4].hex()
    if signature["keyid"] != key_id:
        raise Bad(f"signed by key {signature['keyid']!r}, not {key_id}")
    kind = payload_type.encode()
    pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    vkey.verify(pae, b64_decode(signature["sig"], 64))
    return parse_canonical(payload, "payload")


def members(value, what, **kinds):
    """`value`, if it is an object with exactly these members of these types."""
    if type(value) is not dict:
        raise Bad(f"{what} is not an object")
    if value.keys() != kinds.keys():
        odd = sorted(value.keys() ^ kinds.keys())
        raise Bad(f"{what}: members {odd} are missing or unknown")
    for name, kind in kinds.items():
        if kind is not None and type(value[name]) is not kind:
            raise Bad(f"{what}: {name} is not of its type")
        if kind is int and value[name] < 0:
            raise Bad(f"{what}: {name} is negative")
    return value
