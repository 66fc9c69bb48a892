"""Where a reply on a kept connection ends."""

import re

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_LAST_CHUNK = b"\r\n0\r\n\r\n"


def head_of_whole(received: bytes) -> int | None:
    """Return where the head of a reply ends, which the empty line after it follows; None while not all of it is there.

    Raises ConnectionError for a reply that does not say where it ends.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = _LENGTH.search(received, 0, end + 2)
    if length is not None:
        return end if len(received) >= end + 4 + int(length[1]) else None
    if _CHUNKED.search(received, 0, end + 2) is None:
        raise ConnectionError("an answer without a length")
    return end if received.endswith(_LAST_CHUNK) else None


def is_last(received: bytes, head_end: int) -> bool:
    """Whether a reply, whose head ends here, says that none follows it on the connection. Source: RFC 9112, 9.6."""
    return _CLOSE.search(received, 0, head_end + 2) is not None
