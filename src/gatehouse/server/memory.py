"""How C code's memory is kept small: threads share what is free, and now and then it goes back to the system.

By itself glibc gives threads parts of their own, up to eight for each core, and keeps what is freed in one of them for
those who use that one. After a crowd of logins that is the memory of a hash for each thread that has hashed, and after
hundreds of thousands of calls free space between what lives long, in each part.
"""

import ctypes
import random
import threading

_EVERY_SECONDS = 60.0

_M_ARENA_MAX = -8
"""What glibc's mallopt calls the number of parts. Source: mallopt(3)."""


def share_between_threads() -> None:
    """Have all threads of this process, and of those made from it, use the same free memory.

    To be called before there are threads; not where the C library cannot. They would wait for each other where many
    ask at once outside of Python, which here is for a hash or an answer of the database at most.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(1))


def keep_giving_back(stop: threading.Event, every: float = _EVERY_SECONDS) -> None:
    """Give back what is free, about every so many seconds, until the event is set; not where the C library cannot.

    It takes up to some milliseconds, for which threads that ask for memory wait, and the next hash of a thread takes
    some more to get its own anew. Processes that began together do not all do it at once.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None and not stop.wait(every * random.uniform(0.5, 1.5)):  # noqa: S311  # nothing secret
        trim(ctypes.c_size_t(0))
