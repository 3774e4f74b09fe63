"""The examples on the pages of formats/, and values that a reader must refuse."""

import contextlib
import os
import re
import unittest
from hashlib import sha256

import proof
import signed
from hashes import Tree, b64_decode, leaf_hash
from leaf import SeedFile, check_event, leaf_of, open_disclosure
from report import Bad
from sample_directory import b64, h, path_of, root_of, subtrees
from segment import time_ns

FORMATS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "formats")


def page(name):
    """Text of a page of formats/."""
    with open(os.path.join(FORMATS, name), encoding="utf-8") as handle:
        return handle.read()


def hex_after(text, word):
    """The hex that follows a word in an example."""
    return bytes.fromhex(re.search(rf"{word}\s+([0-9a-f]{{32,}})", text)[1])


class Vectors(unittest.TestCase):
    """Examples that hold, and the same ones changed."""

    def refused(self, call, *arguments):
        with self.assertRaises(Bad):
            call(*arguments)

    def test_the_leaf_of_the_page(self):
        text = page("leaf.md")
        raw = b"cairn-seed/1\n" + bytes.fromhex("0000000000000003" "0001" "00" "0000") + bytes(range(32))
        seeds = SeedFile(raw + sha256(raw).digest())
        seed = seeds.seed(5)
        self.assertEqual(seed, hex_after(text, "seed"))
        part0 = re.search(r'\{"action":"document.delete","actor":\{"id":"u-17".*\}', text)[0].encode()
        spans = [("/actor/id", part0.index(b'"u-17"'), 6, None), ("/before", part0.index(b'{"pages'), 12, None)]
        part1 = b'{"received_at":"2026-11-25T09:00:00Z"}'
        leaf, first, second = check_event(0, seed, (part0, part1), (spans, []))
        self.assertEqual(first.hash, hex_after(text, "    P"))
        self.assertEqual(second.hash, hex_after(text, "    S"))
        self.assertEqual(leaf, hex_after(text, "leaf hash"))
        cut = part0.replace(b'"u-17"', b"null")
        shown = bytes.fromhex("".join(re.search(r"```\n([0-9a-f\n]+)```", text)[1].split()))
        parts, ((core, values), _) = open_disclosure(shown)
        self.assertEqual(leaf_of(0, *parts), leaf)
        self.assertEqual((core, values), (cut.replace(b'{"pages":12}', b"null"), {"/before": b'{"pages":12}'}))
        for at in range(len(shown)):
            changed = bytearray(shown)
            changed[at] ^= 1
            with contextlib.suppress(Bad):
                self.assertNotEqual(leaf_of(0, *open_disclosure(bytes(changed))[0]), leaf, at)
            self.refused(open_disclosure, shown[:at])
        self.refused(open_disclosure, shown + b"\0")

    def test_seed_files_give_covered_leaves_only(self):
        def seed_file(*nodes):
            raw = b"cairn-seed/1\n" + bytes(8) + len(nodes).to_bytes(2, "big")
            raw += b"".join(bytes([d]) + p.to_bytes(2, "big") + n for d, p, n in nodes)
            return raw + sha256(raw).digest()

        whole = SeedFile(seed_file((0, 0, bytes(32))))
        numbers = [0, 1, 2, 5, 4, 65535, 32768, 32767, 40000, 40001, 0]
        right = {j: SeedFile(seed_file((0, 0, bytes(32)))).seed(j) for j in numbers}
        self.assertEqual([whole.seed(j) for j in numbers], [right[j] for j in numbers])
        left_child = sample_node(0)
        part = SeedFile(seed_file((1, 0, left_child), (16, 65535, bytes(32))))
        self.assertEqual([part.seed(j) for j in (5, 32767, 4)], [whole.seed(j) for j in (5, 32767, 4)])
        self.assertEqual([part.seed(j) for j in (32768, 65534)], [None, None])
        for nodes in ([(17, 0, bytes(32))], [(1, 2, bytes(32))], [(1, 1, bytes(32)), (1, 0, bytes(32))]):
            self.refused(SeedFile, seed_file(*nodes))
        self.refused(SeedFile, seed_file((0, 0, bytes(32)), (1, 1, bytes(32))))

    def test_the_tree_of_the_page(self):
        text = page("tree.md")
        vkey = signed.Vkey.parse(re.search(r"audit\.example\S+\+\S+", text)[0])
        leaves = [leaf_hash(i.to_bytes(8, "big")) for i in range(7)]
        raw = re.search(r"```\n(c2sp.*?)```", text, re.S)[1].encode()
        parsed = proof.parse_proof(raw)
        checkpoint = signed.open_checkpoint(parsed.checkpoint, vkey)
        self.assertEqual((checkpoint.size, checkpoint.root), (7, root_of(leaves)))
        proof.check_inclusion(leaves[4], parsed.index, 7, parsed.path, checkpoint.root)
        old, block = re.search(r"root is `(\S+)`, with size 7:\n\n```\n(.*?)```", text, re.S).groups()
        path = [b64_decode(line, 32) for line in block.split()]
        proof.check_consistency(3, b64_decode(old, 32), 7, checkpoint.root, path)
        receipt = [b64_decode(x, 32) for x in re.findall(r"(\S{43}=)", page("receipt.md"))]
        self.assertEqual(receipt[1:4], leaves[2:5])
        proof.check_receipt(2, receipt[1:4], receipt[:1], receipt[4:6], 7, receipt[6])

        note = parsed.checkpoint
        for at in range(len(note)):
            for bit in range(8):
                changed = bytearray(note)
                changed[at] ^= 1 << bit
                self.refused(signed.open_checkpoint, bytes(changed), vkey)
            self.refused(signed.open_checkpoint, note[:at], vkey)
        lines = note.decode().split("\n")
        for size in ("07", "+7", "-0", "9223372036854775808", "７"):
            self.refused(signed.open_checkpoint, "\n".join([lines[0], size, *lines[2:]]).encode(), vkey)
        self.refused(signed.open_checkpoint, note + lines[-2].encode() + b"\n", vkey)
        self.refused(signed.open_checkpoint, note, vkey.named("audit.example/t/acme/other"))
        self.refused(signed.open_checkpoint, note, vkey, "audit.example/t/acme/other")
        unknown = "\u2014 witness.example AAAAAAA=\n".encode()
        self.assertEqual(signed.open_checkpoint(note + unknown, vkey), checkpoint)

    def test_proofs_hold_for_every_size_and_no_other(self):
        leaves = [leaf_hash(bytes([i])) for i in range(20)]
        tree = Tree()
        for n in range(1, 21):
            tree.extend(leaves[n - 1 : n])
            root = root_of(leaves[:n])
            self.assertEqual((tree.root(), tree.edge), (root, subtrees(leaves, 0, n)))
            for m in range(n):
                path = path_of(leaves[:n], m)
                proof.check_inclusion(leaves[m], m, n, path, root)
                self.refused(proof.check_inclusion, leaves[m], m, n, [*path, root], root)
                self.refused(proof.check_inclusion, leaves[m], m, n, path[:-1] if path else [root], root)
                self.refused(proof.check_inclusion, leaves[m], n, n, path, root)
                self.refused(proof.check_inclusion, leaves[m], (m + 1) % n, n, path if n > 1 else [root], root)
                for end in range(m + 1, n + 1):
                    left, right = subtrees(leaves, 0, m), subtrees(leaves, end, n)
                    proof.check_receipt(m, leaves[m:end], left, right, n, root)
                    self.refused(proof.check_receipt, m, leaves[m:end], left, [*right, root], n, root)
        root = root_of(leaves)
        self.refused(proof.check_consistency, 20, root, 20, root_of(leaves[:3]), [])
        self.refused(proof.check_consistency, 0, sha256(b"").digest(), 20, root, [root])
        self.refused(proof.check_consistency, 20, root, 3, root_of(leaves[:3]), [])
        self.refused(proof.check_consistency, 3, root_of(leaves[:3]), 20, root, [])

    def test_only_one_spelling_of_base64_and_of_signed_json(self):
        for text in ("AA", "AB==", "AA== ", "AA=", "A-==", "AA==\n", "ＡA=="):
            self.refused(b64_decode, text)
        sample_key = signed.Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
        vkey = signed.Vkey("n", sample_key.public_key().public_bytes_raw())
        body, kind = b'{"a":1,"b":"\xc3\xbc"}', "t"
        sig = b64(sample_key.sign(b"DSSEv1 1 t %d %b" % (len(body), body)))
        keyid = sha256(vkey.public).hexdigest()[:8]
        raw = (
            f'{{"payload":"{b64(body)}","payloadType":"t","signatures":[{{"keyid":"{keyid}","sig":"{sig}"}}]}}'.encode()
        )
        self.assertEqual(signed.open_envelope(raw, kind, vkey), {"a": 1, "b": "ü"})
        self.refused(signed.open_envelope, raw, "u", vkey)
        self.refused(signed.open_envelope, raw + b"\n", kind, vkey)
        self.refused(signed.open_envelope, raw.replace(b",", b", "), kind, vkey)
        self.refused(signed.open_envelope, raw.replace(b'"t"', b'"\\u0074"'), kind, vkey)
        self.refused(signed.open_envelope, b'{"payload":"",' + raw[1:], kind, vkey)
        self.refused(signed.open_envelope, raw.replace(keyid.encode(), b"00000000"), kind, vkey)
        for at in range(len(raw)):
            for bit in range(8):
                changed = bytearray(raw)
                changed[at] ^= 1 << bit
                self.refused(signed.open_envelope, bytes(changed), kind, vkey)

    def test_ed25519_is_strict(self):
        for key in (bytes(32), b"\x01" + bytes(31), bytes.fromhex("ec" + "ff" * 30 + "7f"), b"\xff" * 32):
            self.refused(signed.Vkey, "n", key)
        key = signed.Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
        vkey = signed.Vkey("n", key.public_key().public_bytes_raw())
        good = key.sign(b"m")
        vkey.verify(b"m", good)
        order = 2**252 + 27742317777372353535851937790883648493
        shifted = (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
        self.refused(vkey.verify, b"m", good[:32] + shifted)
        self.refused(vkey.verify, b"m", b"\x01" + bytes(31) + good[32:])
        self.refused(vkey.verify, b"m", good[:63])

    def test_times_are_read_to_the_nanosecond(self):
        self.assertEqual(time_ns("1970-01-01T00:00:00.000000001Z"), 1)
        self.assertEqual(time_ns("1970-01-01T01:00:00.5+01:00"), 500_000_000)
        self.assertEqual(time_ns("1969-12-31T23:59:59Z"), -1_000_000_000)
        for text in ("2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01", None, 5):
            self.refused(time_ns, text)


def sample_node(bit):
    """A child of the root of 32 zero bytes."""
    return h("cairn/ggm/v1", bytes(32) + bytes([bit]))


if __name__ == "__main__":
    unittest.main()
