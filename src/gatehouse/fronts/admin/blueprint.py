"""The panel's pages put together, with the headers of every answer and what is answered when something breaks."""

import logging
from http import HTTPStatus

from flask import Blueprint, Response, abort
from werkzeug.exceptions import HTTPException

from gatehouse.domain.errors import AdministrationError, NotAllowedError, UnavailableError, place_of
from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.guarding import guarded
from gatehouse.fronts.admin.tasks import Task, Tasks
from gatehouse.fronts.admin.views import GROUPS
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations.core import Core

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}

_TEXTS = {
    HTTPStatus.NOT_FOUND: ("There is nothing here", "It does not exist, or it is not among what you look after."),
    HTTPStatus.FORBIDDEN: ("You may not do this", "Your role does not have this right. Ask an owner."),
}
_BROKEN = ("This did not work", "It was not your fault. Try again; if it stays so, look for the request in the log.")
_AWAY = ("Please try again in a moment", "The database does not answer, or there is too much to do.")
_RETRY_SECONDS = "30"

_log = logging.getLogger("gatehouse.admin")


def make_blueprint(core: Core) -> Blueprint:
    """Return the panel."""
    blueprint = Blueprint("admin", __name__, url_prefix="/admin", static_folder="static", template_folder="templates")
    for group in GROUPS:
        for task in group.found:
            blueprint.add_url_rule(
                task.rule, task.endpoint, guarded(core, task), methods=task.methods, strict_slashes=False
            )
    tabs = [group.tab for group in GROUPS if group.tab is not None]
    blueprint.add_url_rule("/<path:rest>", "nowhere", guarded(core, _nowhere()))

    @blueprint.app_template_global("merchant_tabs")
    def merchant_tabs() -> object:
        return tabs

    @blueprint.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @blueprint.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        """Answer calmly, and log where it broke and nothing that was sent."""
        status, texts = HTTPStatus.INTERNAL_SERVER_ERROR, _BROKEN
        if isinstance(error, NotAllowedError):
            status, texts = HTTPStatus.FORBIDDEN, _TEXTS[HTTPStatus.FORBIDDEN]
        elif isinstance(error, AdministrationError):
            text = str(error)
            status, texts = HTTPStatus.CONFLICT, ("This cannot be done", f"{text[:1].upper()}{text[1:]}.")
        elif isinstance(error, UnavailableError):
            status, texts = HTTPStatus.SERVICE_UNAVAILABLE, _AWAY
        elif isinstance(error, HTTPException):
            status = HTTPStatus(error.code or HTTPStatus.BAD_REQUEST)
            texts = _TEXTS.get(status, ("This was not understood", f"{status.phrase}."))
        return _answer(core, error, status, texts)

    return blueprint


def _answer(core: Core, error: Exception, status: HTTPStatus, texts: tuple[str, str]) -> Response:
    try:
        visit = Visit(core)
    except UnavailableError:
        response = Response(f"{_AWAY[0]}. {_AWAY[1]}\n", HTTPStatus.SERVICE_UNAVAILABLE, mimetype="text/plain")
        response.headers["Retry-After"] = _RETRY_SECONDS
        return response
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("a page of the panel failed: %s request=%s", place_of(error), visit.request_id)
    response = visit.problem(status, *texts)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _nowhere() -> Task:
    """Return the task of every address that has none."""
    tasks = Tasks("nowhere")

    @tasks.page("/", Right.READ)
    def nowhere(visit: Visit, **_: object) -> Response:
        abort(HTTPStatus.NOT_FOUND)

    return tasks.found[0]
