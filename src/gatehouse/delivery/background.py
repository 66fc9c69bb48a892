"""What runs beside the calls, wherever messages are delivered: in `gatehouse serve` and in `gatehouse worker`."""

import threading
from collections.abc import Callable, Mapping

from gatehouse.delivery.worker import Worker
from gatehouse.operations.audit_seals import Sealer
from gatehouse.operations.core import Core
from gatehouse.operations.hourly_counts import HourlyCounter

DELIVERY = "delivery"


def background_of(core: Core) -> Mapping[str, Callable[[threading.Event], None]]:
    """Return what is to run until its event is set, each in a thread of its own, by the thread's name."""
    return {DELIVERY: Worker(core).run, "audit": Sealer(core).run, "hourly-counts": HourlyCounter(core).run}
