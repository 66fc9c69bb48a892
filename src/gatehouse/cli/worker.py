"""`gatehouse worker`: delivers messages in the foreground."""

import logging
import signal
import threading

import click

from gatehouse.cli.opening import open_current_core
from gatehouse.delivery.background import DELIVERY, background_of
from gatehouse.logs import configure_logging

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
        runs = dict(background_of(core))
        deliver = runs.pop(DELIVERY)
        threads = [threading.Thread(target=run, args=(stop,), name=name, daemon=True) for name, run in runs.items()]
        for thread in threads:
            thread.start()
        deliver(stop)
        for thread in threads:
            thread.join(_THREAD_STOP)
