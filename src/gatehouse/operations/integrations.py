"""Integrations, as an operator adds and changes them."""

from collections.abc import Sequence

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.events import AuditEvent
from gatehouse.operations import audit
from gatehouse.operations.calls import Call
from gatehouse.operations.merchants import get_merchant
from gatehouse.security import tokens
from gatehouse.storage import integrations
from gatehouse.storage.integrations import Integration as Integration

AUTHENTICATION_KINDS = ("anonymous", "b2b")


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
        audit.record(call, AuditEvent.INTEGRATION_ADDED, merchant_id=merchant_id, subject=str(number))
        return integration, secret


def renew_integration_secret(call: Call, integration_id: int) -> str:
    """Give the integration a new secret; the old one ends at once. Returns the secret, which is shown this once."""
    secret = tokens.draw_secret()
    with call.writing():
        integration = _integration(call, integration_id)
        integrations.replace_secret(call.db, integration, tokens.digest(secret), call.now)
        audit.record(
            call, AuditEvent.INTEGRATION_CHANGED, merchant_id=integration.merchant_id, subject=str(integration_id)
        )
    return secret


def set_integration_disabled(call: Call, integration_id: int, is_disabled: bool) -> Integration:
    """Let an integration call no longer, or again. Raises AdministrationError."""
    with call.writing():
        integration = _integration(call, integration_id)
        integrations.change(call.db, integration_id, disabled_at=call.now if is_disabled else None)
        audit.record(
            call, AuditEvent.INTEGRATION_CHANGED, merchant_id=integration.merchant_id, subject=str(integration_id)
        )
        return _integration(call, integration_id)


def show_integration(call: Call, integration_id: int) -> Integration:
    """Return the integration. Raises AdministrationError."""
    with call.reading():
        return _integration(call, integration_id)


def list_integrations(call: Call, merchant_id: int | None) -> Sequence[Integration]:
    """Return the integrations of one merchant or of all, by number."""
    with call.reading():
        return integrations.find_every(call.db, merchant_id)


def _integration(call: Call, integration_id: int) -> Integration:
    found = integrations.find(call.db, integration_id)
    if found is None:
        raise AdministrationError("there is no integration of this number")
    return found
