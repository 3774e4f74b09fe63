"""The write-ahead log (formats/wal.md): files, frames, records."""

import mmap
import os
import re
import struct
from dataclasses import dataclass

from hashes import tagged
from leaf import SLOT_PATHS
from report import Bad

_file_hash = tagged("cairn/wal-file/v1")
_frame_hash = tagged("cairn/wal/v1")

MAGIC = b"CWF1"
FILE_HEADER_BYTES = 100
FRAME_HEAD_BYTES = 48
FRAME_TAIL_BYTES = 32
ZERO = bytes(32)
# How much is hashed to look for a frame behind damage; without it, a file made of frame beginnings costs n*n.
SEARCH_BYTES_MAX = 1 << 30

# Decoding the same few paths for every event is a third of the work of reading it.
_PATHS = {path.encode("ascii"): path for path in SLOT_PATHS}

_NAME = re.compile(r"(\d{20})\.wal").fullmatch


@dataclass(frozen=True)
class Frame:
    """A frame whose hash holds."""

    file: str
    offset: int
    seq: int
    before: bytes
    hash: bytes
    body: bytes

    @property
    def body_offset(self):
        """Where the body begins in the file."""
        return self.offset + FRAME_HEAD_BYTES


def file_header(instance, seq, before):
    """The header of a file."""
    head = b"cairn-wal/1\n" + instance + struct.pack(">Q", seq) + before
    return head + _file_hash(head)


def frame(seq, before, body):
    """The bytes of a frame."""
    head = MAGIC + struct.pack(">Q32sI", seq, before, len(body)) + body
    return head + _frame_hash(head)


def _frame_at(view, at):
    """`(seq, before, hash, end)` of the frame at an offset, or `Bad`."""
    if len(view) - at < FRAME_HEAD_BYTES + FRAME_TAIL_BYTES:
        raise Bad("unfinished frame")
    if view[at : at + 4] != MAGIC:
        raise Bad("no frame begins here")
    seq, before, length = struct.unpack_from(">Q32sI", view, at + 4)
    end = at + FRAME_HEAD_BYTES + length + FRAME_TAIL_BYTES
    if end > len(view):
        raise Bad("frame is longer than the rest of its file")
    digest = _frame_hash(view[at : end - FRAME_TAIL_BYTES])
    if digest != view[end - FRAME_TAIL_BYTES : end]:
        raise Bad("hash of the frame does not hold")
    return seq, before, digest, end


def _search(view, at):
    """Offset of the next frame that holds, or None."""
    budget = SEARCH_BYTES_MAX
    while (at := view.find(MAGIC, at)) >= 0:
        length = int.from_bytes(view[at + 44 : at + 48], "big")
        if at + FRAME_HEAD_BYTES + length + FRAME_TAIL_BYTES <= len(view):
            budget -= length
            if budget < 0:
                raise Bad("too many beginnings of frames behind damage to look at all")
            try:
                _frame_at(view, at)
                return at
            except Bad:
                pass
        at += 1
    return None


