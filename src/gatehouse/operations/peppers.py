"""Which pepper keys the kept hashes need, for an operator who replaces one."""

from dataclasses import dataclass

from gatehouse.operations.calls import Call
from gatehouse.operations.core import make_peppers
from gatehouse.security.peppers import MARKED, mark
from gatehouse.storage import password_hashes


@dataclass(frozen=True)
class PepperUse:
    """How many hashes of passwords and pincodes need which key.

    `by_name` are those of the keys that are configured, the newest first; `missing` need another one, and
    nobody can use those; `without` were made without any, and get one at the next login.
    """

    by_name: dict[str, int]
    missing: int
    without: int


def count_pepper_use(call: Call) -> PepperUse:
    """Count the hashes. It looks at all of them, so it takes a while where there are millions."""
    names = make_peppers(call.settings, call.keys).names
    with call.reading():
        return PepperUse(
            by_name={name: password_hashes.count_like(call.db, f"{mark(name)}%") for name in names},
            missing=password_hashes.count_like(call.db, MARKED, [f"{mark(name)}%" for name in names]),
            without=password_hashes.count_like(call.db, "%", [MARKED]),
        )
