"""How many more password hashes a core makes with a build for this machine than with the wheel of the index."""

import json
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.native.builds import build_native, examine, fetch_wheel, unpack


@dataclass(frozen=True)
class Gain:
    """Hashes a second of one core, with the parameters of passwords: medians, and what they come to."""

    wheel: float
    native: float
    ratio: float


def measure(seconds: float = 2.0, repeats: int = 3) -> Gain:
    """Build and measure both, in turns, each in a process of its own that is pinned to one core.

    Raises CannotBuildError where there is no compiler, or a build does not hash as it should.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folders = unpack(fetch_wheel(Path(scratch))), unpack(build_native(Path(scratch)))
        rounds = [[examine(folder, seconds).rate for folder in folders] for _ in range(repeats)]
    wheel, native = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    return Gain(wheel, native, native / wheel)


if __name__ == "__main__":
    print(json.dumps(asdict(measure())))
