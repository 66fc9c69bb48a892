"""Whether threads share what C code has freed, and whether it comes back to the system."""

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


SHARING = """
import ctypes, json, threading
import xml.etree.ElementTree as ElementTree
from gatehouse.server.memory import share_between_threads

share_between_threads()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)

def ask():
    together.wait()
    for _ in range(1_000):
        libc.malloc(ctypes.c_size_t(1_000))
    together.wait()

threads = [threading.Thread(target=ask) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
libc.open_memstream.restype = ctypes.c_void_p
text, length = ctypes.c_char_p(), ctypes.c_size_t()
stream = ctypes.c_void_p(libc.open_memstream(ctypes.byref(text), ctypes.byref(length)))
libc.malloc_info(0, stream)
libc.fclose(stream)
print(len(ElementTree.fromstring(text.value).findall("heap")))
"""


def test_threads_share_free_memory():
    done = subprocess.run([sys.executable, "-c", SHARING], capture_output=True, text=True, timeout=60, check=True)

    assert int(done.stdout) == 1
