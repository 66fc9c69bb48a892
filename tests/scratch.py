"""Where tests put their databases: in memory where there is room, which takes a tenth of the time."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
MIN_FREE_BYTES = 1024**3
"""A server takes 50 MB and each database 8 MB; containers often have 64 MB in all, which is not enough."""


@contextlib.contextmanager
def scratch_folder(prefix: str, needed_bytes: int = MIN_FREE_BYTES) -> Iterator[Path]:
    """Make a folder that only its owner can enter, and remove it with all that is in it."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= needed_bytes
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if in_memory else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
