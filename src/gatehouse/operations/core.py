"""The parts that operations work with, put together once by `create_app` or a command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from gatehouse.config import Settings
from gatehouse.operations.client_counts import ClientCounts
from gatehouse.operations.known_applications import KnownApplications
from gatehouse.security.compromised import CompromisedPasswords
from gatehouse.security.keys import Keys
from gatehouse.security.passwords import PasswordHasher
from gatehouse.security.peppers import Peppers
from gatehouse.security.rate_limits import RateLimits
from gatehouse.storage.engine import Database


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Core:
    """Settings, database, hasher, keys and clock.

    `message_queued` is set after each commit that queued a message, so that a worker in this process need not wait.
    `client_counts` are the calls of this process that are not yet counted in the tables, and `known_applications` those
    whose tokens it found a moment ago.
    `compromised` knows the passwords that others guess first.
    """

    settings: Settings
    database: Database
    passwords: PasswordHasher
    keys: Keys
    now: Callable[[], datetime] = utc_now
    message_queued: Event = field(default_factory=Event)
    rate_limits: RateLimits = field(default_factory=lambda: RateLimits("memory://"))
    client_counts: ClientCounts = field(default_factory=ClientCounts)
    known_applications: KnownApplications = field(default_factory=KnownApplications)
    compromised: CompromisedPasswords = field(default_factory=CompromisedPasswords)


def make_core(settings: Settings) -> Core:
    """Put the parts together as the settings say. Nothing is connected yet."""
    keys = Keys(settings.secret_key)
    return Core(
        settings=settings,
        # One connection for each thread and one for the delivery worker. What SQLite's writers keep is beyond them.
        database=Database(settings.database_url, connections=settings.threads + 1),
        passwords=PasswordHasher(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
            slots=settings.hash_slots,
            peppers=make_peppers(settings, keys),
        ),
        keys=keys,
        rate_limits=RateLimits(settings.rate_limit_url),
        compromised=CompromisedPasswords(settings.breached_passwords_url, settings.breached_passwords_seconds),
    )


def make_peppers(settings: Settings, keys: Keys) -> Peppers:
    """Return the operator's pepper keys, the newest first, and last the one of the secret key, where hashes have it."""
    return Peppers([*((each.name, each.key) for each in settings.pepper_keys), keys.pepper()])
