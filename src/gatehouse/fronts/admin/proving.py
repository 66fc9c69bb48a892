"""Asks an operator who signed in a while ago once more who it is, before something is done that needs that."""

from http import HTTPStatus

from flask import Response, url_for

from gatehouse.fronts.admin.visits import FORM_TOKEN, Visit
from gatehouse.operations import operator_sign_in
from gatehouse.operations.operator_sign_in import Confirmed

PASSWORD, CODE = "proof_password", "proof_code"
_FOR_PAGE = "proof_for_page"
_OWN = frozenset({PASSWORD, CODE, _FOR_PAGE, FORM_TOKEN})


def ask_for_proof(visit: Visit) -> Response | None:
    """Return the page that asks for a proof, or None where there is a fresh one and the visit may go on.

    What was sent to another page's form waits in the fields of this one and is done after it, as if it were sent then.
    """
    if visit.has_fresh_proof:
        return None
    refusal = None
    if PASSWORD in visit.fields:
        refusal = take_proof(visit, visit.field(PASSWORD))
        if refusal is None:
            return visit.go_to(visit.address) if _FOR_PAGE in visit.fields else None
    waiting = {name: values for name, values in visit.fields.items() if name not in _OWN}
    if not visit.is_sent or _FOR_PAGE in visit.fields:
        waiting = {_FOR_PAGE: ["yes"]}
    status = HTTPStatus.FORBIDDEN if visit.is_sent else HTTPStatus.OK
    if refusal is not None:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    back = url_for("admin.operators_show_all")
    return visit.render("prove", status, refusal=refusal, waiting=waiting, back=back)


def take_proof(visit: Visit, password: str) -> str | None:
    """Take the password, and the code that was sent with it, as a fresh proof. Returns why not, or None."""
    confirmed = operator_sign_in.confirm(visit.call, visit.signed_in, password, visit.field(CODE)[:64])
    if not isinstance(confirmed, Confirmed):
        return confirmed
    visit.begin_session(confirmed.token)
    visit.who = confirmed.who
    return None


def refusal_of_own(visit: Visit, password: str) -> str | None:
    """Take the password of a form about the operator's own sign-in as a proof where its code is asked for, too."""
    return take_proof(visit, password) if visit.owes_code else None
