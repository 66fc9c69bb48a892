"""The tables. Every row belongs to a merchant and carries its `merchant_id`, but for what is of operators, and guess
counts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from gatehouse.storage.column_types import Duration, Number, UtcDateTime

FIRST_ACCOUNT_NUMBER = 1001
"""Account numbers start here, so that one is never taken for a merchant's."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DEVICE_IS_BLOCKED = "blocked_at IS NOT NULL"
DEVICE_IS_ACTIVATED = "blocked_at IS NULL AND activated_at IS NOT NULL"
DEVICE_IS_REGISTERED = "blocked_at IS NULL AND activated_at IS NULL"
MESSAGE_IS_NOT_SENT = "state <> 'sent'"
SMS_IS_COUNTED = "country IS NOT NULL"
"""Conditions of indexes."""


def _key(first: int | None = None) -> Column[int]:
    return Column("id", Number, Identity(start=first) if first else Identity(), primary_key=True)


def _merchant() -> Column[int]:
    return Column("merchant_id", Number, ForeignKey("merchants.id"), nullable=False)


def _reference(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Number, ForeignKey(target), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=nullable)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _duration(name: str) -> Column[timedelta]:
    return Column(name, Duration, nullable=False)


def _index_where(condition: str, name: str, *columns: str) -> Index:
    """Return an index of the rows that are so; a statement must say it in the same words for SQLite to use it."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


def _table(name: str, *parts: Any) -> Table:
    # AUTOINCREMENT: the number of a deleted row is never given to another.
    return Table(name, metadata, *parts, sqlite_autoincrement=True)


merchants = _table(
    "merchants",
    _key(),
    Column("name", String(200), nullable=False, unique=True),
    Column("region", String(2), nullable=False),
    Column("password_min_length", Integer, nullable=False),
    Column("password_max_length", Integer, nullable=False),
    Column("password_min_strength", Integer, nullable=False),
    Column("password_history", Integer, nullable=False),
    _duration("temporary_password_lifetime"),
    _flag("reset_replaces_password"),
    _flag("third_party_accounts_of_record"),
    # With a default for the rows of a released state, which have no such values.
    Column("reset_page", String(500)),
    Column("reset_page_parameter", String(40), nullable=False, server_default="resetCode"),
    Column("reset_code_lifetime", Duration, nullable=False, server_default="3600"),
    Column("reset_code_min_length", Integer, nullable=False, server_default="8"),
    Column("verification_fields", JSON, nullable=False, server_default="[]"),
    Column("shows_masked_email", Boolean, nullable=False, server_default=false()),
    Column("language", String(2), nullable=False, server_default="en"),
    Column("colour", String(7), nullable=False, server_default="#1d4ed8"),
    _moment("created_at"),
)

applications = _table(
    "applications",
    _key(),
    _merchant(),
    Column("name", String(200), nullable=False),
    Column("token_digest", LargeBinary(32), nullable=False, unique=True),
    Column("minimum_version", String(40)),
    Column("default_role", Integer),
    _duration("session_lifetime"),
    _duration("session_idle_lifetime"),
    _duration("cookie_lifetime"),
    _duration("cookie_grace"),
    _flag("requires_devices"),
    _flag("registers_devices_by_token"),
    Column("hash_key_sealed", LargeBinary),
    Column("signature", String(10), nullable=False),
    _flag("boolean_results"),
    Column("origins", JSON, nullable=False, server_default="[]"),
    _moment("disabled_at", nullable=True),
    _moment("created_at"),
    UniqueConstraint("merchant_id", "name"),
)

client_calls = _table(
    "client_calls",
    _key(),
    _merchant(),
    _reference("application_id", "applications.id"),
    Column("stack", String(80), nullable=False),
    Column("method", String(40), nullable=False),
    Column("calls", Number, nullable=False),
    _moment("first_seen_at"),
    _moment("last_seen_at"),
    UniqueConstraint("application_id", "stack", "method"),
    Index("ix_client_calls_merchant_id", "merchant_id"),
)
"""Which client stacks call, by method."""

tolerances = _table(
    "tolerances",
    _key(),
    _merchant(),
    _reference("application_id", "applications.id"),
    Column("stack", String(80), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("calls", Number, nullable=False),
    _moment("first_seen_at"),
    _moment("last_seen_at"),
    UniqueConstraint("application_id", "stack", "kind"),
    Index("ix_tolerances_merchant_id", "merchant_id"),
)
"""What was tolerated of which client stack."""

integrations = _table(
    "integrations",
    _key(),
    _merchant(),
    Column("name", String(200), nullable=False),
    Column("client_id", String(100), nullable=False, unique=True),
    Column("authentication", JSON, nullable=False),
    _moment("disabled_at", nullable=True),
    _moment("created_at"),
    UniqueConstraint("merchant_id", "name"),
)

integration_secrets = _table(
    "integration_secrets",
    _key(),
    _merchant(),
    _reference("integration_id", "integrations.id"),
    Column("secret_digest", LargeBinary(32), nullable=False),
    _moment("expires_at", nullable=True),
    _moment("last_used_at", nullable=True),
    _moment("created_at"),
    Index("ix_integration_secrets_integration_id", "integration_id"),
)

integration_merchants = Table(
    "integration_merchants",
    metadata,
    Column("integration_id", Number, ForeignKey("integrations.id"), primary_key=True),
    Column("merchant_id", Number, ForeignKey("merchants.id"), primary_key=True),
)
"""Merchants that an integration may call for beside the one that it belongs to."""

accounts = _table(
    "accounts",
    _key(FIRST_ACCOUNT_NUMBER),
    _merchant(),
    Column("role", Integer, nullable=False),
    Column("email", String(254)),
    Column("email_key", String(254)),
    Column("username", String(200)),
    Column("username_key", String(200)),
    # Of the skeletons of UTS #39, which identities that look alike have in common.
    Column("email_skeleton_digest", LargeBinary(32)),
    Column("username_skeleton_digest", LargeBinary(32)),
    Column("phone", String(20)),
    Column("full_name", String(200)),
    Column("customer_number", String(100)),
    Column("postal_code", String(20)),
    Column("date_of_birth", Date),
    Column("status", String(10), nullable=False),
    Column("password_hash", String(255)),
    Column("pincode_hash", String(255)),
    _moment("password_changed_at", nullable=True),
    _moment("last_login_at", nullable=True),
    _moment("created_at"),
    Index("ix_accounts_merchant_id_email_key", "merchant_id", "email_key"),
    Index("ix_accounts_merchant_id_id", "merchant_id", "id"),
    Index("ix_accounts_merchant_id_phone", "merchant_id", "phone"),
    Index("ix_accounts_merchant_id_email_skeleton_digest", "merchant_id", "email_skeleton_digest"),
    Index("ix_accounts_merchant_id_username_skeleton_digest", "merchant_id", "username_skeleton_digest"),
    UniqueConstraint("merchant_id", "username_key"),
    UniqueConstraint("merchant_id", "customer_number"),
)

cards = _table(
    "cards",
    _key(),
    _merchant(),
    _reference("account_id", "accounts.id"),
    Column("printed_number", String(64), nullable=False),
    Column("number_key", String(64), nullable=False),
    UniqueConstraint("merchant_id", "number_key"),
    Index("ix_cards_account_id", "account_id"),
)

former_passwords = _table(
    "former_passwords",
    _key(),
    _merchant(),
    _reference("account_id", "accounts.id"),
    Column("password_hash", String(255), nullable=False),
    _moment("created_at"),
    Index("ix_former_passwords_account_id", "account_id"),
)

temporary_passwords = _table(
    "temporary_passwords",
    _key(),
    _merchant(),
    Column("account_id", Number, ForeignKey("accounts.id"), nullable=False, unique=True),
    Column("password_digest", LargeBinary(32), nullable=False),
    _moment("expires_at"),
    _moment("used_at", nullable=True),
    _moment("created_at"),
)

reset_codes = _table(
    "reset_codes",
    _key(),
    _merchant(),
    Column("account_id", Number, ForeignKey("accounts.id"), nullable=False, unique=True),
    Column("code_digest", LargeBinary(32), nullable=False),
    _moment("expires_at"),
    _moment("used_at", nullable=True),
    _moment("created_at"),
    UniqueConstraint("code_digest", "merchant_id"),
)
"""One for an account: a newer code takes the place of the older. Used ones stay, so that a page can say so."""

devices = _table(
    "devices",
    _key(),
    _merchant(),
    _reference("application_id", "applications.id"),
    _reference("account_id", "accounts.id", nullable=True),
    Column("device_id", String(256), nullable=False),
    Column("phone", String(20)),
    Column("push_token", Text),
    _moment("activated_at", nullable=True),
    _moment("blocked_at", nullable=True),
    _moment("last_seen_at"),
    _moment("created_at"),
    UniqueConstraint("application_id", "device_id", "account_id"),
    Index("ix_devices_merchant_id_device_id", "merchant_id", "device_id"),
    Index(
        "uq_devices_unbound",
        "application_id",
        "device_id",
        unique=True,
        sqlite_where=text("account_id IS NULL"),
        postgresql_where=text("account_id IS NULL"),
    ),
    Index("ix_devices_account_id", "account_id"),
    Index("ix_devices_merchant_id_id", "merchant_id", "id"),
    # In one of the three states is each device, so that these together are as large as two whole indexes.
    _index_where(DEVICE_IS_BLOCKED, "ix_devices_blocked_merchant_id_id", "merchant_id", "id"),
    _index_where(DEVICE_IS_BLOCKED, "ix_devices_blocked_application_id_id", "application_id", "id"),
    _index_where(DEVICE_IS_ACTIVATED, "ix_devices_activated_merchant_id_id", "merchant_id", "id"),
    _index_where(DEVICE_IS_ACTIVATED, "ix_devices_activated_application_id_id", "application_id", "id"),
    _index_where(DEVICE_IS_REGISTERED, "ix_devices_registered_merchant_id_id", "merchant_id", "id"),
    _index_where(DEVICE_IS_REGISTERED, "ix_devices_registered_application_id_id", "application_id", "id"),
)

activation_codes = _table(
    "activation_codes",
    _key(),
    _merchant(),
    Column("device_number", Number, ForeignKey("devices.id"), nullable=False, unique=True),
    Column("code_digest", LargeBinary(32), nullable=False),
    Column("tries", Integer, nullable=False),
    _moment("expires_at"),
    _moment("used_at", nullable=True),
    _moment("created_at"),
)

login_cookies = _table(
    "login_cookies",
    _key(),
    _merchant(),
    _reference("application_id", "applications.id"),
    _reference("account_id", "accounts.id"),
    Column("device_id", String(256)),
    Column("series_digest", LargeBinary(32), nullable=False, unique=True),
    Column("generation", Integer, nullable=False),
    _moment("rotated_at"),
    _moment("expires_at"),
    _moment("ended_at", nullable=True),
    _moment("replayed_at", nullable=True),
    _moment("created_at"),
    # Not by the moment at which they expire: each rotation sets it, and would have to change the index, too.
    _index_where("ended_at IS NULL", "ix_login_cookies_open_account_id_id", "account_id", "id"),
    _index_where("replayed_at IS NOT NULL", "ix_login_cookies_replayed_account_id_id", "account_id", "id"),
    _index_where(
        "ended_at IS NULL AND device_id IS NOT NULL",
        "ix_login_cookies_open_merchant_id_device_id",
        "merchant_id",
        "device_id",
    ),
)

sessions = _table(
    "sessions",
    _key(),
    _merchant(),
    _reference("application_id", "applications.id"),
    _reference("account_id", "accounts.id"),
    _reference("login_cookie_id", "login_cookies.id", nullable=True),
    Column("device_id", String(256)),
    Column("token_digest", LargeBinary(32), nullable=False, unique=True),
    _flag("must_change_password"),
    _moment("last_used_at"),
    _moment("expires_at"),
    _moment("ended_at", nullable=True),
    _moment("created_at"),
    _index_where("ended_at IS NULL", "ix_sessions_open_account_id_expires_at", "account_id", "expires_at"),
    _index_where(
        "ended_at IS NULL AND device_id IS NOT NULL",
        "ix_sessions_open_merchant_id_device_id",
        "merchant_id",
        "device_id",
    ),
    Index("ix_sessions_login_cookie_id", "login_cookie_id"),
)

messages = _table(
    "messages",
    _key(),
    _merchant(),
    _reference("account_id", "accounts.id", nullable=True),
    Column("kind", String(40), nullable=False),
    Column("medium", String(10), nullable=False),
    Column("recipient", String(254), nullable=False),
    Column("content", JSON),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failure", String(200)),
    Column("claim", String(36)),
    _moment("due_at"),
    _moment("expires_at", nullable=True),
    # Of an SMS that counts against the limits; none for what they refused, and for mails.
    Column("country", String(2)),
    _moment("requeued_at", nullable=True),
    _moment("sent_at", nullable=True),
    _moment("created_at"),
    Index("ix_messages_state_due_at", "state", "due_at"),
    _index_where(SMS_IS_COUNTED, "ix_messages_counted_recipient_created_at", "recipient", "created_at"),
    _index_where(SMS_IS_COUNTED, "ix_messages_counted_merchant_id_created_at", "merchant_id", "created_at"),
    _index_where(SMS_IS_COUNTED, "ix_messages_counted_country_created_at", "country", "created_at"),
    Index("ix_messages_account_id_created_at", "account_id", "created_at"),
    Index("ix_messages_merchant_id_id", "merchant_id", "id"),
    Index("ix_messages_merchant_id_state_id", "merchant_id", "state", "id"),
    _index_where(MESSAGE_IS_NOT_SENT, "ix_messages_not_sent_created_at", "created_at", "merchant_id", "state"),
    Index(
        "ix_messages_to_wipe_due_at",
        "due_at",
        sqlite_where=text("state = 'abandoned' AND content IS NOT NULL"),
        postgresql_where=text("state = 'abandoned' AND content IS NOT NULL"),
    ),
)

message_events = _table(
    "message_events",
    _key(),
    _merchant(),
    _reference("message_id", "messages.id"),
    Column("state", String(10), nullable=False),
    Column("detail", String(200)),
    _moment("created_at"),
    Index("ix_message_events_message_id", "message_id"),
)
"""What became of a message, step by step."""

audit_entries = _table(
    "audit_entries",
    _key(),
    # No foreign key: the trail of the installation itself has no merchant, but 0.
    Column("merchant_id", Number, nullable=False),
    _reference("account_id", "accounts.id", nullable=True),
    _reference("application_id", "applications.id", nullable=True),
    Column("event", String(60), nullable=False),
    Column("outcome", String(40)),
    Column("subject", String(40)),
    Column("source", String(64)),
    Column("request_id", String(36)),
    # No foreign key: an entry outlives what it names, and adding one would make the table anew on SQLite.
    Column("integration_id", Number),
    Column("device", String(32)),
    Column("identity", String(80)),
    Column("changes", JSON(none_as_null=True)),
    # None in the rows of an older version, which had no chain.
    Column("mac", LargeBinary(40)),
    _moment("created_at"),
    Index("ix_audit_entries_merchant_id_created_at", "merchant_id", "created_at"),
    Index("ix_audit_entries_merchant_id_id", "merchant_id", "id"),
    Index("ix_audit_entries_merchant_id_account_id_id", "merchant_id", "account_id", "id"),
    Index("ix_audit_entries_merchant_id_event_id", "merchant_id", "event", "id"),
    Index("ix_audit_entries_request_id_merchant_id", "request_id", "merchant_id"),
    Index("ix_audit_entries_merchant_id_source_id", "merchant_id", "source", "id"),
    _index_where(
        "device IS NOT NULL", "ix_audit_entries_of_device_merchant_id_device_id", "merchant_id", "device", "id"
    ),
    _index_where(
        "outcome IS NOT NULL", "ix_audit_entries_refused_merchant_id_outcome_id", "merchant_id", "outcome", "id"
    ),
    _index_where(
        "outcome IS NOT NULL",
        "ix_audit_entries_refused_merchant_id_event_outcome_id",
        "merchant_id",
        "event",
        "outcome",
        "id",
    ),
)
"""Rows are added, never changed. `device` and `identity` are keyed digests, `mac` is made over all the others."""

audit_seals = _table(
    "audit_seals",
    _key(),
    Column("merchant_id", Number, nullable=False),
    Column("number", Number, nullable=False),
    Column("first_entry_id", Number, nullable=False),
    Column("last_entry_id", Number, nullable=False),
    Column("entry_count", Integer, nullable=False),
    Column("entries", LargeBinary),
    Column("entries_digest", LargeBinary(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("removal_mac", LargeBinary(32)),
    _moment("removed_at", nullable=True),
    _moment("sealed_at"),
    UniqueConstraint("merchant_id", "number"),
)
"""The chain of the audit entries of a merchant, or of the installation: each seal is made over the one before it and
over a batch of entries."""

hourly_counts = Table(
    "hourly_counts",
    metadata,
    # No foreign key: 0 stands for all merchants together.
    Column("merchant_id", Number, primary_key=True, autoincrement=False),
    # Of hours since 1970 in UTC.
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(10), primary_key=True),
    Column("detail", String(40), primary_key=True),
    Column("count", Number, nullable=False),
)
"""How many logins, refusals by outcome, and messages there were in an hour: what the panel's first page would otherwise
have to count anew each time."""

counted_to = Table(
    "counted_to",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("last_id", Number, nullable=False),
)
"""Up to which row of a table the hours are counted."""

account_requests = _table(
    "account_requests",
    _key(),
    _merchant(),
    _reference("application_id", "applications.id", nullable=True),
    Column("kind", String(40), nullable=False),
    Column("identity", JSON, nullable=False),
    Column("source", String(64)),
    Column("request_id", String(36)),
    _moment("created_at"),
)
"""What is to be done for whoever an identity means, if it means anybody: after the call, so that the call never
takes longer for somebody who exists."""

guess_counts = Table(
    "guess_counts",
    metadata,
    Column("key_digest", LargeBinary(32), primary_key=True),
    Column("wrong", Integer, nullable=False),
    Column("budget", Integer, nullable=False),
    _moment("window_ends_at"),
    _moment("closed_until", nullable=True),
    _moment("forgotten_at"),
    Index("ix_guess_counts_forgotten_at", "forgotten_at"),
)
"""How many wrong guesses were made of late, by the keyed digest of what they are counted by: an identity at a
merchant, a network, an application. Networks belong to no merchant."""

operators = Table(
    "operators",
    metadata,
    _key(),
    Column("username", String(200), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("time_zone", String(64), nullable=False, server_default="UTC"),
    Column("totp_secret_sealed", LargeBinary),
    _moment("totp_confirmed_at", nullable=True),
    # The time step of the last code that was used, so that each is good once.
    Column("totp_last_step", BigInteger),
    # Until when a password works that was drawn for the operator; none for one of its own choice.
    _moment("start_password_expires_at", nullable=True),
    _moment("disabled_at", nullable=True),
    _moment("last_signed_in_at", nullable=True),
    _moment("created_at"),
)
"""People who administer this installation. They and what is theirs belong to no merchant."""

operator_merchants = Table(
    "operator_merchants",
    metadata,
    Column("operator_id", Number, ForeignKey("operators.id"), primary_key=True),
    Column("merchant_id", Number, ForeignKey("merchants.id"), primary_key=True),
)
"""Merchants that an operator who is not an owner works for."""

operator_recovery_codes = _table(
    "operator_recovery_codes",
    _key(),
    _reference("operator_id", "operators.id"),
    Column("code_digest", LargeBinary(32), nullable=False),
    _moment("used_at", nullable=True),
    _moment("created_at"),
    Index("ix_operator_recovery_codes_operator_id", "operator_id"),
)

operator_sessions = _table(
    "operator_sessions",
    _key(),
    _reference("operator_id", "operators.id"),
    Column("token_digest", LargeBinary(32), nullable=False, unique=True),
    # Whether the second factor is still owed: such a session is good for nothing else.
    _flag("owes_code"),
    Column("source", String(64)),
    _moment("last_used_at"),
    _moment("expires_at"),
    _moment("ended_at", nullable=True),
    _moment("created_at"),
    Index("ix_operator_sessions_operator_id", "operator_id"),
)
