"""What callers may take of a process before they are dropped, and how gunicorn's processes share connections out."""

LINGER_SECONDS = 2.0
"""How long what a refused sender still sends is thrown away, so that it reads the refusal. Source: RFC 9112, 9.6."""

LINGER_BYTES = 1024 * 1024

STOP_SECONDS = 2.0
"""How long a stopping process waits for requests of which only a part has come."""

UNREAD_SECONDS = 45.0
"""How long a client may leave its answer unread."""

UNREAD_BYTES = 1024 * 1024
"""Most of an answer that is kept for a caller who is slow to read it. A thread waits with what is beyond it."""

MAX_HELD_BYTES = 32 * 1024 * 1024
"""Most bytes of unfinished requests in a process, and of unread answers. Beyond it, who has been slow for longest is
dropped."""

PROBE_THREADS = 2
"""Threads for what load balancers ask. Behind a crowd of callers they would learn too late that it is there."""

MORE_CONNECTIONS = 2
"""How many more than another process one may have. With none, processes that have as many leave them to each other."""

LEFT_SECONDS = 0.005
"""How long a new connection is left to a process that has fewer, which may be busy, or hang."""

LEFT_LOOK_SECONDS = 0.001
"""After which it is looked whether the other has caught up."""

LEFT_BATCH = 4
"""Connections that are then taken at once: while a process hangs, the others should not take one each 5 ms."""

FAR_MORE_SHARE, FAR_MORE_BASE = 1.5, 4
"""One and a half times as many connections, and four beside, are so many more that a process gives some of them up."""

GIVEN_UP_SECONDS = 0.02
"""Between two that it gives up: 50 a second cost little, also where each comes back with a new handshake of TLS."""

IN_VAIN_SECONDS = 1.0
"""For which nothing is given up after a new connection was left to a process that did not take it: it may hang."""
