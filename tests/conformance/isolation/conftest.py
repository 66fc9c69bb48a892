"""Fixtures: the two merchants as they were when nothing had been tried yet, for every test."""

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatehouse.app import create_app
from gatehouse.storage.engine import Database
from tests import factories
from tests.conformance.isolation.world import ROOM, Dump, House, World, changed, make_houses, moved
from tests.conformance.soap import Client

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Template:
    """A file with both merchants in it that others are copied from."""

    path: Path
    north: House
    south: House

    def copy(self, path: Path, **settings: Any) -> World:
        """Return a world over a copy of the file."""
        shutil.copy(self.path, path)
        core = factories.make_core(Database(f"sqlite:///{path}"), **(ROOM | settings))
        return World(core, moved(self.north, core), moved(self.south, core), Client(create_app(core.settings, core)))


@pytest.fixture(scope="session")
def world_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The file and its merchants."""
    path = tmp_path_factory.mktemp("isolation") / "template.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    north, south = make_houses(factories.make_core(database, **ROOM))
    database.close()
    return Template(path, north, south)


@pytest.fixture(scope="module")
def kept_world(world_template: Template, sqlite_folder: Path) -> Iterator[tuple[World, Path, Dump]]:
    """A world that tests share, its file, and its rows as they were in the beginning."""
    path = sqlite_folder / f"isolation-{next(_numbers)}.db"
    world = world_template.copy(path)
    yield world, path, world.dump()
    world.core.database.close()


@pytest.fixture
def world(kept_world: tuple[World, Path, Dump], world_template: Template) -> World:
    """Both merchants on the default settings, but for the limits of guessing: as if no test had been before."""
    world, path, untouched = kept_world
    if changed(untouched, world.dump()):
        # Far faster than another service.
        with closing(sqlite3.connect(world_template.path)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        assert not changed(untouched, world.dump())
    return world


@pytest.fixture
def make_world(world_template: Template, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make a world of the test's own, with settings as given."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(world_template.copy(tmp_path / f"world-{len(made)}.db", **settings))
        return made[-1]

    yield make
    for world in made:
        world.core.database.close()


@pytest.fixture(params=["north", "south"])
def houses(request: pytest.FixtureRequest, world: World) -> tuple[House, House]:
    """The merchant that is called and the other one: each of them once."""
    return (world.north, world.south) if request.param == "north" else (world.south, world.north)
