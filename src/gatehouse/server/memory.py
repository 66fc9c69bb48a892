"""Memory that C code has freed, given back to the system.

glibc keeps what is freed for the thread that had it. After a crowd of logins that is the memory of a hash for each
thread that has hashed, and after hundreds of thousands of calls some free space between what lives long.
"""

import ctypes
import threading

_EVERY_SECONDS = 60.0
"""It takes some milliseconds beside the calls, and the next hash of a thread some more to get its memory anew."""


def keep_giving_back(stop: threading.Event, every: float = _EVERY_SECONDS) -> None:
    """Give back what is free, every so many seconds, until the event is set; not where the C library cannot."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None and not stop.wait(every):
        trim(ctypes.c_size_t(0))
