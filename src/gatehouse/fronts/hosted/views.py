"""The page where a guest chooses a new password: `/reset?code=…`, and what it is made of."""

import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, unquote

from flask import Blueprint, Response, abort, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from gatehouse.domain.codes import ReturnCode
from gatehouse.domain.errors import UnavailableError, place_of
from gatehouse.domain.password_policy import MIN_DIFFERENT_CHARACTERS, Weakness
from gatehouse.domain.results import ServiceResult
from gatehouse.fronts import call_log, http
from gatehouse.fronts.hosted.colours import digits_of, style_sheet
from gatehouse.fronts.hosted.languages import LANGUAGES, best_language, texts
from gatehouse.operations import hosted_reset
from gatehouse.operations.calls import Call, Caller
from gatehouse.operations.core import Core
from gatehouse.operations.hosted_reset import PageState, ResetPage

MAX_BODY_BYTES = 16 * 1024
"""The longest password and the longest code in their longest spelling, and room for the rest."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
    ),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}

_STATUS = {
    PageState.OPEN: HTTPStatus.OK,
    PageState.EXPIRED: HTTPStatus.GONE,
    PageState.USED: HTTPStatus.GONE,
    PageState.UNKNOWN: HTTPStatus.NOT_FOUND,
    PageState.CLOSED: HTTPStatus.FORBIDDEN,
    PageState.LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
}
_NAMES = {state: "choose" if state is PageState.OPEN else state.value for state in PageState}
"""The names of the templates, and of the texts in them."""

_WITH_FORM = (PageState.OPEN, PageState.EXPIRED, PageState.USED)
_RETRY_SECONDS = "30"
"""When to come back to a service that is not available now."""
_TOKEN_BYTES, _TOKEN = 32, re.compile(r"[A-Za-z0-9_-]{43}")
_COLOUR_SECONDS = 3600

_log = logging.getLogger("gatehouse.hosted")


def make_blueprint(core: Core) -> Blueprint:
    """Return the hosted pages."""
    blueprint = Blueprint(
        "hosted", __name__, static_folder="static", static_url_path="/reset/static", template_folder="templates"
    )

    @blueprint.get("/reset")
    def show() -> Response:
        visit = _Visit(core, request.args.get("code", ""))
        return visit.state_page()

    @blueprint.post("/reset")
    def submit() -> Response:
        fields = _read_form()
        visit = _Visit(core, fields.get("code", ""), fields.get("language"))
        action, _, value = fields.get("action", "choose").partition(":")
        if action == "language":
            visit.chosen_language = value
            return visit.state_page()
        if not visit.is_own_form(fields.get("csrf_token", "")):
            return visit.state_page(is_stale=True)
        return visit.send_again() if action == "send" else visit.choose(fields.get("new_password", ""))

    @blueprint.get("/reset/colours/<digits>.css")
    def colours(digits: str) -> Response:
        if digits_of(digits) != digits:
            abort(HTTPStatus.NOT_FOUND)
        response = Response(style_sheet(digits), mimetype="text/css")
        response.cache_control.public = True
        response.cache_control.max_age = _COLOUR_SECONDS
        return response

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @blueprint.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """Answer calmly, and log where it broke and nothing that was sent."""
        if isinstance(error, UnavailableError):
            name, status = "unavailable", HTTPStatus.SERVICE_UNAVAILABLE
        elif isinstance(error, HTTPException):
            name, status = "failed", HTTPStatus(error.code or HTTPStatus.BAD_REQUEST)
        else:
            name, status = "failed", HTTPStatus.INTERNAL_SERVER_ERROR
        visit = _Visit(core, "")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("a page failed: %s request=%s", place_of(error), visit.request_id)
        return visit.render(name, ResetPage(state=PageState.UNKNOWN), status)

    return blueprint


class _Visit:
    """One request: the code that it is about, and the language that the reader chose on the page."""

    def __init__(self, core: Core, code: str, chosen_language: str | None = None) -> None:
        self.request_id = http.new_request_id()
        source = http.source_address(request.environ, core.settings)
        self._call = Call(core, Caller(source=source, request_id=self.request_id))
        self._code = code
        self.chosen_language = chosen_language
        self._is_https = http.comes_by_https(request.environ, core.settings)
        # With https, the prefix keeps other hosts of the domain from setting it. Source: RFC 6265bis, 4.1.3.2.
        self._cookie = "__Host-gatehouse-form" if self._is_https else "gatehouse-form"

    def is_own_form(self, token: str) -> bool:
        """Whether a form is from our page in this browser: it repeats what the browser's cookie says."""
        kept = self._kept_token()
        return kept is not None and hmac.compare_digest(kept.encode(), token.encode())

    def state_page(self, is_stale: bool = False) -> Response:
        """Return the page for what the code is good for; of a stale form, with a text that nothing was done."""
        page = hosted_reset.open_page(self._call, self._code)
        if is_stale and page.state in _WITH_FORM:
            return self.render(_NAMES[page.state], page, HTTPStatus.FORBIDDEN, "stale")
        return self.render(_NAMES[page.state], page, _STATUS[page.state])

    def choose(self, password: str) -> Response:
        """Set the new password, or return the form with what is wrong about it."""
        page = hosted_reset.open_page(self._call, self._code)
        if page.state is not PageState.OPEN:
            return self.render(_NAMES[page.state], page, _STATUS[page.state])
        if not password:
            return self.render("choose", page, HTTPStatus.UNPROCESSABLE_ENTITY, "missing")
        result = hosted_reset.choose(self._call, self._code, password)
        if result.is_success:
            return self.render("done", page, HTTPStatus.OK)
        if notice := _notice_of(result):
            return self.render("choose", page, HTTPStatus.UNPROCESSABLE_ENTITY, notice)
        # The code was used, or the account closed, between the two looks at it.
        return self.state_page()

    def send_again(self) -> Response:
        """Have a new link mailed, and say the same whether there was one to send."""
        page = hosted_reset.open_page(self._call, self._code)
        if page.state is PageState.LIMITED:
            return self.render(_NAMES[page.state], page, _STATUS[page.state])
        hosted_reset.send_again(self._call, self._code)
        return self.render("sent", page, HTTPStatus.OK)

    def render(self, name: str, page: ResetPage, status: HTTPStatus, notice: str | None = None) -> Response:
        """Return the page of this name, which nothing may keep."""
        entry = call_log.current()
        entry.outcome = name
        entry.note(self._call)
        language = best_language(self.chosen_language, request.accept_languages, page.language)
        token = self._kept_token() or secrets.token_urlsafe(_TOKEN_BYTES)
        found = texts(language)
        values = {"merchant": page.merchant_name, "min_length": page.rules.min_length}
        values |= {"max_length": page.rules.max_length}
        response = make_response(
            render_template(
                f"hosted/{name}.html",
                name=name,
                page=page,
                text=lambda key: found[key].format_map(values),
                notice=notice,
                language=language,
                languages=[(each, texts(each)["language"]) for each in LANGUAGES],
                colour=digits_of(page.colour),
                min_different=MIN_DIFFERENT_CHARACTERS,
                token=token,
                # A browser would change line ends and zero bytes, which a partner's own code may have.
                code=quote(self._code, safe=""),
            ),
            status,
        )
        response.set_cookie(self._cookie, token, path="/", secure=self._is_https, httponly=True, samesite="Strict")
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Language"] = language
        response.headers["X-Request-Id"] = self.request_id
        if page.retry_after is not None:
            response.headers["Retry-After"] = http.retry_after(page.retry_after)
        elif status is HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = _RETRY_SECONDS
        return response

    def _kept_token(self) -> str | None:
        token = request.cookies.get(self._cookie, "")
        return token if _TOKEN.fullmatch(token) else None


def _read_form() -> Mapping[str, str]:
    """Return the fields of a form, which must be in UTF-8: a password is never taken in part or by guess."""
    if request.mimetype != "application/x-www-form-urlencoded":
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    request.max_content_length = MAX_BODY_BYTES
    try:
        body = request.get_data().decode()
        fields = dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=20))
        return fields | {"code": unquote(fields.get("code", ""), errors="strict")}
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST)


def _notice_of(result: ServiceResult) -> str | None:
    """Return the name of the text that says why a password was refused, or None when it is not about that."""
    if isinstance(result.weakness, Weakness):
        return result.weakness.name.lower()
    notices = {ReturnCode.PASSWORD_REUSED: "reused", ReturnCode.PASSWORD_COMPROMISED: "compromised"}
    return notices.get(result.return_code)
