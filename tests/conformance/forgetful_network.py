"""A network between the service and its database, whose firewall may forget connections."""

import contextlib
import ctypes
import selectors
import socket
import struct
import threading
from collections.abc import Iterator

_SO_ATTACH_FILTER = 26
_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A filter of packets (BPF) with one instruction: return 0, which is to let none of them in. Source: socket(7)."""


class Network:
    """Hands on what comes to a port of its own, to another port of this machine and back."""

    def __init__(self, to_port: int) -> None:
        """Listen; `serve` hands on."""
        self._to_port = to_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        self._handing: list[threading.Thread] = []
        self._lock = threading.Lock()

    def forget(self) -> int:
        """Drop every packet of the connections that are open, without a word to anybody; return how many they are.

        The kernel sees none of them, and so confirms none either, which is what the other end notices in the end.
        """
        program = ctypes.create_string_buffer(_NOTHING)
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.setsockopt(
                        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program))
                    )
            return len(self._open)

    def serve(self) -> None:
        """Take connections until the network is closed."""
        while True:
            try:
                caller, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return
            with self._lock:
                self._open.append(caller)
            handing = threading.Thread(target=self._hand_on, args=(caller, server))
            handing.start()
            self._handing.append(handing)

    def close(self) -> None:
        """Take no connection any more, and close those that are open."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        for handing in self._handing:
            handing.join()

    def _hand_on(self, caller: socket.socket, server: socket.socket) -> None:
        with caller, server, selectors.DefaultSelector() as both, contextlib.suppress(OSError):
            both.register(caller, selectors.EVENT_READ, server)
            both.register(server, selectors.EVENT_READ, caller)
            while True:
                for key, _ in both.select():
                    sent = key.fileobj.recv(65536)  # type: ignore[union-attr]  # it is one of the two sockets
                    if not sent:
                        return
                    key.data.sendall(sent)


@contextlib.contextmanager
def network_to(port: int) -> Iterator[Network]:
    """Give a network to this port."""
    network = Network(port)
    thread = threading.Thread(target=network.serve, daemon=True)
    thread.start()
    try:
        yield network
    finally:
        network.close()
        thread.join()
