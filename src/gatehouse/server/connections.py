"""A connection of a caller, as the loop of a process and its threads know it."""

import socket
from dataclasses import dataclass
from typing import Any

from gatehouse.server.framing import Frame


@dataclass(eq=False, slots=True)
class Connection:
    """A connection whose socket never waits, except while a thread sends a long answer."""

    sock: socket.socket
    client: Any
    """The caller's address and port; nothing that tells anything of a Unix socket."""
    server: Any
    frame: Frame
    """The request that arrives."""
    requests: int = 0
    """How many have come."""
    watched: int = 0
    """What the loop waits for on it; 0 while it waits for nothing."""
