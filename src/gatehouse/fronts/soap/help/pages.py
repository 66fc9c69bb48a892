"""The help page at the bare address of the service, the table of return codes, and the files that both load.

Everything is made once for the namespaces in use; what differs between requests is the address alone.
"""

from functools import cache, lru_cache
from html import escape
from http import HTTPStatus
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gatehouse.config import Settings
from gatehouse.domain.codes import ReturnCode
from gatehouse.fronts import data_contracts, http
from gatehouse.fronts.data_contracts import REQUESTS, Blocks, Flag, Secret
from gatehouse.fronts.http import Environ
from gatehouse.fronts.soap.help import advice, methods, samples

FOLDER = "/help"
"""Where the other pages and the files are, below the address of the service: where WCF has help, and no method."""

Answer = tuple[HTTPStatus, list[tuple[str, str]], bytes]

_HEADERS = [
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'",
    ),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("X-Robots-Tag", "noindex"),
]

_PAGES = {"": "service", FOLDER: "service", f"{FOLDER}/codes": "codes"}
_FILES = {
    f"{FOLDER}/help.css": "text/css; charset=utf-8",
    f"{FOLDER}/help.js": "text/javascript; charset=utf-8",
    f"{FOLDER}/icon.svg": "image/svg+xml",
}
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
_FILE_SECONDS = 300

_ROOT = "gatehouse-root/"
"""Stands in a page for the way back to the address of the service."""

_KEPT_PAGES = 16
"""Pages with their address filled in that are kept; a stranger may invent hosts without end."""

_MOST_SLASHES = 4
"""Slashes that a page's own path may have and still find its files; a stranger may send thousands."""

_package = resources.files("gatehouse.fronts.soap.help")


class HelpPages:
    """What GET and HEAD answer at the address of the service and below it."""

    def __init__(self, settings: Settings, path: str) -> None:
        """`path` is where the service is."""
        self._settings = settings
        self._path = path

    def has(self, path: str) -> bool:
        """Whether a path is ours and nobody else's, in any case of its letters."""
        return f"{path.casefold()}/".startswith(f"{self._path}{FOLDER}/")

    def answer(self, environ: Environ) -> Answer:
        """Return the page or the file at the path of this request."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", "GET, HEAD")], b""
        below = environ.get("PATH_INFO", "")[len(self._path) :]
        name = below.casefold().rstrip("/")
        # What else leads to the service, such as an endpoint's own suffix, shows the page of the service.
        page = _PAGES.get(name if name.startswith(FOLDER) else "")
        if page:
            address = http.base_address(environ, self._settings) + self._path
            body = _page(page, self._settings.soap_namespace, address, _way_back(below))
            return HTTPStatus.OK, [("Content-Type", _HTML), ("Cache-Control", "no-cache"), *_HEADERS], body
        if name in _FILES:
            headers = [("Content-Type", _FILES[name]), ("Cache-Control", f"max-age={_FILE_SECONDS}"), *_HEADERS]
            return HTTPStatus.OK, headers, _file(name.rpartition("/")[2])
        return HTTPStatus.NOT_FOUND, [("Content-Type", _TEXT), *_HEADERS], b"There is no such page.\n"


def _way_back(below: str) -> str:
    """Return the relative way from a page to what is below the address: a browser counts by slashes.

    An address of our own would be another origin for a reader who came by another name, and nothing would load.
    """
    slashes = min(below.count("/"), _MOST_SLASHES)
    return "../" * (slashes - 1) if slashes else "account.svc/"


@lru_cache(maxsize=_KEPT_PAGES)
def _page(name: str, namespace: str, address: str, way_back: str) -> bytes:
    html = _pages(namespace)[name]
    return html.replace(_ROOT, way_back).replace(samples.ADDRESS, escape(address)).encode()


@cache
def _pages(namespace: str) -> dict[str, str]:
    """Return the pages, with `samples.ADDRESS` and `_ROOT` in them."""
    templates = Environment(
        loader=PackageLoader("gatehouse.fronts.soap.help", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    values: dict[str, Any] = {
        "root": _ROOT,
        "address": samples.ADDRESS,
        "namespace": namespace,
        "methods": methods,
        "requests": REQUESTS,
        "service_result": data_contracts.SERVICE_RESULT,
        "type_names": {str: "string", int: "int", bool: "boolean"},
        "is_block": lambda member: isinstance(member, Blocks),
        "is_flag": lambda member: isinstance(member, Flag),
        "is_secret": lambda member: isinstance(member, Secret),
        "codes": list(ReturnCode),
        "advice": advice,
        "languages": samples.LANGUAGES,
        "sample": lambda language, method: samples.coloured(language, samples.source(language, method, namespace)),
        "application_header": data_contracts.APPLICATION_HEADER,
        "credentials_header": data_contracts.CREDENTIALS_HEADER,
    }
    return {name: templates.get_template(f"{name}.html").render(values) for name in set(_PAGES.values())}


@cache
def _file(name: str) -> bytes:
    return (_package / "static" / name).read_bytes()
