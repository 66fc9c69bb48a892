"""Integrations, as an operator adds and changes them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.operations import audit
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.security import tokens
from gatehouse.storage import integrations
from gatehouse.storage.integrations import Integration as Integration
from gatehouse.storage.integrations import IntegrationSecret as IntegrationSecret

AUTHENTICATION_KINDS = ("anonymous", "b2b")

MAX_LIVE_SECRETS = 2
"""One that is in use and one that replaces it."""
OLDER_SECRET_LIFETIME = timedelta(days=7)
"""How long the secret that is replaced still works, unless told otherwise."""
ENDED_SECRETS_SHOWN = timedelta(days=90)
"""How long secrets that have ended are listed, so that one can see when they were last used."""


def add_integration(
    call: Call, merchant_id: int, name: str, authentication: Sequence[str], client_id: str, secret: str | None = None
) -> tuple[Integration, str]:
    """Add an integration and return it with its secret, which is shown this once. Raises AdministrationError."""
    if not authentication or not set(authentication) <= set(AUTHENTICATION_KINDS):
        raise AdministrationError(f"the kinds of authentication are {' and '.join(AUTHENTICATION_KINDS)}")
    secret = secret or tokens.draw_secret()
    with call.writing():
        get_merchant(call, merchant_id)
        if integrations.find_by_name(call.db, merchant_id, name):
            raise AdministrationError("the merchant has an integration of this name")
        if integrations.find_by_client_id(call.db, client_id):
            raise AdministrationError("an integration calls under this name")
        number = integrations.add(
            call.db,
            merchant_id=merchant_id,
            name=name,
            client_id=client_id,
            authentication=list(authentication),
            created_at=call.now,
        )
        integration = _integration(call, number)
        integrations.replace_secret(call.db, integration, tokens.digest(secret), call.now)
        audit.record(
            call,
            AuditEvent.INTEGRATION_ADDED,
            merchant_id=merchant_id,
            subject=str(number),
            changes=audit.changes_of(
                None, {"name": name, "client_id": client_id, "authentication": list(authentication)}
            ),
        )
        return integration, secret


def renew_integration_secret(call: Call, integration_id: int) -> str:
    """Give the integration a new secret; the old one ends at once. Returns the secret, which is shown this once."""
    secret = tokens.draw_secret()
    with call.writing():
        integration = _integration(call, integration_id)
        integrations.replace_secret(call.db, integration, tokens.digest(secret), call.now)
        _record_change(call, integration, secret=["replaced", "new"])
    return secret


def add_integration_secret(
    call: Call, integration_id: int, older_lifetime: timedelta = OLDER_SECRET_LIFETIME, secret: str | None = None
) -> str:
    """Give the integration a second secret; the older one ends after this time, if not sooner.

    Returns the secret, which is shown this once. Raises AdministrationError when there are two already.
    """
    secret = secret or tokens.draw_secret()
    with call.writing():
        integration = _locked_integration(call, integration_id)
        integrations.remove_expired_secrets(call.db, integration_id, call.now - ENDED_SECRETS_SHOWN)
        live = [each for each in integrations.find_secrets(call.db, integration_id) if each.is_live(call.now)]
        if len(live) >= MAX_LIVE_SECRETS:
            raise AdministrationError("the integration has two live secrets; end one of them first")
        ends_at = call.now + older_lifetime
        for older in live:
            if older.expires_at is None or older.expires_at > ends_at:
                integrations.expire_secret(call.db, older.id, ends_at)
        integrations.add_secret(call.db, integration, tokens.digest(secret), call.now)
        _record_change(call, integration, secret=[None, "added"], older_secrets_end=[None, ends_at.isoformat()])
    return secret


def list_integration_secrets(call: Call, integration_id: int) -> Sequence[IntegrationSecret]:
    """Return what may be shown of the secrets, oldest first. Raises AdministrationError."""
    with call.reading():
        _integration(call, integration_id)
        return integrations.find_secrets(call.db, integration_id)


def end_integration_secret(call: Call, integration_id: int, secret_id: int) -> Sequence[IntegrationSecret]:
    """End one secret at once, and return all of them. Raises AdministrationError."""
    with call.writing():
        integration = _locked_integration(call, integration_id)
        found = {each.id: each for each in integrations.find_secrets(call.db, integration_id)}
        if secret_id not in found:
            raise AdministrationError("the integration has no secret of this number")
        if found[secret_id].is_live(call.now):
            integrations.expire_secret(call.db, secret_id, call.now)
            _record_change(call, integration, secret=[secret_id, "ended"])
        return integrations.find_secrets(call.db, integration_id)


def allow_merchant(call: Call, integration_id: int, merchant_id: int) -> Sequence[int]:
    """Let the integration call for another merchant, too. Returns all of them. Raises AdministrationError."""
    with call.writing():
        integration = _locked_integration(call, integration_id)
        get_merchant(call, merchant_id)
        if merchant_id not in _merchants(call, integration):
            before = _merchants(call, integration)
            integrations.add_merchant(call.db, integration_id, merchant_id)
            _record_change(call, integration, merchants=[before, _merchants(call, integration)])
        return _merchants(call, integration)


def deny_merchant(call: Call, integration_id: int, merchant_id: int) -> Sequence[int]:
    """Let the integration call for this merchant no longer, and return the others. Raises AdministrationError."""
    with call.writing():
        integration = _locked_integration(call, integration_id)
        if merchant_id == integration.merchant_id:
            raise AdministrationError("the integration belongs to this merchant; disable the integration instead")
        before = _merchants(call, integration)
        if not integrations.remove_merchant(call.db, integration_id, merchant_id):
            raise AdministrationError("the integration does not call for this merchant")
        _record_change(call, integration, merchants=[before, _merchants(call, integration)])
        return _merchants(call, integration)


def merchants_of(call: Call, integration: Integration) -> Sequence[int]:
    """Return the numbers of the merchants that the integration may call for, its own first."""
    with call.reading():
        return _merchants(call, integration)


def set_integration_disabled(call: Call, integration_id: int, is_disabled: bool) -> Integration:
    """Let an integration call no longer, or again. Raises AdministrationError."""
    with call.writing():
        integration = _integration(call, integration_id)
        disabled_at = call.now if is_disabled else None
        integrations.change(call.db, integration_id, disabled_at=disabled_at)
        _record_change(call, integration, **audit.changes_of(integration, {"disabled_at": disabled_at}))
        return _integration(call, integration_id)


def show_integration(call: Call, integration_id: int) -> Integration:
    """Return the integration. Raises AdministrationError."""
    with call.reading():
        return _integration(call, integration_id)


def list_integrations(call: Call, merchant_id: int | None) -> Sequence[Integration]:
    """Return the integrations of one merchant or of all, by number."""
    with call.reading():
        return integrations.find_every(call.db, merchant_id)


def _merchants(call: Call, integration: Integration) -> Sequence[int]:
    return [integration.merchant_id, *integrations.find_merchants(call.db, integration.id)]


def _record_change(call: Call, integration: Integration, **changes: list[Any]) -> None:
    audit.record(
        call,
        AuditEvent.INTEGRATION_CHANGED,
        merchant_id=integration.merchant_id,
        subject=str(integration.id),
        changes=changes,
    )


def _locked_integration(call: Call, integration_id: int) -> Integration:
    integrations.lock(call.db, integration_id)
    return _integration(call, integration_id)


def _integration(call: Call, integration_id: int) -> Integration:
    found = integrations.find(call.db, integration_id)
    if found is None:
        raise AdministrationError("there is no integration of this number")
    return found
