"""Ten times the rows must not make a page of the panel slower: counted in what the database reads, not in seconds."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import Client

from gatehouse.app import create_app
from gatehouse.storage.engine import Database
from scripts.benchmark.panel import PASSWORD, pages, prepare
from scripts.benchmark.panel_rows import Amount
from tests import factories, postgres
from tests.conformance.admin.conftest import Visitor, _addressed

FEW, MANY = Amount().divided(1000), Amount().divided(100)
"""1,000 and 10,000 accounts, 4,000 and 40,000 audit entries, with 200 merchants each."""

GROWTH, BLOCKS, STEPS = 1.5, 60, 250
"""How much more may be read with ten times the rows: indexes are a level deeper, and pages that were not full are."""

Opened = Callable[[str], AbstractContextManager[str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Make a migrated database of this name and give its URL."""

    @contextmanager
    def sqlite(name: str) -> Iterator[str]:
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / f"{name}.db")
        yield f"sqlite:///{tmp_path / name}.db"

    @contextmanager
    def postgresql(name: str) -> Iterator[str]:
        template = request.getfixturevalue("postgres_template")
        server: postgres.Server = request.getfixturevalue("postgres_server")
        with server.database(f"growth_{name}", template) as url:
            yield url

    return sqlite if request.param == "sqlite" else postgresql


def _count_steps(database: Database, visitor: Visitor, path: str) -> int:
    """Return how many hundreds of instructions SQLite takes for the page."""
    counted = 0

    def count() -> None:
        nonlocal counted
        counted += 1

    def listen(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.set_progress_handler(count, 100)

    database.close()  # so that those that are kept are taken anew, too
    sa.event.listen(database.engine, "checkout", listen)
    try:
        _open(visitor, path)
    finally:
        sa.event.remove(database.engine, "checkout", listen)
    return counted


def _count_blocks(database: Database, visitor: Visitor, path: str) -> int:
    """Return how many blocks PostgreSQL reads for the page, from memory or not."""
    asked: list[tuple[str, Any]] = []

    def note(_db: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            asked.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        _open(visitor, path)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    assert asked
    counted = 0
    with database.reading() as db:
        for statement, parameters in asked:
            explained = db.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            plan = explained.scalar_one()[0]["Plan"]
            counted += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return counted


def _open(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code in (200, 303), path


def _cost_of_each_page(url: str, amount: Amount) -> dict[str, int]:
    database = Database(url)
    core = factories.make_core(database)
    prepare(core, amount)
    visitor = Visitor(Client(_addressed(create_app(core.settings, core))))
    assert visitor.sign_in("owner", PASSWORD).status_code == 303
    count = _count_steps if database.is_sqlite else _count_blocks
    costs = {name: count(database, visitor, path) for name, path in pages(amount).items()}
    database.close()
    return costs


@pytest.mark.timeout(400)
def test_no_page_reads_more_of_ten_times_the_rows(make_database: Opened):
    """Lists, searches and filters of a merchant that has four of five of all rows, and the owner's first page."""
    with make_database("few") as url:
        few = _cost_of_each_page(url, FEW)
    with make_database("many") as url:
        many = _cost_of_each_page(url, MANY)

    most = STEPS if url.startswith("sqlite") else BLOCKS
    assert {name: (few[name], cost) for name, cost in many.items() if cost > few[name] * GROWTH + most} == {}
