"""The write-ahead log (formats/wal.md): files, frames, records."""

import mmap
import os
import re
import struct
from dataclasses import dataclass

from hashes import tagged
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


@dataclass(frozen=True)
class StoredEvent:
    """An event of a run; `spans` as `leaf.check_event` takes them."""

    offset: int
    key_number: int
    kind: int
    texts: tuple
    spans: tuple


@dataclass(frozen=True)
class Run:
    """Consecutive events of one trail. `events` yields `StoredEvent`s and raises `Bad` where the bytes break."""

    trail: str
    first: int
    count: int
    events: object


class _Reader:
    def __init__(self, raw, at, end):
        self.raw, self.at, self.end = raw, at, end

    def take(self, n):
        if n > self.end - self.at:
            raise Bad("record ends too early", self.at)
        self.at += n
        return self.raw[self.at - n : self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def text(self, n):
        start = self.at
        try:
            return self.take(n).decode("utf-8")
        except UnicodeDecodeError:
            raise Bad("text is not UTF-8", start) from None


def records(body):
    """Yields `(offset, Run)` or `(offset, bytes of a note)` for each record of a frame's body."""
    reader = _Reader(body, 0, len(body))
    while reader.at < len(body):
        start = reader.at
        kind, length = reader.number(1), reader.number(4)
        inside = reader.at
        reader.take(length)
        if kind == 1:
            yield start, _run(body, inside, reader.at)
        elif kind == 2:
            yield start, body[inside : reader.at]
        else:
            raise Bad(f"record of unknown type {kind}", start)


def _run(body, start, end):
    reader = _Reader(body, start, end)
    trail = reader.text(reader.number(2))
    first, count = reader.number(8), reader.number(4)
    if count == 0:
        raise Bad("run without events", start)
    return Run(trail, first, count, _events(reader, count))


def _events(reader, count):
    for _ in range(count):
        length = reader.number(4)
        start = reader.at
        yield _stored_event(_Reader(reader.raw, start, start + len(reader.take(length))))
    if reader.at != reader.end:
        raise Bad("bytes after the last event of a run", reader.at)


def _stored_event(reader):
    start = reader.at
    key_number, kind = reader.number(8), reader.number(1)
    reader.take(48)
    texts = []
    for _ in (0, 1):
        at, raw = reader.at, reader.take(reader.number(4))
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Bad("part is not UTF-8", at) from None
        texts.append(raw)
    spans = ([], [])
    for _ in range(reader.number(1)):
        flags = reader.number(1)
        part = flags & 0x7F
        if part > 1 or (part == 0 and spans[1]):
            raise Bad("span of an unknown part or out of order", reader.at - 1)
        path = reader.text(reader.number(1))
        spans[part].append((path, reader.number(4), reader.number(4), reader.take(32) if flags & 0x80 else None))
    if reader.at != reader.end:
        raise Bad("bytes after the spans of an event", reader.at)
    return StoredEvent(start, key_number, kind, tuple(texts), spans)
