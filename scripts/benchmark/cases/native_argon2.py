"""How many more password hashes a core makes with the build of `scripts/serve --native` than with the wheel."""

import sys

from scripts.benchmark.bench import Bench
from scripts.benchmark.installing import MissingError, argon2_builds
from scripts.benchmark.measuring import Comparison, Row, compare

TARGET = 1.5


def run(bench: Bench) -> list[Row]:
    """Measure both, with the parameters of the service's hashes; or say what is missing to build."""
    try:
        builds = argon2_builds(bench.options.cache)
    except MissingError as error:
        print(f"Without the native build of Argon2: {error}", file=sys.stderr)
        return []
    native = bench.argon2_alone("native build", builds.native)
    wheel = bench.argon2_alone("wheel of argon2-cffi-bindings", builds.wheel)
    comparison = Comparison("Argon2id, native build", native, wheel, TARGET)
    return compare([comparison], bench.options.slow_seconds, bench.options.repeats)
