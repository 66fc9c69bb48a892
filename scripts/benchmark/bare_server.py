"""Serves what cannot be done without: gunicorn with its own threaded worker, and an application of a few lines.

Arguments: the port, and a JSON file with the reply of each path; of `/sql`, with what is needed to make the call once.

| path | what it does |
| --- | --- |
| /fixed | reads the body and sends the reply as it is |
| /lxml | parses the envelope, and builds the reply element by element |
| /json | parses the body, and dumps the reply |
| /sql | executes what a call of the service sends to PostgreSQL, by psycopg alone, and sends the reply |
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from lxml import etree

from gatehouse.config import Settings

_CONNECTIONS, _KEEP_ALIVE = 800, 30
"""Of the service's own server."""

Answer = Callable[[bytes], bytes]


class BareServer(BaseApplication):
    """gunicorn with one process and as many threads as the service has by default, and nothing else of the service."""

    def __init__(self, port: int, replies: dict[str, Any]) -> None:
        """Take the replies by their paths."""
        self._port = port
        self._replies = replies
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options."""
        options = {
            "bind": f"127.0.0.1:{self._port}",
            "threads": Settings().threads,
            "worker_class": "gthread",
            "worker_connections": _CONNECTIONS,
            "keepalive": _KEEP_ALIVE,
            "control_socket_disable": True,
            "loglevel": "warning",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        """Return the application."""
        answers = {path: _KINDS[path](reply) for path, reply in self._replies.items()}

        def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            answer = answers.get(environ["PATH_INFO"])
            body = answer(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))) if answer else b""
            start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(body)))])
            return [body]

        return application


def _fixed(reply: str) -> Answer:
    encoded = reply.encode()
    return lambda _: encoded


def _lxml(reply: str) -> Answer:
    parser = etree.XMLParser(resolve_entities=False)
    root = etree.fromstring(reply.encode(), parser)

    def answer(body: bytes) -> bytes:
        etree.fromstring(body, etree.XMLParser(resolve_entities=False))
        return etree.tostring(_build(root, None), xml_declaration=True, encoding="utf-8")

    return answer


def _build(model: Any, parent: Any) -> Any:
    """Return a new element like the model, below the parent."""
    made = (
        etree.Element(model.tag, nsmap=model.nsmap)
        if parent is None
        else etree.SubElement(parent, model.tag, nsmap=model.nsmap)
    )
    for name, value in model.items():
        made.set(name, value)
    made.text = model.text
    for child in model:
        _build(child, made)
    return made


def _json(reply: str) -> Answer:
    result = json.loads(reply)

    def answer(body: bytes) -> bytes:
        json.loads(body)
        return json.dumps(result, separators=(",", ":")).encode()

    return answer


def _sql(asked: dict[str, Any]) -> Answer:
    # Here alone, so that the other answers have nothing of the service about them.
    from gatehouse.app import create_app
    from gatehouse.operations.core import make_core
    from scripts.benchmark.replaying import Replay
    from scripts.benchmark.statements import RECORDERS

    encoded = asked["reply"].encode()
    core = make_core(Settings(database_url=asked["url"], secret_key=asked["secretKey"]))
    application = create_app(core.settings, core)
    logins = [each.encode() for each in asked["logins"]]
    replay = Replay(asked["url"], RECORDERS[asked["method"]](application, asked["token"], logins))
    core.database.close()

    def answer(_: bytes) -> bytes:
        replay.run()
        return encoded

    return answer


_KINDS: dict[str, Callable[[Any], Answer]] = {"/fixed": _fixed, "/lxml": _lxml, "/json": _json, "/sql": _sql}


def main(port: str, replies_file: str) -> None:
    """Serve until the process is terminated."""
    replies = json.loads(Path(replies_file).read_text(encoding="utf-8"))
    BareServer(int(port), replies).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
