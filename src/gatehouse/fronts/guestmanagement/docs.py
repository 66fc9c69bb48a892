"""`/openapi.json`, and `/docs`, which shows it with Swagger UI, served from here and asking nobody else."""

import json
from importlib import resources

from flask import Blueprint, Response, abort, request

from gatehouse.fronts.guestmanagement import openapi
from gatehouse.operations.core import Core

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guest management</title>
<link rel="icon" href="FOLDER/favicon-32x32.png">
<link rel="stylesheet" href="FOLDER/swagger-ui.css">
</head>
<body>
<noscript>
<p>This page needs JavaScript. The description itself is <a href="FOLDER/../openapi.json">openapi.json</a>.</p>
</noscript>
<main id="description"></main>
<script src="FOLDER/swagger-ui-bundle.js"></script>
<script src="FOLDER/start.js"></script>
</body>
</html>
"""
"""The page. `FOLDER` is the folder of its files as seen from its address, since it may stand behind a path."""

_FILES = {
    "swagger-ui.css": ("flask_swagger_ui", "dist", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("flask_swagger_ui", "dist", "text/javascript; charset=utf-8"),
    "favicon-32x32.png": ("flask_swagger_ui", "dist", "image/png"),
    "start.js": ("gatehouse.fronts.guestmanagement", "static", "text/javascript; charset=utf-8"),
}
"""What the page loads: the package and folder that each file comes from, and its media type."""


def make_blueprint(core: Core) -> Blueprint:
    """Return the addresses of the description and of the page."""
    blueprint = Blueprint("docs", __name__)
    description = json.dumps(openapi.describe(core.settings.rest_prefix), indent=2)

    @blueprint.get("/openapi.json")
    def description_route() -> Response:
        return _file(description, "application/json; charset=utf-8")

    @blueprint.get("/docs")
    @blueprint.get("/docs/")
    def page_route() -> Response:
        folder = "." if request.path.endswith("/") else "docs"
        answer = _file(_PAGE.replace("FOLDER", folder), "text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    @blueprint.get("/docs/<name>")
    def file_route(name: str) -> Response:
        if name not in _FILES:
            abort(404)
        package, folder, media_type = _FILES[name]
        return _file((resources.files(package) / folder / name).read_bytes(), media_type)

    return blueprint


def _file(content: str | bytes, media_type: str) -> Response:
    headers = {"Content-Type": media_type, "Cache-Control": "max-age=300", "Referrer-Policy": "no-referrer"}
    return Response(content, headers=headers)
