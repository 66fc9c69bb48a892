"""fastapi-users with access tokens in the database, as its documentation sets it up.

DATABASE is the file, to which there are THREADS connections: each has a thread of its own.
"""

import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase, SQLAlchemyBaseAccessTokenTableUUID
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

engine = create_async_engine(
    f"sqlite+aiosqlite:///{os.environ['DATABASE']}", pool_size=int(os.environ["THREADS"]), max_overflow=0
)
make_session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def use_wal(connection, _record) -> None:
    """Have the journal as ours."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


class Base(DeclarativeBase):
    """The tables."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """The accounts."""


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    """The sessions."""


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """As it comes."""


async def session() -> AsyncGenerator[AsyncSession, None]:
    """Give a session of the database."""
    async with make_session() as opened:
        yield opened


async def users(opened: Annotated[AsyncSession, Depends(session)]):
    """Give the accounts."""
    yield SQLAlchemyUserDatabase(opened, User)


async def tokens(opened: Annotated[AsyncSession, Depends(session)]):
    """Give the sessions."""
    yield SQLAlchemyAccessTokenDatabase(opened, AccessToken)


async def manager(found: Annotated[SQLAlchemyUserDatabase, Depends(users)]):
    """Give the manager of the accounts."""
    yield UserManager(found)


def strategy(found: Annotated[SQLAlchemyAccessTokenDatabase, Depends(tokens)]) -> DatabaseStrategy:
    """Give what keeps the sessions."""
    return DatabaseStrategy(found, lifetime_seconds=3600)


backend = AuthenticationBackend("database", BearerTransport("auth/login"), strategy)
fastapi_users = FastAPIUsers[User, uuid.UUID](manager, [backend])


@asynccontextmanager
async def life(_app: FastAPI):
    """Make the tables and the one account."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with make_session() as opened:
        made = schemas.BaseUserCreate(email="bench@example.com", password="correct horse battery staple")  # noqa: S106 - of nobody
        await UserManager(SQLAlchemyUserDatabase(opened, User)).create(made)
    yield


application = FastAPI(lifespan=life)
application.include_router(fastapi_users.get_auth_router(backend), prefix="/auth")
application.include_router(
    fastapi_users.get_users_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserUpdate), prefix="/users"
)
