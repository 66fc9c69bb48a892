"""A SOAP client without a toolkit: what it sends is what a test says, and nothing is tidied up."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

PATH = "/v2/account.svc"
TARGET = "http://tempuri.org/"
DATA = "http://schemas.datacontract.org/2004/07/Gatehouse"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "text/xml; charset=utf-8"

_PREFIXES = f'xmlns:s="{ENVELOPE}" xmlns:xsi="{XSI}"'

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def members(values: Mapping[str, str | bool | None]) -> str:
    """Return the elements of these values; None leaves one out."""
    return "".join(
        f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else value, {chr(13): '&#13;'})}</{name}>"
        for name, value in values.items()
        if value is not None
    )


def envelope(content: str, header: str = "") -> str:
    """Return an envelope around the content of its body and, where there is any, of its header."""
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f"<s:Envelope {_PREFIXES}>{head}<s:Body>{content}</s:Body></s:Envelope>"


def call(method: str, content: str = "") -> str:
    """Return the element of a call with this content."""
    return f'<{method} xmlns="{TARGET}">{content}</{method}>'


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key.casefold() == name.casefold()), None)

    @property
    def cookies(self) -> list[str]:
        """The `Set-Cookie` headers."""
        return [value for key, value in self.headers if key.casefold() == "set-cookie"]

    @property
    def root(self) -> etree._Element:
        """The envelope."""
        return etree.fromstring(self.body)

    @property
    def result(self) -> dict[str, str | None]:
        """The members of the result by name; None is a nil one."""
        assert self.status == 200, f"{self.status}: {self.body.decode()}"
        (response,) = self.root.find(f"{{{ENVELOPE}}}Body")
        (result,) = response
        return {
            etree.QName(child).localname: None if child.get(f"{{{XSI}}}nil") == "true" else child.text or ""
            for child in result
        }

    @property
    def outcome(self) -> tuple[str | None, ...]:
        """Code and key of the result."""
        return self.result["Code"], self.result["Key"]

    @property
    def fault(self) -> tuple[int, str, str]:
        """Status, code as `{namespace}name`, and text of a fault; nothing else may be in it."""
        root = self.root
        assert root.tag == f"{{{ENVELOPE}}}Envelope"
        (body,) = root
        (fault,) = body
        assert fault.tag == f"{{{ENVELOPE}}}Fault"
        assert [child.tag for child in fault] == ["faultcode", "faultstring"]
        prefix, _, name = (fault.findtext("faultcode") or "").partition(":")
        return self.status, f"{{{fault.find('faultcode').nsmap[prefix]}}}{name}", fault.findtext("faultstring") or ""


@cache
def _schema() -> etree.XMLSchema:
    folder = Path(__file__).parents[2] / "wsdl"
    # What the other refers to comes first, because that one names no place for it.
    files = {DATA: "xsd2.xsd", TARGET: "xsd0.xsd"}
    imports = "".join(f'<xs:import namespace="{name}" schemaLocation="{file}"/>' for name, file in files.items())
    text = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(text, base_url=f"{folder}/"))


def assert_valid(answer: Answer) -> None:
    """A reply is what the schemas in `wsdl/` say, for every call of every test."""
    (body,) = answer.root
    (response,) = body
    _schema().assertValid(response)


class Client:
    """Calls a WSGI application as a server would."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def request(
        self,
        method: str,
        target: str = PATH,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        **environ: Any,
    ) -> Answer:
        """Send one request. `environ` is put over what a server would say of it; None takes a name away."""
        path, _, query = target.partition("?")
        all_environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "10.0.0.1",
            "SERVER_PORT": "8080",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "HTTP_HOST": "accounts.example.com",
            "CONTENT_LENGTH": str(len(body)) if body else None,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
        }
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            all_environ[key] = value.encode().decode("latin-1")
        all_environ |= environ
        started: list[Any] = []
        parts = self._app(
            {name: value for name, value in all_environ.items() if value is not None},
            lambda status, response_headers: started.append((status, response_headers)),
        )
        content = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        ((status, response_headers),) = started
        return Answer(int(status.split()[0]), tuple(response_headers), content)

    def get(self, target: str, **rest: Any) -> Answer:
        """Send a GET."""
        return self.request("GET", target, **rest)

    def post(
        self,
        body: str | bytes,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = XML,
        **environ: Any,
    ) -> Answer:
        """Send an envelope."""
        content = body if isinstance(body, bytes) else body.encode()
        return self.request("POST", PATH, content, headers, CONTENT_TYPE=content_type, **environ)
