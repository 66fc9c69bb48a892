"""Opens what a command works with: the settings from the environment, the core and a call on it."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

from gatehouse.config import read_settings
from gatehouse.domain.errors import AdministrationError
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core, make_core
from gatehouse.operations.schema import is_schema_current


@contextmanager
def open_core() -> Iterator[Core]:
    """Give the core that the environment describes, whatever the state of its database. Raises SettingsError."""
    core = make_core(read_settings(os.environ))
    core.database.make_file()
    try:
        yield core
    finally:
        core.database.close()
        core.passwords.close()


@contextmanager
def open_current_core() -> Iterator[Core]:
    """Give the core, with a database of the current schema. Raises AdministrationError when it is not."""
    with open_core() as core:
        if not is_schema_current(core):
            raise AdministrationError('the schema of the database is not current, run "gatehouse migrate" first')
        yield core


@contextmanager
def open_call() -> Iterator[Call]:
    """Give a call for one administrative change or question."""
    with open_current_core() as core:
        yield Call(core, Caller(source=f"cli:{_operator()}"))


def _operator() -> str:
    """Return who runs the command, as far as the machine tells, for the audit trail."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        # A container may run as a number that has no name.
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
