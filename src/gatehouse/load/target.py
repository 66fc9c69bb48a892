"""The service that is loaded: its address, and requests to it as bytes for the wire."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

_PATH = "/v2/account.svc"
_NAMESPACE = "http://tempuri.org/"


@dataclass(frozen=True)
class Target:
    """Where the service is. `prefix` is the path that it stands under, or empty."""

    host: str
    port: int
    is_tls: bool
    prefix: str

    _PORTS: ClassVar = {"http": 80, "https": 443}

    @classmethod
    def of_url(cls, url: str) -> "Target":
        """Return the target of an address, with or without the path of the service. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in cls._PORTS or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError("must be an address as https://login.example.com")
        prefix = parts.path.rstrip("/")
        if prefix.casefold().endswith(_PATH):
            prefix = prefix[: -len(_PATH)]
        return cls(parts.hostname, parts.port or cls._PORTS[parts.scheme], parts.scheme == "https", prefix)

    def soap(self, method: str, token: str, session: str | None = None, **members: str) -> bytes:
        """Return a call as a .NET proxy would send it. The connection is kept."""
        content = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items())
        body = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f'<{method} xmlns="{_NAMESPACE}">{content}</{method}></s:Body></s:Envelope>'
        ).encode()
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{_NAMESPACE}IAccount/{method}"',
            "applicationToken": token,
        }
        if session is not None:
            headers["credentialsToken"] = session
        return self.post(_PATH, body, headers)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        """Return a request with this body."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == self._PORTS["https" if self.is_tls else "http"]
        lines = [
            f"POST {self.prefix}{path} HTTP/1.1",
            f"Host: {host}" if is_usual else f"Host: {host}:{self.port}",
            "User-Agent: gatehouse-load",
            *(f"{name}: {value}" for name, value in headers.items()),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body
