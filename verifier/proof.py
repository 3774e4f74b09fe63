"""Proofs (formats/tree.md, formats/receipt.md): inclusion, consistency, receipts and the text form of a proof."""

from dataclasses import dataclass

from hashes import EMPTY_ROOT, b64_decode, decimal, fold, node_hash
from leaf import KINDS, leaf_of, open_disclosure
from report import Bad
from signed import note_origin, open_checkpoint

PATH_MAX = 63


def check_inclusion(leaf, index, size, path, root):
    """Raises `Bad` unless `leaf` is at `index` in the tree of this size and root."""
    if not 0 <= index < size:
        raise Bad(f"index {index} in a tree of {size}")
    f, s, r = index, size - 1, leaf
    for p in path:
        if s == 0:
            raise Bad("inclusion path too long")
        if f & 1 or f == s:
            r = node_hash(p, r)
            while not f & 1 and f:
                f, s = f >> 1, s >> 1
        else:
            r = node_hash(r, p)
        f, s = f >> 1, s >> 1
    if s:
        raise Bad("inclusion path too short")
    if r != root:
        raise Bad("inclusion does not give the root")


def check_consistency(m, old, n, new, proof):
    """Raises `Bad` unless the tree (m, old) is a prefix of the tree (n, new)."""
    if m > n:
        raise Bad(f"size {m} is not before size {n}")
    if m in (0, n):
        if proof or old != (new if m == n else EMPTY_ROOT):
            raise Bad("consistency does not hold")
        return
    if not m & (m - 1):
        proof = [old, *proof]
    if not proof:
        raise Bad("consistency proof too short")
    f, s = m - 1, n - 1
    while f & 1:
        f, s = f >> 1, s >> 1
    a = b = proof[0]
    for p in proof[1:]:
        if s == 0:
            raise Bad("consistency proof too long")
        if f & 1 or f == s:
            a, b = node_hash(p, a), node_hash(p, b)
            while not f & 1 and f:
                f, s = f >> 1, s >> 1
        else:
            b = node_hash(b, p)
        f, s = f >> 1, s >> 1
    if s or a != old or b != new:
        raise Bad("consistency does not hold")


def levels(a, b):
    """Levels of the complete subtrees that fill the leaves [a, b), from left to right."""
    found = []
    while a < b:
        level = (b - a).bit_length() - 1
        if a:
            level = min(level, (a & -a).bit_length() - 1)
        found.append(level)
        a += 1 << level
    return found


def check_receipt(first, leaves, left, right, size, root):
    """Raises `Bad` unless these leaves stand from `first` on in the tree of this size and root."""
    end = first + len(leaves)
    if not leaves or first < 0 or end > size:
        raise Bad(f"leaves [{first}, {end}) in a tree of {size}")
    lower, upper = levels(0, first), levels(end, size)
    if len(left) != len(lower) or len(right) != len(upper):
        raise Bad("receipt with too many or too few hashes")
    stack = []
    for level, value in [*zip(lower, left), *((0, leaf) for leaf in leaves), *zip(upper, right)]:
        while stack and stack[-1][0] == level:
            value, level = node_hash(stack.pop()[1], value), level + 1
        stack.append((level, value))
    if fold([value for _, value in stack]) != root:
        raise Bad("receipt does not give the root")


@dataclass(frozen=True)
class ProofText:
    """A parsed tlog-proof."""

    extra: bytes | None
    index: int
    path: list
    checkpoint: bytes


def parse_proof(raw):
    """Parses the text of a C2SP tlog-proof; nothing in it is verified."""
    head, found, checkpoint = raw.partition(b"\n\n")
    if not found:
        raise Bad("proof without a checkpoint")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Bad("proof is not ASCII above its checkpoint", error.start) from None
    if lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Bad("not a c2sp.org/tlog-proof@v1", 0)
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = b64_decode(lines.pop(0)[len("extra ") :])
    if not lines or not lines[0].startswith("index "):
        raise Bad("proof without an index")
    index = decimal(lines.pop(0)[len("index ") :])
    if len(lines) > PATH_MAX:
        raise Bad(f"path of {len(lines)} hashes")
    return ProofText(extra, index, [b64_decode(line, 32) for line in lines], checkpoint)


def verify_proof(raw, vkey):
    """Verifies a proof with the disclosure of its event. Returns (checkpoint, index, kind, what is shown)."""
    proof = parse_proof(raw)
    if proof.extra is None:
        raise Bad("proof without a disclosure")
    if "/t/" not in vkey.name:
        vkey = vkey.named(note_origin(proof.checkpoint))
    checkpoint = open_checkpoint(proof.checkpoint, vkey)
    parts, shown = open_disclosure(proof.extra)
    # The disclosure does not say the kind of the entry: the kind whose leaf is in the tree is the one.
    for kind in KINDS:
        try:
            check_inclusion(leaf_of(kind, *parts), proof.index, checkpoint.size, proof.path, checkpoint.root)
        except Bad as error:
            if kind == KINDS[-1]:
                raise error
            continue
        return checkpoint, proof.index, kind, shown
    raise Bad("no kinds")
