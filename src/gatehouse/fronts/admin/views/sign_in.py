"""Signing in: name and password, then the second factor where there is one; and signing out."""

from datetime import timedelta
from http import HTTPStatus
from math import ceil

from flask import Response

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tasks
from gatehouse.fronts.admin.visits import Visit, is_own_address
from gatehouse.operations import operator_sign_in

tasks = Tasks("sign_in")


@tasks.form("/sign-in", None)
def start(visit: Visit) -> Response:
    """Ask for name and password."""
    where = visit.field("next") if visit.is_sent else visit.asked("next", 500)
    following = where if is_own_address(where) else ""
    if not visit.is_sent:
        return visit.go("home_show") if visit.who else visit.render("sign_in/start", following=following)
    result = operator_sign_in.sign_in(visit.call, visit.field("username"), visit.field("password"))
    if result.token is None:
        status = HTTPStatus.TOO_MANY_REQUESTS if result.wait else HTTPStatus.UNPROCESSABLE_ENTITY
        refusal = _wait_text(result.wait) if result.wait else "The name or the password is wrong."
        name = visit.field("username")[:200]
        return visit.render("sign_in/start", status, following=following, refusal=refusal, username=name)
    visit.begin_session(result.token)
    if result.owes_code:
        return visit.go("sign_in_code", next=following or None)
    return visit.go_to(following) if following else visit.go("home_show")


@tasks.form("/sign-in/code", None)
def code(visit: Visit) -> Response:
    """Ask for the second factor."""
    where = visit.field("next") if visit.is_sent else visit.asked("next", 500)
    following = where if is_own_address(where) else ""
    if not visit.is_sent:
        if visit.who:
            return visit.go("home_show")
        return visit.render("sign_in/code", following=following) if visit.token else visit.go("sign_in_start")
    result = operator_sign_in.prove_code(visit.call, visit.token or "", visit.field("code")[:64])
    if result.token is not None:
        visit.begin_session(result.token)
        return visit.go_to(following) if following else visit.go("home_show")
    if not result.owes_code:
        visit.end_session()
        return visit.go("sign_in_start", done="expired")
    status = HTTPStatus.TOO_MANY_REQUESTS if result.wait else HTTPStatus.UNPROCESSABLE_ENTITY
    refusal = _wait_text(result.wait) if result.wait else "This code is wrong, or was used before."
    return visit.render("sign_in/code", status, following=following, refusal=refusal)


@tasks.action("/sign-out", Right.READ)
def out(visit: Visit) -> Response:
    """End this session."""
    operator_sign_in.sign_out(visit.call, visit.signed_in)
    visit.end_session()
    return visit.go("sign_in_start", done="signed_out")


def _wait_text(wait: timedelta) -> str:
    minutes = ceil(wait.total_seconds() / 60)
    return f"There were too many wrong ones. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
