"""A kept connection with at most one call under way, as little work for each call as can be."""

import socket
import ssl
from contextlib import suppress

from gatehouse.load.calls import Turn
from gatehouse.load.replies import head_of_whole, is_last
from gatehouse.load.target import Target

_CONNECTED_WITHIN = 10.0


class Reply:
    """An answer: its HTTP status, and its body with what may stand around it when it was sent in chunks."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes) -> None:
        """Take the values."""
        self.status, self.body = status, body


class Connection:
    """One connection. `turn` is the call under way, which was to begin at `intended` and was sent at `sent`."""

    __slots__ = ("_closes", "_received", "_target", "_tls", "intended", "sent", "socket", "turn")

    def __init__(self, target: Target, tls: ssl.SSLContext | None) -> None:
        """Take the target. Nothing is connected before the first call."""
        self._target, self._tls = target, tls
        self._received, self._closes = b"", False
        self.socket: socket.socket | None = None
        self.turn: Turn | None = None
        self.intended = self.sent = 0.0

    def open(self) -> socket.socket:
        """Connect, and return what is to be watched for answers. Raises OSError."""
        opened = socket.create_connection((self._target.host, self._target.port), timeout=_CONNECTED_WITHIN)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            opened = self._tls.wrap_socket(opened, server_hostname=self._target.host)
        opened.setblocking(False)
        self.socket = opened
        return opened

    def send(self, turn: Turn, intended: float, now: float) -> None:
        """Send a call, which is small enough to go at once. Raises OSError."""
        assert self.socket is not None, "it is opened before"
        self.turn, self.intended, self.sent = turn, intended, now
        self._received = b""
        self.socket.sendall(turn.request)

    def receive(self) -> Reply | None:
        """Take what has come; return the answer when all of it is there. Raises OSError, also at an early end."""
        assert self.socket is not None, "it is opened before"
        try:
            part = self.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if not part:
            raise ConnectionError("the server closed the connection")
        self._received += part
        while isinstance(self.socket, ssl.SSLSocket) and (more := self.socket.pending()):
            self._received += self.socket.recv(more)
        return self._reply()

    @property
    def closes(self) -> bool:
        """Whether the server said that this answer is the last on the connection."""
        return self._closes

    def close(self) -> None:
        """Hang up."""
        if self.socket is not None:
            with suppress(OSError):
                self.socket.close()
        self.socket, self.turn, self._received, self._closes = None, None, b"", False

    def _reply(self) -> Reply | None:
        received = self._received
        end = head_of_whole(received)
        if end is None:
            return None
        self._closes = is_last(received, end)
        return Reply(int(received[9:12]), received[end + 4 :])
