"""Fixtures: a database of each kind, freshly migrated for every test, and what stands on it."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse.operations.core import Core
from gatehouse.storage import schema
from gatehouse.storage.engine import Database
from tests import factories, postgres
from tests.documented_tests import DocumentedTests, named_tests
from tests.redis_server import RedisServer
from tests.scratch import scratch_folder

_TEMPLATE = "gatehouse_template"
_database_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Hold a whole run to the tests that docs/security.md names."""
    named = ["::".join(filter(None, each)) for each in named_tests()]
    config.pluginmanager.register(DocumentedTests(config, named))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """One server for the session; without PostgreSQL the tests that want it fail and say what to install."""
    try:
        with postgres.running_server() as server:
            yield server
    except postgres.PostgresMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: postgres.Server) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    with postgres_server.database(_TEMPLATE) as url:
        _migrate(url)
        yield _TEMPLATE


@pytest.fixture(scope="session")
def sqlite_folder() -> Iterator[Path]:
    """The folder of the session's SQLite databases."""
    with scratch_folder("gatehouse-sqlite-") as folder:
        yield folder


@pytest.fixture(scope="session")
def sqlite_template(sqlite_folder: Path) -> Path:
    """A migrated file that others are copied from."""
    path = sqlite_folder / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, sqlite_folder: Path) -> Iterator[str]:
    """The URL of a database without tables, on each kind of server."""
    if request.param == "sqlite":
        path = sqlite_folder / f"empty_{next(_database_numbers)}.db"
        path.touch()
        yield f"sqlite:///{path}"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    with server.database(f"empty_{next(_database_numbers)}") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, sqlite_folder: Path) -> Iterator[str]:
    """The URL of a migrated database of the test's own, on each kind of server."""
    if request.param == "sqlite":
        path = sqlite_folder / f"test_{next(_database_numbers)}.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        path.unlink()
        return
    template = request.getfixturevalue("postgres_template")
    server: postgres.Server = request.getfixturevalue("postgres_server")
    with server.database(f"test_{next(_database_numbers)}", template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The test's database, closed after it."""
    opened = Database(database_url, connections=40)
    yield opened
    opened.close()


@pytest.fixture
def core(database: Database) -> Core:
    """The parts that operations work with. `core.now` is a clock that a test moves by hand."""
    return factories.make_core(database)


@pytest.fixture
def shop(core: Core) -> factories.Shop:
    """A merchant with an application and an account."""
    return factories.make_shop(core)


def _migrate(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    database.close()


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis server of the test's own, which is waited for as long as a busy machine needs while it is there."""
    monkeypatch.setattr("gatehouse.security.shared_counts._TIMEOUT", 20)
    server = RedisServer()
    server.start()
    yield server
    server.stop()
