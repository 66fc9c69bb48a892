"""gunicorn starts, watches, renews and stops the processes; each has its threads, and a delivery worker."""

import gc
import logging
import os
import signal
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.sock import UnixSocket
from gunicorn.workers.base import Worker

from gatehouse.app import Wsgi, create_app
from gatehouse.config import Settings, SettingsError
from gatehouse.delivery.background import background_of
from gatehouse.operations.clients import keep_writing_counts
from gatehouse.operations.core import Core, make_core
from gatehouse.security.certificates import read_certificate
from gatehouse.server import buffering
from gatehouse.server.balance import Balance
from gatehouse.server.memory import keep_giving_back

_TIMEOUT = 60
"""Seconds after which a process that does not even tell of itself is replaced."""

_KEEP_ALIVE = 30
"""Seconds that an idle connection of a client is kept; it holds no thread meanwhile."""

_CONNECTIONS = 800
"""Connections of a process, most of them idle. With them it stays below the usual limit of 1,024 files."""

_SOCKET_FILE = 0o660
"""Rights of the file of a socket: its user and group may call."""

_WORKER_STOP = 10
"""Seconds that a delivery under way has to finish when the process stops."""

_TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
"""Signals that tell a process to end."""

_log = logging.getLogger("gatehouse.server")


class FirstProcess(Arbiter):
    """gunicorn's first process, which makes the others. What tells one of them to end always arrives.

    A new process has the first one's handlers until it sets its own, and these put a signal where it looks for none.
    The first process would wait for it in vain, for as long as gunicorn allows (30 s), and then kill it.
    """

    def handle_hup(self) -> None:
        """Renew the processes, unless they could not serve: the old ones would be gone by then."""
        server: Any = self.app
        try:
            server.read_certificate()
        except SettingsError as error:
            _log.error("nothing is renewed: %s", error)
        else:
            super().handle_hup()

    def spawn_worker(self) -> Any:
        """Make a process, for which these signals wait until it can heed them (see `_begin`)."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_END)


class ServerLog(Logger):
    """gunicorn's own messages, written like all others (logs.py) and not beside them."""

    def setup(self, cfg: Any) -> None:
        """Take gunicorn's handlers away again."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):
    """gunicorn, configured by our settings and nothing else: neither its command line nor its environment count."""

    def __init__(self, settings: Settings, with_worker: bool, when_ready: Callable[[], None]) -> None:
        """`when_ready` is called once, when the address is bound and the processes are being started.

        Raises SettingsError where the certificate cannot be read.
        """
        self._settings = settings
        self._with_worker = with_worker
        self._when_ready = when_ready
        self._core: Core | None = None
        self.tls: ssl.SSLContext | None = None
        """What https is served with; a process has that which there was when it was made."""
        self.read_certificate()
        self._balance = Balance(2 * settings.workers)  # a reload makes new ones before the old ones end
        super().__init__()

    def run(self) -> None:
        """Serve until this process is told to end, and then end it."""
        FirstProcess(self).run()

    def read_certificate(self) -> None:
        """Read the certificate for all processes that are made from now on. Raises SettingsError, and keeps the old."""
        if self._settings.tls_certificate:
            self.tls = read_certificate(self._settings.tls_certificate, self._settings.tls_key)

    def load_config(self) -> None:
        """Set gunicorn's options."""
        options: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "worker_class": self._worker_class(),
            "worker_connections": _CONNECTIONS,
            "preload_app": True,
            "timeout": _TIMEOUT,
            "keepalive": self._keep_alive,
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": ServerLog,
            "umask": 0o027,
            "proc_name": "gatehouse",
            "when_ready": self._be_ready,
            "pre_fork": lambda _, worker: self._enter(worker),
            "child_exit": lambda _, worker: self._balance.leave(worker.place),
            "post_worker_init": lambda _: self._begin(),
            "worker_exit": lambda _, worker: self._end(worker),
        }
        if self._settings.tls_certificate:
            options["certfile"] = str(self._settings.tls_certificate)
            options["keyfile"] = str(self._settings.tls_key or self._settings.tls_certificate)
        for name, value in options.items():
            self.cfg.set(name, value)

    @property
    def _keep_alive(self) -> float:
        return min(_KEEP_ALIVE, self._settings.request_seconds)

    def _be_ready(self, arbiter: Any) -> None:
        for each in arbiter.LISTENERS:
            if isinstance(each, UnixSocket):
                # To call, a proxy of the service's group has to write, which the umask takes from it.
                os.chmod(each.cfg_addr, _SOCKET_FILE)
        self._when_ready()

    def load(self) -> Wsgi:  # type: ignore[override]  # the stubs ask for mutable mappings
        """Make the service, before there are processes, so that they share its memory.

        Nothing is connected, no thread runs and no lock is held yet: none of these would outlive the fork.
        """
        self._core = make_core(self._settings)
        app = create_app(self._settings, self._core)
        # What is there now stays: looking through it again and again would take time, and copy its memory.
        gc.collect()
        gc.freeze()
        return app

    def _worker_class(self) -> type[Worker]:
        settings = self._settings
        if settings.server == "granian":
            # Who does not use it need not load it.
            from gatehouse.server import granian

            return granian.worker_class(settings.request_seconds, self._keep_alive, settings.soap_max_bytes)
        return buffering.worker_class(settings.request_seconds, settings.soap_max_bytes, self._balance)

    def _enter(self, worker: Any) -> None:
        worker.place = self._balance.enter()

    def _end(self, worker: Any) -> None:
        # However its loop ended: from now on it takes none.
        self._balance.close(worker.place)
        _stop_threads()

    def _begin(self) -> None:
        """Do what is left to do in a process that is ready to serve."""
        self._start_threads()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_END)

    def _start_threads(self) -> None:
        """Start what runs in each process beside its requests."""
        assert self._core is not None
        _start("client-counts", partial(keep_writing_counts, self._core))
        _start("memory", keep_giving_back)
        if self._with_worker:
            for name, run in background_of(self._core).items():
                _start(name, run)


_stop = threading.Event()
_threads: list[threading.Thread] = []


def _start(name: str, run: Callable[[threading.Event], None]) -> None:
    thread = threading.Thread(target=run, args=(_stop,), name=name, daemon=True)
    _threads.append(thread)
    thread.start()


def _stop_threads() -> None:
    _stop.set()
    for thread in _threads:
        thread.join(_WORKER_STOP)
