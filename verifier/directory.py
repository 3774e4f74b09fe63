"""A whole data directory (formats/directory.md)."""

import hashlib
import os
import re
import uuid

from hashes import b64_decode
from report import Bad
from rows import InTurn
from signed import Vkey, members, note_origin, open_envelope, public_of_key_file
from trail import Trail
from wal import Run, Wal, records

HEAD_TYPE = "application/vnd.cairn.wal-head.v1+json"
TOKENS_TYPE = "application/vnd.cairn.tokens.v1+json"
NAME = re.compile("[a-z0-9][a-z0-9-]{0,62}").fullmatch
_ID = re.compile(r"cairn-data/1\ninstance ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\nhost ([^\s]+)\n").fullmatch
_KNOWN = {"LOCK", "cairn.id", "keys", "wal", "trails", "index", "run"}


class Directory:
    """Checks one data directory; findings go to the report."""

    def __init__(self, base, report, only=None, jobs=0):
        self._base, self._report, self._only, self._jobs = os.path.abspath(base), report, only, jobs
        self._instance = self._host = self._vkey = None
        self._trails = {}
        self._head = None
        # Per trail: index after its last event in the frames up to the one that wal/HEAD names; None if not known yet.
        self._ends, self._ends_at_head = {}, None
        self._early = {}

    def check(self):
        """Everything, in the order in which one thing vouches for the next."""
        self._identity()
        if self._vkey is None or self._instance is None:
            self._report.find(".", "nothing more can be checked without cairn.id and the verifier key")
            return
        self._guard("trails", self._open_trails)
        self._keys()
        self._load_head()
        self._guard("wal", self._walk_wal)
        named = {} if self._head is None else self._head["trails"]
        with InTurn(self._jobs) as in_turn:
            for name, trail in self._trails.items():
                if name in named:
                    trail.claims.append((*named[name], "wal/HEAD", None))
                self._guard(trail.folder, trail.load_checkpoint, name in named)
                self._guard(trail.folder, trail.build, in_turn)
                self._guard(trail.folder, trail.check_blobs)
                self._report.count("trails")
        self._compare_head()

    def _guard(self, file, step, *arguments):
        """Damage that nobody thought of is a finding, not a stop."""
        try:
            return step(*arguments)
        except Exception as error:  # noqa: BLE001
            place = getattr(error, "offset", None)
            kind = "" if isinstance(error, Bad) else f"{type(error).__name__}: "
            self._report.find(file, f"{kind}{error}", offset=place if isinstance(place, int) else None)
            return None

    def _read(self, file):
        with open(os.path.join(self._base, file), "rb") as handle:
            return handle.read()

    def _text(self, file):
        try:
            return self._read(file).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Bad("not UTF-8", error.start) from None

    # Who this is.

    def _identity(self):
        self._guard("cairn.id", self._load_id)
        self._guard("keys/log-1.vkey", self._load_vkey)
        lock = os.path.join(self._base, "LOCK")
        if not os.path.isfile(lock):
            self._report.find("LOCK", "missing")
        elif os.path.getsize(lock):
            self._report.find("LOCK", "not empty", offset=0)
        for name in sorted(os.listdir(self._base)):
            if name not in _KNOWN and not name.endswith(".tmp"):
                self._report.remark(f"{name} is not described by the formats")

    def _load_id(self):
        match = _ID(self._text("cairn.id"))
        if match is None:
            raise Bad("not the three lines of a cairn.id", 0)
        self._instance, self._host = uuid.UUID(match[1]), match[2]

    def _load_vkey(self):
        text = self._text("keys/log-1.vkey")
        if not text.endswith("\n"):
            raise Bad("no line feed at the end", len(text))
        key = Vkey.parse(text[:-1])
        if key.name != "cairn-log":
            raise Bad(f"key of the name {key.name!r}, not cairn-log", 0)
        self._vkey = key

    def _keys(self):
        self._guard("keys/log-1.key", self._check_key_file)
        if self._trails or os.path.exists(os.path.join(self._base, "keys/tokens.json")):
            self._guard("keys/tokens.json", self._check_tokens)
        else:
            self._report.remark("no keys/tokens.json and no trail: a first start that did not finish")

    def _check_key_file(self):
        path = os.path.join(self._base, "keys/log-1.key")
        if not os.access(path, os.R_OK):
            self._report.remark("keys/log-1.key is not readable here: not compared with log-1.vkey")
            return
        key = public_of_key_file(self._text("keys/log-1.key"))
        if (key.name, key.public) != (self._vkey.name, self._vkey.public):
            raise Bad("is not the private half of log-1.vkey")
        if os.stat(path).st_mode & 0o077:
            self._report.remark("keys/log-1.key may be read by others than its owner")

    def _check_tokens(self):
        payload = open_envelope(self._read("keys/tokens.json"), TOKENS_TYPE, self._vkey)
        members(payload, "payload", tokens=list)
        for token in payload["tokens"]:
            webhook = token.pop("webhook", None)
            members(token, "token", id=str, hash=str, tenant=str, trail=None, scopes=list, created_at=str)
            if re.fullmatch("[0-9a-f]{64}", token["hash"]) is None:
                raise Bad("hash of a token is not a SHA-256 in hex")
            if webhook is not None:
                members(webhook, "webhook", kind=str, name=str, secret=str)
                if hashlib.sha256(webhook["secret"].encode()).hexdigest() != token["hash"]:
                    raise Bad("hash of a webhook's credential is not that of its secret")

    def _open_trails(self):
        folder = os.path.join(self._base, "trails")
        for tenant in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            inner = os.path.join(folder, tenant)
            for trail in sorted(os.listdir(inner)) if os.path.isdir(inner) else (None,):
                if trail is None or not NAME(tenant) or not NAME(trail):
                    self._report.remark(f"trails/{tenant}/{trail} is not a trail")
                elif self._only in (None, f"{tenant}/{trail}"):
                    self._guard(f"trails/{tenant}/{trail}", self._open_trail, f"{tenant}/{trail}")

    def _open_trail(self, name):
        self._trails[name] = trail = Trail(self._base, name, self._host, self._vkey, self._report)
        trail.load_seeds()
        trail.load_manifests()

    # The write-ahead log.

    def _load_head(self):
        self._guard("wal/HEAD", self._parse_head)

    def _parse_head(self):
        head = open_envelope(self._read("wal/HEAD"), HEAD_TYPE, self._vkey)
        members(head, "payload", instance=str, host=str, seq=int, frame_hash=str, closed=bool, trails=list)
        if (head["instance"], head["host"]) != (str(self._instance), self._host):
            raise Bad("names another instance or host than cairn.id")
        trails = {}
        for item in head["trails"]:
            members(item, "trail", trail=str, size=int, root=str)
            if trails and item["trail"] <= next(reversed(trails)):
                raise Bad("trails are not in order")
            if item["size"] == 0:
                raise Bad(f"{item['trail']} without events")
            trails[item["trail"]] = (item["size"], b64_decode(item["root"], 32))
        head["trails"], head["frame_hash"] = trails, b64_decode(head["frame_hash"], 32)
        self._head = head

    def _walk_wal(self):
        wal = Wal(self._base, self._instance.bytes, self._report)
        met = False
        for frame in wal.frames():
            self._report.count("frames")
            self._guard_frame(frame)
            if self._head is not None and frame.seq == self._head["seq"]:
                met = True
                self._ends_at_head = dict(self._ends)
                if frame.hash != self._head["frame_hash"]:
                    what = f"frame {frame.seq} has another hash than wal/HEAD names"
                    self._report.find(frame.file, what, offset=frame.offset)
        self._report.count("log files", wal.files)
        if self._head is not None:
            self._compare_end(wal, met)
        elif wal.tail is not None:
            self._report.find(wal.tail[0], f"{wal.tail[3]} at the end of the log", offset=wal.tail[1])

    def _guard_frame(self, frame):
        try:
            for at, record in records(frame.body):
                self._record(frame, at, record)
        except Bad as error:
            self._report.find(frame.file, str(error), offset=frame.body_offset + (error.offset or 0))
        except Exception as error:  # noqa: BLE001
            self._report.find(frame.file, f"{type(error).__name__}: {error}", offset=frame.body_offset)

    def _record(self, frame, at, record):
        offset = frame.body_offset
        if isinstance(record, Run):
            known = self._ends.get(record.trail)
            if known is None:
                for size, where in self._early.pop(record.trail, ()):
                    if size > record.first:
                        self._report.find(*where, trail=record.trail)
            self._ends[record.trail] = record.first + record.count
            trail = self._trail_of(record.trail, frame, offset + at)
            if trail is not None:
                trail.add_run(record, frame.file, offset)
            return
        origin = note_origin(record)
        prefix = f"{self._host}/t/"
        name = origin[len(prefix) :] if origin.startswith(prefix) else None
        if name is None:
            raise Bad(f"checkpoint of the origin {origin[:200]!r}", at)
        trail = self._trail_of(name, frame, offset + at)
        size = None if trail is None else trail.checkpoint(record, frame.file, offset + at)
        if size is None:
            return
        where = (frame.file, f"checkpoint of size {size} stands before the events it is over")
        if name not in self._ends:
            self._early.setdefault(name, []).append((size, where))
        elif size > self._ends[name]:
            self._report.find(*where, offset=offset + at, trail=name)

    def _trail_of(self, name, frame, offset):
        if self._only not in (None, name):
            return None
        trail = self._trails.get(name)
        if trail is None:
            what = f"trail {name[:200]!r} has no folder"
            self._report.find(frame.file, what, offset=offset, same="trail has no folder")
        return trail

    def _compare_end(self, wal, met):
        head, find = self._head, self._report.find
        seq = head["seq"]
        begin, end = wal.begin or (0, bytes(32)), wal.end or (0, bytes(32))
        if seq == begin[0]:
            met = True
            self._ends_at_head = {}
            if begin[1] is not None and begin[1] != head["frame_hash"]:
                find("wal/HEAD", f"names another frame {seq} than the one before the first file")
        if seq < begin[0]:
            self._report.remark(f"wal/HEAD names frame {seq}, the log begins after frame {begin[0]}")
        elif seq > end[0]:
            find("wal/HEAD", f"names frame {seq}, the log ends at frame {end[0]}")
        elif not met:
            find("wal/HEAD", f"names frame {seq}, which is not in the log")
        if head["closed"] and end[0] > seq:
            find("wal/HEAD", f"says that the log was closed at frame {seq}, it ends at {end[0]}")
        if wal.tail is not None:
            file, offset, length, why = wal.tail
            if head["closed"]:
                find(file, f"{why}: {length} bytes after the last frame of a closed log", offset=offset)
            else:
                self._report.remark(f"{file}, offset {offset}: {length} bytes of an unfinished frame ({why})")

    # What wal/HEAD says of the trails: they are its claims about roots, and it names all.

    def _compare_head(self):
        if self._head is None:
            return
        for name, (size, root) in self._head["trails"].items():
            if self._only not in (None, name):
                continue
            trail = self._trails.get(name)
            if trail is None:
                self._report.find("wal/HEAD", f"names trail {name[:200]!r} with {size} events, it has no folder")
        for name, trail in self._trails.items():
            size, _ = self._head["trails"].get(name, (0, None))
            want = self._size_at_head(name, trail)
            if want is not None and want != size:
                self._report.find("wal/HEAD", f"says {size} events where the log has {want} at that frame", trail=name)

    def _size_at_head(self, name, trail):
        """How many events the trail had at the frame that the head names."""
        if self._ends_at_head is None:
            return None
        if name in self._ends_at_head:
            return self._ends_at_head[name]
        return trail.runs[0].first if trail.runs else trail.sealed_end
