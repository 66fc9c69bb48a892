"""The schema of the database, as an operator brings it up to date."""

from gatehouse.operations.core import Core
from gatehouse.storage import schema


def upgrade_schema(core: Core) -> bool:
    """Bring the schema to the newest revision. Returns whether there was something to do."""
    return schema.upgrade(core.database)


def is_schema_current(core: Core) -> bool:
    """Whether the schema is the one that this version of the program works with."""
    return schema.is_current(core.database)
