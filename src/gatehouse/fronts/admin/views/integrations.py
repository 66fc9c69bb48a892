"""Integrations of a merchant: partners' servers, and their secrets, of which two may live at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, url_for

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.filling import Asked, fill
from gatehouse.fronts.admin.form_fields.integrations import NEW_INTEGRATION, integration_fields
from gatehouse.fronts.admin.subjects import Subject
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import integrations, merchants
from gatehouse.operations.merchants import Merchant

tasks = Tasks("integrations", tab=Tab("Integrations", "integrations_show_all"))

_INTEGRATIONS = "/merchants/<merchant_id>/integrations"
_INTEGRATION = f"{_INTEGRATIONS}/<integration_id>"


@tasks.page(_INTEGRATIONS, Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the integrations."""
    return visit.render("integrations/list", integrations=integrations.list_integrations(visit.call, merchant_id))


@tasks.form(f"{_INTEGRATIONS}/add", Right.CHANGE_MERCHANT)
def add(visit: Visit, merchant_id: int) -> Response:
    """Add an integration, and show its secret."""

    def save(values: Mapping[str, Any], _: str | None) -> Response:
        added, secret = integrations.add_integration(visit.call, merchant_id, **values)
        subject = _subject(visit, merchant_id, added.id)
        secrets = {"Client id": added.client_id, "Secret": secret}
        return subject.show_once(visit, f"{added.name} is there", secrets, "The partner sends both with every call.")

    asked = Asked(
        title="Add an integration",
        sections=NEW_INTEGRATION,
        button="Add the integration",
        back=url_for("admin.integrations_show_all", merchant_id=merchant_id),
        lead="A partner's server that asks for resets of passwords.",
        defaults={"authentication": integrations.AUTHENTICATION_KINDS},
    )
    return fill(visit, asked, save)


@tasks.page(_INTEGRATION, Right.READ)
def show(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Show an integration and its secrets."""
    found = integrations.show_integration(visit.call, integration_id)
    known = integrations.list_integration_secrets(visit.call, integration_id)
    also_for = set(integrations.merchants_of(visit.call, found)) - {merchant_id}
    named = [each for each in _others(visit, merchant_id) if each.id in also_for] if also_for else []
    return visit.render(
        "integrations/show",
        integration=found,
        secrets=[(each, each.is_live(visit.call.now)) for each in known],
        named=named,
        unnamed=len(also_for) - len(named),
    )


@tasks.form(f"{_INTEGRATION}/change", Right.CHANGE_MERCHANT)
def change(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Change an integration."""
    subject = _subject(visit, merchant_id, integration_id)

    def save(values: Mapping[str, Any], seen: str | None) -> Response:
        integrations.change_integration(visit.call, integration_id, seen, **values)
        return subject.go_back(visit, "integration_changed")

    def present() -> Mapping[str, Any]:
        found = integrations.show_integration(visit.call, integration_id)
        return integrations.values_of(visit.call, found)

    sections = integration_fields(_others(visit, merchant_id))
    return fill(visit, Asked(f"Change {subject.name}", sections, "Save", subject.address, present=present), save)


@tasks.form(f"{_INTEGRATION}/secrets", Right.CHANGE_MERCHANT)
def add_secret(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Make a second secret, so that the partner can change over without a gap."""
    subject = _subject(visit, merchant_id, integration_id)
    if visit.is_sent:
        made = integrations.add_integration_secret(visit.call, integration_id)
        return subject.show_once(visit, "The new secret", {"Secret": made})
    days = integrations.OLDER_SECRET_LIFETIME.days
    effects = [
        f"The present secret works for {days} more days, so that the partner has time to change over.",
        "The new one is shown on the next page, and never again.",
    ]
    return subject.ask(visit, "Make a new secret for", effects, "Make a new secret", is_dangerous=False)


@tasks.form(f"{_INTEGRATION}/secrets/<secret_id>/end", Right.CHANGE_MERCHANT)
def end_secret(visit: Visit, merchant_id: int, integration_id: int, secret_id: int) -> Response:
    """End a secret."""
    subject = _subject(visit, merchant_id, integration_id)
    if visit.is_sent:
        integrations.end_integration_secret(visit.call, integration_id, secret_id)
        return subject.go_back(visit, "secret_ended")
    effects = [f"Every call with the secret number {secret_id} is refused at once.", "This cannot be undone."]
    return subject.ask(visit, "End a secret of", effects, "End the secret")


@tasks.form(f"{_INTEGRATION}/disable", Right.CHANGE_MERCHANT)
def disable(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Let the integration call no longer."""
    subject = _subject(visit, merchant_id, integration_id)
    if visit.is_sent:
        integrations.set_integration_disabled(visit.call, integration_id, True)
        return subject.go_back(visit, "integration_disabled")
    effects = [
        "Every call of this partner is refused at once, for every merchant that it calls for.",
        "You can enable it again.",
    ]
    return subject.ask(visit, "Disable", effects)


@tasks.form(f"{_INTEGRATION}/enable", Right.CHANGE_MERCHANT)
def enable(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Let the integration call again."""
    subject = _subject(visit, merchant_id, integration_id)
    if visit.is_sent:
        integrations.set_integration_disabled(visit.call, integration_id, False)
        return subject.go_back(visit, "integration_enabled")
    effects = ["The partner can call again with the secrets that have not ended."]
    return subject.ask(visit, "Enable", effects, is_dangerous=False)


def _others(visit: Visit, merchant_id: int) -> Sequence[Merchant]:
    """Return the merchants that the operator works for besides this one."""
    return [each for each in merchants.list_merchants(visit.call) if each.id != merchant_id]


def _subject(visit: Visit, merchant_id: int, integration_id: int) -> Subject:
    name = integrations.show_integration(visit.call, integration_id).name
    numbers = {"merchant_id": merchant_id, "integration_id": integration_id}
    return Subject("integration", name, "integrations_show", numbers)
