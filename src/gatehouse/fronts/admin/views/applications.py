"""Applications of a merchant: added and changed, and the token and hash key that are made and shown once."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.filling import Asked, fill
from gatehouse.fronts.admin.form_fields.applications import APPLICATION, NEW_APPLICATION
from gatehouse.fronts.admin.subjects import Subject
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import applications

tasks = Tasks("applications", tab=Tab("Applications", "applications_show_all"))

_APPLICATIONS = "/merchants/<merchant_id>/applications"
_APPLICATION = f"{_APPLICATIONS}/<application_id>"


@tasks.page(_APPLICATIONS, Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the applications."""
    return visit.render("applications/list", applications=applications.list_applications(visit.call, merchant_id))


@tasks.form(f"{_APPLICATIONS}/add", Right.CHANGE_MERCHANT)
def add(visit: Visit, merchant_id: int) -> Response:
    """Add an application, and show its token and hash key."""

    def save(values: Mapping[str, Any], _: str | None) -> Response:
        added = applications.add_application(visit.call, merchant_id, **values)
        subject = _subject(visit, merchant_id, added.application.id)
        secrets = {"Application token": added.token, "Hash key": added.hash_key}
        text = "Programs call with the token, and sign JSON calls with the hash key."
        return subject.show_once(visit, f"{subject.name} is there", secrets, text)

    asked = Asked(
        title="Add an application",
        sections=NEW_APPLICATION,
        button="Add the application",
        back=url_for("admin.applications_show_all", merchant_id=merchant_id),
        lead="A program that calls, such as a shop, a till or a mobile application. What is filled in suits most.",
        defaults=applications.DEFAULTS,
    )
    return fill(visit, asked, save)


@tasks.page(_APPLICATION, Right.READ)
def show(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Show the options of an application."""
    return visit.render("applications/show", application=applications.show_application(visit.call, application_id))


@tasks.form(f"{_APPLICATION}/change", Right.CHANGE_MERCHANT)
def change(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Change the options of an application."""
    subject = _subject(visit, merchant_id, application_id)

    def save(values: Mapping[str, Any], seen: str | None) -> Response:
        applications.change_application(visit.call, application_id, seen, **values)
        return subject.go_back(visit, "application_changed")

    def present() -> Mapping[str, Any]:
        return applications.values_of(applications.show_application(visit.call, application_id))

    asked = Asked(f"Change {subject.name}", APPLICATION, "Save", subject.address, present=present)
    return fill(visit, asked, save)


@tasks.form(f"{_APPLICATION}/token", Right.CHANGE_MERCHANT)
def token(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Make another token."""
    subject = _subject(visit, merchant_id, application_id)
    if visit.is_sent:
        made = applications.renew_application_token(visit.call, application_id)
        return subject.show_once(visit, "The new application token", {"Application token": made})
    effects = [
        "The present token ends at once: every program that calls with it is refused until it has the new one.",
        "The new one is shown on the next page, and never again. This cannot be undone.",
    ]
    return subject.ask(visit, "Make a new token for", effects, "Make a new token")


@tasks.form(f"{_APPLICATION}/hash-key", Right.CHANGE_MERCHANT)
def hash_key(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Make another hash key."""
    subject = _subject(visit, merchant_id, application_id)
    if visit.is_sent:
        made = applications.renew_application_hash_key(visit.call, application_id)
        return subject.show_once(visit, "The new hash key", {"Hash key": made})
    effects = [
        "The present key ends at once: JSON calls that are signed with it are refused until they have the new one.",
        "The new one is shown on the next page, and never again. This cannot be undone.",
    ]
    return subject.ask(visit, "Make a new hash key for", effects, "Make a new hash key")


@tasks.form(f"{_APPLICATION}/disable", Right.CHANGE_MERCHANT)
def disable(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Let the application call no longer."""
    subject = _subject(visit, merchant_id, application_id)
    if visit.is_sent:
        applications.set_application_disabled(visit.call, application_id, True)
        return subject.go_back(visit, "application_disabled")
    effects = ["Every call with its token, and of its sessions, is refused at once.", "You can enable it again."]
    return subject.ask(visit, "Disable", effects)


@tasks.form(f"{_APPLICATION}/enable", Right.CHANGE_MERCHANT)
def enable(visit: Visit, merchant_id: int, application_id: int) -> Response:
    """Let the application call again."""
    subject = _subject(visit, merchant_id, application_id)
    if visit.is_sent:
        applications.set_application_disabled(visit.call, application_id, False)
        return subject.go_back(visit, "application_enabled")
    effects = ["Programs can call with its token again, and sessions that have not expired go on."]
    return subject.ask(visit, "Enable", effects, is_dangerous=False)


def _subject(visit: Visit, merchant_id: int, application_id: int) -> Subject:
    name = applications.show_application(visit.call, application_id).name
    numbers = {"merchant_id": merchant_id, "application_id": application_id}
    return Subject("application", name, "applications_show", numbers)
