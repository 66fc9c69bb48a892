"""Makes a case that failed as small as it can be and still fails in the same way."""

from collections.abc import Callable
from dataclasses import replace

from scripts.fuzzing.cases import Case

_MOST_TRIES = 600

Fails = Callable[[Case], bool]


def minimise(case: Case, fails: Fails) -> Case:
    """Return the case with every header and every stretch of its body left out without which it fails as well."""
    tries = 0

    def still_fails(smaller: Case) -> bool:
        nonlocal tries
        tries += 1
        return tries <= _MOST_TRIES and fails(smaller)

    for name, _ in case.headers:
        smaller = case.with_header(name, None)
        if still_fails(smaller):
            case = smaller
    size = len(case.body) // 2
    while size >= 1 and tries < _MOST_TRIES:
        start = 0
        while start < len(case.body):
            smaller = replace(case, body=case.body[:start] + case.body[start + size :])
            if still_fails(smaller):
                case = smaller
            else:
                start += size
        size //= 2
    return case
