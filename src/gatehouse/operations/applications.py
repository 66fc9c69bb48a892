"""Applications, as an operator adds and changes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from gatehouse.domain import origins, versions
from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.lifetimes import COOKIE_GRACE, COOKIE_LIFETIME, SESSION_IDLE_LIFETIME, SESSION_LIFETIME
from gatehouse.domain.operators import Right
from gatehouse.operations import audit, authority, revisions
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.security import tokens
from gatehouse.storage import applications
from gatehouse.storage.applications import Application as Application

MAX_ORIGINS = 100

SIGNATURES = ("off", "optional", "required")
"""When the signatures of JSON calls are checked."""

DEFAULTS: Mapping[str, Any] = {
    "session_lifetime": SESSION_LIFETIME,
    "session_idle_lifetime": SESSION_IDLE_LIFETIME,
    "cookie_lifetime": COOKIE_LIFETIME,
    "cookie_grace": COOKIE_GRACE,
    "requires_devices": False,
    "registers_devices_by_token": False,
    "signature": "optional",
    "boolean_results": False,
    "origins": [],
}
"""The options of an application of which nothing else was said."""

_UNCHANGEABLE = frozenset({"id", "merchant_id", "hash_key_sealed", "disabled_at", "created_at"})


@dataclass(frozen=True)
class NewApplication:
    """An application just added, with the secrets that are shown this once."""

    application: Application
    token: str
    hash_key: str


def add_application(
    call: Call, merchant_id: int, name: str, token: str | None = None, hash_key: str | None = None, **options: Any
) -> NewApplication:
    """Add an application, with the token that its programs have already or a new one. Raises AdministrationError."""
    authority.require(call, Right.CHANGE_MERCHANT, merchant_id)
    _check_version(options.get("minimum_version"))
    _normalise_origins(options)
    token, hash_key = token or tokens.draw_application_token(), hash_key or tokens.draw_secret()
    values: dict[str, Any] = {**DEFAULTS, **options}
    with call.writing():
        get_merchant(call, merchant_id)
        if applications.find_by_name(call.db, merchant_id, name):
            raise AdministrationError("the merchant has an application of this name", "name")
        if applications.has_token(call.db, tokens.digest(token)):
            raise AdministrationError("another application has this token", "token")
        number = applications.add(
            call.db,
            merchant_id=merchant_id,
            name=name,
            token_digest=tokens.digest(token),
            hash_key_sealed=call.keys.seal(hash_key, "hash key"),
            created_at=call.now,
            **values,
        )
        audit.record(
            call,
            AuditEvent.APPLICATION_ADDED,
            merchant_id=merchant_id,
            application_id=number,
            changes=audit.changes_of(None, {"name": name, **values}),
        )
        return NewApplication(_application(call, number), token, hash_key)


def change_application(call: Call, application_id: int, seen: str | None = None, **options: Any) -> Application:
    """Change the options given, and return the application. Raises AdministrationError.

    `seen` is the revision that the application was seen in, where it must be the same still.
    """
    _check_version(options.get("minimum_version"))
    _normalise_origins(options)
    with call.writing():
        applications.lock(call.db, application_id)
        application = _application(call, application_id)
        authority.require(call, Right.CHANGE_MERCHANT, application.merchant_id)
        revisions.check_revision(seen, values_of(application))
        if "name" in options:
            namesake = applications.find_by_name(call.db, application.merchant_id, options["name"])
            if namesake is not None and namesake.id != application_id:
                raise AdministrationError("the merchant has an application of this name", "name")
        if changes := audit.changes_of(application, options):
            applications.change(call.db, application_id, **options)
            audit.record(
                call,
                AuditEvent.APPLICATION_CHANGED,
                merchant_id=application.merchant_id,
                application_id=application_id,
                changes=changes,
            )
        return _application(call, application_id)


def renew_application_token(call: Call, application_id: int) -> str:
    """Give the application a new token; the old one ends at once. Returns the token, which is shown this once."""
    token = tokens.draw_application_token()
    change_application(call, application_id, token_digest=tokens.digest(token))
    return token


def renew_application_hash_key(call: Call, application_id: int) -> str:
    """Give the application a new hash key; the old one ends at once. Returns the key, which is shown this once."""
    hash_key = tokens.draw_secret()
    change_application(call, application_id, hash_key_sealed=call.keys.seal(hash_key, "hash key"))
    return hash_key


def set_application_disabled(call: Call, application_id: int, is_disabled: bool) -> Application:
    """Let an application call no longer, or again. Raises AdministrationError."""
    return change_application(call, application_id, disabled_at=call.now if is_disabled else None)


def show_application(call: Call, application_id: int) -> Application:
    """Return the application. Raises AdministrationError."""
    with call.reading():
        found = _application(call, application_id)
    authority.require(call, Right.READ, found.merchant_id)
    return found


def list_applications(call: Call, merchant_id: int | None) -> Sequence[Application]:
    """Return the applications of one merchant or of all, by number."""
    with call.reading():
        return applications.find_every(call.db, merchant_id)


def values_of(application: Application) -> Mapping[str, Any]:
    """Return what `change_application` may change besides secrets, by name."""
    return {
        each.name: getattr(application, each.name) for each in fields(Application) if each.name not in _UNCHANGEABLE
    }


def _application(call: Call, application_id: int) -> Application:
    found = applications.find(call.db, application_id)
    if found is None:
        raise AdministrationError("there is no application of this number")
    return found


def _check_version(minimum: str | None) -> None:
    if minimum and versions.find_version(minimum) is None:
        raise AdministrationError("a version is numbers with points between them, as 2.10.3", "minimum_version")


def _normalise_origins(options: dict[str, Any]) -> None:
    """Put the origins as browsers write them, each once."""
    given = options.get("origins")
    if given is None:
        return
    found = [origins.find_origin(each) for each in given]
    if None in found:
        raise AdministrationError("an origin is scheme, host and perhaps port, as https://shop.example.com", "origins")
    if len(found) > MAX_ORIGINS:
        raise AdministrationError(f"an application may list {MAX_ORIGINS} origins", "origins")
    options["origins"] = list(dict.fromkeys(found))
