"""A request of granian as WSGI has it, with the rules of gunicorn. Source: PEP 3333; RFC 3875."""

import sys
from typing import Any

_FIXED: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    # The body has come as a whole, so that reading it ends also where nobody told its length.
    "wsgi.input_terminated": True,
}


def make_environ(scope: Any) -> dict[str, Any]:
    """Return the request, without its body.

    Headers that come several times are joined by commas. One with an underscore in its name is left out: it would look
    like another one, such as `X_Forwarded_For`, which a proxy lets pass.
    """
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
    for header, value in scope.headers.items():
        if "_" in header:
            continue
        key = header.upper().replace("-", "_")
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            environ[key] = value
            continue
        key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _split(address: str) -> tuple[str, str]:
    """Return host and port of `192.0.2.7:80` or `[2001:db8::7]:80`; of a Unix socket there are none."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port if host else ""
