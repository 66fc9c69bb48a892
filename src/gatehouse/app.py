"""The one place where parts meet: settings in, a WSGI application out."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from gatehouse.config import Settings
from gatehouse.domain.errors import place_of
from gatehouse.fronts import call_log, health, http, web_headers
from gatehouse.fronts.admin import blueprint as admin
from gatehouse.fronts.call_log import Wsgi as Wsgi
from gatehouse.fronts.call_log import logged
from gatehouse.fronts.guestmanagement import docs, routes
from gatehouse.fronts.hosted import views
from gatehouse.fronts.pasted_requests import PastedRequests
from gatehouse.fronts.read_requests import READER
from gatehouse.fronts.soap.app import ADDRESSES, SoapFront
from gatehouse.fronts.soap.app import PATH as SOAP_PATH
from gatehouse.fronts.wcf_json.app import METHODS, JsonFront
from gatehouse.operations.core import Core, make_core

_log = logging.getLogger("gatehouse.app")


def create_app(settings: Settings, core: Core | None = None) -> Wsgi:
    """Return the service. Nothing is connected until the first call."""
    core = core or make_core(settings)
    soap, json = SoapFront(core), JsonFront(core)
    guest_paths = routes.paths(settings)
    others = _make_flask_app(core, set(guest_paths.values()), PastedRequests(settings, soap, json))

    def gatehouse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").casefold().rstrip("/")
        if path in ADDRESSES or soap.help.has(path):
            return soap(environ, start_response)
        address, _, last = path.rpartition("/")
        if address == SOAP_PATH and last in METHODS:
            return json(environ, start_response)
        if path in guest_paths:
            environ["PATH_INFO"] = guest_paths[path]
        return others(environ, start_response)

    return logged(web_headers.guarded(gatehouse, settings), settings)


def _make_flask_app(core: Core, guest_paths: set[str], pasted: PastedRequests) -> Flask:
    """Return the application of everything but SOAP, which shows neither traces nor Flask's own pages."""
    app = Flask("gatehouse", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = core.settings.soap_max_bytes
    app.extensions[READER] = pasted
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the provider that Flask has by default
    for part in (routes, docs, views, health, admin):
        app.register_blueprint(part.make_blueprint(core))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Location")}
        if request.path in guest_paths:
            return routes.refuse(status, headers)
        text = f"There is nothing at this address. The account service is at {SOAP_PATH}"
        return _plain(status, text if status is HTTPStatus.NOT_FOUND else status.phrase, headers)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        request_id = http.new_request_id()
        _log.error("a request failed: %s request=%s", place_of(error), request_id)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return _plain(status, status.phrase, {"X-Request-Id": request_id})

    @app.after_request
    def guard(answer: Response) -> Response:
        entry = call_log.current()
        entry.front = request.blueprint or "none"
        entry.is_routine = entry.front == "health"
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("X-Request-Id", http.new_request_id())
        return answer

    return app


def _plain(status: HTTPStatus, text: str, headers: dict[str, str]) -> Response:
    return Response(f"{text}\n", status, {"Content-Type": "text/plain; charset=utf-8", **headers})
