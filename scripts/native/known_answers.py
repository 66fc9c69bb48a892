"""Checks the Argon2 that is imported against known answers, and measures it on one core.

Run as a program with the folder of a build of argon2-cffi-bindings, or none for the one that is installed, and the
seconds to measure. It prints JSON: `rate`, the hashes a second, and `digest`, which is the same for builds that agree.
"""

import hashlib
import json
import os
import sys
import time
from typing import Any

VECTORS = (
    # Type, passes, KiB, lanes, and the hash of "password" with the salt "somesalt".
    # Source: the tests of the reference implementation, phc-winner-argon2, src/test.c.
    ("ID", 2, 65536, 1, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
    ("ID", 2, 256, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
    ("ID", 2, 256, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
    ("I", 2, 65536, 1, "c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0"),
)

RFC_9106_ID = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
"""Argon2id with a secret and associated data. Source: RFC 9106, 5.3."""

_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
"""What passwords are hashed with unless the settings say otherwise."""


def wrong_answers() -> list[str]:
    """Return what is not as it should be; nothing, of a right build."""
    from argon2.low_level import Type, hash_secret_raw

    found = []
    for kind, passes, kib, lanes, expected in VECTORS:
        if hash_secret_raw(b"password", b"somesalt", passes, kib, lanes, 32, Type[kind]).hex() != expected:
            found.append(f"Argon2{kind.lower()} with {passes} passes, {kib} KiB and {lanes} lanes")
    if _rfc_9106() != RFC_9106_ID:
        found.append("Argon2id of RFC 9106")
    return found


def _rfc_9106() -> str:
    from argon2.low_level import Type, core, ffi

    given: dict[str, Any] = {}
    for name, value in (("pwd", b"\1" * 32), ("salt", b"\2" * 16), ("secret", b"\3" * 8), ("ad", b"\4" * 12)):
        given |= {name: ffi.new("uint8_t[]", value), f"{name}len": len(value)}
    out = ffi.new("uint8_t[]", 32)
    given |= {"out": out, "outlen": 32, "version": 0x13, "t_cost": 3, "m_cost": 32, "lanes": 4, "threads": 4}
    given |= {"allocate_cbk": ffi.NULL, "free_cbk": ffi.NULL, "flags": 0}
    code = core(ffi.new("argon2_context *", given), Type.ID.value)
    return bytes(ffi.buffer(out, 32)).hex() if code == 0 else f"error {code}"


def digest_of_many() -> str:
    """Return a digest of hashes with many lengths, sizes and numbers of lanes."""
    from argon2.low_level import Type, hash_secret_raw

    whole = hashlib.sha256()
    for number in range(1, 40):
        secret, salt = b"p" * (number * 7 % 130), bytes([number]) * (8 + number % 24)
        lanes = 1 + number % 4
        for kind in Type:
            kib = 8 * lanes + number * 13
            whole.update(hash_secret_raw(secret, salt, 1 + number % 3, kib, lanes, 16 + number, kind))
    return whole.hexdigest()


def rate(seconds: float) -> float:
    """Return how many hashes with the parameters of passwords a second of one core is enough for."""
    from argon2.low_level import Type, hash_secret_raw

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    count, cpu, started = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - started < seconds or count < 3:
        hash_secret_raw(b"correct horse battery staple", b"s" * 16, _PASSES, _MEMORY_KIB, _LANES, 32, Type.ID)
        count += 1
    return count / (time.process_time() - cpu)


def main(folder: str, seconds: str) -> None:
    """Check and measure. The exit status is 1, and the standard error stream says why, when an answer is wrong."""
    if folder:
        sys.path.insert(0, folder)
    wrong = wrong_answers()
    if wrong:
        sys.exit("wrong: " + ", ".join(wrong))
    print(json.dumps({"digest": digest_of_many(), "rate": rate(float(seconds))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
