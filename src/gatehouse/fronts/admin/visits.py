"""One request to the panel: who makes it, what was sent with it, and how it is answered."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.routing import BuildError

from gatehouse.domain.errors import AdministrationError
from gatehouse.domain.operators import NO_AUTHORITY, Right
from gatehouse.fronts import call_log, http
from gatehouse.fronts.admin.notices import NOTICES, Notice
from gatehouse.fronts.admin.shown import Shown
from gatehouse.operations import merchants, operator_sign_in
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.merchants import Merchant
from gatehouse.operations.signed_in import SignedIn

FORM_TOKEN = "form_token"
"""The field that shows that a form is our own."""

MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 400

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN_BYTES = 32
_BEGINNING = re.compile(r"/admin(/[A-Za-z0-9/_-]*)?(\?[A-Za-z0-9=&%._+-]*)?")
"""Where somebody may be sent after signing in: to a page of the panel, never to another host."""


class Visit:
    """One request. `call` is what operations are called with; it knows who asks."""

    def __init__(self, core: Core) -> None:
        """Find out who it is."""
        self.request_id = http.new_request_id()
        source = http.source_address(request.environ, core.settings)
        self.call = Call(core, Caller(source=source, request_id=self.request_id))
        self.call.authority = NO_AUTHORITY
        self.base_address = http.base_address(request.environ, core.settings)
        self._is_https = http.comes_by_https(request.environ, core.settings)
        # With https, the prefix keeps other hosts of the domain from setting it. Source: RFC 6265bis, 4.1.3.2.
        prefix = "__Host-" if self._is_https else ""
        self._session_cookie, self._form_cookie = f"{prefix}gatehouse-operator", f"{prefix}gatehouse-operator-form"
        self.token = self._cookie(self._session_cookie)
        self.who: SignedIn | None = operator_sign_in.find_signed_in(self.call, self.token) if self.token else None
        self.merchant: Merchant | None = None
        self.fields: Mapping[str, Sequence[str]] = {}
        self._cookies: dict[str, str | None] = {}

    @property
    def signed_in(self) -> SignedIn:
        """The operator, on a page that asks for one."""
        assert self.who is not None, "a page with a right asks for an operator"
        return self.who

    @property
    def has_fresh_proof(self) -> bool:
        """Whether the operator proved of late who it is."""
        return self.signed_in.authority.has_fresh_proof(self.call.now)

    @property
    def owes_code(self) -> bool:
        """Whether a form about the operator's own sign-in asks for a code besides the password."""
        return self.signed_in.has_second_factor and not self.has_fresh_proof

    @property
    def address(self) -> str:
        """The address of this page, without a host."""
        return request.full_path.rstrip("?")

    @property
    def is_sent(self) -> bool:
        """Whether a form was sent."""
        return request.method == "POST"

    @property
    def shown(self) -> Shown:
        """How values are shown to this operator."""
        zone = self.who.operator.time_zone if self.who else "UTC"
        return Shown(zone, self.who is not None and self.who.may(Right.READ_UNMASKED))

    def open_merchant(self, merchant_id: int) -> None:
        """Say which merchant the page is about; 404 where there is none."""
        try:
            self.merchant = merchants.show_merchant(self.call, merchant_id)
        except AdministrationError:
            abort(HTTPStatus.NOT_FOUND)

    def read_form(self) -> None:
        """Take the fields of the form, which must be in UTF-8: a password is never taken in part or by guess."""
        if request.mimetype != "application/x-www-form-urlencoded":
            abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        request.max_content_length = MAX_BODY_BYTES
        try:
            body = request.get_data().decode()
            self.fields = parse_qs(body, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except ValueError:
            abort(HTTPStatus.BAD_REQUEST)

    def field(self, name: str) -> str:
        """Return the first value of a field, or an empty text."""
        return self.fields.get(name, [""])[0]

    def numbers(self, name: str) -> Sequence[int]:
        """Return the numbers that a field was sent with, each once. 400 for what is none."""
        given = self.fields.get(name, [])
        if not all(re.fullmatch(r"[0-9]{1,18}", each) for each in given):
            abort(HTTPStatus.BAD_REQUEST)
        return sorted({int(each) for each in given})

    def asked(self, name: str, longest: int = 254) -> str:
        """Return a value of the address's query, without outer blanks, or an empty text."""
        return request.args.get(name, "").strip()[:longest]

    def asked_number(self, name: str) -> int | None:
        """Return a number of the address's query, or None."""
        text = request.args.get(name, "")
        return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None

    def is_own_form(self) -> bool:
        """Whether the form is from our page in this browser and, of who is signed in, of this very session."""
        expected = self._form_token()
        return expected is not None and hmac.compare_digest(expected.encode(), self.field(FORM_TOKEN).encode())

    def begin_session(self, token: str) -> None:
        """Give the browser the token of a session."""
        self._cookies[self._session_cookie] = token
        self.token = token

    def end_session(self) -> None:
        """Take the token of the session from the browser."""
        self._cookies[self._session_cookie] = None
        self.token, self.who = None, None

    def ask_to_sign_in(self) -> Response:
        """Send somebody who is not signed in to the page for it, and from there back here."""
        here = self.address if request.method == "GET" else ""
        stale = "expired" if self.token or self.is_sent else None
        return self.go("sign_in_start", done=stale, next=here if is_own_address(here) and here != "/admin" else None)

    def refuse_form(self) -> Response:
        """Answer a form that is not our own, or of a session that has ended."""
        return self.problem(
            HTTPStatus.FORBIDDEN,
            "Nothing was done",
            "This form is from another session, or was open for too long. Go back, reload the page and try again.",
        )

    def go(self, endpoint: str, done: str | None = None, **values: Any) -> Response:
        """Send the browser on to a page, with the notice of this name."""
        assert done is None or done in NOTICES, "a notice has a text"
        where = url_for(f"admin.{endpoint}", done=done, **values)
        return self._finish(make_response(redirect(where, HTTPStatus.SEE_OTHER)), endpoint)

    def go_to(self, address: str) -> Response:
        """Send the browser on to an address of the panel, which `url_for` made or `is_own_address` has seen."""
        return self._finish(make_response(redirect(address, HTTPStatus.SEE_OTHER)), "go")

    def confirm(
        self,
        title: str,
        effects: Sequence[str],
        button: str,
        back: str,
        hidden: Mapping[str, Sequence[object]] | None = None,
        is_dangerous: bool = True,
        action: str | None = None,
    ) -> Response:
        """Return a page that says what will be done, and asks for it; the form goes to `action`, else to this page."""
        return self.render(
            "confirm",
            title=title,
            effects=effects,
            button=button,
            back=back,
            hidden=hidden or {},
            is_dangerous=is_dangerous,
            action=action,
        )

    def problem(self, status: HTTPStatus, title: str, text: str) -> Response:
        """Return a page that says what went wrong."""
        return self.render("problem", status, title=title, text=text)

    def render(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        """Return the page of this template, which nothing may keep."""
        notice = NOTICES.get(request.args.get("done", "")) if request.method == "GET" else None
        form_token = self._form_token() or self._new_form_token()
        text = render_template(
            f"admin/{template}.html",
            visit=self,
            who=self.who,
            merchant=self.merchant,
            shown=self.shown,
            notice=notice,
            form_token=form_token,
            Right=Right,
            undo=self._undo(notice),
            **values,
        )
        return self._finish(make_response(text, status), template)

    def _undo(self, notice: Notice | None) -> str | None:
        """Return the address that undoes what the notice tells of, where this operator could still do so."""
        if notice is None or notice.undo is None or self.who is None:
            return None
        try:
            return url_for(f"admin.{notice.undo}", **(request.view_args or {}))
        except BuildError:
            # Somebody has put the notice on a page of another kind.
            return None

    def _finish(self, response: Response, name: str) -> Response:
        entry = call_log.current()
        entry.outcome = name
        entry.note(self.call)
        for cookie, value in self._cookies.items():
            response.set_cookie(
                cookie,
                value or "",
                max_age=None if value else 0,
                path="/",
                secure=self._is_https,
                httponly=True,
                samesite="Strict",
            )
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Request-Id"] = self.request_id
        return response

    def _form_token(self) -> str | None:
        if self.who is not None and self.token is not None:
            # Of the session's token, so that it ends with it; and it does not tell that token.
            return hashlib.sha256(f"gatehouse form {self.token}".encode()).hexdigest()
        return self._cookies.get(self._form_cookie) or self._cookie(self._form_cookie)

    def _new_form_token(self) -> str:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._cookies[self._form_cookie] = token
        return token

    def _cookie(self, name: str) -> str | None:
        token = request.cookies.get(name, "")
        return token if _TOKEN.fullmatch(token) else None


def is_own_address(address: str) -> bool:
    """Whether this is the address of a page of the panel, without a host."""
    return _BEGINNING.fullmatch(address) is not None
