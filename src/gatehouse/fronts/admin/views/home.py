"""The first page: the last day at a glance, and what needs attention first."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, url_for

from gatehouse.domain.operators import Right
from gatehouse.fronts import http
from gatehouse.fronts.admin.tasks import Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import first_steps, overview
from gatehouse.operations.first_steps import FirstSteps
from gatehouse.operations.overview import MOST_OVERDUE, Overview

tasks = Tasks("home")

_MOST_REASONS = 8
_MOST_OF_A_KIND = 5


@dataclass(frozen=True)
class Attention:
    """Something to look at: what it is, and where to go."""

    text: str
    link: str
    address: str
    is_bad: bool = False


@dataclass(frozen=True)
class Step:
    """A step to the first login: what it is, what for, and where it is done, if it can be done now by who looks."""

    title: str
    text: str
    is_done: bool
    address: str | None
    link: str | None = None


@tasks.page("/", Right.READ)
def show(visit: Visit) -> Response:
    """Show the last day."""
    found = overview.show_overview(visit.call, visit.signed_in)
    steps = first_steps.find_first_steps(visit.call, visit.signed_in)
    local = visit.shown.local
    return visit.render(
        "home/show",
        steps=None if steps.are_done else _steps(visit, steps),
        service_address=visit.base_address + http.ACCOUNT_SERVICE,
        has_numbers=any(each.logins or each.refusals for each in found.hours) or bool(found.messages),
        attention=_attention(visit, found),
        hours=[(f"{local(each.begins_at):%H:%M}", each.logins, each.refusals) for each in found.hours],
        refusals=list(found.refusals.items())[:_MOST_REASONS],
        messages=[(state.capitalize(), count) for state, count in found.messages.items()],
    )


def _steps(visit: Visit, steps: FirstSteps) -> Sequence[Step]:
    """Return the way to the first login."""
    who, number = visit.signed_in, steps.merchant_id
    first = Step(
        "Add a merchant",
        "Whose guests have the accounts: its name, its country and what it asks of passwords.",
        number is not None,
        url_for("admin.merchants_add") if who.may(Right.ADD_MERCHANTS) else None,
    )
    rest = [
        (
            "Add an application",
            "The program that calls, such as a shop or a till. Its token is shown once.",
            steps.has_application,
            "applications_add",
            Right.CHANGE_MERCHANT,
        ),
        (
            "Add an account",
            "Its owner gets a mail with a link to choose a password.",
            steps.has_account,
            "accounts_add",
            Right.CHANGE_ACCOUNTS,
        ),
    ]
    return [
        first,
        *(
            Step(
                title,
                text,
                is_done,
                url_for(f"admin.{page}", merchant_id=number) if number and who.may(right) else None,
            )
            for title, text, is_done, page, right in rest
        ),
        Step(
            "Log in",
            "Call Login with the token in the header applicationToken, and the account's address, password and role.",
            steps.has_logged_in,
            url_for("admin.explain_show") if steps.has_application and steps.has_account else None,
            "Explain a failure",
        ),
    ]


def _attention(visit: Visit, found: Overview) -> Sequence[Attention]:
    who, given = visit.signed_in, []
    if found.overdue:
        many = f"{MOST_OVERDUE} messages or more" if found.overdue >= MOST_OVERDUE else _count(found.overdue, "message")
        text = f"{many} should have been sent ten minutes ago: is a worker running?"
        given.append(Attention(text, "Merchants", url_for("admin.merchants_show_all"), is_bad=True))
    for merchant_id, count in list(found.abandoned.items())[:_MOST_OF_A_KIND]:
        where = url_for("admin.messages_show_all", merchant_id=merchant_id, state="abandoned")
        text = f"{_count(count, 'message')} could not be delivered:"
        given.append(Attention(text, found.names[merchant_id], where, is_bad=True))
    for secret in found.ending_secrets[:_MOST_OF_A_KIND]:
        where = url_for("admin.integrations_show", merchant_id=secret.merchant_id, integration_id=secret.integration_id)
        text = f"The last secret of the integration {secret.integration} ends on {secret.expires_at:%Y-%m-%d}."
        given.append(Attention(text, "Give it another one", where))
    if not who.has_second_factor:
        where = url_for("admin.own_account_second_factor")
        given.append(Attention("Your password alone protects what you may do here.", "Add a second factor", where))
    return given


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"
