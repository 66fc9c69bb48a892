"""The two versions of SOAP that are answered at one address, each in its own."""

from enum import Enum

_ROLE = "http://www.w3.org/2003/05/soap-envelope/role/"


class SoapVersion(Enum):
    """A version: its envelope's namespace, its media type, and how it says for whom a header is."""

    SOAP_11 = (
        "http://schemas.xmlsoap.org/soap/envelope/",
        "text/xml",
        "actor",
        ("", "http://schemas.xmlsoap.org/soap/actor/next"),
    )
    SOAP_12 = (
        "http://www.w3.org/2003/05/soap-envelope",
        "application/soap+xml",
        "role",
        ("", f"{_ROLE}next", f"{_ROLE}ultimateReceiver"),
    )

    def __init__(self, namespace: str, media_type: str, role_attribute: str, own_roles: tuple[str, ...]) -> None:
        self.namespace, self.media_type = namespace, media_type
        self.content_type = f"{media_type}; charset=utf-8"
        self.envelope, self.header, self.body = (f"{{{namespace}}}{name}" for name in ("Envelope", "Header", "Body"))
        self.must_understand, self.role = f"{{{namespace}}}mustUnderstand", f"{{{namespace}}}{role_attribute}"
        self.own_roles = own_roles


BY_MEDIA_TYPE = {version.media_type: version for version in SoapVersion}
