"""`gatehouse worker`: delivers messages in the foreground."""

import logging
import signal
import threading

import click

from gatehouse.cli.opening import open_current_core
from gatehouse.delivery.worker import Worker


@click.command
def worker() -> None:
    """Deliver mails and SMS until SIGTERM or SIGINT.

    "gatehouse serve" delivers by itself; this is for deliveries on another machine, with "serve --no-worker".
    Any number of workers may run.
    """
    stop = threading.Event()
    with open_current_core() as core:
        logging.basicConfig(level=core.settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

        def end(_signal: int, _frame: object) -> None:
            stop.set()
            core.message_queued.set()  # ends the worker's wait

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)
        logging.getLogger("gatehouse.delivery").info("the worker delivers")
        Worker(core).run(stop)
