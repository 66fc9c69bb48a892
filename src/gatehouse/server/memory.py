"""Memory that C code has freed, given back to the system.

glibc keeps what is freed for the thread that had it. After a crowd of logins that is the memory of a hash for each
thread that has hashed, and after hundreds of thousands of calls some free space between what lives long.
"""

import ctypes
import random
import threading

_EVERY_SECONDS = 60.0


def keep_giving_back(stop: threading.Event, every: float = _EVERY_SECONDS) -> None:
    """Give back what is free, about every so many seconds, until the event is set; not where the C library cannot.

    It takes up to some milliseconds, for which threads that ask for memory wait, and the next hash of a thread takes
    some more to get its own anew. Processes that began together do not all do it at once.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None and not stop.wait(every * random.uniform(0.5, 1.5)):  # noqa: S311  # nothing secret
        trim(ctypes.c_size_t(0))
