"""The parts that operations work with, put together once by `create_app` or a command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from gatehouse.config import Settings
from gatehouse.security.keys import Keys
from gatehouse.security.passwords import PasswordHasher
from gatehouse.security.wrong_codes import WrongCodes
from gatehouse.storage.engine import Database


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Core:
    """Settings, database, hasher, keys and clock.

    `message_queued` is set after each commit that queued a message, so that a worker in this process need not wait.
    `wrong_codes` are those that were tried on the hosted page.
    """

    settings: Settings
    database: Database
    passwords: PasswordHasher
    keys: Keys
    now: Callable[[], datetime] = utc_now
    message_queued: Event = field(default_factory=Event)
    wrong_codes: WrongCodes = field(default_factory=WrongCodes)


def make_core(settings: Settings) -> Core:
    """Put the parts together as the settings say. Nothing is connected yet."""
    return Core(
        settings=settings,
        # One connection for each thread and one for the delivery worker.
        database=Database(settings.database_url, connections=settings.threads + 1),
        passwords=PasswordHasher(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
            slots=settings.hash_slots,
        ),
        keys=Keys(settings.secret_key),
    )
