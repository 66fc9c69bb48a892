"""Integrations, as an operator adds and changes them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.domain.operators import Right
from gatehouse.operations import audit, authority, revisions
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
    authority.require(call, Right.CHANGE_MERCHANT, merchant_id)
    _check_authentication(authentication)
    if ":" in client_id:
        # HTTP Basic ends the name at the first colon. Source: RFC 7617, 2.
        raise AdministrationError("a client id has no colon", "client_id")
    secret = secret or tokens.draw_secret()
    with call.writing():
        get_merchant(call, merchant_id)
        if integrations.find_by_name(call.db, merchant_id, name):
            raise AdministrationError("the merchant has an integration of this name", "name")
        if integrations.find_by_client_id(call.db, client_id):
            raise AdministrationError("an integration calls under this name", "client_id")
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


def change_integration(
    call: Call,
    integration_id: int,
    seen: str | None = None,
    *,
    name: str | None = None,
    authentication: Sequence[str] | None = None,
    merchant_ids: Sequence[int] | None = None,
) -> Integration:
    """Change what is given of name, kinds of authentication and merchants. Raises AdministrationError.

    `merchant_ids` are those that it may call for beside its own; an operator changes those alone that it works for
    itself. `seen` is the revision that the integration was seen in, where it must be the same still.
    """
    with call.writing():
        integration = _locked_integration(call, integration_id)
        revisions.check_revision(seen, values_of(call, integration))
        changes: dict[str, list[Any]] = {}
        if name is not None and name != integration.name:
            if integrations.find_by_name(call.db, integration.merchant_id, name):
                raise AdministrationError("the merchant has an integration of this name", "name")
            changes["name"] = [integration.name, name]
        if authentication is not None:
            _check_authentication(authentication)
            if list(authentication) != integration.authentication:
                changes["authentication"] = [integration.authentication, list(authentication)]
        if changes:
            integrations.change(call.db, integration_id, **{each: new for each, (_, new) in changes.items()})
        before = _merchants(call, integration)
        if merchant_ids is not None:
            _replace_merchants(call, integration, before, merchant_ids)
        after = _merchants(call, integration)
        if before != after:
            changes["merchants"] = [before, after]
        if changes:
            _record_change(call, integration, **changes)
        return _integration(call, integration_id)


def renew_integration_secret(call: Call, integration_id: int) -> str:
    """Give the integration a new secret; the old one ends at once. Returns the secret, which is shown this once."""
    secret = tokens.draw_secret()
    with call.writing():
        integration = _locked_integration(call, integration_id)
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
        show_integration(call, integration_id)
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
        authority.require(call, Right.CHANGE_MERCHANT, merchant_id)
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
        authority.require(call, Right.CHANGE_MERCHANT, merchant_id)
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
        integration = _locked_integration(call, integration_id)
        disabled_at = call.now if is_disabled else None
        integrations.change(call.db, integration_id, disabled_at=disabled_at)
        _record_change(call, integration, **audit.changes_of(integration, {"disabled_at": disabled_at}))
        return _integration(call, integration_id)


def show_integration(call: Call, integration_id: int) -> Integration:
    """Return the integration. Raises AdministrationError."""
    with call.reading():
        found = _integration(call, integration_id)
    authority.require(call, Right.READ, found.merchant_id)
    return found


def list_integrations(call: Call, merchant_id: int | None) -> Sequence[Integration]:
    """Return the integrations of one merchant or of all, by number."""
    with call.reading():
        return integrations.find_every(call.db, merchant_id)


def values_of(call: Call, integration: Integration) -> Mapping[str, Any]:
    """Return what `change_integration` may change, by name."""
    return {
        "name": integration.name,
        "authentication": integration.authentication,
        "merchant_ids": list(merchants_of(call, integration))[1:],
    }


def _check_authentication(kinds: Sequence[str]) -> None:
    if not kinds or not set(kinds) <= set(AUTHENTICATION_KINDS):
        text = f"the kinds of authentication are {' and '.join(AUTHENTICATION_KINDS)}"
        raise AdministrationError(text, "authentication")


def _replace_merchants(call: Call, integration: Integration, before: Sequence[int], wanted: Sequence[int]) -> None:
    """Let it call for these merchants beside its own; what the operator does not work for stays as it is."""
    for each in wanted:
        if each not in before:
            authority.require(call, Right.CHANGE_MERCHANT, each)
            get_merchant(call, each)
            integrations.add_merchant(call.db, integration.id, each)
    for each in before:
        is_known = call.authority is None or call.authority.works_for(each)
        if is_known and each not in wanted and each != integration.merchant_id:
            integrations.remove_merchant(call.db, integration.id, each)


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
    """Return the integration to somebody who may change it, with every other change of it held back."""
    integrations.lock(call.db, integration_id)
    found = _integration(call, integration_id)
    authority.require(call, Right.CHANGE_MERCHANT, found.merchant_id)
    return found


def _integration(call: Call, integration_id: int) -> Integration:
    found = integrations.find(call.db, integration_id)
    if found is None:
        raise AdministrationError("there is no integration of this number")
    return found
