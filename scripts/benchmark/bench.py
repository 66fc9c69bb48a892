"""What the cases share: cores, a folder, databases and servers, each started when a case first asks for it."""

import contextlib
import dataclasses
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from gatehouse.config import Settings
from scripts.benchmark import envelopes, load
from scripts.benchmark.gatehouse import CONNECTIONS, Gatehouse, loaded
from scripts.benchmark.load import Outcome, Series
from scripts.benchmark.measuring import Arm
from scripts.benchmark.processes import Cores, Service, pinned, run_on, running
from tests import postgres

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
GUNICORN, GRANIAN = "gunicorn", "granian"

SECRET_KEY = "benchmark" * 4

UNLIMITED = {"GATEHOUSE_REQUESTS_PER_SOURCE": str(10**9), "GATEHOUSE_REQUESTS_PER_APPLICATION": str(10**9)}
"""All calls come from one address and one application. They are counted as always, and never too many."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How long and how often to measure, and how much of what takes long."""

    seconds: float
    slow_seconds: float
    """For calls of which there are some tens a second, and to warm up what compiles itself while it runs."""
    repeats: int
    mails: int
    memory_calls: int
    accounts: int
    sessions: int
    audit_entries: int
    cache: Path
    """Where the programs of others are installed."""
    database_bytes: int
    """Room that PostgreSQL needs: in memory where there is so much, else on the disk."""
    is_quick: bool = False
    must_have_postgresql: bool = False


class Bench:
    """Everything that runs is on the core of what is measured, and works while the others rest."""

    def __init__(self, cores: Cores, folder: Path, options: Options) -> None:
        """Take the cores, and a folder for databases and logs."""
        self.cores = cores
        self.folder = folder
        self.options = options
        self.stack = contextlib.ExitStack()
        self._gatehouses: dict[tuple[str, str], Gatehouse] = {}
        with pinned(cores.server):
            # What one process has by default depends on the cores that it may use.
            self.settings = Settings()

    def __enter__(self) -> "Bench":
        """Nothing is started before a case needs it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stack.close()

    @cached_property
    def postgresql(self) -> postgres.Server | None:
        """A PostgreSQL of our own on the server's core; None where there is none."""
        try:
            with pinned(self.cores.server):
                return self.stack.enter_context(postgres.running_server(needed_bytes=self.options.database_bytes))
        except postgres.PostgresMissingError as error:
            if self.options.must_have_postgresql:
                raise SystemExit(str(error)) from error
            print(f"Without PostgreSQL: {error}", file=sys.stderr)
            return None

    @cached_property
    def databases(self) -> Sequence[str]:
        """The kinds of databases that there are."""
        return [SQLITE, POSTGRESQL] if self.postgresql else [SQLITE]

    @cached_property
    def has_granian(self) -> bool:
        """Whether the service can be run under granian here."""
        is_setting = "server" in {each.name for each in dataclasses.fields(Settings)}
        has = is_setting and importlib.util.find_spec("granian") is not None
        if not has:
            print("Without granian: the service does not know it, or it is not installed.", file=sys.stderr)
        return has

    @cached_property
    def servers(self) -> Sequence[str]:
        """The servers that there are."""
        return [GUNICORN, GRANIAN] if self.has_granian else [GUNICORN]

    def new_database(self, name: str, kind: str) -> str:
        """Return the URL of a new, empty database."""
        if kind == SQLITE:
            return f"sqlite:///{self.folder / name}.db"
        assert self.postgresql is not None, "it was found before"
        return self.stack.enter_context(self.postgresql.database(name.lower()))

    def gatehouse(self, kind: str, server: str = GUNICORN) -> Gatehouse:
        """Return the service under this server, on a database of this kind of its own; started once."""
        key = (kind, server)
        if key not in self._gatehouses:
            name = f"{kind}-{server}"
            self._gatehouses[key] = self.stack.enter_context(
                self.start(name, self.new_database(name, kind), GATEHOUSE_SERVER=server)
            )
        return self._gatehouses[key]

    @contextlib.contextmanager
    def start(self, name: str, url: str, **environment: str) -> Iterator[Gatehouse]:
        """Run a service of its own on this database."""
        if not self.has_granian:
            environment.pop("GATEHOUSE_SERVER", None)
        folder = self.folder / name
        folder.mkdir()
        demo_file = folder / "demo.json"
        own = {"GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_SECRET_KEY": SECRET_KEY, **UNLIMITED, **environment}
        with running(self.cores.server, "gatehouse_server", folder / "log", str(demo_file), **own) as service:
            yield Gatehouse(service, url, json.loads(demo_file.read_text(encoding="utf-8")), self.cores)

    def bare(self, path: str, series: Series, of: Gatehouse, reply: Callable[[str], Any] = str) -> Arm:
        """Return calls of a `bare_service` as an arm."""
        service, same = self.bare_service(path, series, of, reply)
        return self.arm(f"gunicorn, {_BARE[path]}", service, [same] * CONNECTIONS)

    def bare_service(
        self, path: str, series: Series, of: Gatehouse, reply: Callable[[str], Any] = str
    ) -> tuple[Service, Series]:
        """Start a bare server that gives at this path what the service answers to the first call of the series.

        Returns it with its calls. `reply` makes of that answer what `bare_server.py` asks for.
        """
        name = f"bare-{path[1:]}-{len(list(self.folder.glob('bare-*.json')))}"
        answered = envelopes.body_of(load.ask(of.service.port, series.request)).decode()
        replies_file = self.folder / f"{name}.json"
        replies_file.write_text(json.dumps({path: reply(answered)}), encoding="utf-8")
        service = self.stack.enter_context(
            running(self.cores.server, "bare_server", self.folder / f"{name}.log", str(replies_file))
        )
        # Of a series that changes, the first request is as good as any.
        return service, Series(envelopes.to_path(path, series.request), series.mark)

    def arm(self, name: str, service: Service, many: Sequence[Series]) -> Arm:
        """Return calls of a server as an arm."""
        return loaded(name, service, many, self.cores)

    @property
    def argon2_parameters(self) -> tuple[str, str, str]:
        """The memory in KiB, the passes and the lanes of the service's hashes."""
        settings = self.settings
        return (str(settings.argon2_memory_kib), str(settings.argon2_passes), str(settings.argon2_lanes))

    def argon2_alone(self, name: str = "Argon2id alone", build: Path | None = None) -> Arm:
        """Return a process that only verifies a hash like those of the service, by a build or what is installed."""

        def measure(seconds: float) -> Outcome:
            own = [str(build)] if build else []
            printed = run_on(self.cores.server, "raw_argon2", str(seconds), *self.argon2_parameters, *own)
            return Outcome(**printed, slowest=0.0)

        return Arm(name, measure)


_BARE = {
    "/fixed": "fixed body",
    "/lxml": "lxml parse and build",
    "/json": "JSON parse and dump",
    "/sql": "same SQL by psycopg",
}
