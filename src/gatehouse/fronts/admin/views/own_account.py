"""What operators do for themselves: password, second factor, recovery codes, time zone, sessions."""

from http import HTTPStatus

import segno
from flask import Response, url_for
from markupsafe import Markup

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.operators import OPERATOR_PASSWORDS, Right
from gatehouse.fronts.admin.proving import refusal_of_own
from gatehouse.fronts.admin.tasks import Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import operator_passwords, operator_sign_in, operators, second_factors
from gatehouse.operations.second_factors import Enrolment

tasks = Tasks("own_account")


@tasks.page("/own-account", Right.READ)
def show(visit: Visit) -> Response:
    """Show the operator's own account."""
    who = visit.signed_in
    return visit.render(
        "own_account/show",
        sessions=operator_sign_in.list_own_sessions(visit.call, who),
        codes_left=second_factors.count_recovery_codes(visit.call, who),
    )


@tasks.form("/own-account/password", Right.READ)
def password(visit: Visit) -> Response:
    """Change the password."""
    refusal = None
    if visit.is_sent:
        old, new = visit.field("old_password"), visit.field("new_password")
        if new != visit.field("new_password_again"):
            refusal = "The new password was typed in two ways."
        else:
            refusal = refusal_of_own(visit, old) or operator_passwords.change_own_password(
                visit.call, visit.signed_in, old, new
            )
        if refusal is None:
            return visit.go("own_account_show", done="password_changed")
    return visit.render("own_account/password", _status(refusal), refusal=refusal, rules=OPERATOR_PASSWORDS)


@tasks.form("/own-account/second-factor", Right.READ)
def second_factor(visit: Visit) -> Response:
    """Add a second factor: the password, then a code of the authenticator application."""
    who = visit.signed_in
    if who.has_second_factor:
        return visit.go("own_account_show")
    if not visit.is_sent:
        return visit.render("own_account/second_factor", refusal=None)
    if "code" in visit.fields:
        codes = second_factors.confirm_second_factor(visit.call, who, visit.field("code")[:64])
        if codes is not None:
            return visit.render("own_account/recovery_codes", codes=codes)
        found: Enrolment | str | None = second_factors.find_enrolment(visit.call, who)
        refusal = "This code is wrong. Check that the clock of your device is right, or wait for the next code."
    else:
        found, refusal = second_factors.begin_second_factor(visit.call, who, visit.field("password")), None
    if isinstance(found, Enrolment):
        picture = segno.make(found.address, error="m").svg_inline(scale=5, light="#fff", dark="#000", border=4)
        return visit.render(
            "own_account/scan",
            _status(refusal),
            picture=Markup(picture),  # noqa: S704  made by the library of a text that is not in it
            secret=" ".join(found.secret[at : at + 4] for at in range(0, len(found.secret), 4)),
            refusal=refusal,
        )
    return visit.render("own_account/second_factor", _status(found), refusal=found)


@tasks.form("/own-account/second-factor/remove", Right.READ)
def remove_second_factor(visit: Visit) -> Response:
    """Remove the second factor."""
    refusal = None
    if visit.is_sent:
        password = visit.field("password")
        refusal = refusal_of_own(visit, password) or second_factors.remove_own_second_factor(
            visit.call, visit.signed_in, password
        )
        if refusal is None:
            return visit.go("own_account_show", done="second_factor_removed")
    return visit.render(
        "own_account/prove",
        _status(refusal),
        refusal=refusal,
        title="Remove the second factor",
        text="Your password alone will then let anybody in who knows it. Your recovery codes end.",
        button="Remove the second factor",
        is_dangerous=True,
    )


@tasks.form("/own-account/recovery-codes", Right.READ)
def recovery_codes(visit: Visit) -> Response:
    """Make new recovery codes."""
    refusal = None
    if visit.is_sent:
        password = visit.field("password")
        made = refusal_of_own(visit, password) or second_factors.make_recovery_codes(
            visit.call, visit.signed_in, password
        )
        if not isinstance(made, str):
            return visit.render("own_account/recovery_codes", codes=made)
        refusal = made
    return visit.render(
        "own_account/prove",
        _status(refusal),
        refusal=refusal,
        title="Make new recovery codes",
        text="You get ten new codes. The codes that you have end at once.",
        button="Make new codes",
        is_dangerous=False,
    )


@tasks.form("/own-account/time-zone", Right.READ)
def time_zone(visit: Visit) -> Response:
    """Choose the zone that times are shown in."""
    refusal = None
    if visit.is_sent:
        try:
            operators.set_time_zone(visit.call, visit.signed_in, visit.field("time_zone").strip()[:64])
        except AdministrationError as error:
            refusal = f"{str(error)[:1].upper()}{str(error)[1:]}."
        else:
            return visit.go("own_account_show", done="time_zone_set")
    given = visit.field("time_zone") if visit.is_sent else visit.signed_in.operator.time_zone
    return visit.render("own_account/time_zone", _status(refusal), refusal=refusal, given=given[:64])


@tasks.form("/own-account/sign-out-everywhere", Right.READ)
def sign_out_everywhere(visit: Visit) -> Response:
    """End all sessions of the operator."""
    who = visit.signed_in
    if visit.is_sent:
        operator_sign_in.sign_out_everywhere(visit.call, who)
        visit.end_session()
        return visit.go("sign_in_start", done="signed_out_everywhere")
    count = len(operator_sign_in.list_own_sessions(visit.call, who))
    effects = [f"Your {count} sessions end at once, this one too." if count > 1 else "Your session ends at once."]
    return visit.confirm("Sign out everywhere", effects, "Sign out everywhere", url_for("admin.own_account_show"))


def _status(refusal: object) -> HTTPStatus:
    return HTTPStatus.OK if refusal is None else HTTPStatus.UNPROCESSABLE_ENTITY
