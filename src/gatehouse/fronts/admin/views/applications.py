"""Applications of a merchant: their options, and the token and hash key that are made and shown once."""

from flask import Response, url_for

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import applications

tasks = Tasks("applications", tab=Tab("Applications", "applications_show_all"))

_APPLICATION = "/merchants/<merchant_id>/applications/<application_id>"


@tasks.page("/merchants/<merchant_id>/applications", Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the applications."""
    return visit.render("applications/list", applications=applications.list_applications(visit.call, merchant_id))


@tasks.page(_APPLICATION, Right.READ)
def show(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Show the options of an application."""
    return visit.render("applications/show", application=applications.show_application(visit.call, application_id))


@tasks.form(f"{_APPLICATION}/token", Right.CHANGE_MERCHANT)
def token(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Make another token."""
    if visit.is_sent:
        made = applications.renew_application_token(visit.call, application_id)
        return _show_once(visit, merchant_id, application_id, "The new application token", made)
    effects = [
        "The present token ends at once: every program that calls with it is refused until it has the new one.",
        "The new one is shown on the next page, and never again. This cannot be undone.",
    ]
    return _ask(visit, merchant_id, application_id, "Make a new token for", "Make a new token", effects)


@tasks.form(f"{_APPLICATION}/hash-key", Right.CHANGE_MERCHANT)
def hash_key(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Make another hash key."""
    if visit.is_sent:
        made = applications.renew_application_hash_key(visit.call, application_id)
        return _show_once(visit, merchant_id, application_id, "The new hash key", made)
    effects = [
        "The present key ends at once: JSON calls that are signed with it are refused until they have the new one.",
        "The new one is shown on the next page, and never again. This cannot be undone.",
    ]
    return _ask(visit, merchant_id, application_id, "Make a new hash key for", "Make a new hash key", effects)


@tasks.form(f"{_APPLICATION}/disable", Right.CHANGE_MERCHANT)
def disable(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Let the application call no longer."""
    if visit.is_sent:
        applications.set_application_disabled(visit.call, application_id, True)
        return _back(visit, merchant_id, application_id, "application_disabled")
    effects = ["Every call with its token, and of its sessions, is refused at once.", "You can enable it again."]
    return _ask(visit, merchant_id, application_id, "Disable", "Disable the application", effects)


@tasks.form(f"{_APPLICATION}/enable", Right.CHANGE_MERCHANT)
def enable(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Let the application call again."""
    if visit.is_sent:
        applications.set_application_disabled(visit.call, application_id, False)
        return _back(visit, merchant_id, application_id, "application_enabled")
    effects = ["Programs can call with its token again, and sessions that have not expired go on."]
    return _ask(visit, merchant_id, application_id, "Enable", "Enable the application", effects, is_dangerous=False)


def _ask(
    visit: Visit,
    merchant_id: int,
    application_id: int,
    what: str,
    button: str,
    effects: list[str],
    is_dangerous: bool = True,
) -> Response:
    name = applications.show_application(visit.call, application_id).name
    back = _address(merchant_id, application_id)
    return visit.confirm(f"{what} {name}", effects, button, back, is_dangerous=is_dangerous)


def _show_once(visit: Visit, merchant_id: int, application_id: int, title: str, secret: str) -> Response:
    return visit.render("shown_once", title=title, secret=secret, back=_address(merchant_id, application_id))


def _back(visit: Visit, merchant_id: int, application_id: int, done: str) -> Response:
    return visit.go("applications_show", done=done, merchant_id=merchant_id, application_id=application_id)


def _address(merchant_id: int, application_id: int) -> str:
    return url_for("admin.applications_show", merchant_id=merchant_id, application_id=application_id)
