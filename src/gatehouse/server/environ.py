"""A request as WSGI has it, whichever server read it, with the rules of gunicorn. Source: PEP 3333; RFC 3875."""

import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

_FIXED: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def of_granian(scope: Any) -> dict[str, Any]:
    """Return a request that granian has read, without its body."""
    name, port = _split(scope.server)
    environ: dict[str, Any] = _FIXED | {
        "REQUEST_METHOD": scope.method,
        # WSGI shows bytes as characters of Latin-1; granian has decoded them.
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": "HTTP/1.1" if scope.http_version == "1.1" else "HTTP/1.0",
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "REMOTE_ADDR": _split(scope.client)[0],
        "wsgi.url_scheme": scope.scheme,
    }
    _add_headers(environ, scope.headers.items())
    return environ


def of_gunicorn(request: Any, client: Any, server: Any) -> dict[str, Any]:
    """Return a request that gunicorn has read, without its body.

    Of a Unix socket, `client` is no tuple, and `server` its path.
    """
    name, port = (server[0], str(server[1])) if isinstance(server, tuple) else ("", "")
    environ: dict[str, Any] = _FIXED | {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_PROTOCOL": f"HTTP/{request.version[0]}.{request.version[1]}",
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "REMOTE_ADDR": client[0] if isinstance(client, tuple) else "",
        "wsgi.url_scheme": request.scheme,
    }
    _add_headers(environ, request.headers)
    return environ


def _add_headers(environ: dict[str, Any], headers: Iterable[tuple[str, str]]) -> None:
    """Add the headers. Those that come several times are joined by commas.

    One with an underscore in its name is left out: it would look like another one, such as `X_Forwarded_For`, which a
    proxy lets pass.
    """
    for header, value in headers:
        if "_" in header:
            continue
        key = header.upper().replace("-", "_")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            environ[key] = value
            continue
        key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if "CONTENT_LENGTH" not in environ:
        # Reading the body ends though nobody told its length. Of another one, Flask looks whether all of it has come.
        environ["wsgi.input_terminated"] = True


def _split(address: str) -> tuple[str, str]:
    """Return host and port of `192.0.2.7:80` or `[2001:db8::7]:80`; of a Unix socket there are none."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port if host else ""
