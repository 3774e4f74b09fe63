"""Tests of the second verifier: a sound data directory passes, and whatever is changed in it is found.

Needs pyarrow beside what the verifier needs. CAIRN_SWEEP=full changes every byte of the directory, otherwise a sample.
"""

import contextlib
import io
import os
import random
import shutil
import tempfile
import unittest
from unittest import mock

import signed
import verify
from sample_directory import HOST, Sample, b64, path_of, small

MAIN = "acme/main"
FIRST = f"trails/{MAIN}/segments/{0:020}-{2:020}"
SECOND = f"trails/{MAIN}/segments/{3:020}-{4:020}"
LOG = (f"wal/{7:020}.wal", f"wal/{9:020}.wal")


def run(*arguments):
    """Status and output of the verifier."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            status = verify.main(list(arguments))
        except SystemExit as stop:
            status = stop.code
    return status, out.getvalue()


class Folder(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.base = os.path.join(tempfile.mkdtemp(prefix="cairn [v] "), "data")
        self.addCleanup(shutil.rmtree, os.path.dirname(self.base))

    def path(self, file):
        return os.path.join(self.base, file)

    def read(self, file):
        with open(self.path(file), "rb") as handle:
            return handle.read()

    def write(self, file, raw):
        with open(self.path(file), "wb") as handle:
            handle.write(raw)

    def finds(self, *expected):
        """The verifier finds something, and says each of these."""
        status, out = run(self.base)
        self.assertEqual(status, 1, out)
        for text in expected:
            self.assertIn(text, out)
        return out

    def holds(self, base=None):
        status, out = run(base or self.base)
        self.assertEqual(status, 0, out)
        return out


class Tampering(Folder):
    """Changes by somebody without the key."""

    def setUp(self):
        super().setUp()
        self.sample = small(self.base)

    def files(self):
        for folder, _, names in os.walk(self.base):
            for name in names:
                file = os.path.relpath(os.path.join(folder, name), self.base)
                if file != "LOCK":
                    yield file

    def test_a_sound_directory_holds(self):
        out = self.holds()
        self.assertIn("2 trails, 11 events, 8 events in the log, 2 segments, 2 manifests", out)
        self.assertNotIn("remark", out)
        self.assertEqual(run(self.base, "--quiet"), (0, ""))
        status, out = run(self.base, "--trail", "acme/access")
        self.assertEqual(status, 0, out)
        self.assertIn("1 trails, 3 events, 3 events in the log, 0 segments", out)

    def test_every_changed_byte_is_found(self):
        full, dice = os.environ.get("CAIRN_SWEEP") == "full", random.Random(3)
        for file in self.files():
            raw = self.read(file)
            places = range(len(raw)) if full or len(raw) <= 100 else sorted(dice.sample(range(len(raw)), 25))
            for at in places:
                changed = bytearray(raw)
                changed[at] ^= 1 << dice.randrange(8)
                self.write(file, changed)
                status, out = run(self.base)
                self.assertEqual(status, 1, f"{file} offset {at}")
                self.assertNotIn("could not go on", out)
            self.write(file, raw)
        self.holds()

    def test_every_truncation_and_every_addition_is_found(self):
        full, dice = os.environ.get("CAIRN_SWEEP") == "full", random.Random(4)
        for file in self.files():
            raw = self.read(file)
            lengths = range(len(raw)) if full else {0, 1, len(raw) - 1, *(dice.randrange(len(raw)) for _ in range(8))}
            for length in lengths:
                self.write(file, raw[:length])
                status, out = run(self.base)
                self.assertEqual(status, 1, f"{file} cut to {length}")
                self.assertNotIn("could not go on", out)
            for more in (b"\0", b"\n", raw):
                self.write(file, raw + more)
                self.assertEqual(run(self.base)[0], 1, f"{file} with more behind")
            self.write(file, raw)
        self.write("LOCK", b"x")
        self.finds("LOCK, offset 0: not empty")

    def test_every_missing_file_is_found(self):
        for file in self.files():
            # No evidence stands in the first, and the log has the events of the second.
            if file in ("keys/log-1.key", f"{SECOND}.manifest.json"):
                continue
            raw = self.read(file)
            os.remove(self.path(file))
            self.assertEqual(run(self.base)[0], 1, file)
            self.write(file, raw)
        shutil.rmtree(self.path("trails/acme/access"))
        self.finds("has no folder")

    def test_frames_taken_out_repeated_or_swapped_are_found(self):
        raw = self.read(LOG[0])
        second = raw.index(b"CWF1", 101)
        head, one, two = raw[:100], raw[100:second], raw[second:]
        for frames in ([two], [one], [one, one, two], [two, one], [one, two, two]):
            self.write(LOG[0], head + b"".join(frames))
            self.finds("FINDING file wal/")
        self.write(LOG[0], raw)
        os.remove(self.path(LOG[1]))
        self.finds("wal/HEAD: names frame 9, the log ends at frame 8")

    def test_damage_before_a_whole_frame_is_told_from_an_unfinished_write(self):
        raw = bytearray(self.read(LOG[0]))
        raw[300] ^= 1
        self.write(LOG[0], raw)
        self.finds(f"file {LOG[0]}, offset 100: hash of the frame does not hold; a frame that holds follows at")

    def test_an_unfinished_frame_is_a_remark_only_if_the_log_was_not_closed(self):
        self.sample.head(closed=False)
        self.write(LOG[1], self.read(LOG[1]) + b"CWF1\0\0")
        self.assertIn("remark  " + LOG[1], self.holds())
        self.sample.head(closed=True)
        self.finds("after the last frame of a closed log")

    def test_a_segment_without_manifest_is_an_unfinished_seal_only_while_the_log_has_its_events(self):
        os.remove(self.path(f"{SECOND}.manifest.json"))
        self.assertIn("an unfinished seal", self.holds())
        os.remove(self.path(f"{FIRST}.manifest.json"))
        self.finds("segment has no manifest")

    def test_a_hole_between_segments_does_not_hide_what_comes_after(self):
        for kind in ("parquet", "manifest.json"):
            os.remove(self.path(f"{FIRST}.{kind}"))
        self.finds("segment begins at 3 where 0 is next")

    def test_garbage_is_a_finding_and_never_a_traceback(self):
        dice = random.Random(5)
        for file in self.files():
            raw = self.read(file)
            for size in (10, 200, 5000):
                self.write(file, dice.randbytes(size))
                self.assertNotIn("Traceback", self.finds())
            self.write(file, raw)

    def test_a_foreign_key_verifies_nothing(self):
        other = Sample(os.path.join(os.path.dirname(self.base), "other"))
        key = signed.Ed25519PrivateKey.from_private_bytes(bytes([8]) * 32).public_key().public_bytes_raw()
        self.write("keys/log-1.vkey", f"{signed.Vkey('cairn-log', key)}\n".encode())
        self.finds("is not the private half", "signed by key")
        self.assertEqual(run(other.base)[0], 1)


class Lies(Folder):
    """Changes by somebody who has the key, or by an error in the product: everything is signed and still wrong."""

    def sealed(self, count=4, change_row=None, change_manifest=None, change_event=None, hidden=()):
        sample = Sample(self.base)
        sample.open_log()
        record = sample.add(MAIN, count, hidden)
        for event in sample.events[MAIN]:
            if change_event:
                change_event(event)
        sample.change_row = change_row or sample.change_row
        sample.change_manifest = change_manifest or sample.change_manifest
        sample.frame(record)
        sample.checkpoint(MAIN, count)
        sample.seal(MAIN, 0, count - 1)
        sample.head()
        return sample

    def row(self, at, expected, **changes):
        with self.subTest(changes=changes):
            self.sealed(change_row=lambda row: row | changes if row["index"] == at else row)
            self.finds(f"trail {MAIN}@{at}", expected)
            shutil.rmtree(self.base)

    def test_a_column_that_differs_from_the_texts_is_found(self):
        for name in "id actor_id actor_type action operation resource_type resource_id outcome class severity".split():
            self.row(2, f"columns ['{name}']", **{name: "other"})
        for name in "request_id trace_id principal source".split():
            self.row(2, f"columns ['{name}']", **{name: "other"})
        self.row(2, "columns ['time']", time=1_794_990_400_000_000_003)
        self.row(2, "columns ['received_at']", received_at=None)
        self.row(1, "columns ['severity']", severity=None)

    def test_a_row_that_does_not_give_its_leaf_is_found(self):
        self.row(1, "leaf hash is not that of the event", leaf_hash=bytes(32))
        self.row(1, "leaf hash is not that of the event", kind=1)
        self.row(1, "key number 2 is used twice", key_number=2)
        self.row(1, "no seed file of block 1", key_number=65536)
        self.row(1, "null where there is always a value", event=None)
        self.row(3, "row with index 4 where 3 is next", index=4)

    def test_slots_that_are_not_those_of_the_texts_are_found(self):
        def change(slots):
            return lambda row: row | {"slots": slots(row["slots"])} if row["index"] == 1 else row

        cases = [
            (lambda s: s[1:], "a member that is a slot is not listed"),
            (lambda s: [s[1], s[0], *s[2:]], "slots out of order"),
            (lambda s: [s[0] | {"start": s[0]["start"] + 1}, *s[1:]], "not JSON"),
            (lambda s: [s[0] | {"path": "/actor/a"}, *s[1:]], "/actor/a is not a slot of an event"),
            (lambda s: [s[0] | {"path": "/actor/em\x1eail"}, *s[1:]], "is not a slot of an event"),
            (lambda s: [s[0] | {"path": None}, *s[1:]], "slot with a null member"),
            (lambda s: [s[0] | {"commitment": bytes(32)}, *s[1:]], "does not hold null"),
            (lambda s: [s[0] | {"length": 1 << 31}, *s[1:]], "slot"),
            (lambda s: [s[0] | {"part": 2}, *s[1:]], "slots of another part"),
            (lambda s: None, "null where there is always a value"),
        ]
        for slots, expected in cases:
            with self.subTest(expected=expected):
                self.sealed(change_row=change(slots))
                self.finds(f"trail {MAIN}@1", expected)
                shutil.rmtree(self.base)

    def test_a_manifest_that_does_not_fit_is_found(self):
        def tree(**members):
            return lambda m: m | {"tree": m["tree"] | members}

        cases = [
            (lambda m: m | {"time_max": "2026-11-18T08:26:41Z"}, "time_max of the manifest is not that"),
            (lambda m: m | {"received_min": "2026-11-18T08:26:40Z"}, "received_min of the manifest is not that"),
            (lambda m: m | {"next_key_number": 3}, "next_key_number is not above 3"),
            (lambda m: m | {"previous": "00"}, "SHA-256 of the manifest before"),
            (lambda m: m | {"last": 4}, "does not fit the name"),
            (lambda m: m | {"origin": f"{HOST}/t/acme/other"}, "origin is"),
            (lambda m: m | {"more": 1}, "missing or unknown"),
            (lambda m: m | {"file": m["file"] | {"block_size": 0}}, "blocks of 0"),
            (tree(root_before=b64(bytes(32))), "another root at size 0"),
            (tree(edge=[b64(bytes(32))]), "the edge of the tree does not give root_after"),
            (tree(level8=[b64(bytes(32))]), "1 roots at level 8"),
        ]
        for change, expected in cases:
            with self.subTest(expected=expected):
                self.sealed(change_manifest=change)
                self.finds(f"{FIRST[:-1]}3.", expected)
                shutil.rmtree(self.base)

    def test_level8_and_several_blocks_hold_and_a_changed_root_is_found(self):
        self.sealed(600)
        self.holds()
        shutil.rmtree(self.base)
        self.sealed(600, change_manifest=lambda m: m | {"tree": m["tree"] | {"level8": [b64(bytes(32))] * 2}})
        self.finds("level8 is not what the events give")

    def test_several_processes_find_what_one_finds(self):
        def change(row):
            return row | {"action": "other"} if row["index"] in (5, 39, 77) else row

        self.sealed(80, change_row=change)
        one = run(self.base, "--jobs", "1")
        with mock.patch("rows.InTurn.ROWS_AT_ONCE", 7):
            several = run(self.base, "--jobs", "2")
        self.assertEqual(one[1].rpartition("(")[0], several[1].rpartition("(")[0])
        self.assertEqual(one[1].count("columns ['action']"), 3)
        shutil.rmtree(self.base)
        self.sealed(80)
        with mock.patch("rows.InTurn.ROWS_AT_ONCE", 7):
            self.holds()

    def test_a_head_may_name_a_frame_whose_file_is_gone_once_its_events_are_sealed(self):
        sample = self.sealed()
        sample.head(closed=False)
        sample.open_log()
        sample.frame(sample.checkpoint(MAIN, 4))
        sample.open_log()
        for name in (f"wal/{1:020}.wal", f"wal/{2:020}.wal"):
            os.remove(self.path(name))
        self.assertIn("remark  wal/HEAD names frame 1", self.holds())
        sample.head()
        self.assertNotIn("remark", self.holds())

    def test_signed_roots_that_the_events_do_not_give_are_found(self):
        sample = self.sealed()
        sample.checkpoint(MAIN, 4, bytes(32))
        self.finds("another root at size 4")
        sample.checkpoint(MAIN, 9, bytes(32))
        self.finds("says a tree of 9, the events make 4")
        sample.checkpoint(MAIN, 2)
        self.holds()
        sample.frame(sample.checkpoint(MAIN, 4, bytes(32)))
        sample.head()
        self.finds("another root at size 4", "wal/")

    def test_a_checkpoint_before_its_events_is_found(self):
        sample = Sample(self.base)
        sample.open_log()
        run_ = sample.add(MAIN, 3)
        sample.frame(sample.checkpoint(MAIN, 2), run_)
        sample.head()
        self.finds("stands before the events it is over")

    def test_a_head_that_leaves_something_out_is_found(self):
        sample = self.sealed()
        kept = sample.events
        sample.events = {}
        sample.head()
        self.finds("says 0 events where the log has 4")
        sample.events = {MAIN: kept[MAIN][:3]}
        sample.head()
        self.finds("says 3 events where the log has 4")

    def test_another_event_in_the_log_than_in_the_segment_is_found(self):
        sample = self.sealed()
        os.remove(self.path("wal/" + f"{1:020}.wal"))
        sample.seq, sample.last_hash = 0, bytes(32)
        sample.open_log()
        sample.root = bytes(32)
        events, sample.events = sample.events, {}
        seeds = self.read(f"trails/{MAIN}/seeds/{0:020}.seed")
        sample.frame(sample.add(MAIN, 4, ("/before",)))
        sample.events = events
        self.write(f"trails/{MAIN}/seeds/{0:020}.seed", seeds)
        sample.head()
        self.finds("another event than the log has at this index")


class CommandLine(Folder):
    """Proof files and the use of the command."""

    def test_a_proof_with_its_disclosure_holds_and_no_byte_of_it_can_change(self):
        sample = small(self.base)
        leaves, event = sample.leaves(MAIN), sample.events[MAIN][5]
        path = "".join(f"{b64(x)}\n" for x in path_of(leaves, 5))
        text = f"c2sp.org/tlog-proof@v1\nextra {b64(event.disclosure)}\nindex 5\n{path}\n".encode()
        raw = text + sample.note(MAIN, 8)
        self.write("proof", raw)
        vkey = sample.vkey(f"{HOST}/t/{MAIN}")
        for key in (vkey, sample.vkey("cairn-log")):
            status, out = run("--proof", self.path("proof"), "--vkey", key)
            self.assertEqual(status, 0, out)
            self.assertIn(f"index 5 of 8 in {HOST}/t/{MAIN}, kind 0", out)
            self.assertNotIn('"u-5"', out)
        for at in random.Random(6).sample(range(len(raw)), 300):
            changed = bytearray(raw)
            changed[at] ^= 1
            self.write("proof", changed)
            self.assertEqual(run("--proof", self.path("proof"), "--vkey", vkey)[0], 1, at)
        for broken in (raw[:-1], raw.replace(b"index 5", b"index 05"), raw.replace(b"extra ", b"extra  "), b""):
            self.write("proof", broken)
            self.assertEqual(run("--proof", self.path("proof"), "--vkey", vkey)[0], 1)
        self.write("proof", raw)
        other = sample.vkey(f"{HOST}/t/acme/access")
        self.assertEqual(run("--proof", self.path("proof"), "--vkey", other)[0], 1)

    def test_wrong_usage_is_status_2(self):
        small(self.base)
        for arguments in (
            [], [self.base, "--proof", "x"], ["/no/such/folder"], [self.base, "--trail", "x"], ["--proof", "x"],
            [self.base, "--trail", "acme/none"], [self.base, "--vkey", "x"], [self.base, "--odd"],
            ["--proof", __file__, "--vkey", "x"],
        ):  # fmt: skip
            self.assertEqual(run(*arguments)[0], 2, arguments)


if __name__ == "__main__":
    unittest.main()
