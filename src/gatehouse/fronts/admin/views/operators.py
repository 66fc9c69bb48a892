"""Operators: who may sign in to the panel, as an owner adds, changes and disables them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, abort, url_for

from gatehouse.domain.errors import AdministrationError, NotAllowedError
from gatehouse.domain.operators import START_PASSWORD_LIFETIME, OperatorRole, Right
from gatehouse.fronts.admin.filling import Asked, fill
from gatehouse.fronts.admin.form_fields.operators import operator_fields
from gatehouse.fronts.admin.subjects import Subject
from gatehouse.fronts.admin.tasks import Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import merchants, operators

tasks = Tasks("operators", forms_want_proof=True)

_OPERATOR = "/operators/<operator_id>"
_GOOD_FOR = (
    f"It works for {START_PASSWORD_LIFETIME.days} days, and for nothing but choosing another one. "
    "Give it to nobody but the operator."
)
_SIGNED_OUT = "All of the operator's sessions end at once."


@tasks.page("/operators", Right.MANAGE_OPERATORS)
def show_all(visit: Visit) -> Response:
    """List the operators."""
    found = operators.list_operators(visit.call)
    return visit.render("operators/list", operators=found, names=_merchant_names(visit))


@tasks.form("/operators/add", Right.MANAGE_OPERATORS)
def add(visit: Visit) -> Response:
    """Add an operator, and show the password to begin with."""

    def save(values: Mapping[str, Any], _: str | None) -> Response:
        added, password = operators.invite_operator(visit.call, **values)
        secrets = {"Name": added.username, "Start password": password}
        return _subject(visit, added.id).show_once(visit, f"{added.username} may sign in", secrets, _GOOD_FOR)

    asked = Asked(
        title="Add an operator",
        sections=operator_fields(merchants.list_merchants(visit.call), is_new=True),
        button="Add the operator",
        back=url_for("admin.operators_show_all"),
        lead="A start password is shown on the next page. The operator chooses another one at the first sign-in.",
        defaults={"role": OperatorRole.SUPPORT},
    )
    return fill(visit, asked, save)


@tasks.page(_OPERATOR, Right.MANAGE_OPERATORS)
def show(visit: Visit, operator_id: int) -> Response:
    """Show an operator, and what happened to it."""
    _subject(visit, operator_id)
    found, merchant_ids, happened = operators.show_operator(visit.call, operator_id)
    return visit.render(
        "operators/show",
        operator=found,
        merchant_ids=merchant_ids,
        names=_merchant_names(visit),
        happened=happened,
        has_lapsed=not found.may_sign_in(visit.call.now) and found.disabled_at is None,
    )


@tasks.form(f"{_OPERATOR}/change", Right.MANAGE_OPERATORS)
def change(visit: Visit, operator_id: int) -> Response:
    """Give an operator another role or other merchants."""
    subject = _subject(visit, operator_id)

    def save(values: Mapping[str, Any], seen: str | None) -> Response:
        operators.change_operator(visit.call, operator_id, **values, seen=seen)
        return subject.go_back(visit, "operator_changed")

    def present() -> Mapping[str, Any]:
        found, merchant_ids, _ = operators.show_operator(visit.call, operator_id)
        return operators.values_of(found, merchant_ids)

    sections = operator_fields(merchants.list_merchants(visit.call), is_new=False)
    return fill(visit, Asked(f"Change {subject.name}", sections, "Save", subject.address, present=present), save)


@tasks.form(f"{_OPERATOR}/start-password", Right.MANAGE_OPERATORS)
def start_password(visit: Visit, operator_id: int) -> Response:
    """Give a start password to an operator who has lost the password."""
    subject = _subject(visit, operator_id)
    if visit.is_sent:
        made = operators.renew_start_password(visit.call, operator_id)
        secrets = {"Name": subject.name, "Start password": made}
        return subject.show_once(visit, f"The start password of {subject.name}", secrets, _GOOD_FOR)
    effects = ["The present password ends at once.", _SIGNED_OUT, f"The new one is shown on the next page. {_GOOD_FOR}"]
    return subject.ask(visit, "Make a start password for", effects, "Make a start password")


@tasks.form(f"{_OPERATOR}/remove-second-factor", Right.MANAGE_OPERATORS)
def remove_second_factor(visit: Visit, operator_id: int) -> Response:
    """Ask an operator who has lost the second factor for none."""
    subject = _subject(visit, operator_id)
    if visit.is_sent:
        operators.remove_second_factor(visit.call, operator_id)
        return subject.go_back(visit, "operator_factor_removed")
    effects = [
        "Until a new one is added, the password alone lets anybody in who knows it. Recovery codes end, too.",
        _SIGNED_OUT,
        "Be sure that it is the operator who asks you. This cannot be undone.",
    ]
    return subject.ask(visit, "Remove the second factor of", effects, "Remove the second factor")


@tasks.form(f"{_OPERATOR}/end-sessions", Right.MANAGE_OPERATORS)
def end_sessions(visit: Visit, operator_id: int) -> Response:
    """Sign an operator out everywhere."""
    subject = _subject(visit, operator_id)
    if visit.is_sent:
        operators.end_operator_sessions(visit.call, operator_id)
        return subject.go_back(visit, "operator_signed_out")
    return subject.ask(visit, "Sign out", [_SIGNED_OUT, "The operator can sign in again."], "Sign out everywhere")


@tasks.form(f"{_OPERATOR}/disable", Right.MANAGE_OPERATORS)
def disable(visit: Visit, operator_id: int) -> Response:
    """Let an operator sign in no longer."""
    subject = _subject(visit, operator_id)
    if visit.is_sent:
        operators.set_operator_disabled(visit.call, operator_id, True)
        return subject.go_back(visit, "operator_disabled")
    effects = ["The operator can sign in no longer.", _SIGNED_OUT, "You can enable the operator again."]
    return subject.ask(visit, "Disable", effects)


@tasks.form(f"{_OPERATOR}/enable", Right.MANAGE_OPERATORS)
def enable(visit: Visit, operator_id: int) -> Response:
    """Let an operator sign in again."""
    subject = _subject(visit, operator_id)
    if visit.is_sent:
        operators.set_operator_disabled(visit.call, operator_id, False)
        return subject.go_back(visit, "operator_enabled")
    effects = ["The operator can sign in again with the password that it has, and its second factor."]
    return subject.ask(visit, "Enable", effects, is_dangerous=False)


def _merchant_names(visit: Visit) -> Mapping[int, str]:
    return {each.id: each.name for each in merchants.list_merchants(visit.call)}


def _subject(visit: Visit, operator_id: int) -> Subject:
    """Return the operator that a page is about; 404 where there is none."""
    try:
        name = operators.show_operator(visit.call, operator_id)[0].username
    except NotAllowedError:
        raise
    except AdministrationError:
        abort(HTTPStatus.NOT_FOUND)
    return Subject("operator", name, "operators_show", {"operator_id": operator_id})
