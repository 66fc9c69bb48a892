"""`gatehouse worker`: delivers messages in the foreground."""

import logging
import signal
import threading

import click

from gatehouse.cli.opening import open_current_core
from gatehouse.delivery.worker import Worker
from gatehouse.logs import configure_logging
from gatehouse.operations.audit_seals import Sealer
from gatehouse.operations.hourly_counts import HourlyCounter

_THREAD_STOP = 5
"""Seconds that a seal or count under way has when the worker stops."""


@click.command
def worker() -> None:
    """Deliver mails and SMS, seal the audit trail and count what happened by the hour, until SIGTERM or SIGINT.

    "gatehouse serve" delivers by itself; this is for deliveries on another machine, with "serve --no-worker".
    Any number of workers may run.
    """
    stop = threading.Event()
    with open_current_core() as core:
        configure_logging(core.settings.log_level, core.settings.log_format)

        def end(_signal: int, _frame: object) -> None:
            stop.set()
            core.message_queued.set()  # ends the worker's wait

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)
        logging.getLogger("gatehouse.delivery").info("the worker delivers")
        sealing = threading.Thread(target=Sealer(core).run, args=(stop,), name="audit", daemon=True)
        sealing.start()
        counting = threading.Thread(target=HourlyCounter(core).run, args=(stop,), name="hourly-counts", daemon=True)
        counting.start()
        Worker(core).run(stop)
        for thread in (sealing, counting):
            thread.join(_THREAD_STOP)
