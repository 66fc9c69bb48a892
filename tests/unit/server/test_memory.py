"""Whether what C code has freed comes back to the system."""

import json
import subprocess
import sys

BLOCKS, BLOCK_BYTES = 2_000, 64 * 1024

PROGRAM = f"""
import ctypes, json, resource, threading
from pathlib import Path
from gatehouse.server.memory import keep_giving_back

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

blocks = [libc.malloc(ctypes.c_size_t({BLOCK_BYTES})) for _ in range({BLOCKS})]
for each in blocks:
    ctypes.memset(each, 1, {BLOCK_BYTES})
# While the last one is used, the others are kept for the next who asks.
for each in blocks[:-1]:
    libc.free(each)
kept = resident()

stop = threading.Event()
thread = threading.Thread(target=keep_giving_back, args=(stop, 0.01))
thread.start()
for _ in range(1_000):
    if stop.wait(0.01) or resident() < kept - {BLOCKS * BLOCK_BYTES // 2}:
        break
stop.set()
thread.join()
print(json.dumps([kept, resident()]))
"""


def test_memory_is_given_back():
    """In a process of its own, whose memory nobody else uses."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)

    kept, then = json.loads(done.stdout)
    assert kept - then > 0.9 * BLOCKS * BLOCK_BYTES
