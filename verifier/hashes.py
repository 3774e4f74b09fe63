"""Tagged hashes, the RFC 6962 tree and strict base64."""

import base64
import binascii
from hashlib import sha256

from report import Bad

EMPTY_ROOT = sha256(b"").digest()


def midstate(tag):
    """SHA-256 after the 64 bytes of a tag: they fill one block, so they are hashed once for all messages."""
    digest = sha256(tag.encode("ascii")).digest()
    return sha256(digest + digest)


def tagged(tag):
    """`H(tag, .)` as a function of the message."""
    copy = midstate(tag).copy

    def run(message):
        state = copy()
        state.update(message)
        return state.digest()

    return run


def leaf_hash(entry):
    """RFC 6962 leaf hash of a log entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    """RFC 6962 hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def b64_decode(text, length=None):
    """Standard base64 with padding; any other spelling of the same bytes is refused."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Bad(f"not base64: {error}") from None
    if base64.b64encode(raw).decode() != text:
        raise Bad("base64 in another than its one spelling")
    if length is not None and len(raw) != length:
        raise Bad(f"base64 of {len(raw)} bytes where {length} belong")
    return raw


def b64_encode(raw):
    """Standard base64 with padding."""
    return base64.b64encode(raw).decode()


def decimal(text, limit=1 << 63):
    """A decimal number below `limit` without sign or leading zeros."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20 or (len(text) > 1 and text[0] == "0"):
        raise Bad(f"{text[:40]!r} is not a plain decimal number")
    number = int(text)
    if number >= limit:
        raise Bad(f"{number} is too large")
    return number


def fold(edge):
    """Root of the complete subtrees `edge`, given from left to right."""
    if not edge:
        return EMPTY_ROOT
    root = edge[-1]
    for left in reversed(edge[:-1]):
        root = node_hash(left, root)
    return root


class Tree:
    """The right edge of a growing tree: the roots of its complete subtrees from left to right."""

    def __init__(self):
        self.size = 0
        self.edge = []
        # Roots of blocks of 256 leaves as they were completed; whoever wants them empties the list.
        self.level8 = []

    def extend(self, leaves):
        """Appends leaf hashes."""
        edge, n = self.edge, self.size
        for value in leaves:
            bits, level = n, 0
            while bits & 1:
                value = sha256(b"\x01" + edge.pop() + value).digest()
                bits >>= 1
                level += 1
                if level == 8:
                    self.level8.append(value)
            edge.append(value)
            n += 1
        self.size = n

    def root(self):
        """Root at the present size."""
        return fold(self.edge)

    def resume(self, size, edge):
        """Goes on from an edge that something else vouches for."""
        self.size, self.edge, self.level8 = size, list(edge), []
