"""`/healthz`, whether the process is alive, and `/readyz`, whether it can do its work."""

from flask import Blueprint, Response, jsonify

from gatehouse.operations import health
from gatehouse.operations.core import Core


def make_blueprint(core: Core) -> Blueprint:
    """Return both addresses."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def alive_route() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    def ready_route() -> tuple[Response, int]:
        checks = health.check(core)
        is_ready = all(each.is_ok for each in checks)
        shown = {each.subject: {"ok": each.is_ok, "detail": each.detail} for each in checks}
        return jsonify(status="ready" if is_ready else "not ready", checks=shown), 200 if is_ready else 503

    return blueprint