class Wal:
    """Walks the write-ahead log of a data directory and reports what breaks its chain."""

    def __init__(self, base, instance, report):
        self._base, self._instance, self._report = base, instance, report
        # The end of the chain so far: sequence number and hash of the newest frame. None before the first header.
        self.end = None
        # End of the chain before the first file: what a head may name when its frame is already gone.
        self.begin = None
        # (file, offset, bytes) after the last whole frame of the last file.
        self.tail = None
        self.files = 0

    def frames(self):
        """Yields every frame that holds, in order."""
        folder = os.path.join(self._base, "wal")
        names = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if _NAME(name):
                names.append(name)
            elif name != "HEAD" and not name.endswith(".tmp"):
                self._report.remark(f"wal/{name} is not described by the formats")
        for i, name in enumerate(names):
            self.files += 1
            yield from self._file(f"wal/{name}", int(name[:20]), last=i == len(names) - 1)

    def _file(self, file, first, last):
        with open(os.path.join(self._base, file), "rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            if size < FILE_HEADER_BYTES:
                self._report.find(file, f"file of {size} bytes has no whole header", offset=size)
                return
            with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as view:
                self._header(file, view[:FILE_HEADER_BYTES], first)
                yield from self._walk(file, view, last)

    def _header(self, file, raw, first):
        find = self._report.find
        instance, seq, before = struct.unpack_from(">16sQ32s", raw, 12)
        if raw != file_header(instance, seq, before) or seq == 0:
            find(file, "header of the file does not hold", offset=0)
            # What the header says is worth nothing, so the chain goes on from the file before.
            self.end = self.end or (first - 1, None)
            self.begin = self.begin or self.end
            return
        if instance != self._instance:
            find(file, "written by another instance than that of cairn.id", offset=12)
        if seq != first:
            find(file, f"header says first frame {seq}, the name says {first}", offset=28)
        if self.end is None:
            self.begin = self.end = (seq - 1, before)
            if seq == 1 and before != ZERO:
                find(file, "the first frame of all has a frame before it", offset=36)
        elif self.end[0] != seq - 1:
            find(file, f"first frame {seq} follows frame {self.end[0]}", offset=28)
        elif self.end[1] is not None and self.end[1] != before:
            find(file, "header does not carry the hash of the frame before it", offset=36)

    def _walk(self, file, view, last):
        at = FILE_HEADER_BYTES
        while at < len(view):
            try:
                seq, before, digest, end = _frame_at(view, at)
            except Bad as broken:
                at = self._damage(file, view, at, last, str(broken))
                if at is None:
                    return
                continue
            if seq != self.end[0] + 1:
                self._report.find(file, f"frame {seq} follows frame {self.end[0]}", offset=at)
            elif self.end[1] is not None and before != self.end[1]:
                self._report.find(file, f"frame {seq} does not carry the hash of the frame before it", offset=at)
            self.end = (seq, digest)
            body = view[at + FRAME_HEAD_BYTES : end - FRAME_TAIL_BYTES]
            yield Frame(file, at, seq, before, digest, body)
            at = end

    def _damage(self, file, view, at, last, why):
        """Judges bytes that are no frame. Returns where to go on, or None at the end of the file."""
        try:
            further = _search(view, at + 1)
        except Bad as error:
            self._report.find(file, str(error), offset=at)
            return None
        if further is not None:
            self._report.find(file, f"{why}; a frame that holds follows at {further}", offset=at)
            # The frame behind the damage says what was before it: only the damage is reported, not its echo.
            self.end = (int.from_bytes(view[further + 4 : further + 12], "big") - 1, None)
            return further
        if last:
            self.tail = (file, at, len(view) - at, why)
        else:
            self._report.find(file, f"{why}, and another file follows", offset=at)
            self.end = (self.end[0], None) if self.end else None
        return None


@dataclass(slots=True)
class StoredEvent:
    """An event of a run; `spans` as `leaf.check_event` takes them."""

    offset: int
    key_number: int
    kind: int
    texts: list
    spans: tuple


@dataclass(frozen=True)
class Run:
    """Consecutive events of one trail. `events` yields `StoredEvent`s and raises `Bad` where the bytes break."""

    trail: str
    first: int
    count: int
    events: object


def _text(raw, start, end):
    try:
        return raw[start:end].decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("text is not UTF-8", start) from None


def records(body):
    """Yields `(offset, Run)` or `(offset, bytes of a note)` for each record of a frame's body."""
    at = 0
    while at < len(body):
        if len(body) - at < 5:
            raise Bad("record ends too early", at)
        kind, length = struct.unpack_from(">BI", body, at)
        inside, end = at + 5, at + 5 + length
        if end > len(body):
            raise Bad("record is longer than its frame", at)
        if kind == 1:
            yield at, _run(body, inside, end)
        elif kind == 2:
            yield at, body[inside:end]
        else:
            raise Bad(f"record of unknown type {kind}", at)
        at = end


def _run(body, start, end):
    named = start + 2 + int.from_bytes(body[start : start + 2], "big")
    if named + 12 > end:
        raise Bad("run ends too early", start)
    trail = _text(body, start + 2, named)
    first, count = struct.unpack_from(">QI", body, named)
    if count == 0 or first + count >= 1 << 63:
        raise Bad(f"run of {count} events from {first} on", start)
    return Run(trail, first, count, _events(body, named + 12, end, count))


def _events(body, at, end, count):
    for _ in range(count):
        inside = at + 4
        at = inside + int.from_bytes(body[at:inside], "big")
        if inside >= at or at > end:
            raise Bad("event is longer than its run", inside)
        try:
            event = _stored_event(body, inside, at)
        except (struct.error, IndexError):
            raise Bad("event ends too early", inside) from None
        yield event
    if at != end:
        raise Bad("bytes after the last event of a run", at)


def _stored_event(body, start, end):
    key_number, kind = struct.unpack_from(">QB", body, start)
    at, texts = start + 57, []
    for _ in (0, 1):
        inside = at + 4
        at = inside + int.from_bytes(body[at:inside], "big")
        if at >= end:
            raise Bad("part is longer than its event", inside)
        _text(body, inside, at)
        texts.append(body[inside:at])
    count, spans = body[at], ([], [])
    at += 1
    for _ in range(count):
        flags, length = body[at], body[at + 1]
        part, inside = flags & 0x7F, at + 2 + length
        if part > 1 or (part == 0 and spans[1]):
            raise Bad("span of an unknown part or out of order", at)
        path = _PATHS.get(body[at + 2 : inside]) or _text(body, at + 2, inside)
        first, length = struct.unpack_from(">II", body, inside)
        at = inside + 8
        hidden = None
        if flags & 0x80:
            hidden, at = body[at : at + 32], at + 32
        spans[part].append((path, first, length, hidden))
    if at != end:
        raise Bad("the spans of an event do not end with it", at)
    return StoredEvent(start, key_number, kind, texts, spans)
