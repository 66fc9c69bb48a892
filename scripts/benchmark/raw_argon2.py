"""Verifies one Argon2id hash over and over, with nothing around it, and prints what that came to.

Arguments: seconds, memory in KiB, passes, lanes, and the folder of a build of argon2-cffi-bindings, if it is not to be
the installed one.
"""

import json
import sys
import time
from pathlib import Path

_PASSWORD = "correct horse battery staple"


def main(seconds: str, memory_kib: str, passes: str, lanes: str, build: str = "") -> None:
    """Verify in this one process for so many seconds."""
    if build:
        sys.path.insert(0, build)
    import _argon2_cffi_bindings
    import argon2

    if build and not Path(_argon2_cffi_bindings.__file__).is_relative_to(build):
        sys.exit(f"the build of {build} is not what is used")
    hasher = argon2.PasswordHasher(time_cost=int(passes), memory_cost=int(memory_kib), parallelism=int(lanes))
    kept = hasher.hash(_PASSWORD)
    hasher.verify(kept, _PASSWORD)
    calls, cpu, started = 0, time.process_time(), time.perf_counter()
    while (elapsed := time.perf_counter() - started) < float(seconds):
        hasher.verify(kept, _PASSWORD)
        calls += 1
    print(json.dumps({"calls": calls, "seconds": elapsed, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main(*sys.argv[1:])
