"""Operators: the people who administer this installation."""

from sqlalchemy import Connection, insert, select

from gatehouse.storage.tables import operators


def exists(db: Connection, username: str) -> bool:
    """Whether there is an operator of this name."""
    return db.execute(select(operators.c.id).where(operators.c.username == username)).one_or_none() is not None


def add(db: Connection, **values: object) -> None:
    """Insert an operator."""
    db.execute(insert(operators).values(**values))
