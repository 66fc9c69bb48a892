"""Integrations of a merchant: partners' servers, and their secrets, of which two may live at a time."""

from flask import Response, url_for

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import integrations

tasks = Tasks("integrations", tab=Tab("Integrations", "integrations_show_all"))

_INTEGRATION = "/merchants/<merchant_id>/integrations/<integration_id>"


@tasks.page("/merchants/<merchant_id>/integrations", Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the integrations."""
    return visit.render("integrations/list", integrations=integrations.list_integrations(visit.call, merchant_id))


@tasks.page(_INTEGRATION, Right.READ)
def show(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Show an integration and its secrets."""
    found = integrations.show_integration(visit.call, integration_id)
    known = integrations.list_integration_secrets(visit.call, integration_id)
    return visit.render(
        "integrations/show",
        integration=found,
        secrets=[(each, each.is_live(visit.call.now)) for each in known],
    )


@tasks.form(f"{_INTEGRATION}/secrets", Right.CHANGE_MERCHANT)
def add_secret(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Make a second secret, so that the partner can change over without a gap."""
    if visit.is_sent:
        made = integrations.add_integration_secret(visit.call, integration_id)
        back = _address(merchant_id, integration_id)
        return visit.render("shown_once", title="The new secret", secret=made, back=back)
    days = integrations.OLDER_SECRET_LIFETIME.days
    effects = [
        f"The present secret works for {days} more days, so that the partner has time to change over.",
        "The new one is shown on the next page, and never again.",
    ]
    return _ask(visit, merchant_id, integration_id, "Make a new secret for", "Make a new secret", effects, False)


@tasks.form(f"{_INTEGRATION}/secrets/<secret_id>/end", Right.CHANGE_MERCHANT)
def end_secret(visit: Visit, merchant_id: int, integration_id: int, secret_id: int) -> Response:
    """End a secret."""
    if visit.is_sent:
        integrations.end_integration_secret(visit.call, integration_id, secret_id)
        return _back(visit, merchant_id, integration_id, "secret_ended")
    effects = [f"Every call with the secret number {secret_id} is refused at once.", "This cannot be undone."]
    return _ask(visit, merchant_id, integration_id, "End a secret of", "End the secret", effects)


@tasks.form(f"{_INTEGRATION}/disable", Right.CHANGE_MERCHANT)
def disable(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Let the integration call no longer."""
    if visit.is_sent:
        integrations.set_integration_disabled(visit.call, integration_id, True)
        return _back(visit, merchant_id, integration_id, "integration_disabled")
    effects = [
        "Every call of this partner is refused at once, for every merchant that it calls for.",
        "You can enable it again.",
    ]
    return _ask(visit, merchant_id, integration_id, "Disable", "Disable the integration", effects)


@tasks.form(f"{_INTEGRATION}/enable", Right.CHANGE_MERCHANT)
def enable(visit: Visit, merchant_id: int, integration_id: int) -> Response:
    """Let the integration call again."""
    if visit.is_sent:
        integrations.set_integration_disabled(visit.call, integration_id, False)
        return _back(visit, merchant_id, integration_id, "integration_enabled")
    effects = ["The partner can call again with the secrets that have not ended."]
    return _ask(visit, merchant_id, integration_id, "Enable", "Enable the integration", effects, False)


def _ask(
    visit: Visit,
    merchant_id: int,
    integration_id: int,
    what: str,
    button: str,
    effects: list[str],
    is_dangerous: bool = True,
) -> Response:
    name = integrations.show_integration(visit.call, integration_id).name
    back = _address(merchant_id, integration_id)
    return visit.confirm(f"{what} {name}", effects, button, back, is_dangerous=is_dangerous)


def _back(visit: Visit, merchant_id: int, integration_id: int, done: str) -> Response:
    return visit.go("integrations_show", done=done, merchant_id=merchant_id, integration_id=integration_id)


def _address(merchant_id: int, integration_id: int) -> str:
    return url_for("admin.integrations_show", merchant_id=merchant_id, integration_id=integration_id)
