"""The service under gunicorn: processes, threads, and a delivery worker in each process."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from gatehouse.app import Wsgi, create_app
from gatehouse.config import Settings
from gatehouse.delivery.worker import Worker
from gatehouse.operations.core import make_core

_TIMEOUT = 60
"""Seconds after which a process that does not even tell of itself is replaced."""

_KEEP_ALIVE = 30
"""Seconds that an idle connection of a client is kept; it holds no thread meanwhile."""

_WORKER_STOP = 10
"""Seconds that a delivery under way has to finish when the process stops."""


class Server(BaseApplication):
    """gunicorn, configured by our settings and nothing else: neither its command line nor its environment count."""

    def __init__(self, settings: Settings, with_worker: bool, when_ready: Callable[[], None]) -> None:
        """`when_ready` is called once, when the address is bound and the processes are being started."""
        self._settings = settings
        self._with_worker = with_worker
        self._when_ready = when_ready
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options."""
        options: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "worker_class": "gthread",
            "timeout": _TIMEOUT,
            "keepalive": _KEEP_ALIVE,
            # Forwarded headers are ours to judge (fronts/http.py); gunicorn would trust any local process.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,
            "loglevel": "warning",
            "umask": 0o027,
            "proc_name": "gatehouse",
            "when_ready": lambda _: self._when_ready(),
            "worker_exit": _stop_worker,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Wsgi:  # type: ignore[override]  # the stubs ask for mutable mappings
        """Make the service of one process; connections must not be shared with another."""
        core = make_core(self._settings)
        if self._with_worker:
            _start_worker(Worker(core))
        return create_app(self._settings, core)


_stop = threading.Event()
_threads: list[threading.Thread] = []


def _start_worker(worker: Worker) -> None:
    thread = threading.Thread(target=worker.run, args=(_stop,), name="delivery", daemon=True)
    _threads.append(thread)
    thread.start()


def _stop_worker(_arbiter: Any, _worker: Any) -> None:
    _stop.set()
    for thread in _threads:
        thread.join(_WORKER_STOP)


def configure_logging(level: str) -> None:
    """Write log lines to the standard error stream."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
