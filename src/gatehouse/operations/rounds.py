"""Rounds of what works in the background: whatever one of them runs into, its thread goes on."""

import logging
from collections.abc import Callable

from gatehouse.domain.errors import UnavailableError, place_of


def attempt(step: Callable[[], object], log: logging.Logger, unavailable: str, failed: str) -> bool:
    """Do a step; return whether it went well. What it raises is logged, and no more.

    `unavailable` is the line for a database that is away, and `failed` the one for a bug; each has a `%s`, for what
    kind of error it was or where it came from.
    """
    try:
        step()
    except UnavailableError as error:
        log.warning(unavailable, error)
    except Exception as error:  # the thread must outlive whatever one round ran into
        log.error(failed, place_of(error))
    else:
        return True
    return False
