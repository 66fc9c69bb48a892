"""Serves what cannot be done without: gunicorn as the service has it, one parse of the envelope, one fixed reply.

Arguments: the port, and the file with the body of the reply.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lxml import etree

from gatehouse.config import Settings
from gatehouse.server import Server


class BareServer(Server):
    """The service's gunicorn with an application that does nothing of the service."""

    def __init__(self, settings: Settings, reply: bytes) -> None:
        """Take the body of every reply."""
        self._reply = reply
        super().__init__(settings, with_worker=False, when_ready=lambda: None)

    def load(self) -> Callable[..., Iterable[bytes]]:
        """Return the application."""
        reply = self._reply

        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] == "POST":
                body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
                etree.fromstring(body, etree.XMLParser(resolve_entities=False))
            headers = [("Content-Type", "text/xml; charset=utf-8"), ("Content-Length", str(len(reply)))]
            start_response("200 OK", headers)
            return [reply]

        return answer


def main(port: str, reply_file: str) -> None:
    """Serve until the process is terminated."""
    settings = Settings(bind=f"127.0.0.1:{port}")
    BareServer(settings, Path(reply_file).read_bytes()).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
