"""Where a request ends on a connection: told from its bytes as they come, without reading more than is needed for that.

This decides only when a request is handed to a thread. Whether it is well-formed is gunicorn's to judge, so whatever is
odd is handed over at once.
"""

import re
from enum import Enum

MAX_HEAD_BYTES = 64 * 1024
"""Largest request line and headers together; eight times what servers of the old service took (IIS: 16 KiB)."""

_RAW_PER_BYTE = 8
"""Most bytes on the wire for one byte of a chunked body: a chunk of one byte takes six."""

_TELLING = re.compile(rb"\r\n(content-length|transfer-encoding|expect):((?:(?!\r\n).)*)", re.IGNORECASE | re.DOTALL)
"""The headers that tell of the body."""

_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{1,16}")


class Progress(Enum):
    """How far a request has come."""

    UNFINISHED = "unfinished"
    WHOLE = "whole"
    TOO_LARGE = "too large"
    """Its body is, or will be, larger than the limit: the rest need not be waited for."""
    HEAD_TOO_LARGE = "head too large"
    WASTEFUL = "wasteful"
    """Its body is in chunks so small that they are a waste of everybody's time."""


class Frame:
    """The bytes of one request, and of what follows it, as far as they have come."""

    def __init__(self, max_body_bytes: int) -> None:
        """Begin with nothing."""
        self.received = bytearray()
        self.awaits_continue = False
        """Whether the sender waits for `100 Continue` before it sends the body. Source: RFC 9110, 10.1.1."""
        self._max_body_bytes = max_body_bytes
        self._body_start: int | None = None
        self._length: int | None = None
        self._chunks: _Chunks | None = None

    def add(self, data: bytes) -> Progress:
        """Take what has come, and return how far the request is."""
        before = len(self.received)
        self.received += data
        if self._body_start is None:
            end = self.received.find(b"\r\n\r\n", max(before - 3, 0))
            if end < 0:
                return self._headless(before)
            self._body_start = end + 4
            if not self._read_head(bytes(self.received[:end])):
                return Progress.WHOLE
        if self._chunks is not None:
            return self._add_chunks()
        if self._length is None:
            return Progress.WHOLE
        if self._length > self._max_body_bytes:
            return Progress.TOO_LARGE
        return self._of(len(self.received) >= self._body_start + self._length)

    def _headless(self, before: int) -> Progress:
        """Return the progress of a head that has not ended. Lines that end otherwise are refused, so never end it."""
        if len(self.received) > MAX_HEAD_BYTES:
            return Progress.HEAD_TOO_LARGE
        start = max(before - 1, 0) if self.received[max(before - 1, 0) : before] == b"\r" else before
        return self._of(self.received.count(b"\n", start) != self.received.count(b"\r\n", start))

    def _read_head(self, head: bytes) -> bool:
        """Find out how the body's end is told. False when it has none, or is told in a way to be refused."""
        lengths: list[bytes] = []
        codings: list[bytes] = []
        expects = False
        for name, value in _TELLING.findall(head):
            match name.lower():
                case b"content-length":
                    lengths.append(value.strip())
                case b"transfer-encoding":
                    codings.append(value.strip().lower())
                case b"expect":
                    expects = value.strip().lower() == b"100-continue"
        if codings:
            if lengths or codings != [b"chunked"]:
                return False
            self._chunks = _Chunks()
        elif len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) < 20:
            self._length = int(lengths[0])
        else:
            return False
        self.awaits_continue = expects and not head.lstrip(b"\r\n").partition(b"\r\n")[0].endswith(b"HTTP/1.0")
        return True

    def _add_chunks(self) -> Progress:
        assert self._chunks is not None
        assert self._body_start is not None
        is_over = self._chunks.scan(self.received, self._body_start)
        if self._chunks.received_size > self._max_body_bytes:
            return Progress.TOO_LARGE
        if is_over:
            return Progress.WHOLE
        raw = len(self.received) - self._body_start
        return Progress.WASTEFUL if raw > _RAW_PER_BYTE * self._max_body_bytes else Progress.UNFINISHED

    @staticmethod
    def _of(is_whole: bool) -> Progress:
        return Progress.WHOLE if is_whole else Progress.UNFINISHED


class _Chunks:
    """Walks over the chunks of a body. Source: RFC 9112, 7.1."""

    def __init__(self) -> None:
        self.received_size = 0
        """Bytes of the body so far."""
        self._announced_size = 0
        self._position = 0
        """Where the next line, of a size or a trailer, begins; counted from the body's start."""
        self._searched = 0
        self._in_trailer = False

    def scan(self, received: bytearray, start: int) -> bool:
        """Walk on as far as there are bytes. True when the body has ended, or is odd and so is refused."""
        while start + self._position <= len(received):
            line_start = start + self._position
            end = received.find(b"\r\n", max(line_start, self._searched - 1))
            if end < 0:
                self._searched = len(received)
                break
            line = bytes(received[line_start:end])
            self._position = end + len(b"\r\n") - start
            if self._in_trailer:
                if not line:
                    self.received_size = self._announced_size
                    return True
                continue
            digits = line.partition(b";")[0].strip()
            if not _HEXADECIMAL.fullmatch(digits):
                return True
            size = int(digits, 16)
            self._in_trailer = size == 0
            if size:
                self._announced_size += size
                self._position += size + len(b"\r\n")
        missing = max(start + self._position - len(b"\r\n") - len(received), 0)
        self.received_size = self._announced_size - missing
        return False
